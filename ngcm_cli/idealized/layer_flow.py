"""A flow of one layer of fluid, and the shallow-water system that begins with it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli import units
from ngcm_cli.dynamics.shallow_water import (
    ShallowWater,
    ShallowWaterState,
    coriolis_parameter,
)
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.operators import clip_wavenumbers, vorticity_divergence
from ngcm_cli.spectral.transform import SphericalHarmonics

_GEOPOTENTIAL = units.GRAVITY * units.METER  # of a height in m


@dataclasses.dataclass(frozen=True, eq=False)
class LayerFlow:
    """A layer of fluid at one time, over ground; on the nodes of a grid, float64.

    Attributes:
        grid: on whose nodes the fields are, shape (longitude, latitude).
        u: eastward wind, m s-1.
        v: northward wind, m s-1.
        depth: of the layer, m; the surface is at the height of the ground plus this.
        ground: height of the ground, m.
        tilt: angle between the axes of the planet and of the grid, radians; see
            `dynamics.shallow_water.coriolis_parameter`.
    """

    grid: Grid
    u: np.ndarray
    v: np.ndarray
    depth: np.ndarray
    ground: np.ndarray
    tilt: float = 0.0

    @property
    def mean_depth(self) -> float:
        """Mean over the sphere, m."""
        return float((self.depth.mean(0) * self.grid.area_weights).sum()) / float(
            self.grid.area_weights.sum()
        )

    def state(self, harmonics: SphericalHarmonics) -> ShallowWaterState:
        """Return the modal state, in the precision of the transforms of the grid."""
        dtype = harmonics.fourier.dtype
        wind = np.stack([self.u, self.v])[:, None] * units.METER_PER_SECOND
        u, v = jnp.asarray(wind, dtype)
        vorticity, divergence = vorticity_divergence(u, v, harmonics)
        departure = (self.depth - self.mean_depth) * _GEOPOTENTIAL
        return ShallowWaterState(
            vorticity, divergence, _modal(departure, harmonics)[None]
        )

    def system(
        self, harmonics: SphericalHarmonics, step_size: float, damping: np.ndarray
    ) -> ShallowWater:
        """Return the equations of motion over the ground below this flow.

        Gravity waves are implicit around the mean depth.

        Args:
            harmonics: transforms of the grid.
            step_size: length of a step, s.
            damping: factor of the wind after each step, shape (total_wavenumber,).
        """
        return ShallowWater(
            harmonics,
            self.mean_depth * _GEOPOTENTIAL,
            coriolis_parameter(self.grid, self.tilt),
            np.asarray(_modal(self.ground * _GEOPOTENTIAL, harmonics)),
            damping,
            step_size * units.SECOND,
        )


def _modal(x: np.ndarray, harmonics: SphericalHarmonics) -> jax.Array:
    nodal = jnp.asarray(x, harmonics.fourier.dtype)
    return clip_wavenumbers(harmonics.to_modal(nodal))
