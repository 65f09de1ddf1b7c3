"""The names by which users ask for output variables."""

import difflib
import re
from collections.abc import Iterable

from ngcm_cli.diagnostics.evaluation import DIAGNOSTICS
from ngcm_cli.errors import ConfigError

_LEVEL = re.compile(r"(.*?[^0-9._-])[_-]?([0-9]{1,4}(?:\.[0-9]+)?)(hpa|mb)?")

# Of ERA5, CMIP and NCEP, for heights above the ground; nothing is predicted there.
_NEAR_GROUND = {
    "temperature at 2 m": (
        ("t2m", "2t", "t2", "tas", "2m_temperature"),
        "lowest_level_temperature",
    ),
    "humidity at 2 m": (
        ("d2m", "2d", "d2", "q2m", "q2", "r2", "rh2m", "huss", "hurs")
        + ("2m_dewpoint_temperature", "2m_specific_humidity", "2m_relative_humidity"),
        "specific_humidity with --levels model",
    ),
    "wind at 10 m or 100 m": (
        ("u10", "v10", "10u", "10v", "u10m", "v10m", "uas", "vas", "u100", "v100")
        + ("100u", "100v", "si10", "10si", "ws10", "ws100", "sfcwind", "wind_speed_10m")
        + ("10m_u_component_of_wind", "10m_v_component_of_wind", "10m_wind_speed")
        + ("100m_u_component_of_wind", "100m_v_component_of_wind"),
        "lowest_level_u_component_of_wind, lowest_level_v_component_of_wind",
    ),
}


def split_level(name: str) -> tuple[str, float | None]:
    """Return a name, and the pressure in hPa that it ends in, or None.

    ``z500``, ``t_850`` and ``temperature_850hPa`` end in one. Names that others use for
    heights above the ground, such as ``u10``, do not, unless they say hPa.
    """
    is_known = any(name.lower() in names for names, _ in _NEAR_GROUND.values())
    match = _LEVEL.fullmatch(name.lower())
    if match is None or is_known:
        return name, None
    return name[: match.end(1)], float(match[2])


def resolve_name(name: str, names: Iterable[str]) -> str:
    """Return the diagnostic that a user means.

    Args:
        name: its name, CF standard name or an alias, in capitals or not.
        names: those to choose from, as from `available`. Where several have the same
            standard name or alias, the first is meant.

    Raises:
        ConfigError: there is none of this name.
    """
    names = tuple(names)
    if name in names:
        return name
    known = {candidate.lower(): candidate for candidate in names}
    for candidate in filter(DIAGNOSTICS.get, names):
        diagnostic = DIAGNOSTICS[candidate]
        cmip = diagnostic.cmip_name or ""
        for other in (diagnostic.standard_name, *diagnostic.aliases, cmip):
            known.setdefault(other.lower(), candidate)
    known.pop("", None)  # without a standard name
    if name.lower() in known:
        return known[name.lower()]
    near = difflib.get_close_matches(name.lower(), known, n=2)
    near = [f"'{match}'" for match in dict.fromkeys(known[match] for match in near)]
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    for quantity, (others, nearest) in _NEAR_GROUND.items():
        if name.lower() in others:
            hint = f"No model predicts {quantity}; the nearest is {nearest}. "
    raise ConfigError(
        f"There is no output variable '{name}'.",
        f"{hint}`ngcm variables` lists all of them.",
    )
