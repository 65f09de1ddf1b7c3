"""The table of observations: value, place, time and error, one in each row.

Columns: ``time`` (UTC), ``latitude``, ``longitude``, ``pressure`` (of variables on
levels; Pa or hPa, as its units say), ``variable``, ``value`` and ``error`` (standard
deviation), both in SI units. In NetCDF the columns are variables of one dimension, and
the units of pressure its attribute; in CSV they are in its name, as ``pressure_hPa``.
Other columns are left alone.
"""

import csv
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ngcm_cli.assimilation.observations import OBSERVABLE, SURFACE, Observations
from ngcm_cli.config.values import closest
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.time_format import parse_time

_COLUMNS = {
    "time": ("time",),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon"),
    "variable": ("variable",),
    "value": ("value",),
    "error": ("error",),
}
_PRESSURE = re.compile(r"pressure[ _]*[(\[]?([a-z]*)[)\]]?")
_HECTOPASCAL = {"hpa": 1.0, "mb": 1.0, "mbar": 1.0, "millibar": 1.0, "pa": 0.01}
_HEIGHTS = "zg", "gh", "hgt", "h", "geopotential_height"  # aliases, but not in m2 s-2
_MISSING = "", "na", "nan", "none", "null"


def read_observations(path: pathlib.Path) -> Observations:
    """Read a table of observations in CSV or NetCDF and check it.

    Raises:
        InputDataError: it cannot be read, lacks a column, or has a value that cannot
            be.
    """
    is_netcdf = path.suffix.lower() in (".nc", ".nc4")
    columns, row, hectopascal = (_read_netcdf if is_netcdf else _read_csv)(path)
    source = str(path), "row" if is_netcdf else "line"

    def place(i: int) -> str:
        return f"{path}, {source[1]} {row[i]}"

    numbers = {
        name: _numbers(columns[name], name, place)
        for name in ("latitude", "longitude", "value", "error")
    }
    pressure = np.full(len(row), np.nan)
    if "pressure" in columns:
        pressure = _numbers(columns["pressure"], "pressure", place) * hectopascal
    variable, factor = _variables(columns["variable"], place)
    at_surface = np.isin(variable, SURFACE)
    observations = Observations(
        time=_times(columns["time"], place),
        latitude=numbers["latitude"],
        longitude=numbers["longitude"],
        pressure=np.where(at_surface, np.nan, pressure),
        variable=variable,
        value=numbers["value"] * factor,
        error=numbers["error"] * factor,
        row=row,
        source=source,
    )
    observations.check()
    return observations


