"""A dataset named with --data: one or several files, opened but not yet read."""

import contextlib
import dataclasses
import functools
import math
import re
from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.calendars import STANDARD, calendar_of, to_standard_calendar
from ngcm_cli.inputs.recognition import recognise
from ngcm_cli.inputs.regrid import ConservativeRegridder
from ngcm_cli.inputs.source_grid import SourceGrid
from ngcm_cli.inputs.sources.location import matching_files, naming_file
from ngcm_cli.inputs.sources.named import find_source
from ngcm_cli.inputs.sources.open import missing_chunks, open_dataset, reading_error
from ngcm_cli.inputs.times import checked_times
from ngcm_cli.inputs.unit_conversion import (
    choose_conversion,
    conversion_note,
    quoted_name,
    stated_conversion,
)
from ngcm_cli.inputs.variables import CLOUDS, VARIABLES
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.time_format import format_time


@dataclasses.dataclass(frozen=True, eq=False)
class InputField:
    """One variable in one file, not yet read.

    Attributes:
        name: ERA5 long name.
        array: Lazy array; its dimensions are among time, level, latitude and longitude.
        times: Valid times along its time axis, or its only one, in the standard
            calendar; empty if unknown.
        levels: Pressure levels in the order of the file, hPa; empty at the surface.
        grid: Grid of the file.
        path: Path of the file, for messages.
        static: Whether it has no time axis in a file with several times.
        dataset: Dataset that it is in, as opened.
        calendar: Calendar of the times in the file, a CF name.
    """

    name: str
    array: xr.DataArray
    times: np.ndarray
    levels: np.ndarray
    grid: SourceGrid
    path: str
    static: bool
    dataset: xr.Dataset
    calendar: str = STANDARD

    @property
    def found(self) -> str:
        """Its name in the file, and its ERA5 name if that differs, quoted."""
        return quoted_name(self.array.attrs["found"], self.name)

    @property
    def is_instantaneous(self) -> bool:
        """Whether the metadata state that values are instantaneous, not means."""
        return _is_instantaneous(self.array)

    @property
    def chunks(self) -> int:
        """Number of chunks of one time; one if the chunks are unknown."""
        stored, sizes = self.array.attrs["chunks"], self.array.sizes
        return math.prod(
            math.ceil(sizes[dim] / size)
            for dim, size in stored.items()
            if dim != "time"
        )

    def values(
        self,
        time: np.datetime64 | None,
        notes: list[str],
        levels: Sequence[int] | None = None,
    ) -> np.ndarray:
        """Read one time, in SI units and in the model's order, on the grid of the file.

        Args:
            time: One of ``times``; ignored where there is no time axis.
            notes: Conversions are appended here, one sentence each.
            levels: Indices of the levels to read, ascending; by default all.

        Returns:
            Array of shape (level, longitude, latitude), without levels at the surface.
            Missing values are NaN.

        Raises:
            InputDataError: It cannot be read, is missing everywhere, or contradicts its
                units.
        """
        array = self.array
        if "time" in array.dims:
            array = array.isel(time=int(np.flatnonzero(self.times == time)[0]))
        if levels is not None and len(levels) < len(self.levels):
            array = array.isel(level=list(levels))
        try:
            # Read first: transposing a lazy array makes xarray read point by point.
            stored = array.compute().transpose(..., "longitude", "latitude").values
        except Exception as error:  # codecs raise their own: EOFError, zlib.error
            raise reading_error(self.found, error) from error
        self._check_chunks(stored)
        if not np.isfinite(stored).any():
            when = "" if time is None else f" at {format_time(time)}"
            raise InputDataError(
                f"Variable {self.found} has no data{when}: every value is missing "
                "(NaN).",
                "Choose another initial time, or other data.",
            )
        variable, found = VARIABLES[self.name], self.array.attrs["found"]
        stated = stated_conversion(variable, found, self.array.attrs["units"])
        read = self.levels if levels is None else self.levels[list(levels)]
        top = float(min(read, default=1000.0))
        conversion = choose_conversion(variable, found, stated, stored, top)
        if not conversion.is_identity:
            notes.append(conversion_note(variable, found, stated, conversion))
            stored = conversion.apply(stored.astype(np.float64))
        return self.grid.reorder(stored)

    def _check_chunks(self, stored: np.ndarray) -> None:
        """Refuse fill values in place of missing chunks, unless they are NaN."""
        missing = missing_chunks(self.dataset, self.array.attrs["found"])
        # A chunk of zeros need not be stored, such as cloud in a dry region.
        if missing and not np.isnan(stored).any() and self.name not in CLOUDS:
            raise InputDataError(
                f"Variable {self.found} is incomplete: the chunk {missing[0]} is not "
                f"in the store{f' ({len(missing)} in all)' if missing[1:] else ''}.",
                "Copy the whole store again, or choose another initial time.",
            )

    def regrid(self, grid: Grid, values: np.ndarray) -> np.ndarray:
        """Return values on the grid of the file as float32 on the model's grid."""
        if not self.grid.is_on(grid):
            values = _regridder(self.grid, grid)(values)
        return np.ascontiguousarray(values, dtype=np.float32)


