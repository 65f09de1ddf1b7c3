"""Regions over which scores are averaged: those of WeatherBench, and boxes of a user.

Every region has a variant over land and one over sea: ``europe_land``, ``europe_sea``.
"""

import dataclasses
import difflib
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import numpy as np

from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.inputs.cell_areas import area_weights

_ROUNDING = 1e-5  # degrees; latitudes and longitudes of files are often float32
_LAND = 0.5  # share of land from which a cell counts as land, as at ECMWF


@dataclasses.dataclass(frozen=True)
class Region:
    """A part of the globe; bounds belong to it.

    Attributes:
        latitude: southern and northern bounds in degrees, of one band or of several.
        longitude: western and eastern bound in degrees; a western bound that is
            greater than the eastern one makes a region across the date line; None for
            all longitudes.
        surface: whether only cells of land or of sea belong to it; None for both.
    """

    latitude: tuple[tuple[float, float], ...] = ((-90.0, 90.0),)
    longitude: tuple[float, float] | None = None
    surface: Literal["land", "sea"] | None = None

    def contains(self, latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
        """Return which cells have their centre in the region, whatever their surface.

        Args:
            latitude: degrees, shape (latitude,).
            longitude: degrees, east positive, shape (longitude,).

        Returns:
            Shape (latitude, longitude), bool.
        """
        in_bands = [
            (latitude >= south - _ROUNDING) & (latitude <= north + _ROUNDING)
            for south, north in self.latitude
        ]
        inside = np.ones(len(longitude), dtype=bool)
        if self.longitude is not None and self.longitude[1] - self.longitude[0] < 360:
            west, east = self.longitude
            beyond_west = (longitude - west + _ROUNDING) % 360
            inside = beyond_west <= (east - west) % 360 + 2 * _ROUNDING
        return np.logical_or.reduce(in_bands)[:, None] & inside


def _box(south: float, north: float, west: float, east: float) -> Region:
    return Region(((south, north),), (west, east))


REGIONS: Mapping[str, Region] = MappingProxyType(
    {
        "global": Region(),
        "tropics": Region(((-20.0, 20.0),)),
        "extratropics": Region(((-90.0, -20.0), (20.0, 90.0))),
        "northern_extratropics": Region(((20.0, 90.0),)),
        "southern_extratropics": Region(((-90.0, -20.0),)),
        "europe": _box(35.0, 75.0, -12.5, 42.5),
        "north_america": _box(25.0, 60.0, -120.0, -75.0),
        "north_atlantic": _box(25.0, 60.0, -70.0, -20.0),
        "north_pacific": _box(25.0, 60.0, 145.0, -130.0),
        "east_asia": _box(25.0, 60.0, 102.5, 150.0),
        "australia_new_zealand": _box(-45.0, -12.5, 120.0, 175.0),
        "arctic": Region(((60.0, 90.0),)),
        "antarctic": Region(((-90.0, -60.0),)),
    }
)
"""Regions by name, with the bounds of WeatherBench 2."""

_ALIASES = {"ausnz": "australia_new_zealand"}
_NUMBER = r"\s*([+-]?\d+(?:\.\d*)?)\s*"
_BOX = re.compile(rf"{_NUMBER}:{_NUMBER},{_NUMBER}:{_NUMBER}")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def parse_region(text: str) -> tuple[str, Region]:
    """Return the name of a region, in full, and the region.

    Args:
        text: a name of `REGIONS`, with ``_land`` or ``_sea`` for the part of it, or
            the definition of a box, ``name=south:north,west:east`` in degrees.

    Raises:
        ConfigError: there is no such region, or the definition is wrong.
    """
    name, defined, box = text.partition("=")
    name = name.strip().lower().replace("-", "_")
    if defined:
        return name, _parse_box(name, box, text)
    whole, _, last = name.rpartition("_")
    surface = last if last in ("land", "sea") else None
    whole = whole if surface else name
    whole = _ALIASES.get(whole, whole)
    if whole not in REGIONS:
        nearest = difflib.get_close_matches(whole, [*REGIONS, *_ALIASES], n=1)
        raise ConfigError(
            f"There is no region '{text}'.",
            f"Did you mean '{nearest[0]}'?"
            if nearest
            else f"Choose from {', '.join(REGIONS)}, "
            "or define one: name=south:north,west:east.",
        )
    region = dataclasses.replace(REGIONS[whole], surface=surface)
    return f"{whole}_{surface}" if surface else whole, region


def _parse_box(name: str, box: str, text: str) -> Region:
    whole, _, last = name.rpartition("_")
    surface = last if whole and last in ("land", "sea") else None
    bounds = parse_bounds(box)
    if bounds is None or not _NAME.fullmatch(name):
        raise ConfigError(
            f"'{text}' does not define a region.",
            "Write name=south:north,west:east with numbers in degrees, such as "
            "alps=43:49,5:17.",
        )
    if name in REGIONS or name in _ALIASES or (surface and whole in REGIONS):
        raise ConfigError(
            f"The region '{name}' is already defined.", "Give the box another name."
        )
    return dataclasses.replace(_box(*bounds), surface=surface)


def parse_bounds(text: str) -> tuple[float, float, float, float] | None:
    """Return the bounds of ``south:north,west:east``; None if it is not written so.

    Raises:
        ConfigError: they are not on the globe.
    """
    found = _BOX.fullmatch(text)
    if found is None:
        return None
    south, north, west, east = map(float, found.groups())
    if not -90 <= south < north <= 90:
        raise ConfigError(
            f"The latitudes of the region '{text}' are not south:north.",
            "Give two latitudes between -90 and 90, the southern one first.",
        )
    in_range = -180 <= west <= 360 and -180 <= east <= 360
    if not in_range or ((east - west) % 360 == 0 and east - west != 360):
        raise ConfigError(
            f"The longitudes of the region '{text}' are not west:east.",
            "Give two longitudes between -180 and 360; across the date line, the "
            "western one is the greater.",
        )
    return south, north, west, east


def region_weights(
    names: Sequence[str],
    latitude: np.ndarray,
    longitude: np.ndarray,
    land_sea_mask: np.ndarray | None = None,
) -> np.ndarray:
    """Return the weights of cells in regions: area inside, 0 outside.

    Args:
        names: names or definitions, as `parse_region` takes them.
        latitude: degrees, shape (latitude,).
        longitude: degrees, shape (longitude,).
        land_sea_mask: share of land in each cell, from 0 to 1, shape (latitude,
            longitude); needed for regions over land or sea. A cell is land if half of
            it is.

    Returns:
        Shape (region, latitude, longitude), float64.

    Raises:
        ConfigError: there is no such region, it has no cell on this grid, or it needs
            the mask that is missing.
        InputDataError: the mask or the latitudes are wrong.
    """
    latitude, longitude = np.asarray(latitude), np.asarray(longitude)
    area = np.repeat(area_weights(latitude)[:, None], len(longitude), axis=1)
    land = None if land_sea_mask is None else _land(land_sea_mask, area.shape)
    weights = np.zeros((len(names), *area.shape))
    for i, text in enumerate(names):
        name, region = parse_region(text)
        inside = region.contains(latitude, longitude)
        if region.surface:
            if land is None:
                raise ConfigError(
                    f"The region '{name}' needs a land-sea mask, and there is none.",
                    "Use data with the variable land_sea_mask, or leave it out.",
                )
            inside &= land if region.surface == "land" else ~land
        if not inside.any():
            raise ConfigError(
                f"The region '{name}' has no cell of the grid of {len(latitude)} "
                f"latitudes and {len(longitude)} longitudes.",
                "Leave it out, make it larger, or evaluate on a finer grid.",
            )
        weights[i] = np.where(inside, area, 0.0)
    return weights


def _land(land_sea_mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    mask = np.asarray(land_sea_mask)
    if mask.shape != shape or not ((mask >= -1e-6) & (mask <= 1 + 1e-6)).all():
        raise InputDataError(
            "The land-sea mask is not a share from 0 to 1 on the grid of the truth.",
            "Use a mask on this grid without missing values.",
        )
    return mask >= _LAND
