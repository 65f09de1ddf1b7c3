"""Further outputs of a model: surface variables that a network reads off its state."""

import dataclasses
from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ngcm_cli.arrays import NodalSurface
from ngcm_cli.dynamics import State
from ngcm_cli.gcm.fields import FORCING
from ngcm_cli.physics.features import LocationTimeFeatures, state_features
from ngcm_cli.physics.scaling import Normalization
from ngcm_cli.physics.towers import ColumnTower
from ngcm_cli.spectral.transform import SphericalHarmonics

Sea = Mapping[str, NodalSurface]
"""Sea-surface temperature and sea-ice cover, by name, at one time."""


@dataclasses.dataclass(frozen=True)
class OutputAttributes:
    """What files say of an output.

    Attributes:
        units: in UDUNITS notation, SI.
        long_name: description.
        standard_name: CF standard name, or empty.
        cell_methods: CF cell methods; empty for values at an instant.
        comment: CF comment, or empty.
        aliases: other names that users may give.
        cmip: CMIP short name, under which it is exported; or empty.
    """

    units: str
    long_name: str
    standard_name: str = ""
    cell_methods: str = ""
    comment: str = ""
    aliases: tuple[str, ...] = ()
    cmip: str = ""


class OutputHead(eqx.Module):
    """A column network from the lowest levels of the state to a surface variable.

    It changes nothing else: the state does not depend on it. Its features are wind and
    other variables of the state, those of place and time, sunlight among them, learned
    fields of position of its own, and, if it sees the sea, temperature and ice of that.

    Attributes:
        attributes: of the variable in files.
        harmonics: transforms of the model's grid.
        location_time: features of place and time.
        fields: state variables among the features, besides wind.
        levels: how many of the lowest levels it sees.
        sees_sea: whether sea-surface temperature and sea ice are among the features.
        normalization: of the features.
        tower: the network.
        shift: mean of the variable, in its units.
        scale: its standard deviation.
        minimum: which it never goes below, or None. Then it is this bound plus the
            softplus of what the network gives, times the scale, and the shift is not
            used.
    """

    attributes: OutputAttributes = eqx.field(static=True)
    harmonics: SphericalHarmonics
    location_time: LocationTimeFeatures
    fields: tuple[str, ...] = eqx.field(static=True)
    levels: int = eqx.field(static=True)
    sees_sea: bool = eqx.field(static=True)
    normalization: Normalization
    tower: ColumnTower
    shift: float = eqx.field(static=True)
    scale: float = eqx.field(static=True)
    minimum: float | None = eqx.field(static=True)

    def __call__(
        self, state: State, time: Float[Array, ""], sea: Sea | None = None
    ) -> NodalSurface:
        """Return the variable in its units, (1, longitude, latitude).

        Args:
            state: modal state.
            time: nondimensional time since 1979.
            sea: sea-surface temperature [K] and sea-ice cover [0 … 1] by name, as
                `gcm.Forcing.select` returns them; not used by one that does not see it.

        Raises:
            ValueError: it sees the sea, which is None.
        """
        lowest = jax.tree.map(lambda x: x[-self.levels :], state)
        features = state_features(lowest, self.harmonics, self.fields, gradients=False)
        features |= self.location_time(time)
        if self.sees_sea:
            if sea is None:
                title = self.attributes.long_name
                raise ValueError(f"'{title}' depends on the sea: give the forcing")
            features |= {name: sea[name] for name in FORCING}
        found = self.tower(self.normalization(features))
        if self.minimum is None:
            return self.shift + self.scale * found
        return self.minimum + self.scale * jax.nn.softplus(found)


def squared_error(
    head: OutputHead,
    state: State,
    time: Float[Array, ""],
    truth: Float[Array, "1 longitude latitude"],
    sea: Sea | None = None,
) -> Float[Array, ""]:
    """Return the mean square over the sphere of (output - truth)/scale.

    Differentiable in the head. Where the truth is NaN, such as over the sea, it does
    not count.

    Args:
        head: of the variable.
        state: modal state.
        time: nondimensional time since 1979, as in `gcm.ModelState`.
        truth: the variable in its units; finite somewhere.
        sea: as the head takes it.
    """
    known = jnp.isfinite(truth)
    area = np.asarray(head.harmonics.grid.area_weights, np.float32)
    weights = jnp.where(known, jnp.broadcast_to(area, truth.shape), 0)
    difference = (head(state, time, sea) - jnp.where(known, truth, 0)) / head.scale
    return (weights * difference**2).sum() / weights.sum()
