"""A climatology computed from a long record, and written to a file.

By day of the year and hour, over all years, with a triangular window of 61 days whose
end weights are zero, as in WeatherBench 2: with S(d) the sum and N(d) the number of the
values on day d of the year at an hour,

    C(d) = Σ_k w_k S(d + k) / Σ_k w_k N(d + k),   w_k = 1 - |k|/30,   -30 < k < 30,

where days are counted around a year of 366. A year that lacks day 366 adds nothing.
"""

import pathlib
from collections.abc import Sequence

import netCDF4
import numpy as np

from ngcm_cli.errors import InputDataError, OutputError
from ngcm_cli.io.atomic import complete_file
from ngcm_cli.io.netcdf_library import netcdf_file
from ngcm_cli.time_format import format_time
from ngcm_cli.verification.climatology import day_of_year, hour_of_day
from ngcm_cli.verification.comparison_grid import ComparisonGrid
from ngcm_cli.verification.scored_variables import ScoredVariable
from ngcm_cli.verification.truth import Truth

_HALF_WINDOW = 30  # days
_DAYS = 366
_MOST_BYTES = 256 << 20  # of the sums in memory
_READ_BYTES = 64 << 20
_FEWEST_YEARS = 2


def years_of(record: Truth, years: tuple[int, int] | None) -> np.ndarray:
    """Return which times of a record are in a period of years, bool.

    Raises:
        InputDataError: they are of fewer than two years.
    """
    year = record.times.astype("datetime64[Y]").astype(np.int64) + 1970
    first, last = years or (int(year.min()), int(year.max()))
    inside = (year >= first) & (year <= last)
    if len(np.unique(year[inside])) < _FEWEST_YEARS:
        ends = " to ".join(format_time(time) for time in record.times[[0, -1]])
        raise InputDataError(
            f"A climatology of {first} to {last} needs a record of several years; this "
            f"one has {len(record.times)} times from {ends}.",
            "Give --climatology FILE: a climatology, or a longer record.",
        )
    return inside


def write_climatology(
    path: pathlib.Path,
    record: Truth,
    variables: Sequence[ScoredVariable],
    valid_times: np.ndarray,
    years: tuple[int, int] | None = None,
) -> None:
    """Write the climatology of a record for the days and hours of some times.

    Args:
        path: NetCDF file to write; it appears when it is whole.
        record: the record, on the grid of the comparison.
        variables: what it is computed of, component by component.
        valid_times: times whose days of the year and hours are needed.
        years: first and last year that are used; None is all.

    Raises:
        InputDataError: the record is too short, or lacks a day or an hour.
        OutputError: the file cannot be written.
    """
    used = years_of(record, years)
    days = np.unique(day_of_year(valid_times))
    hours = np.unique(hour_of_day(valid_times))
    absent = np.setdiff1d(hours, hour_of_day(record.times[used]))
    if len(absent):
        raise InputDataError(
            f"The record has no values at {absent[0]} UTC.",
            "Give a record with the hours of the forecasts, or score other lead times.",
        )
    try:
        with complete_file(path.resolve()) as new:
            with netcdf_file(new, "w", format="NETCDF4") as file:
                _define(file, record.grid, variables, days, hours)
                first, last = (format_time(record.times[used][i]) for i in (0, -1))
                file.period = f"{first} to {last}"
                file.comment = (
                    "mean by day of the year and hour, with a triangular window of "
                    "61 days"
                )
            parts = [
                (variable, hour, levels)
                for variable in variables
                for hour in hours
                for levels in _level_blocks(variable, record.grid)
            ]
            for variable, hour, levels in parts:
                at_hour = np.flatnonzero(used & (hour_of_day(record.times) == hour))
                mean = _mean(record, variable, at_hour, days, levels)
                at = int(np.flatnonzero(hours == hour)[0])
                with netcdf_file(new, "a") as file:  # not while the record is read
                    _write_mean(file, variable, levels, at, mean)
    except OSError as error:
        raise OutputError(
            f"{path} could not be written: {error}.", "Free some space."
        ) from error


