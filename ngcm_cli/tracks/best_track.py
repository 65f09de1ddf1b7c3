"""Best tracks: observed positions and intensities of storms, as IBTrACS has them.

https://doi.org/10.25921/82ty-9e16
"""

import csv
import dataclasses
import pathlib
from collections.abc import Iterator

import numpy as np

from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.time_format import parse_time

_NAMES = {
    "storm": ("track_id", "sid", "storm_id", "id"),
    "time": ("time", "iso_time"),
    "latitude": ("lat", "latitude"),
    "longitude": ("lon", "longitude"),
    "wind": ("wind", "usa_wind", "wmo_wind"),
    "pressure": ("slp", "usa_pres", "wmo_pres", "pressure", "mslp"),
}
_OPTIONAL = {"wind", "pressure"}
_KNOT = 1852 / 3600  # m s-1
_MISSING = ("", "na", "nan", "-99", "-999", "-9999")
_BOUNDS = {
    "latitude": (-90.0, 90.0, "degrees"),
    "longitude": (-180.0, 360.0, "degrees"),
    "wind": (0.0, 250.0, "knots"),
    "pressure": (800.0, 1100.0, "hPa"),
}


@dataclasses.dataclass(frozen=True)
class Storm:
    """The best track of one storm, each attribute but the first (point,).

    Attributes:
        name: identifier of the storm.
        times: ascending, datetime64[s], UTC.
        latitude: degrees.
        longitude: degrees, from 0.
        wind: highest sustained wind, m s-1; NaN where it is missing.
        pressure: lowest mean sea-level pressure, Pa; NaN where it is missing.
    """

    name: str
    times: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    wind: np.ndarray
    pressure: np.ndarray


def read_best_track(path: pathlib.Path) -> list[Storm]:
    """Return the storms of a CSV file, in its order.

    Columns are found by their names, in any case: those of IBTrACS (SID, ISO_TIME, LAT,
    LON, USA_WIND, USA_PRES) or track_id, time, lat, lon, wind, slp. Wind is in knots
    and pressure in hPa. The line of units of IBTrACS is left out.

    Args:
        path: of the file.

    Raises:
        InputDataError: it cannot be read, lacks a column, or has a value that is none.
    """
    points: dict[str, list[tuple]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for name, *values in _rows(csv.reader(file), path):
                points.setdefault(name, []).append(tuple(values))
    except OSError as error:
        raise InputDataError(
            f"{path} cannot be read: {error.strerror}.", "Check its name."
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputDataError(f"{path} is not CSV: {error}.", "Give CSV.") from None
    if not points:
        raise InputDataError(f"{path} has no points.", "Give a file with some.")
    return [_storm(name, rows, path) for name, rows in points.items()]


def _rows(lines: Iterator[list[str]], path: pathlib.Path) -> Iterator[tuple]:
    """Yield name, time, latitude, longitude, wind and pressure of each point."""
    header = [name.strip().lower() for name in next(lines, [])]
    at = {}
    for column, names in _NAMES.items():
        found = [name for name in names if name in header]
        if found:
            at[column] = header.index(found[0])
        elif column not in _OPTIONAL:
            raise InputDataError(
                f"{path} has no column of {column}.",
                f"Name it {' or '.join(names)} in the first line.",
            )
    for number, line in enumerate(lines, 2):
        if not any(cell.strip() for cell in line):
            continue
        cells = {
            column: line[i].strip() if i < len(line) else "" for column, i in at.items()
        }
        if number == 2 and cells["latitude"].lower().startswith("degree"):
            continue
        try:
            time = parse_time(cells["time"])
            values = [_number(cells.get(name, ""), name) for name in _BOUNDS]
        except (ConfigError, ValueError) as error:
            raise InputDataError(
                f"{path}, line {number}: {str(error) or 'it cannot be read'}",
                "Correct it; wind is in knots, pressure in hPa.",
            ) from None
        if np.isnan(values[:2]).any():
            raise InputDataError(
                f"{path}, line {number}: the position is missing.", "Add it."
            )
        yield cells["storm"], time, *values


def _number(text: str, column: str) -> float:
    """Return a number within the bounds of its column, or NaN for a missing one.

    Raises:
        ValueError: it is none, or out of bounds.
    """
    low, high, units = _BOUNDS[column]
    if text.lower() in _MISSING:
        return float("nan")
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"'{text}' is not a {column}.") from None
    if not low <= number <= high:
        raise ValueError(f"{column} {text} is not from {low:g} to {high:g} {units}.")
    return number


def _storm(name: str, rows: list[tuple], path: pathlib.Path) -> Storm:
    rows = sorted(rows, key=lambda row: row[0])
    times, *columns = zip(*rows, strict=True)
    latitude, longitude, wind, pressure = (np.array(c, np.float64) for c in columns)
    if len(set(times)) < len(times):
        raise InputDataError(f"{path} has a time of {name} twice.", "Keep one of them.")
    return Storm(
        name,
        np.array(times, "datetime64[s]"),
        latitude,
        longitude % 360,
        wind * _KNOT,
        pressure * 100,
    )
