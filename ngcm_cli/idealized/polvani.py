"""Polvani, Scott and Thomas (2004): an unstable jet, computed to convergence.

Numerically Converged Solutions of the Global Primitive Equations for Testing the
Dynamical Core of Atmospheric GCMs, Monthly Weather Review 132, 2539-2552,
doi:10.1175/MWR2788.1. The equations have a Laplacian diffusion, so that their solution
at 20 equal sigma levels converges with the truncation and the time step. Its radius,
rotation and gas constants differ from those of this project in the fourth digit.
Letters: z = −H ln σ, λ and φ longitude and latitude.
"""

import numpy as np

from ngcm_cli import units
from ngcm_cli.idealized.case import Case, Resolution
from ngcm_cli.idealized.initial_fields import InitialFields, coordinates
from ngcm_cli.idealized.primitive import (
    Diffusion,
    PrimitiveEquations,
    primitive_equations,
)

_DAY = np.timedelta64(86400, "s")
_SPEED = 50.0  # u₀, m/s
_SCALE_HEIGHT = 7340.0  # H, m
_CENTRE, _DEPTH, _TOP = 22e3, 5e3, 30e3  # z₀, Δz₀ and z₁, m
_WARMTH, _LENGTH, _WIDTH = 1.0, 1 / 3, 1 / 6  # of the perturbation: K, α and β
_DIFFUSION = 7e5  # ν, m2 s-1
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)
_GAS_CONSTANT = units.GAS_CONSTANT / units.SQUARE_METER_PER_SQUARE_SECOND
_ROTATION = 2 * units.LENGTH * units.ANGULAR_VELOCITY / units.TIME  # 2Ωa, m/s

# The U.S. Standard Atmosphere of 1976: heights in m, lapse rates above them in K/m.
_HEIGHTS = np.array([0, 11e3, 20e3, 32e3, 47e3, 51e3, 71e3, 80e3])
_SLOPES = np.array([-6.5e-3, 0, 1e-3, 2.8e-3, 0, -2.8e-3, -2e-3])
_TEMPERATURES = 288.15 + np.cumsum(np.append(0, _SLOPES * np.diff(_HEIGHTS)))


def height(sigma: np.ndarray) -> np.ndarray:
    """Return z = −H ln σ in m."""
    return -_SCALE_HEIGHT * np.log(sigma)


def standard_temperature(z: np.ndarray) -> np.ndarray:
    """Return the temperature of the standard atmosphere in K, constant above 80 km."""
    return np.interp(z, _HEIGHTS, _TEMPERATURES)


def vertical_shape(z: np.ndarray) -> np.ndarray:
    """Return F = ½ [1 − tanh³((z − z₀)/Δz₀)] sin(πz/z₁), equation 6."""
    tanh = np.tanh((z - _CENTRE) / _DEPTH)
    return (1 - tanh**3) / 2 * np.sin(np.pi * z / _TOP)


def vertical_slope(z: np.ndarray) -> np.ndarray:
    """Return dF/dz in m-1."""
    tanh = np.tanh((z - _CENTRE) / _DEPTH)
    angle = np.pi * z / _TOP
    falling = -3 * tanh**2 * (1 - tanh**2) / _DEPTH * np.sin(angle)
    return (falling + (1 - tanh**3) * np.cos(angle) * np.pi / _TOP) / 2


def _across(latitude: np.ndarray) -> np.ndarray:
    """Return sin³(π sin²φ) in the northern hemisphere, else zero."""
    return np.where(latitude > 0, np.sin(np.pi * np.sin(latitude) ** 2) ** 3, 0)


def zonal_wind(latitude: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return u = u₀ sin³(π sin²φ) F(z) in m/s, north of the equator."""
    return _SPEED * _across(latitude) * vertical_shape(z)


def balance(latitude: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return the temperature in balance with the wind, zero at the equator, in K.

    −(H/R) ∫₀^φ (a f + 2u tan φ′) ∂u/∂z dφ′,  the first term of equation 10
    """
    end = np.maximum(latitude, 0)[..., None]
    phi = end * (_NODES + 1) / 2
    weights = end / 2 * _WEIGHTS
    shape = _across(phi)
    planetary = (weights * _ROTATION * np.sin(phi) * shape).sum(-1)
    relative = (weights * 2 * _SPEED * np.tan(phi) * shape**2).sum(-1)
    integral = planetary + vertical_shape(z) * relative
    return -_SCALE_HEIGHT / _GAS_CONSTANT * _SPEED * vertical_slope(z) * integral


def perturbation(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return T' = 1 K sech²(λ/α) sech²((φ − π/4)/β)."""
    around = (longitude + np.pi) % (2 * np.pi) - np.pi
    along = np.cosh(around / _LENGTH) ** -2
    return _WARMTH * along * np.cosh((latitude - np.pi / 4) / _WIDTH) ** -2


def build(resolution: Resolution) -> PrimitiveEquations:
    """Return the model; the mean temperature of a level is that of the standard."""
    harmonics = resolution.harmonics()
    grid = harmonics.grid
    longitude, latitude, sigma = coordinates(harmonics, resolution.levels)
    z = height(sigma)
    balanced = balance(latitude, z)
    share = grid.area_weights / grid.area_weights.sum()
    balanced = balanced - (balanced * share).sum(-1, keepdims=True)
    initial = InitialFields(
        harmonics,
        resolution.levels,
        temperature=balanced
        + standard_temperature(z)
        + perturbation(longitude, latitude),
        surface_pressure=1e5,
        eastward_wind=zonal_wind(latitude, z),
    )
    step = resolution.step_seconds * units.SECOND
    coefficient = _DIFFUSION * units.METER**2 / units.SECOND
    return primitive_equations(
        POLVANI.name,
        resolution.step_seconds,
        initial,
        diffusion=Diffusion.of(grid, coefficient, 1, step),
    )


POLVANI = Case(
    name="polvani",
    title="Unstable jet with diffusion, whose solution converges",
    paper="https://doi.org/10.1175/MWR2788.1",
    build=build,
    truncation=42,
    layers=20,
    lead=12 * _DAY,
    every=_DAY,
    speed=100.0,
)
