"""Parts of the globe that maps show, and the projections that suit them."""

from collections.abc import Mapping

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.config.values import closest
from ngcm_cli.errors import ConfigError
from ngcm_cli.plots.projections import (
    Mollweide,
    Orthographic,
    PlateCarree,
    PolarStereographic,
    Projection,
    Robinson,
)
from ngcm_cli.verification.regions import REGIONS as SCORED
from ngcm_cli.verification.regions import parse_bounds

Box = tuple[float, float, float, float]
"""South, north, west and east, degrees; east is greater than west."""

_OTHERS: Mapping[str, Box] = {
    "northern-hemisphere": (20, 90, -180, 180),
    "southern-hemisphere": (-90, -20, -180, 180),
    "south-america": (-58, 15, -95, -25),
    "africa": (-38, 40, -25, 60),
    "asia": (0, 75, 40, 160),
    "south-asia": (0, 42, 55, 105),
    "tropical-pacific": (-30, 30, 120, 290),
}


def _boxes() -> dict[str, Box]:
    """Return the regions of scores that are one box, and others."""
    boxes: dict[str, Box] = {}
    for name, region in SCORED.items():
        if len(region.latitude) > 1:
            continue
        south, north = next(iter(region.latitude))
        west, east = region.longitude or (-180.0, 180.0)
        east = east + 360 if east <= west else east
        boxes[name.replace("_", "-")] = south, north, west, east
    return {**boxes, **_OTHERS}


REGIONS: Mapping[str, Box] = _boxes()
"""Regions of maps and means by name; those of scores have the same bounds there."""
PROJECTIONS = (
    *("robinson", "mollweide", "orthographic", "polar-stereographic"),
    "plate-carree",
)


def find_region(text: str) -> Box:
    """Return the box of a region: its name, or south:north,west:east in degrees.

    Raises:
        ConfigError: it is neither.
    """
    name = text.strip().lower().replace("_", "-").replace(" ", "-")
    if name in REGIONS:
        return REGIONS[name]
    bounds = parse_bounds(name)
    if bounds is None:
        is_box = ":" in text
        hint = "Give SOUTH:NORTH,WEST:EAST in degrees, such as 35:75,-15:45."
        hint = hint if is_box else f"{closest(name, REGIONS)} {hint}"
        raise ConfigError(f"'{text}' is not a region.", hint)
    south, north, west, east = bounds
    span = (east - west) % 360 or 360.0
    return south, north, west, west + span


def choose_projection(config: PlotConfig) -> Projection:
    """Return the projection of a map.

    Args:
        config: its region, projection and centre; the projection follows from the
            region, the globe is Robinson.

    Raises:
        ConfigError: the projection is unknown, or does not show the region.
    """
    box = find_region(config.region or "global")
    south, north, west, east = box
    is_around = east - west >= 360
    name = config.projection
    centre = (west + east) / 2
    if config.at is not None:
        centre = config.at[1]
    if name is None:
        name = "plate-carree"
        if is_around and (south, north) == (-90, 90):
            name = "robinson"
        elif is_around and (north == 90 or south == -90):
            name = "polar-stereographic"
    name = name.strip().lower().replace("_", "-").replace(" ", "-")
    if name not in PROJECTIONS:
        raise ConfigError(
            f"There is no projection '{config.projection}'.", closest(name, PROJECTIONS)
        )
    if name == "plate-carree":
        half = 180.0 if is_around else (east - west) / 2
        return PlateCarree(centre, half, south, north)
    if name == "orthographic":
        middle = (south + north) / 2 if config.region else 30.0
        return Orthographic(centre, config.at[0] if config.at else middle)
    if name == "polar-stereographic":
        is_south = south == -90 and north < 90
        if config.at is not None and config.region is None:
            is_south = config.at[0] < 0
        edge = -north if is_south else south
        return PolarStereographic(centre, is_south, max(edge, 0) if edge > -90 else 20)
    if (south, north) != (-90, 90) or not is_around:
        raise ConfigError(
            f"The projection {name} shows the whole globe, not the region "
            f"{config.region}.",
            "Leave out one of them.",
        )
    return Mollweide(centre) if name == "mollweide" else Robinson(centre)
