"""Settings of nudging: to which data, how fast, and what."""

from typing import Annotated, Any

import numpy as np
import pydantic

from ngcm_cli.config.values import closest, parse_names
from ngcm_cli.errors import ConfigError
from ngcm_cli.time_format import parse_duration

_DEFAULTS = {"nudge_time": "6h", "nudge_variables": "u,v,t"}
_U, _V = "u_component_of_wind", "v_component_of_wind"
_NAMES = {
    "u": _U,
    "v": _V,
    "t": "temperature",
    "q": "specific_humidity",
    "sp": "surface_pressure",
}


def _variables(value: Any) -> tuple[str, ...]:
    """Return the names of the variables to nudge, in the order of `_NAMES`."""
    names = set()
    for name in parse_names(value) or ():
        full = _NAMES.get(name.lower(), name.lower())
        if full not in _NAMES.values():
            raise ConfigError(
                f"'{name}' cannot be nudged.",
                closest(name, (*_NAMES, *_NAMES.values()))
                if len(name) > 2
                else f"Use {', '.join(_NAMES)}.",
            )
        names.add(full)
    if not names:
        raise ConfigError("It is empty.", f"Name at least one of {', '.join(_NAMES)}.")
    if (_U in names) != (_V in names):
        raise ConfigError(
            "Only one component of the wind is named.",
            "Name u and v: their vorticity and divergence are nudged.",
        )
    return tuple(name for name in _NAMES.values() if name in names)


def with_defaults(given: dict[str, Any]) -> dict[str, Any]:
    """Return settings with the defaults of nudging, if there is any.

    Raises:
        ConfigError: one of its settings is given without data to nudge to.
    """
    given = {  # None is as if it were not given
        name: x
        for name, x in given.items()
        if x is not None or not name.startswith("nudge")
    }
    if "nudge" in given:
        if not parse_duration(given.get("nudge_time", "6h")) > np.timedelta64(0, "s"):
            raise ConfigError("nudge_time is zero.", "Give a time, such as 6h.")
        return _DEFAULTS | given
    for name in ("nudge_time", "nudge_variables", "nudge_wavenumber"):
        if name in given:
            raise ConfigError(
                f"{name} is given, but no data to nudge to.",
                "Name them with --nudge DATA.",
            )
    return given


Variables = Annotated[tuple[str, ...], pydantic.BeforeValidator(_variables)]
