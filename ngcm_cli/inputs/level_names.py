"""Names of variables at a level, such as ``z500``."""

import re

_LEVEL = re.compile(r"(.*?[^0-9._-])[_-]?([0-9]{1,4}(?:\.[0-9]+)?)(hpa|mb)?")

# Of ERA5, CMIP and NCEP, for heights above the ground; nothing is predicted there.
NEAR_GROUND = {
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
    is_known = any(name.lower() in names for names, _ in NEAR_GROUND.values())
    match = _LEVEL.fullmatch(name.lower())
    if match is None or is_known:
        return name, None
    return name[: match.end(1)], float(match[2])
