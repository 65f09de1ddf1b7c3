"""What a user names with --data: one dataset or several files, opened, not yet read."""

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
from ngcm_cli.inputs.calendars import STANDARD, as_our_dates, calendar_of
from ngcm_cli.inputs.conversion import (
    called,
    choose_conversion,
    conversion_note,
    stated_conversion,
)
from ngcm_cli.inputs.dataset import recognise
from ngcm_cli.inputs.opening import missing_chunks, open_dataset, reading_error
from ngcm_cli.inputs.places import blamed_on, location, places
from ngcm_cli.inputs.regrid import ConservativeRegridder
from ngcm_cli.inputs.source_grid import SourceGrid
from ngcm_cli.inputs.times import checked_times
from ngcm_cli.inputs.variables import CLOUDS, VARIABLES
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.time_format import format_time


@dataclasses.dataclass(frozen=True, eq=False)
class Field:
    """One variable in one file, still on disk or far away.

    Attributes:
        name: ERA5 long name.
        array: its dimensions are among time, level, latitude and longitude.
        times: valid times along its time axis, or the one that it has; none where
            nothing says when it is valid.
        levels: hPa, in the order of the file; none at the surface.
        grid: of the file.
        path: of the file, for what is said about it.
        static: it has no time axis, in a file with several times.
        dataset: that it is in, as opened.
        calendar: that the file counts its times in; ``times`` are always in ours.
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
        """Its name in the file, with ours where that is another."""
        return called(self.array.attrs["found"], self.name)

    @property
    def is_of_instants(self) -> bool:
        """Whether something says that the values are of instants, not means."""
        return _is_of_instants(self.array)

    @property
    def chunks(self) -> int:
        """How many chunks one time of it is in; one where that is not known."""
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
        """Read one time, in SI and in the model's order, on the grid of the file.

        Args:
            time: one of ``times``; of no account where there is no time axis.
            notes: what was converted is added here, in words.
            levels: places of the levels to read, ascending; by default all.

        Returns:
            (level, longitude, latitude), without levels at the surface. Missing values
            are NaN.

        Raises:
            InputDataError: it cannot be read, is all missing, or is in other units.
        """
        array = self.array
        if "time" in array.dims:
            array = array.isel(time=int(np.flatnonzero(self.times == time)[0]))
        if levels is not None and len(levels) < len(self.levels):
            array = array.isel(level=list(levels))
        try:
            # Read first: transposing a lazy array makes xarray read point by point.
            stored = array.compute().transpose(..., "longitude", "latitude").values
        except Exception as error:  # codecs raise what they like: EOFError, zlib.error
            raise reading_error(self.found, error) from error
        self._check_chunks(stored)
        if not np.isfinite(stored).any():
            when = "" if time is None else f" at {format_time(time)}"
            raise InputDataError(
                f"Variable {self.found} has no data{when}: every value is missing "
                "(NaN).",
                "Choose another time with --init, or other data.",
            )
        variable, found = VARIABLES[self.name], self.array.attrs["found"]
        stated = stated_conversion(variable, found, self.array.attrs["units"])
        read = self.levels if levels is None else self.levels[list(levels)]
        top = float(min(read, default=1000.0))
        conversion = choose_conversion(variable, found, stated, stored, top)
        if not conversion.is_identity:
            notes.append(conversion_note(variable, found, stated, conversion))
            stored = conversion.apply(stored.astype(np.float64))
        return self.grid.in_order(stored)

    def _check_chunks(self, stored: np.ndarray) -> None:
        """Refuse what Zarr fills in for chunks that are not there, unless it is NaN."""
        missing = missing_chunks(self.dataset, self.array.attrs["found"])
        # A chunk of zeros may be stored as nothing: cloud in a dry place.
        if missing and not np.isnan(stored).any() and self.name not in CLOUDS:
            raise InputDataError(
                f"Variable {self.found} is incomplete: the chunk {missing[0]} is not "
                f"in the store{f' ({len(missing)} in all)' if missing[1:] else ''}.",
                "Copy the store again, whole, or choose another time with --init.",
            )

    def on(self, grid: Grid, values: np.ndarray) -> np.ndarray:
        """Values of the grid of the file on the model's, as float32."""
        if not self.grid.is_on(grid):
            values = _regridder(self.grid, grid)(values)
        return np.ascontiguousarray(values, dtype=np.float32)


