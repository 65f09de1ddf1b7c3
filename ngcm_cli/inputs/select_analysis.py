"""Selecting the state of the atmosphere at one time in a dataset, and reading it."""

import collections
import concurrent.futures
import dataclasses
import threading

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs import below_ground, vertical_interpolation
from ngcm_cli.inputs.analysis import Analysis
from ngcm_cli.inputs.calendars import STANDARD
from ngcm_cli.inputs.humidity import SUBSTITUTES, specific_humidity
from ngcm_cli.inputs.input_dataset import InputDataset
from ngcm_cli.inputs.input_field import InputField, check_complete
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.physical_consistency import (
    check_columns,
    check_varies,
    check_wind,
)
from ngcm_cli.inputs.pressure_levels import (
    check_hydrostatic_order,
    level_indices,
    list_levels,
    nearest_level,
)
from ngcm_cli.inputs.sources.location import naming_file
from ngcm_cli.inputs.sources.month_counts import month_note
from ngcm_cli.inputs.sources.open import expect_chunks
from ngcm_cli.inputs.times import choose_time, describe_times
from ngcm_cli.inputs.variables import CLOUDS, VARIABLES
from ngcm_cli.inputs.vertical_interpolation import Columns
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.time_format import format_time

# Variables in memory at a time: one of ERA5 takes 154 MB, twice that while decoding.
_PARALLEL_READS = 3
_COMPLETING = "temperature", "specific_humidity"  # for which others are completed
_REPORTED_FROM = 100e6  # bytes
# Output counts nanoseconds in 64 bits.
_FIRST, _LAST = np.datetime64("1678-01-01", "s"), np.datetime64("2262-01-01", "s")


