"""One variable in one file of a dataset, read one time at a time."""

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Self

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.below_ground import is_below_ground
from ngcm_cli.inputs.calendars import STANDARD
from ngcm_cli.inputs.fill_checks import check_fill
from ngcm_cli.inputs.pressure_levels import list_levels
from ngcm_cli.inputs.regrid import ConservativeRegridder
from ngcm_cli.inputs.source_grid import SourceGrid
from ngcm_cli.inputs.sources.open import reading_error
from ngcm_cli.inputs.time_meaning import is_mid_month_value
from ngcm_cli.inputs.unit_conversion import (
    choose_conversion,
    conversion_note,
    quoted_name,
    stated_conversion,
)
from ngcm_cli.inputs.variables import SEA_ICE, SST, VARIABLES
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.time_format import format_time
from ngcm_cli.units import SEA_FREEZING_SI

# Mid-month values of AMIP go beyond 0 and 1, and are clipped once interpolated.
_MID_MONTH_ICE = (-20.0, 21.0)
_UNDER_ICE = -1000  # in HadISST and other analyses of the Met Office


@dataclasses.dataclass(frozen=True, eq=False)
class InputField:
    """One variable in one file, as opened, not yet read.

    Attributes:
        array: Lazy array; its dimensions are among time, level, latitude and longitude.
        times: Valid times along its time axis, or its only one, in the standard
            calendar; empty if unknown.
        levels: Pressure levels in the order of the file, hPa; empty at the surface.
        static: Whether it has no time axis in a file with several times.
        calendar: CF calendar of the times in the file.
        time_method: Whether it is a `MEAN` over time or `INSTANT`; "" if not stated.
        bounded: Whether the times are the middle of periods that the file states.
        climatology: Whether the times are the months of a climatology, in year 1.
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
    time_method: str = ""
    bounded: bool = False
    climatology: bool = False

    @property
    def found(self) -> str:
        """Its name in the file, and its ERA5 name if that differs, quoted."""
        return quoted_name(self.array.attrs["found"], self.name)

    @property
    def variable_names(self) -> tuple[str, ...]:
        """Names of the variables in the file that hold it."""
        return (self.array.attrs["found"],)

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
            Shape ([level,] longitude, latitude); missing values are NaN.

        Raises:
            InputDataError: It cannot be read, is missing everywhere, or contradicts its
                units.
        """
        stored = self.read_stored(time, levels)
        if not np.isfinite(stored).any():
            when = "" if time is None else f" at {format_time(time)}"
            raise InputDataError(
                f"Variable {self.found} has no data{when}: every value is missing "
                "(NaN).",
                "Choose another initial time, or other data.",
            )
        if self.name == SST:
            stored = self._without_ice_mark(stored, notes)
        variable, found = VARIABLES[self.name], self.array.attrs["found"]
        if self.name == SEA_ICE and is_mid_month_value(found):
            variable = dataclasses.replace(variable, valid_range=_MID_MONTH_ICE)
        stated = stated_conversion(variable, found, self.array.attrs["units"])
        read = self.levels if levels is None else self.levels[list(levels)]
        ends = float(min(read, default=1000.0)), float(max(read, default=0.0))
        conversion = choose_conversion(variable, found, stated, stored, *ends)
        if note := conversion_note(variable, found, stated, conversion):
            notes.append(note)
        if not conversion.is_identity:
            stored = conversion.apply(stored.astype(np.float64))
        return stored

    def read_stored(
        self, time: np.datetime64 | None, levels: Sequence[int] | None = None
    ) -> np.ndarray:
        """Read one time as `values` does, in the units of the file."""
        array = self.array
        if "time" in array.dims:
            array = array.isel(time=int(np.flatnonzero(self.times == time)[0]))
        some = levels is not None and len(levels) < len(self.levels)
        if levels is not None and some and "level" in array.dims:
            array = array.isel(level=list(levels))
        try:
            # Read first: transposing a lazy array makes xarray read point by point.
            stored = array.compute().transpose(..., "longitude", "latitude").values
        except Exception as error:  # codecs raise their own: EOFError, zlib.error
            raise reading_error(self.found, error) from error
        found, units = self.array.attrs["found"], self.array.attrs["units"]
        when = "" if time is None else f" at {format_time(time)}"
        check_fill(self.dataset, self.name, found, stored, units, when)
        if len(self.levels) and "level" not in array.dims:
            stored = stored[None]
        return self.grid.reorder(stored)

    def _without_ice_mark(self, stored: np.ndarray, notes: list[str]) -> np.ndarray:
        """Return temperature with freezing water where a mark is of sea under ice.

        The Met Office writes -1000 there. In the tropics it would mean something else.
        """
        marked = stored == _UNDER_ICE
        if not marked.any() or marked[:, np.abs(self.grid.latitude) < 30].any():
            return stored
        units_ = self.array.attrs["units"]
        stated = stated_conversion(VARIABLES[SST], self.array.attrs["found"], units_)
        # Without units they are degrees Celsius, in which the mark is written.
        offset = 273.15 if stated is None else stated.offset
        notes.append(
            f"{SST}: {self.found} is {_UNDER_ICE} where the sea is under ice; set to "
            f"freezing, {SEA_FREEZING_SI} K."
        )
        return np.where(marked, SEA_FREEZING_SI - offset, stored)

    def regrid(self, grid: Grid, values: np.ndarray) -> np.ndarray:
        """Return values on the grid of the file as float32 on the model's grid."""
        if not self.grid.is_on(grid):
            values = regridder(self.grid, grid)(values)
        return np.ascontiguousarray(values, dtype=np.float32)


