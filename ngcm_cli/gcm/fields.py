"""Names and units at the boundary of the model: SI under ERA5 names outside."""

import jax
import numpy as np

from ngcm_cli import units
from ngcm_cli.dynamics.state import TRACERS

_LONG_NAMES = {
    "t": "temperature",
    "u": "u_component_of_wind",
    "v": "v_component_of_wind",
    "z": "geopotential",
}
_MASS = units.KILOGRAM_PER_SQUARE_METER
_WATER_DEPTH = units.WATER_DENSITY_SI * _MASS
_FACTORS = {
    "u": np.float32(units.METER_PER_SECOND),
    "v": np.float32(units.METER_PER_SECOND),
    "z": np.float32(units.SQUARE_METER_PER_SQUARE_SECOND),
    "surface_pressure": np.float32(units.PASCAL),
    "mean_sea_level_pressure": np.float32(units.PASCAL),
    "total_column_water_vapour": np.float32(_MASS),
    "P_minus_E_rate": np.float32(_MASS / units.SECOND),
    "P_minus_E_cumulative": np.float32(_MASS),
    "precipitation_rate": np.float32(_WATER_DEPTH / units.SECOND),
    "precipitation_cumulative_mean": np.float32(_WATER_DEPTH),
    "evaporation": np.float32(_MASS / units.SECOND),
    "evaporation_cumulative": np.float32(_WATER_DEPTH),
}

ATMOSPHERE = (*sorted(_LONG_NAMES.values()), *TRACERS)
"""Fields on pressure levels that the model reads and predicts."""

SURFACE = (
    "surface_pressure",
    "mean_sea_level_pressure",
    "total_column_water_vapour",
)
"""Surface fields that follow from the state of any model."""

NET_WATER = ("P_minus_E_rate", "P_minus_E_cumulative")
"""Precipitation minus evaporation: of states that track water, of any model."""

PRECIPITATION = (
    *("precipitation_rate", "precipitation_cumulative_mean"),
    *("evaporation", "evaporation_cumulative"),
)
"""Of models that predict precipitation; names, units and signs as published."""

RATES = ("P_minus_E_rate", "precipitation_rate", "evaporation")
"""Of the last two, those that are mass or depth of water per time."""

FORCING = ("sea_ice_cover", "sea_surface_temperature")
"""Surface fields that the model is given."""


def from_si(fields: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Nondimensional ``t``, ``u``, ``v``, ``z`` and tracers from ERA5 fields."""
    short = {k: fields[name] * _FACTORS.get(k, 1) for k, name in _LONG_NAMES.items()}
    return short | {name: fields[name] for name in TRACERS}


def to_si(fields: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Inverse of ``from_si``, for all fields at the surface too."""
    return {_LONG_NAMES.get(k, k): x / _FACTORS.get(k, 1) for k, x in fields.items()}