def _read_csv(path: pathlib.Path) -> tuple[dict[str, Any], np.ndarray, float]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            lines = [(reader.line_num, line) for line in reader if any(line)]
    except OSError as error:
        raise InputDataError(
            f"{path} cannot be read: {error.strerror}.", "Check its name."
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputDataError(
            f"{path} is not CSV: {error}.", "Give CSV, or NetCDF that ends in .nc."
        ) from None
    at = _find_columns(path, [name.lower() for name in header])
    matches = [_PRESSURE.fullmatch(name.lower()) for name in header]
    units = {i: match[1] for i, match in enumerate(matches) if match}
    known = {i: unit for i, unit in units.items() if unit in _HECTOPASCAL}
    _refuse_two(path, "pressure", [header[i] for i in known])
    hectopascal = 1.0
    for column, unit in (known or units).items():  # one, or none that is understood
        hectopascal = _hectopascal(path, unit, "a column such as pressure_hPa")
        at["pressure"] = column
    if not lines:
        raise InputDataError(f"{path} has no observations.", "Give a file with some.")
    columns = {
        name: [line[i].strip() if i < len(line) else "" for _, line in lines]
        for name, i in at.items()
    }
    return columns, np.array([number for number, _ in lines]), hectopascal


def _read_netcdf(path: pathlib.Path) -> tuple[dict[str, Any], np.ndarray, float]:
    from ngcm_cli.inputs.sources.checked_netcdf import open_netcdf  # imports xarray

    try:
        with open_netcdf(path, str(path), cache=False) as table:
            names = {str(name).lower(): str(name) for name in table.variables}
            at = _find_columns(path, list(names))
            found = {name: table[list(names.values())[i]] for name, i in at.items()}
            hectopascal = 1.0
            if "pressure" in names:
                found["pressure"] = table[names["pressure"]]
                units = str(found["pressure"].attrs.get("units", "")).lower()
                hectopascal = _hectopascal(path, units, "the attribute units")
            size = found["value"].size
            for name, x in found.items():
                if x.ndim != 1 or x.size != size:
                    raise InputDataError(
                        f"{path}: {name} has the shape {x.shape}, and value "
                        f"{found['value'].shape}.",
                        "Give all columns the same one dimension.",
                    )
            columns: dict[str, Any] = {name: x.values for name, x in found.items()}
    except (
        OSError,
        ValueError,
        RuntimeError,
    ) as error:  # the last are of the C library
        if isinstance(error, InputDataError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise InputDataError(
            f"{path} cannot be read as NetCDF: {reason}.", "Check the file."
        ) from None
    if not size:
        raise InputDataError(f"{path} has no observations.", "Give a file with some.")
    return columns, np.arange(size), hectopascal


def _find_columns(path: pathlib.Path, names: Sequence[str]) -> dict[str, int]:
    at = {}
    for column, known in _COLUMNS.items():
        found = [i for i, name in enumerate(names) if name in known]
        _refuse_two(path, column, [names[i] for i in found])
        if not found:
            raise InputDataError(
                f"{path} has no column {column}; it has {', '.join(names) or 'none'}.",
                f"Needed: {', '.join(_COLUMNS)}, and pressure where it is not at the "
                "surface.",
            )
        at[column] = found[0]
    return at


def _refuse_two(path: pathlib.Path, column: str, names: Sequence[str]) -> None:
    if len(names) > 1:
        raise InputDataError(
            f"{path} has {column} more than once: {', '.join(names)}.",
            "Keep the one that is meant.",
        )


def _hectopascal(path: pathlib.Path, units: str, named: str) -> float:
    if units not in _HECTOPASCAL:
        said = f"'{units}', which is neither Pa nor hPa" if units else "not said"
        raise InputDataError(
            f"{path}: the unit of pressure is {said}.",
            f"Say Pa or hPa with {named}.",
        )
    return _HECTOPASCAL[units]


def _numbers(cells: Any, name: str, place: Any) -> np.ndarray:
    if isinstance(cells, np.ndarray) and np.issubdtype(cells.dtype, np.number):
        return cells.astype(np.float64)
    numbers = np.empty(len(cells))
    for i, cell in enumerate(cells):
        text = str(cell).strip().lower()
        try:
            numbers[i] = np.nan if text in _MISSING else float(text)
        except ValueError:
            raise InputDataError(
                f"{place(i)}: {name} '{cell}' is not a number.", "Correct it."
            ) from None
    return numbers


def _times(cells: Any, place: Any) -> np.ndarray:
    if isinstance(cells, np.ndarray) and np.issubdtype(cells.dtype, np.datetime64):
        return cells.astype("datetime64[s]")
    known: dict[str, np.datetime64] = {}
    for i, cell in enumerate(map(str, cells)):
        if cell not in known:
            try:
                known[cell] = parse_time(cell)
            except ConfigError as error:
                raise InputDataError(
                    f"{place(i)}: time: {error.message}", error.hint
                ) from None
    return np.array([known[cell] for cell in map(str, cells)], "datetime64[s]")


def _variables(cells: Any, place: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return ERA5 names, and the factors from values to SI units."""
    texts = [
        x.decode(errors="replace") if isinstance(x, bytes) else str(x) for x in cells
    ]
    known: Mapping[str, tuple[str, float]] = {}
    for i, text in enumerate(texts):
        if text in known:
            continue
        names = [name for name in OBSERVABLE if VARIABLES[name].is_called(text.strip())]
        if not names:
            raise InputDataError(
                f"{place(i)}: the variable '{text}' cannot be assimilated.",
                closest(text.strip().lower(), OBSERVABLE),
            )
        height = text.strip().lower() in _HEIGHTS
        known[text] = names[0], 9.80665 if height else 1.0
    names, factors = zip(*(known[text] for text in texts), strict=True)
    return np.array(names), np.array(factors)
