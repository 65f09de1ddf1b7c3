"""Surface height in spectral space, with an optional learned correction."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ngcm_cli import units
from ngcm_cli.spectral.filters import change_truncation
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.transform import SphericalHarmonics


def modal_orography(
    geopotential_at_surface: np.ndarray, harmonics: SphericalHarmonics, grid: Grid
) -> jax.Array:
    """Return surface height from surface geopotential, nondimensional.

    Args:
        geopotential_at_surface: on the nodes of ``harmonics``, m2 s-2.
        harmonics: of the grid of the data.
        grid: whose truncation the result has.

    Returns:
        Modal array of shape ``grid.modal_shape``.
    """
    height = geopotential_at_surface / units.GRAVITY_SI * units.METER
    return _projected(height.astype(np.float32), harmonics, grid.modal_shape)


@eqx.filter_jit  # one program, and not a dozen, before every run
def _projected(
    height: np.ndarray,
    harmonics: SphericalHarmonics,
    shape: tuple[int, int],
) -> jax.Array:
    return change_truncation(harmonics.to_modal(jnp.asarray(height)), shape)


class Orography(eqx.Module):
    """Surface height: that of the data plus what the model learned.

    Attributes:
        base: modal height, nondimensional, shape (m, total_wavenumber).
        correction: learned coefficients in the order of ``Grid.mask`` (row-major), or
            None for a model that did not learn any.
        scale: by which the correction is multiplied.
    """

    base: Float[Array, "m total_wavenumber"]
    correction: Float[Array, " coefficient"] | None
    scale: float = eqx.field(static=True)

    def modal(self, grid: Grid) -> Float[Array, "m total_wavenumber"]:
        """Return the corrected height in spectral space."""
        if self.correction is None:
            return self.base
        place = np.cumsum(grid.mask.ravel()) - 1
        spread = self.correction[place.reshape(grid.modal_shape)]
        return self.base + self.scale * jnp.where(grid.mask, spread, 0)