@functools.lru_cache(maxsize=8)
def _regridder(source: SourceGrid, grid: Grid) -> ConservativeRegridder:
    return source.regridder(grid)


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """One dataset, or several files that belong together.

    Attributes:
        path: what the user named.
        fields: by ERA5 name, in one or several files.
        there: names of everything that the files hold.
        unfit: why a variable that is called as wanted does not count.
    """

    path: str
    fields: dict[str, tuple[Field, ...]]
    there: tuple[str, ...]
    unfit: tuple[str, ...]
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
        """Open and recognise; no field is read.

        Args:
            path: file, directory, URL, a pattern of files, or ``arco``.
            names: ERA5 long names of what may be wanted.
            offline: use no network.
            progress: sees the bytes of files that have to be downloaded whole.

        Raises:
            InputDataError: there is nothing, or it cannot be understood.
        """
        fields: dict[str, list[Field]] = {}
        there: list[str] = []
        unfit: list[str] = []
        with contextlib.ExitStack() as opened:
            datasets = []
            for place in places(location(path)):
                with blamed_on(place):
                    dataset = open_dataset(place, offline=offline, progress=progress)
                    opened.callback(dataset.close)
                    datasets.append(dataset)
                    for field in _recognised(place, dataset, names):
                        fields.setdefault(field.name, []).append(field)
                there += map(str, dataset.data_vars)
                unfit += _unfit(dataset, [n for n in names if n not in fields])
            with blamed_on(path):
                for name, parts in fields.items():
                    _check_parts(name, parts)
            opened.pop_all()
        return cls(
            path,
            {name: tuple(fields[name]) for name in names if name in fields},
            tuple(dict.fromkeys(there)),
            tuple(unfit),
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
        """When a variable is valid, in order; none where nothing says."""
        return np.unique(np.concatenate([f.times for f in self.fields[name]]))

    def field(self, name: str, time: np.datetime64 | None) -> Field:
        """The file that holds a variable at one of its times."""
        parts = self.fields[name]
        return next((f for f in parts if time in f.times), parts[0])


def _recognised(
    path: str, dataset: xr.Dataset, names: Sequence[str]
) -> Iterator[Field]:
    canonical = recognise(dataset, names)
    grid = SourceGrid.from_file_order(
        canonical["longitude"].values, canonical["latitude"].values
    )
    times, calendar = np.array([], "datetime64[s]"), STANDARD
    if "time" in canonical.coords:
        values = canonical["time"].values
        calendar = calendar_of(values)
        if calendar != STANDARD:
            means = not any(map(_is_of_instants, canonical.data_vars.values()))
            values = as_our_dates(values, means)
        if calendar != STANDARD and "time" in canonical.dims:
            ours = ~np.isnat(values)
            canonical, values = canonical.isel(time=ours), values[ours]
        times = checked_times(values)
    if "time" in canonical.dims:
        written = _written(dataset, times)
        canonical, times = canonical.isel(time=written), times[written]
    for name, array in canonical.data_vars.items():
        variable = VARIABLES[str(name)]
        # In unknown units it is refused before anything is read.
        stated_conversion(variable, array.attrs["found"], array.attrs["units"])
        static = len(times) > 1 and "time" not in array.dims
        yield Field(
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


def _is_of_instants(array: xr.DataArray) -> bool:
    methods = str(array.attrs["cell_methods"])
    return re.search(r"\btime: point\b", methods) is not None


def _written(dataset: xr.Dataset, times: np.ndarray) -> slice:
    """The times that have data: the axis of ARCO-ERA5 runs from 1900 to 2050."""
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
    except ValueError:  # Free text of somebody else's.
        return slice(None)
    if np.isnat(first) or np.isnat(last):
        return slice(None)
    return slice(*np.searchsorted(times, [first, last.astype("datetime64[s]")]))


def _unfit(dataset: xr.Dataset, missing: Sequence[str]) -> Iterator[str]:
    for found, array in dataset.data_vars.items():
        if any(VARIABLES[name].is_called(str(found)) for name in missing):
            dims = ", ".join(map(str, array.dims))
            yield f"'{found}' does not count: it is on {dims}"


def _check_parts(name: str, parts: Sequence[Field]) -> None:
    """Several files may hold a variable at different times, on the same grid."""
    times = np.concatenate([f.times for f in parts])
    again, count = np.unique(times, return_counts=True)
    twice = again[count > 1]
    if len(parts) > 1 and (len(twice) or not all(len(f.times) for f in parts)):
        when = f" at {format_time(twice[0])}" if len(twice) else ""
        holders = [f.path for f in parts if not len(twice) or twice[0] in f.times]
        raise InputDataError(
            f"{name} is in several files{when}: {' and '.join(holders[:2])}.",
            "Name fewer files, so that each variable and time is there once.",
        )
    for part in parts[1:]:
        same = part.grid.matches(parts[0].grid) and np.array_equal(
            part.levels, parts[0].levels
        )
        if not same:
            raise InputDataError(
                f"{name} has other grids or levels in {parts[0].path} and {part.path}.",
                "Name only files that belong together.",
            )