@functools.lru_cache(maxsize=8)
def _regridder(source: SourceGrid, grid: Grid) -> ConservativeRegridder:
    return source.regridder(grid)


@dataclasses.dataclass(frozen=True, eq=False)
class InputDataset:
    """One dataset, or several files that belong together.

    Attributes:
        path: Location that the user named.
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

        Args:
            path: File, directory, URL, pattern of files, or named source.
            names: ERA5 long names of the variables that may be read.
            offline: Refuse to use the network.
            progress: Called with the bytes of files that must be downloaded whole.

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
                    dataset = (
                        source.open(offline=offline, progress=progress)
                        if source
                        else open_dataset(file, offline=offline, progress=progress)
                    )
                    opened.callback(dataset.close)
                    datasets.append(dataset)
                    for field in _recognised_fields(file, dataset, names):
                        fields.setdefault(field.name, []).append(field)
                variable_names += map(str, dataset.data_vars)
                rejected += _rejected(dataset, [n for n in names if n not in fields])
            with naming_file(path):
                for name, parts in fields.items():
                    _check_parts(name, parts)
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

    def times(self, name: str) -> np.ndarray:
        """Return the valid times of a variable, ascending; empty if unknown."""
        return np.unique(np.concatenate([f.times for f in self.fields[name]]))

    def field(self, name: str, time: np.datetime64 | None) -> InputField:
        """Return the field that holds a variable at one of its times."""
        parts = self.fields[name]
        return next((f for f in parts if time in f.times), parts[0])


def _recognised_fields(
    path: str, dataset: xr.Dataset, names: Sequence[str]
) -> Iterator[InputField]:
    canonical = recognise(dataset, names)
    grid = SourceGrid.from_file_order(
        canonical["longitude"].values, canonical["latitude"].values
    )
    times, calendar = np.array([], "datetime64[s]"), STANDARD
    if "time" in canonical.coords:
        values = canonical["time"].values
        calendar = calendar_of(values)
        if calendar != STANDARD:
            means = not any(map(_is_instantaneous, canonical.data_vars.values()))
            values = to_standard_calendar(values, means)
        if calendar != STANDARD and "time" in canonical.dims:
            known = ~np.isnat(values)
            canonical, values = canonical.isel(time=known), values[known]
        times = checked_times(values)
    if "time" in canonical.dims:
        filled = _filled_times(dataset, times)
        canonical, times = canonical.isel(time=filled), times[filled]
    for name, array in canonical.data_vars.items():
        variable = VARIABLES[str(name)]
        # Refuses unknown units before anything is read.
        stated_conversion(variable, array.attrs["found"], array.attrs["units"])
        static = len(times) > 1 and "time" not in array.dims
        yield InputField(
            name=str(name),
            array=array,
            times=times[:0] if static else times,
            levels=canonical["level"].values if "level" in array.dims else np.empty(0),
            grid=grid,
            path=path,
            static=static,
            dataset=dataset,
            calendar=calendar,
        )


def _is_instantaneous(array: xr.DataArray) -> bool:
    methods = str(array.attrs["cell_methods"])
    return re.search(r"\btime: point\b", methods) is not None


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
    for found, array in dataset.data_vars.items():
        if any(VARIABLES[name].is_called(str(found)) for name in missing):
            dims = ", ".join(map(str, array.dims))
            yield f"'{found}' is not used: it is on {dims}"


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
