"""An atmosphere at rest over a steep mountain: the error of the pressure gradient.

Test 2-0-0 of Ullrich, Jablonowski, Kent, Lauritzen, Nair and Taylor (2012), Dynamical
Core Model Intercomparison Project (DCMIP) test case document, section 2.0: rest over a
circular mountain with ridges. Nothing should happen; what wind there is comes from the
discretisation of the pressure gradient on levels that follow the ground.

Three things differ. The Earth turns, which does not matter to an atmosphere at rest.
The lapse rate ends at the model top of the test, 12 km, and the air above is
isothermal, as these models have no top below σ = 0. And surface pressure belongs to
the mountain as the truncation resolves it, so that the initial state is balanced. The
ridges have a wavenumber of 32 and their pressure its multiples: truncations below T63
show how badly they resolve them.
"""

import numpy as np

from ngcm_cli import units
from ngcm_cli.idealized.case import Case, Resolution
from ngcm_cli.idealized.initial_fields import (
    InitialFields,
    angle_from,
    coordinates,
    resolved,
)
from ngcm_cli.idealized.primitive import PrimitiveEquations, primitive_equations

_DAY = np.timedelta64(86400, "s")
_TEMPERATURE, _LAPSE_RATE, _PRESSURE = 300.0, 0.0065, 1e5  # T₀ K, Γ K/m, p₀ Pa
_TOP = 12e3  # m
_HEIGHT, _RADIUS, _RIDGES = 2000.0, 3 * np.pi / 4, np.pi / 16  # h₀ m, R_m and ζ_m
_CENTRE = 3 * np.pi / 2, 0.0  # λ_m and φ_m
_EXPONENT = (
    units.GAS_CONSTANT
    / units.SQUARE_METER_PER_SQUARE_SECOND
    * _LAPSE_RATE
    / units.GRAVITY_SI
)  # R Γ/g


def mountain(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return z_s = h₀/2 [1 + cos(π r/R_m)] cos²(π r/ζ_m) in m, for r < R_m, else 0."""
    r = angle_from(_CENTRE, longitude, latitude)
    shape = (1 + np.cos(np.pi * r / _RADIUS)) / 2 * np.cos(np.pi * r / _RIDGES) ** 2
    return _HEIGHT * np.where(r < _RADIUS, shape, 0)


def surface_pressure(height: np.ndarray) -> np.ndarray:
    """Return p = p₀ (1 − Γ z/T₀)^(g/RΓ) in Pa."""
    return _PRESSURE * (1 - _LAPSE_RATE / _TEMPERATURE * height) ** (1 / _EXPONENT)


def temperature(pressure: np.ndarray) -> np.ndarray:
    """Return T = T₀ (p/p₀)^(RΓ/g) in K, constant above 12 km."""
    coldest = _TEMPERATURE - _LAPSE_RATE * _TOP
    return np.maximum(coldest, _TEMPERATURE * (pressure / _PRESSURE) ** _EXPONENT)


def build(resolution: Resolution) -> PrimitiveEquations:
    """Return the model at rest."""
    harmonics = resolution.harmonics()
    longitude, latitude, sigma = coordinates(harmonics, resolution.levels)
    height = resolved(mountain(longitude, latitude), harmonics)
    height = np.asarray(harmonics.to_nodal(height), np.float64)
    pressure = surface_pressure(height)
    initial = InitialFields(
        harmonics,
        resolution.levels,
        temperature=temperature(sigma * pressure),
        surface_pressure=pressure,
        height=height,
    )
    return primitive_equations(
        RESTING_ATMOSPHERE.name, resolution.step_seconds, initial
    )


RESTING_ATMOSPHERE = Case(
    name="resting-atmosphere",
    title="Atmosphere at rest over a mountain with ridges",
    paper="https://earthsystemcog.org/projects/dcmip-2012/",
    build=build,
    truncation=63,
    layers=30,
    lead=6 * _DAY,
    every=np.timedelta64(6 * 3600, "s"),
    speed=100.0,
)
