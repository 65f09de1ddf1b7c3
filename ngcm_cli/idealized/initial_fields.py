"""Initial fields on the grid, in SI units, and the modal state that they make."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from ngcm_cli import units
from ngcm_cli.dynamics import SigmaLevels, State
from ngcm_cli.spectral.operators import clip_wavenumbers, vorticity_divergence
from ngcm_cli.spectral.transform import SphericalHarmonics


def angle_from(
    place: tuple[float, float], longitude: np.ndarray, latitude: np.ndarray
) -> np.ndarray:
    """Return the great-circle distance from a place, on the unit sphere.

    Args:
        place: its longitude and latitude, radians.
        longitude: of the points, radians.
        latitude: of the points, radians.
    """
    there, height = place
    cosine = np.sin(height) * np.sin(latitude)
    cosine = cosine + np.cos(height) * np.cos(latitude) * np.cos(longitude - there)
    return np.arccos(np.clip(cosine, -1, 1))


@dataclasses.dataclass(frozen=True, eq=False)
class InitialFields:
    """Fields at the initial time; they broadcast to (level, longitude, latitude).

    Attributes:
        harmonics: transforms of the grid.
        levels: sigma levels.
        temperature: K.
        surface_pressure: Pa, (1, longitude, latitude).
        eastward_wind: m s-1.
        northward_wind: m s-1.
        height: of the ground, m, (longitude, latitude).
    """

    harmonics: SphericalHarmonics
    levels: SigmaLevels
    temperature: ArrayLike
    surface_pressure: ArrayLike
    eastward_wind: ArrayLike = 0.0
    northward_wind: ArrayLike = 0.0
    height: ArrayLike = 0.0

    def state(self, reference_temperature: float) -> State:
        """Return the modal state, nondimensional, without the clipped wavenumber.

        Args:
            reference_temperature: K, of which the state holds the deviation.
        """
        count = self.levels.layers
        speed = units.METER_PER_SECOND
        u, v = (
            self._nodal(np.asarray(x) * speed, count)
            for x in (self.eastward_wind, self.northward_wind)
        )
        vorticity, divergence = vorticity_divergence(u, v, self.harmonics)
        variation = np.asarray(self.temperature) - reference_temperature
        pressure = np.log(np.asarray(self.surface_pressure) * units.PASCAL)
        return State(
            vorticity=vorticity,
            divergence=divergence,
            temperature_variation=self._modal(variation, count),
            log_surface_pressure=self._modal(pressure, 1),
            tracers={},
        )

    def modal_height(self) -> jax.Array:
        """Return the modal height of the ground, nondimensional."""
        return resolved(np.asarray(self.height) * units.METER, self.harmonics)

    def _nodal(self, x: np.ndarray, levels: int) -> jax.Array:
        shape = levels, *self.harmonics.grid.nodal_shape
        return jnp.asarray(np.broadcast_to(x, shape).astype(np.float32))

    def _modal(self, x: np.ndarray, levels: int) -> jax.Array:
        return clip_wavenumbers(self.harmonics.to_modal(self._nodal(x, levels)))


def resolved(x: np.ndarray, harmonics: SphericalHarmonics) -> jax.Array:
    """Return the modal part that the truncation resolves of a (longitude, latitude)."""
    x = np.broadcast_to(x, harmonics.grid.nodal_shape).astype(np.float32)
    return clip_wavenumbers(harmonics.to_modal(jnp.asarray(x)))


def coordinates(
    harmonics: SphericalHarmonics, levels: SigmaLevels
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return longitude and latitude in radians and σ of the layer centres, float64.

    They broadcast to (level, longitude, latitude).
    """
    grid = harmonics.grid
    sigma = levels.centers.astype(np.float64)[:, None, None]
    return grid.longitude[:, None], grid.latitude[None, :], sigma