def _define(
    file: netCDF4.Dataset,
    grid: ComparisonGrid,
    variables: Sequence[ScoredVariable],
    days: np.ndarray,
    hours: np.ndarray,
) -> None:
    levels = sorted({level for v in variables for level in v.levels or ()})
    axes = {
        "hour": (hours.astype(np.int32), "hours"),
        "dayofyear": (days.astype(np.int32), "1"),
        "level": (np.array(levels), "hPa"),
        "latitude": (grid.latitude, "degrees_north"),
        "longitude": (grid.longitude, "degrees_east"),
    }
    for name, (values, units) in axes.items():
        if len(values):
            file.createDimension(name, len(values))
            file.createVariable(name, values.dtype.str, (name,))[:] = values
            file[name].units = units
    for variable in variables:
        for component in variable.components:
            if component in file.variables:
                continue
            place = ("latitude", "longitude")
            vertical = () if variable.levels is None else ("level",)
            dimensions = ("hour", "dayofyear", *vertical, *place)
            created = file.createVariable(
                component, "f8", dimensions, fill_value=np.nan
            )
            created.units = variable.units
            created.long_name = component.replace("_", " ")


def _write_mean(
    file: netCDF4.Dataset,
    variable: ScoredVariable,
    levels: list[int],
    hour: int,
    mean: np.ndarray,
) -> None:
    for component, values in zip(variable.components, mean, strict=True):
        whole = file[component]
        if variable.levels is None:
            whole[hour] = values[:, 0]
            continue
        axis = file["level"][:]
        for level, one in zip(levels, np.swapaxes(values, 0, 1), strict=True):
            place = int(np.abs(axis - variable.levels[level]).argmin())
            whole[hour, :, place] = one


def _level_blocks(variable: ScoredVariable, grid: ComparisonGrid) -> list[list[int]]:
    """Return positions of levels whose sums over all days fit in memory together."""
    count = len(variable.levels or (0,))
    field = 8 * len(grid.latitude) * len(grid.longitude) * len(variable.components)
    at_once = max(1, _MOST_BYTES // (field * _DAYS))
    return [list(range(i, min(i + at_once, count))) for i in range(0, count, at_once)]


def _mean(
    record: Truth,
    variable: ScoredVariable,
    positions: np.ndarray,
    days: np.ndarray,
    levels: list[int],
) -> np.ndarray:
    """Return means of the days at one hour, (component, day, level, ...), float64."""
    window = np.arange(1 - _HALF_WINDOW, _HALF_WINDOW)
    near = np.unique((days[:, None] - 1 + window) % _DAYS + 1)
    wanted = positions[np.isin(day_of_year(record.times[positions]), near)]
    if variable.levels is not None:
        chosen = tuple(variable.levels[i] for i in levels)
        part = ScoredVariable(
            variable.name, chosen, variable.components, variable.column_levels
        )
    else:
        part = variable
    grid = record.grid
    field = len(grid.latitude) * len(grid.longitude)
    shape = len(variable.components), len(levels), *map(len, (grid.latitude,))
    shape = (*shape, len(grid.longitude))
    sums = np.zeros((len(near), *shape))
    counts = np.zeros((len(near), *shape), np.int32)
    at_once = max(1, _READ_BYTES // (4 * field * shape[0] * shape[1]))
    for first in range(0, len(wanted), at_once):
        block = wanted[first : first + at_once]
        values = record.read_once(part, block)
        for number, day in enumerate(day_of_year(record.times[block])):
            at = int(np.searchsorted(near, day))
            valid = ~np.isnan(values[:, number])
            sums[at] += np.where(valid, values[:, number], 0)
            counts[at] += valid
    distance = np.abs((near - days[:, None] + _DAYS // 2) % _DAYS - _DAYS // 2)
    weights = np.clip(1 - distance / _HALF_WINDOW, 0, None)
    total = np.tensordot(weights, sums, 1)
    weight = np.tensordot(weights, counts, 1)
    if not weight.reshape(len(days), -1).any(axis=1).all():
        absent = days[~weight.reshape(len(days), -1).any(axis=1)]
        raise InputDataError(
            f"The record has no value of {variable.name} within a month of day "
            f"{absent[0]} of the year.",
            "Give a longer record.",
        )
    mean = np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0)
    return np.swapaxes(mean, 0, 1)
