"""A description of the surface under each column: land, sea and sea ice."""

import equinox as eqx
import jax
from jaxtyping import Array, Float

from ngcm_cli.arrays import Columns, NodalSurface
from ngcm_cli.physics.scaling import Features, Normalization
from ngcm_cli.physics.towers import ColumnTower


class UniformEmbedding(eqx.Module):
    """One learned vector, the same everywhere."""

    vector: Float[Array, "channel 1 1"]

    def __call__(self, features: Features) -> Columns:
        """Return the vector; the features are not used."""
        return self.vector


class NetworkEmbedding(eqx.Module):
    """A small network of some features of the column.

    Attributes:
        names: which features it sees.
        normalization: brings them to order one.
        tower: the network.
    """

    names: tuple[str, ...] = eqx.field(static=True)
    normalization: Normalization
    tower: ColumnTower

    def __call__(self, features: Features) -> Columns:
        """Map the named features to (channel, longitude, latitude)."""
        seen = {name: features[name] for name in self.names}
        return self.tower(self.normalization(seen))


class SurfaceEmbedding(eqx.Module):
    """Land, sea and sea-ice embeddings, mixed by their area fractions.

    Attributes:
        land_fraction: share of each cell that is land, 0 … 1.
        land: embedding of land.
        sea: embedding of open water.
        sea_ice: embedding of sea ice.
    """

    land_fraction: NodalSurface
    land: UniformEmbedding | NetworkEmbedding
    sea: UniformEmbedding | NetworkEmbedding
    sea_ice: UniformEmbedding | NetworkEmbedding

    def __call__(self, features: Features, forcing: dict[str, jax.Array]) -> Columns:
        """Return the mixed embedding.

        Args:
            features: nodal fields of the state; only the lowest level is used.
            forcing: ``sea_surface_temperature`` [K] and ``sea_ice_cover`` [0 … 1], each
                (1, longitude, latitude) and finite everywhere, also over land.
        """
        lowest = {name: x[-1:] for name, x in features.items()} | forcing
        land, ice = self.land_fraction, forcing["sea_ice_cover"]
        return (
            land * self.land(lowest)
            + (1 - ice) * (1 - land) * self.sea(lowest)
            + ice * (1 - land) * self.sea_ice(lowest)
        )