@dataclasses.dataclass(frozen=True, eq=False)
class AnalysisSelection:
    """An analysis in a dataset, checked as far as possible without reading a field."""

    dataset: InputDataset
    time: np.datetime64
    model_inputs: ModelInputs
    fields: dict[str, InputField]
    notes: tuple[str, ...]

    def read(self, progress: ByteProgress = no_progress) -> Analysis:
        """Read, check, convert and regrid the fields, a few variables at a time.

        Progress is of the bytes in memory if the data are local.

        Raises:
            InputDataError: Values are missing, or not plausible.
        """
        notes = list(self.notes)
        columns: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        read_notes: dict[str, list[str]] = {}
        total = sum(_size(field) for field in self.fields.values())
        counter = _ByteCounter(
            no_progress if self._expect_chunks() else progress, total
        )
        read = _Columns()
        with concurrent.futures.ThreadPoolExecutor(_PARALLEL_READS) as pool:
            tasks = {
                name: pool.submit(self._read_column, name, read, counter)
                for name in self.fields
            }
            try:
                for name, task in tasks.items():
                    columns[name], read_notes[name] = task.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)  # after the first failure
                raise
        for name in self.fields:
            notes += read_notes[name]
        land = self.model_inputs.land
        if "geopotential" in columns:
            with naming_file(self.fields["geopotential"].path):
                levels, values = columns["geopotential"]
                check_hydrostatic_order(values, levels)
        with naming_file(self.dataset.path):
            check_columns(columns)
            if land is not None:
                check_wind(columns, land, self.model_inputs.grid)
        fields = self._on_levels(columns)
        shape = len(self.model_inputs.levels), *self.model_inputs.grid.nodal_shape
        ordered = {
            name: fields[name] if name in fields else np.zeros(shape, np.float32)
            for name in self.model_inputs.fields
        }
        return Analysis(self.time, ordered, tuple(dict.fromkeys(notes)))

    def _expect_chunks(self) -> bool:
        """Announce the chunks to the stores; return whether these report progress."""
        datasets = {id(f.dataset): f.dataset for f in self.fields.values()}
        counts = collections.Counter[int]()
        for field in self.fields.values():
            counts[id(field.dataset)] += field.chunks
        return any([expect_chunks(datasets[key], n) for key, n in counts.items()])

    def _read_column(
        self, name: str, read: "_Columns", counter: "_ByteCounter"
    ) -> tuple[tuple[np.ndarray, np.ndarray], list[str]]:
        """Return levels and values of a variable on the model's grid, and the notes."""
        notes: list[str] = []
        field = self.fields[name]
        with naming_file(field.path):
            levels, values = self._complete(name, read, notes)
            values = field.regrid(self.model_inputs.grid, values)
        counter.add(_size(field))
        return (levels, values), notes

    def _complete(
        self, name: str, read: "_Columns", notes: list[str], keep: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return levels and complete values of a variable on the grid of its file.

        They are kept in memory where others need them, or may: where values are
        missing, or humidity is derived.
        """
        with read.locks[name]:
            column = read.kept.get(name)
            if column is None:
                said: list[str] = []
                levels, values, was_complete = self._read_complete(name, read, said)
                column = levels, values, said
                is_derived = any(field.name != n for n, field in self.fields.items())
                if name in _COMPLETING and (keep or is_derived or not was_complete):
                    read.kept[name] = column
        notes += column[2]
        return column[:2]

    def _read_complete(
        self, name: str, read: "_Columns", notes: list[str]
    ) -> tuple[np.ndarray, np.ndarray, bool]:
        """Return the same as `_complete`, and whether no value was missing."""
        field = self.fields[name]
        used = level_indices(self.model_inputs.levels, field.levels)
        values = field.values(self.time, notes, used)
        levels = field.levels if used is None else field.levels[used]
        if field.name not in CLOUDS:
            check_varies(field.found, values)
        empty = check_complete(field, values, levels, self.time, notes)
        if empty.any():
            levels, values = levels[~empty], values[~empty]
            vertical_interpolation.check_sufficient(levels)

        def beside(other: str) -> np.ndarray | None:
            return self._beside(field, levels, other, read)

        if field.name != name:  # of humidity
            values = specific_humidity(
                field.name, values, beside("temperature"), 100 * levels[:, None, None]
            )
        missing = np.isnan(values)
        if missing.any():
            others = ()
            if name == "geopotential":
                others = beside("temperature"), beside("specific_humidity")
            values = below_ground.fill_below_ground(name, levels, values, *others)
            share, lowest = 100 * missing[levels.argmax()].mean(), levels.max()
            notes.append(below_ground.NOTE.format(share=share, level=lowest))
            if name == "geopotential" and self.model_inputs.land is not None:
                high = below_ground.above_sea(missing, values)
                share = field.regrid(self.model_inputs.grid, high)
                below_ground.check_sea(share, self.model_inputs.land)
        return levels, values, not missing.any()

    def _beside(
        self, field: InputField, levels: np.ndarray, name: str, read: "_Columns"
    ) -> np.ndarray | None:
        """Return another variable at the points of a field; None if it is absent."""
        if name not in self.fields:
            return None
        if not self.fields[name].grid.matches(field.grid):
            raise InputDataError(
                f"{name} is on another grid than {field.found}, for which it is needed "
                "where values are missing or derived.",
                "Give both on one grid.",
            )
        column = vertical_interpolation.Column(
            *self._complete(name, read, [], keep=True)
        )
        result = np.empty((len(levels), *field.grid.shape), np.float32)
        for index, pressure in enumerate(levels):
            result[index] = column.at(float(pressure))
        return result

    def _on_levels(self, columns: Columns) -> dict[str, np.ndarray]:
        wanted = self.model_inputs.levels
        if any(level_indices(wanted, levels) is None for levels, _ in columns.values()):
            return vertical_interpolation.to_levels(columns, wanted)
        return {
            name: values[[nearest_level(levels, p) for p in wanted]]
            for name, (levels, values) in columns.items()
        }


def _size(field: InputField) -> int:
    """Return the bytes of a field in memory, float32."""
    return 4 * len(field.levels) * int(np.prod(field.grid.shape))


class _Columns:
    """Levels, values and notes of variables that others need, within one reading.

    Each is read by one thread while others wait for it.
    """

    def __init__(self):
        self.kept: dict[str, tuple[np.ndarray, np.ndarray, list[str]]] = {}
        self.locks = {name: threading.Lock() for name in VARIABLES}


class _ByteCounter:
    """Adds up the bytes that several threads have read."""

    def __init__(self, progress: ByteProgress, total: int):
        self._progress = progress if total > _REPORTED_FROM else no_progress
        self._total, self._done = total, 0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        with self._lock:
            self._done += count
            self._progress(self._done, self._total)


def select_analysis(
    dataset: InputDataset, init_time: np.datetime64 | None, model_inputs: ModelInputs
) -> AnalysisSelection:
    """Select an analysis in a dataset and check what needs no reading.

    Raises:
        InputDataError: The data lack what is needed.
    """
    names = model_inputs.fields
    sources = {name: source for name in names if (source := dataset.source_of(name))}
    found = list(sources.values())
    notes: list[str] = []
    with naming_file(dataset.path):
        _check_times(dataset, found)
        times = dataset.common_times(found)
        time = choose_time(times, init_time)
        if not len(times):
            notes.append(
                f"The data have no time; they are assumed valid at {format_time(time)}."
            )
        fields = {n: dataset.field(source, time) for n, source in sources.items()}
        for name, field in fields.items():
            notes += month_note(field.dataset)
            if len(times) and not len(field.times):
                when = format_time(time)
                notes.append(f"{name} has no time; it is assumed valid at {when}.")
        for name, field in fields.items():
            if field.name != name:
                how = f"derived from {field.found} ({SUBSTITUTES[field.name]})"
                notes.append(f"{name} is not in the data: {how}.")
        absent = [name for name in names if name not in fields]
        notes += _grid_notes(fields, model_inputs)
        notes += _level_notes(fields, model_inputs)
        if absent:
            names = " and ".join(absent)
            notes.append(f"{names}: not in the data, set to zero.")
    return AnalysisSelection(dataset, time, model_inputs, fields, tuple(notes))


def _check_times(dataset: InputDataset, names: list[str]) -> None:
    """Refuse another calendar than the standard one, and variables without times."""
    for name in names:
        field = dataset.fields[name][0]
        if field.climatology:
            raise InputDataError(
                "The atmosphere is a monthly climatology, without a date.",
                "Needed: an analysis of one time.",
            )
        if field.calendar != STANDARD:
            raise InputDataError(
                f"The times of the atmosphere are in the '{field.calendar}' calendar.",
                "Needed: dates of the standard (Gregorian) calendar; only sea-surface "
                "temperature and sea ice may be in another, with --sst-data.",
            )
        times = dataset.times(name)
        if len(times) and (times[0] < _FIRST or times[-1] > _LAST):
            raise InputDataError(
                f"The times of {field.found}, {describe_times(times)}, are not within "
                "the years 1678 to 2262.",
                "Select times within these years, or repair the units of the time "
                "axis.",
            )
        if field.static and not len(times):
            raise InputDataError(
                f"Variable {field.found} has no time axis, but the data hold several "
                "times.",
                "Give every atmospheric variable the time axis.",
            )


def _grid_notes(fields: dict[str, InputField], model_inputs: ModelInputs) -> list[str]:
    """Return a sentence for each grid that differs from the model's."""
    grids = {f.grid.description: f.grid for f in fields.values()}
    size = "x".join(map(str, model_inputs.grid.nodal_shape))
    return [
        f"Regridded conservatively from {description} to the model's {size} Gaussian "
        "grid."
        for description, grid in grids.items()
        if not grid.is_on(model_inputs.grid)
    ]


def _level_notes(fields: dict[str, InputField], model_inputs: ModelInputs) -> list[str]:
    """Return a sentence on each conversion of levels; refuse insufficient levels."""
    notes, wanted = [], model_inputs.levels
    for field in fields.values():
        if not VARIABLES[field.name].on_levels:
            continue
        used = level_indices(wanted, field.levels)
        if used is None:
            vertical_interpolation.check_sufficient(field.levels)
            notes.append(vertical_interpolation.describe(field.levels, wanted))
        elif len(unused := np.sort(np.delete(field.levels, used))):
            notes.append(
                "Levels that the model does not use are left out: "
                f"{list_levels(unused)} hPa."
            )
    return list(dict.fromkeys(notes))
