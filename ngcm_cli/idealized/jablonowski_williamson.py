"""Jablonowski and Williamson (2006): balanced jets, and the wave that grows on them.

A baroclinic instability test case for atmospheric model dynamical cores, Quarterly
Journal of the Royal Meteorological Society 132, 2943-2975, doi:10.1256/qj.06.12. As
surface pressure is 1000 hPa everywhere, the η of the paper is σ here. Letters: λ, φ
longitude and latitude, Φ geopotential, Γ lapse rate.
"""

import dataclasses

import numpy as np

from ngcm_cli import units
from ngcm_cli.idealized.case import Case, Resolution
from ngcm_cli.idealized.initial_fields import InitialFields, angle_from, coordinates
from ngcm_cli.idealized.primitive import PrimitiveEquations, primitive_equations

_DAY = np.timedelta64(86400, "s")
_JET = 35.0  # u₀, m/s
_CENTRE = 0.252  # η₀, of the jet
_TROPOPAUSE = 0.2  # η_t
_GROUND_TEMPERATURE, _STRATOSPHERE = 288.0, 4.8e5  # T₀ and ΔT, K
_LAPSE_RATE = 0.005  # Γ, K/m
_PRESSURE = 1e5  # p₀, Pa
_BUMP, _RADIUS = 1.0, 0.1  # u_p in m/s and R over the radius of the Earth
_PLACE = np.pi / 9, 2 * np.pi / 9  # λ_c and φ_c: 20 E, 40 N
_GAS_CONSTANT = units.GAS_CONSTANT / units.SQUARE_METER_PER_SQUARE_SECOND
_ROTATION = units.LENGTH * units.ANGULAR_VELOCITY / units.TIME  # aΩ, m/s


def _angle(eta: np.ndarray | float) -> np.ndarray:
    """Return η_v = (η − η₀) π/2, equation 1."""
    return (np.asarray(eta) - _CENTRE) * np.pi / 2


def _speed(eta: np.ndarray | float) -> np.ndarray:
    return _JET * np.cos(_angle(eta)) ** 1.5


def zonal_wind(latitude: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Return u = u₀ cos^(3/2) η_v sin²(2φ) in m/s, equation 2."""
    return _speed(eta) * np.sin(2 * latitude) ** 2


def _shapes(latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the functions of latitude of equations 6 and 7."""
    sin, cos = np.sin(latitude), np.cos(latitude)
    relative = -2 * sin**6 * (cos**2 + 1 / 3) + 10 / 63
    planetary = 8 / 5 * cos**3 * (sin**2 + 2 / 3) - np.pi / 4
    return relative, planetary


def mean_temperature(eta: np.ndarray) -> np.ndarray:
    """Return the horizontal mean of temperature in K, equations 4 and 5."""
    troposphere = _GROUND_TEMPERATURE * eta ** (
        _GAS_CONSTANT * _LAPSE_RATE / units.GRAVITY_SI
    )
    return troposphere + _STRATOSPHERE * np.maximum(_TROPOPAUSE - eta, 0) ** 5


def temperature(latitude: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Return the temperature that balances the wind in K, equation 6."""
    relative, planetary = _shapes(latitude)
    factor = 3 / 4 * eta * np.pi * _JET / _GAS_CONSTANT
    factor = factor * np.sin(_angle(eta)) * np.sqrt(np.cos(_angle(eta)))
    balance = 2 * _speed(eta) * relative + _ROTATION * planetary
    return mean_temperature(eta) + factor * balance


def surface_height(latitude: np.ndarray) -> np.ndarray:
    """Return the height of the ground Φ_s/g in m, equation 7."""
    relative, planetary = _shapes(latitude)
    speed = _speed(1.0)
    return speed * (speed * relative + _ROTATION * planetary) / units.GRAVITY_SI


def wind_perturbation(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return u' = u_p exp[−(r/R)²] in m/s, r the great-circle distance, equation 10."""
    distance = angle_from(_PLACE, longitude, latitude)
    return _BUMP * np.exp(-((distance / _RADIUS) ** 2))


def build_steady_state(resolution: Resolution) -> PrimitiveEquations:
    """Return the model that starts from the balanced jets."""
    return _model(STEADY_STATE.name, resolution, _balanced(resolution))


def build_baroclinic_wave(resolution: Resolution) -> PrimitiveEquations:
    """Return the model that starts from the jets with a perturbation of the wind."""
    jets = _balanced(resolution)
    longitude, latitude, _ = coordinates(jets.harmonics, resolution.levels)
    wind = jets.eastward_wind + wind_perturbation(longitude, latitude)
    initial = dataclasses.replace(jets, eastward_wind=wind)
    return _model(BAROCLINIC_WAVE.name, resolution, initial)


def _balanced(resolution: Resolution) -> InitialFields:
    harmonics = resolution.harmonics()
    _, latitude, eta = coordinates(harmonics, resolution.levels)
    return InitialFields(
        harmonics,
        resolution.levels,
        temperature=temperature(latitude, eta),
        surface_pressure=_PRESSURE,
        eastward_wind=zonal_wind(latitude, eta),
        height=surface_height(latitude),
    )


def _model(
    name: str, resolution: Resolution, initial: InitialFields
) -> PrimitiveEquations:
    return primitive_equations(name, resolution.step_seconds, initial)


_USUAL = {
    "paper": "https://doi.org/10.1256/qj.06.12",
    "truncation": 42,
    "layers": 26,
    "every": _DAY,
    "speed": 100.0,
}
STEADY_STATE = Case(
    name="steady-state",
    title="Balanced zonal jets, which are steady",
    build=build_steady_state,
    lead=30 * _DAY,
    **_USUAL,
)
BAROCLINIC_WAVE = Case(
    name="baroclinic-wave",
    title="Baroclinic wave that grows on balanced zonal jets",
    build=build_baroclinic_wave,
    lead=12 * _DAY,
    **_USUAL,
)
