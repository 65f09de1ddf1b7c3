"""Physical constants and the model's nondimensional units.

All values between ``encode`` and ``decode`` are nondimensional. Length is
measured in Earth radii, time in 1/(2Ω), mass in 5.18e18 kg and temperature in kelvin,
so that the radius and 2Ω are 1. A value in SI units becomes nondimensional by
multiplication with one of the factors below.
"""

from collections.abc import Mapping

import numpy as np

LENGTH = 6.37122e6  # m, Earth's radius
TIME = 1 / (2 * 7.292e-5)  # s, 1/(2Ω)
MASS = 5.18e18  # kg, about the mass of the atmosphere

METER = 1 / LENGTH
SECOND = 1 / TIME
HOUR = 3600 * SECOND
DAY = 86400 * SECOND
METER_PER_SECOND = METER / SECOND
SQUARE_METER_PER_SQUARE_SECOND = METER_PER_SECOND**2
KILOGRAM = 1 / MASS
PASCAL = KILOGRAM / (METER * SECOND**2)
HECTOPASCAL = 100 * PASCAL

KILOGRAM_PER_SQUARE_METER = KILOGRAM / METER**2

GRAVITY_SI = 9.80616  # m s-2
WATER_DENSITY_SI = 997.0  # kg m-3, in depths of water of the published models
SEA_FREEZING_SI = 271.35  # K, freezing of sea water of 35 psu, -1.8 °C

SEA_BOUNDS_SI: Mapping[str, tuple[float, float | None]] = {
    "sea_surface_temperature": (SEA_FREEZING_SI, None),
    "sea_ice_cover": (0.0, 1.0),
}
"""Lower and upper bound of surface fields interpolated in time, as in AMIP."""

ANGULAR_VELOCITY = 0.5  # Ω
GRAVITY = GRAVITY_SI * METER / SECOND**2
KAPPA = 2 / 7  # R/cp of dry air
GAS_CONSTANT = 1004 * KAPPA * SQUARE_METER_PER_SQUARE_SECOND  # R, dry air, per kelvin
VAPOR_GAS_CONSTANT = 461.0 * SQUARE_METER_PER_SQUARE_SECOND  # R_v
HEAT_CAPACITY = GAS_CONSTANT / KAPPA  # c_p, dry air
VAPOR_HEAT_CAPACITY = 1859 * SQUARE_METER_PER_SQUARE_SECOND  # c_pv

REFERENCE_TIME = np.datetime64("1979-01-01T00", "s")
"""Time from which the model counts its steps."""


def duration(span: np.timedelta64) -> float:
    """Return a time span in nondimensional units."""
    return float(span / np.timedelta64(1, "s")) * SECOND


def since_reference(time: np.datetime64 | np.ndarray) -> np.float32 | np.ndarray:
    """Return the nondimensional time since 1979, in float32, as the networks see it."""
    hours = (time - REFERENCE_TIME) / np.timedelta64(1, "h")
    return np.float32(hours * HOUR)
