"""Geostrophic and ageostrophic wind in middle latitudes."""

import numpy as np

from ngcm_cli.diagnosis.sphere import both_hemispheres, gradient, weighted_mean
from ngcm_cli.units import TIME

ANGULAR_VELOCITY = 1 / (2 * TIME)  # Ω in s-1
BAND = 30.0, 70.0
"""Latitudes of both hemispheres in which balance is judged, degrees."""


def geostrophic_wind(
    geopotential: np.ndarray, latitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the geostrophic wind on pressure levels in m s-1.

        u_g = −(1/(f a)) ∂Φ/∂φ,  v_g = (1/(f a cos φ)) ∂Φ/∂λ,  f = 2 Ω sin φ

    (Holton and Hakim 2013, An Introduction to Dynamic Meteorology, eq. 2.22). Missing
    at the equator.

    Args:
        geopotential: m2 s-2, (..., latitude, longitude), around the globe.
        latitude: degrees, ascending.
    """
    f = 2 * ANGULAR_VELOCITY * np.sin(np.deg2rad(np.asarray(latitude, float)))
    f = np.where(np.abs(f) > 1e-9, f, np.nan)[:, None]
    east, north = gradient(geopotential, latitude)
    return -north / f, east / f


def mean_speeds(
    u: np.ndarray, v: np.ndarray, geopotential: np.ndarray, latitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean speeds of the geostrophic and of the ageostrophic wind, m s-1.

    The ageostrophic wind is the wind minus the geostrophic. Means are over the area
    from 30 to 70 degrees of both hemispheres.

    Args:
        u: m s-1, (..., latitude, longitude).
        v: m s-1, likewise.
        geopotential: m2 s-2, likewise.
        latitude: degrees, ascending.

    Returns:
        Two arrays (...).
    """
    geostrophic = geostrophic_wind(geopotential, latitude)
    weights = both_hemispheres(latitude, *BAND)
    speed = np.hypot(*geostrophic)
    rest = np.hypot(u - geostrophic[0], v - geostrophic[1])
    return weighted_mean(speed, weights), weighted_mean(rest, weights)
