"""A dataset named with --data: one or several files, opened but not yet read."""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.calendars import (
    STANDARD,
    calendar_of,
    is_cftime,
    to_standard_calendar,
)
from ngcm_cli.inputs.humidity import SUBSTITUTES
from ngcm_cli.inputs.input_field import InputField, StackedField
from ngcm_cli.inputs.layouts import split_levels
from ngcm_cli.inputs.recognition import is_anomaly, recognise
from ngcm_cli.inputs.source_grid import SourceGrid
from ngcm_cli.inputs.sources.location import matching_files, naming_file
from ngcm_cli.inputs.sources.named import find_source
from ngcm_cli.inputs.sources.open import open_dataset
from ngcm_cli.inputs.time_meaning import INSTANT, MEAN
from ngcm_cli.inputs.times import checked_times
from ngcm_cli.inputs.unit_conversion import stated_conversion
from ngcm_cli.inputs.variables import CLOUDS, SURFACE_VARIABLES, VARIABLES
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.time_format import format_time


@dataclasses.dataclass(frozen=True, eq=False)
class InputDataset:
    """One dataset, or several files that belong together.

    Attributes:
        fields: Fields by ERA5 name; several where several files hold a variable.
        variable_names: Names of all variables in the files.
        rejected: Why variables with known names are not used, one phrase each.
    """

    path: str
    fields: dict[str, tuple[InputField, ...]]
    variable_names: tuple[str, ...]
    rejected: tuple[str, ...]
    _open: tuple[xr.Dataset, ...]

    @classmethod
    def open(
        cls,
        path: str,
        names: Sequence[str],
        *,
        offline: bool = False,
        progress: ByteProgress = no_progress,
    ) -> Self:
        """Open files and recognise their variables; no field is read.

        The path is a file, directory, URL, pattern of files, or named source. Only the
        variables named, by ERA5 long name, can be read. Progress is of files that must
        be downloaded whole.

        Raises:
            InputDataError: There are no such data, or they cannot be recognised.
        """
        fields: dict[str, list[InputField]] = {}
        variable_names: list[str] = []
        rejected: list[str] = []
        source = find_source(path)
        with contextlib.ExitStack() as opened:
            datasets = []
            for file in [source.url] if source else matching_files(path):
                with naming_file(file):
                    dataset = open_dataset(file, offline=offline, progress=progress)
                    opened.callback(dataset.close)
                    datasets.append(dataset)
                    for field in _recognised_fields(file, dataset, names):
                        fields.setdefault(field.name, []).append(field)
                variable_names += map(str, dataset.data_vars)
                rejected += _rejected(dataset, [n for n in names if n not in fields])
            if "specific_humidity" in fields:
                fields = {n: x for n, x in fields.items() if n not in SUBSTITUTES}
            with naming_file(path):
                for name, parts in fields.items():
                    fields[name] = _stack_levels(parts)
                    _check_parts(name, fields[name])
            opened.pop_all()
        return cls(
            path,
            {name: tuple(fields[name]) for name in names if name in fields},
            tuple(dict.fromkeys(variable_names)),
            tuple(rejected),
            tuple(datasets),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        for dataset in self._open:
            dataset.close()

    @property
    def rejections(self) -> str:
        """Why variables with known names are not used, in brackets; may be empty."""
        return "".join(f" ({reason})" for reason in self.rejected)

    @property
    def attributes(self) -> dict[str, Any]:
        """Global attributes of the first file."""
        return self._open[0].attrs

    def times(self, name: str) -> np.ndarray:
        """Return the valid times of a variable, ascending; empty if unknown."""
        return np.unique(np.concatenate([f.times for f in self.fields[name]]))

    def common_times(self, names: Sequence[str]) -> np.ndarray:
        """Return the valid times that variables share; empty if none has any.

        Raises:
            InputDataError: They have times, but none in common.
        """
        known = [times for name in names if len(times := self.times(name))]
        common = functools.reduce(np.intersect1d, known) if known else np.empty(0)
        if known and not len(common):
            counts = "; ".join(f"{n}: {len(self.times(n))}" for n in names)
            raise InputDataError(
                f"The variables have no time in common (times each: {counts}).",
                "Name files that hold all variables at the initial time.",
            )
        return common

    def source_of(self, name: str) -> str | None:
        """Return which variable a field is taken from; None if it is absent."""
        if name in self.fields or name != "specific_humidity":
            return name if name in self.fields else None
        return next((other for other in SUBSTITUTES if other in self.fields), None)

    def missing(self, names: Sequence[str]) -> list[str]:
        """Return which of several fields are absent and have no substitute."""
        return [n for n in names if self.source_of(n) is None and n not in CLOUDS]

    def field(self, name: str, time: np.datetime64 | None) -> InputField:
        """Return the field that holds a variable at one of its times."""
        parts = self.fields[name]
        return next((f for f in parts if time in f.times), parts[0])


def _recognised_fields(
    path: str, dataset: xr.Dataset, names: Sequence[str]
) -> Iterator[InputField]:
    known: set[str] = set()
    for number, part in enumerate(split_levels(dataset)):
        # A part of single levels may repeat what is on several levels.
        wanted = [name for name in names if name not in known]
        for field in _fields_of(path, dataset, recognise(part, wanted)):
            if number == 0:
                known.add(field.name)
            yield field


def _fields_of(
    path: str, dataset: xr.Dataset, canonical: xr.Dataset
) -> Iterator[InputField]:
    grid = SourceGrid.from_file_order(
        canonical["longitude"].values, canonical["latitude"].values
    )
    has_middle = "time_middle" in canonical.coords
    climatology = "time" in canonical.coords and bool(canonical["time"].attrs)
    axis = functools.cache(functools.partial(time_axis, dataset, canonical))
    for name, array in canonical.data_vars.items():
        variable = VARIABLES[str(name)]
        method = array.attrs["time_method"]
        bounded = has_middle and name in SURFACE_VARIABLES and method != INSTANT
        method = MEAN if bounded else method
        # Refuses unknown units before anything is read.
        stated_conversion(variable, array.attrs["found"], array.attrs["units"])
        times, used, calendar = axis(bounded, method)
        static = len(times) > 1 and "time" not in array.dims
        levels = np.array(array.attrs.get("pressure", []), float, ndmin=1)
        yield InputField(
            name=str(name),
            array=array.isel(time=used) if "time" in array.dims else array,
            times=times[:0] if static else times,
            levels=canonical["level"].values if "level" in array.dims else levels,
            grid=grid,
            path=path,
            static=static,
            dataset=dataset,
            calendar=calendar,
            time_method=method,
            bounded=bounded,
            climatology=climatology,
        )


def time_axis(
    dataset: xr.Dataset, canonical: xr.Dataset, bounded: bool, method: str
) -> tuple[np.ndarray, np.ndarray | slice, str]:
    """Return times, datetime64[s], which of those in the file they are, and a calendar.

    Args:
        dataset: As opened.
        canonical: As `recognise` returns it.
        bounded: Whether to return the middle of the bounds.
        method: What the fields are, as `stated_method` returns it.
    """
    if "time" not in canonical.coords:
        return np.array([], "datetime64[s]"), slice(None), STANDARD
    values = canonical["time_middle" if bounded else "time"].values
    calendar = calendar_of(values)
    used = None
    if is_cftime(values):
        values = to_standard_calendar(values, method)
        if "time" in canonical.dims:
            used = np.flatnonzero(~np.isnat(values))
            values = values[used]
    times = checked_times(values)
    if "time" not in canonical.dims:
        return times, slice(None), calendar
    filled = _filled_times(dataset, times)
    return times[filled], filled if used is None else used[filled], calendar


def _stack_levels(parts: Sequence[InputField]) -> list[InputField]:
    """Return parts in which those of the same times and different levels are one."""
    by_times: dict[bytes, list[InputField]] = {}
    for part in parts:
        by_times.setdefault(part.times.tobytes(), []).append(part)
    result: list[InputField] = []
    for same in by_times.values():
        levels = np.concatenate([part.levels for part in same])
        apart = len(np.unique(levels)) == len(levels)
        if len(same) > 1 and apart and all(len(part.levels) for part in same):
            result.append(StackedField.of(same))
        else:
            result += same
    return result


def _filled_times(dataset: xr.Dataset, times: np.ndarray) -> slice:
    """Return which times have data: the axis of ARCO-ERA5 runs from 1900 to 2050."""
    start = dataset.attrs.get("valid_time_start")
    stops = [
        str(dataset.attrs[name])
        for name in ("valid_time_stop", "valid_time_stop_era5t")  # the latter later
        if name in dataset.attrs
    ]
    if not start or not stops:
        return slice(None)
    try:
        first = np.datetime64(str(start), "s")
        last = np.datetime64(max(stops), "D") + 1  # the whole day
    except ValueError:  # free text in data of others
        return slice(None)
    if np.isnat(first) or np.isnat(last):
        return slice(None)
    return slice(*np.searchsorted(times, [first, last.astype("datetime64[s]")]))


def _rejected(dataset: xr.Dataset, missing: Sequence[str]) -> Iterator[str]:
    """Yield why variables with known names are not used."""
    for found in dataset.data_vars:
        if any(VARIABLES[name].is_called(str(found)) for name in missing):
            array = dataset.variables[found]
            why = f"on {', '.join(map(str, array.dims))}"
            if is_anomaly(array):
                why = "an anomaly by its attributes, and not the quantity itself"
            yield f"'{found}' is not used: it is {why}"


def _check_parts(name: str, parts: Sequence[InputField]) -> None:
    """Refuse a variable in several files unless times differ and grids agree."""
    times = np.concatenate([f.times for f in parts])
    unique, count = np.unique(times, return_counts=True)
    repeated = unique[count > 1]
    if len(parts) > 1 and (len(repeated) or not all(len(f.times) for f in parts)):
        when = f" at {format_time(repeated[0])}" if len(repeated) else ""
        holders = [f.path for f in parts if not len(repeated) or repeated[0] in f.times]
        raise InputDataError(
            f"{name} is in several files{when}: {' and '.join(holders[:2])}.",
            "Name fewer files, so that each variable and time occurs once.",
        )
    for part in parts[1:]:
        same = part.grid.matches(parts[0].grid) and np.array_equal(
            part.levels, parts[0].levels
        )
        if not same:
            raise InputDataError(
                f"{name} has different grids or levels in {parts[0].path} and "
                f"{part.path}.",
                "Name only files that belong together.",
            )
