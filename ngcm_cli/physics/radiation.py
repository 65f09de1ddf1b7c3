"""Incident solar radiation at the top of the atmosphere, from time and place.

The phases of orbit and day are taken from the clock in float32, in the order of
operations of the published models: their networks were trained with its rounding (some
minutes of solar time), and radiation near the terminator differs at the 1e-2 level
otherwise.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ngcm_cli import units
from ngcm_cli.arrays import NodalSurface
from ngcm_cli.spectral.grid import Grid

DAYS_PER_YEAR = 365.25
SOLAR_CONSTANT = 1361.0  # W m-2, mean over the year
SOLAR_VARIATION = 47.0  # W m-2, half the difference between perihelion and aphelion
PERIHELION = 3 * 2 * np.pi / DAYS_PER_YEAR  # orbital phase, about 3 January
SPRING_EQUINOX = 79 * 2 * np.pi / DAYS_PER_YEAR  # about 20 March
AXIAL_TILT = np.deg2rad(23.45)

CIRCULAR_ORBIT = (
    "declination of a circular orbit, as the models are trained with: up to 1.7 "
    "degrees too far south in October, so daily means are wrong by up to 40 W m-2 at a "
    "pole and by none in the global mean"
)
"""Comment on radiation that is shown."""


def _phase(rate: float, time: jax.Array) -> jax.Array:
    """Return rate times time, wrapped to [0, 2π).

    The barrier makes the product round to float32 before whole turns are taken off. A
    multiply-add fused across it would be more precise, and up to minutes of solar time
    away from what the networks have seen.
    """
    angle = jax.lax.optimization_barrier(rate * time)
    return angle - jnp.floor(angle / (2 * np.pi)) * (2 * np.pi)


def incident_radiation(time: Float[Array, ""], grid: Grid) -> NodalSurface:
    """Return solar radiation through a horizontal surface above the atmosphere.

    Args:
        time: nondimensional time since 1979-01-01T00 UTC, float32.
        grid: where.

    Returns:
        Radiation as a fraction of its largest value, 1408 W m-2; zero at night.
        Declination and equation of time are the usual short series (Duffie & Beckman,
        Solar Engineering of Thermal Processes), that of declination without the
        eccentricity of the orbit; see `CIRCULAR_ORBIT`.
    """
    orbit = _phase(2 * np.pi / (DAYS_PER_YEAR * units.DAY), time)
    day = _phase(2 * np.pi / units.DAY, time)

    b = orbit - SPRING_EQUINOX
    minutes = 9.87 * jnp.sin(2 * b) - 7.53 * jnp.cos(b) - 1.5 * jnp.sin(b)
    equation_of_time = minutes * (np.float32(2 * np.pi) * np.float32(1 / 1440))
    declination = AXIAL_TILT * jnp.sin(b)

    longitude = grid.longitude.astype(np.float32)[:, None]
    latitude = grid.latitude.astype(np.float32)
    hour_angle = day + equation_of_time + longitude - np.pi
    sin_altitude = jnp.cos(latitude) * jnp.cos(declination) * jnp.cos(
        hour_angle
    ) + jnp.sin(latitude) * jnp.sin(declination)

    most = SOLAR_CONSTANT + SOLAR_VARIATION
    flux = SOLAR_CONSTANT / most + SOLAR_VARIATION / most * jnp.cos(orbit - PERIHELION)
    return (flux * (sin_altitude > 0) * sin_altitude)[None]
