"""A barotropically unstable jet.

Galewsky, Scott & Polvani (2004), An initial-value problem for testing numerical models
of the global shallow-water equations, Tellus A 56, doi:10.3402/tellusa.v56i5.14436.
"""

import functools

import numpy as np

from ngcm_cli import units
from ngcm_cli.idealized.case import Case
from ngcm_cli.idealized.layer_flow import LayerFlow
from ngcm_cli.idealized.shallow_water_model import shallow_water_model
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.legendre import gauss_legendre_nodes

RADIUS = units.LENGTH  # m
ROTATION = units.ANGULAR_VELOCITY / units.TIME  # s-1

SOUTH, NORTH = np.pi / 7, np.pi / 2 - np.pi / 7  # φ₀ and φ₁: edges of the jet
MAX_WIND = 80.0  # m s-1
MEAN_DEPTH = 10e3  # m
BUMP = 120.0  # ĥ, m

_POINTS = 400
"""Of Gauss quadrature across the jet, which is smooth but not analytic at its edges."""


def unstable_jet(grid: Grid, perturbed: bool = True) -> LayerFlow:
    """Return a zonal jet in balance, with a bump of the surface that breaks it up.

    Section 2, equations 2 to 4.

    Args:
        grid: where.
        perturbed: whether to add the bump; without it the jet is a steady solution.
    """
    longitude, latitude = grid.longitude[:, None], grid.latitude
    depth = _balanced_depth(latitude) + np.zeros_like(longitude)
    if perturbed:
        # From 180° W to 180° E; the bump, α = 1/3 and β = 1/15, is at 0° E, 45° N.
        east = (longitude + np.pi) % (2 * np.pi) - np.pi
        bump = np.exp(-((3 * east) ** 2) - (15 * (np.pi / 4 - latitude)) ** 2)
        depth = depth + BUMP * np.cos(latitude) * bump
    u = jet(latitude) + np.zeros_like(longitude)
    return LayerFlow(grid, u, np.zeros_like(u), depth, np.zeros_like(u))


def jet(latitude: np.ndarray) -> np.ndarray:
    """Return the eastward wind, equation 2, m s-1, at latitudes in radians."""
    inside = (latitude > SOUTH) & (latitude < NORTH)
    product = np.where(inside, (latitude - SOUTH) * (latitude - NORTH), -1.0)
    peak = np.exp(-4 / (NORTH - SOUTH) ** 2)  # eₙ, of the point in the middle
    return np.where(inside, MAX_WIND / peak * np.exp(1 / product), 0.0)


def _balanced_depth(latitude: np.ndarray) -> np.ndarray:
    """Return the depth that balances the jet, equation 3, m.

    The constant h₀ is such that the mean over the sphere is `MEAN_DEPTH`. With F the
    slope, and no slope outside the jet, that mean is h₀ − ½ ∫ (1 − sin φ) F dφ.
    """
    ends = np.clip(latitude, SOUTH, NORTH)
    fall = np.array([_integral(slope, SOUTH, end) for end in ends])
    mean_fall = _integral(lambda x: (1 - np.sin(x)) / 2 * slope(x), SOUTH, NORTH)
    return MEAN_DEPTH + mean_fall - fall


def slope(latitude: np.ndarray) -> np.ndarray:
    """Return by how much the balanced depth falls towards the pole, m per radian.

    F = (a/g) u (f + u tan φ / a): gradient-wind balance.
    """
    u = jet(latitude)
    coriolis = 2 * ROTATION * np.sin(latitude)
    return u / units.GRAVITY_SI * (RADIUS * coriolis + u * np.tan(latitude))


def _integral(f, start: float, end: float) -> float:
    nodes, weights = gauss_legendre_nodes(_POINTS)
    half = (end - start) / 2
    return float(half * np.sum(weights * f(start + half * (1 + nodes))))


GALEWSKY = Case(
    name="galewsky",
    title="Barotropically unstable jet",
    paper="https://doi.org/10.3402/tellusa.v56i5.14436",
    build=functools.partial(shallow_water_model, "galewsky", unstable_jet),
    truncation=85,
    layers=None,
    lead=np.timedelta64(6 * 86400, "s"),
    every=np.timedelta64(6 * 3600, "s"),
    speed=90.0,
)