@dataclasses.dataclass(frozen=True, eq=False)
class StackedField(InputField):
    """A variable whose levels are in several files, or in variables of their own.

    Attributes:
        parts: Fields of the same times, grid and units, with different levels.
    """

    parts: tuple[InputField, ...] = ()

    @property
    def chunks(self) -> int:
        """Number of chunks of one time of all parts."""
        return sum(part.chunks for part in self.parts)

    @classmethod
    def of(cls, parts: Sequence[InputField]) -> Self:
        """Return the field of all levels; the first part stands for the others.

        Raises:
            InputDataError: The parts differ in grid or units.
        """
        first = parts[0]
        for part in parts[1:]:
            units = [p.array.attrs["units"] for p in (first, part)]
            if units[0] != units[1] or not part.grid.matches(first.grid):
                raise InputDataError(
                    f"The levels of {first.name} are on different grids or in "
                    f"different units: {first.found} in {first.path} and {part.found} "
                    f"in {part.path}.",
                    "Name only files that belong together.",
                )
        own = {f.name: getattr(first, f.name) for f in dataclasses.fields(InputField)}
        levels = np.concatenate([part.levels for part in parts])
        return cls(**{**own, "levels": levels}, parts=tuple(parts))

    @property
    def variable_names(self) -> tuple[str, ...]:
        """Names of the variables of all levels."""
        return tuple(name for part in self.parts for name in part.variable_names)

    def read_stored(
        self, time: np.datetime64 | None, levels: Sequence[int] | None = None
    ) -> np.ndarray:
        """Read the levels one part after the other."""
        wanted = np.arange(len(self.levels)) if levels is None else np.array(levels)
        pieces, begin = [], 0
        for part in self.parts:
            end = begin + len(part.levels)
            own = wanted[(begin <= wanted) & (wanted < end)] - begin
            if len(own):
                pieces.append(part.read_stored(time, own.tolist()))
            begin = end
        return np.concatenate(pieces)


@functools.lru_cache(maxsize=8)
def regridder(source: SourceGrid, grid: Grid) -> ConservativeRegridder:
    """Return what brings fields of a source, in its order, to the grid of a model."""
    longitude, latitude = np.deg2rad(source.longitude), np.deg2rad(source.latitude)
    return ConservativeRegridder(longitude, latitude, grid.longitude, grid.latitude)


def check_complete(
    field: InputField,
    values: np.ndarray,
    levels: np.ndarray,
    time: np.datetime64 | None,
    notes: list[str],
) -> np.ndarray:
    """Return which levels have no data at all, (level,); refuse other gaps.

    ``values`` are on the grid of the file, (level, longitude, latitude), ``levels`` in
    hPa; a sentence on empty levels is appended to the notes. Values may be missing
    below the ground, which `below_ground` fills.

    Raises:
        InputDataError: Values are missing elsewhere on a level with data.
    """
    if np.isfinite(values).all():
        return np.zeros(len(values), bool)
    bad = ~np.isfinite(values)
    empty = np.asarray(bad.all(axis=(1, 2)))
    if not is_below_ground(bad[~empty], levels[~empty]):
        bad[empty] = False
        level, x, y = np.argwhere(bad)[0]
        when = "" if time is None else f" at {format_time(time)}"
        raise InputDataError(
            f"Variable {field.found} has {bad.sum()} missing values (NaN){when}, the "
            f"first at {levels[level]:g} hPa, latitude "
            f"{field.grid.latitude[y]:g}, longitude {field.grid.longitude[x]:g}.",
            "Only below the ground, from a level down to the lowest, may values be "
            "missing: choose another initial time, or fill the data first.",
        )
    if empty.any():
        notes.append(
            f"{field.name}: no data at {list_levels(np.sort(levels[empty]))} hPa, "
            "interpolated from the other levels."
        )
    return empty
