"""Reading the state of the atmosphere at one time out of a source."""

import concurrent.futures
import dataclasses
import functools
import threading

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs import vertical
from ngcm_cli.inputs.atmosphere import Atmosphere
from ngcm_cli.inputs.calendars import STANDARD
from ngcm_cli.inputs.needs import Needs
from ngcm_cli.inputs.opening import expect_chunks
from ngcm_cli.inputs.places import blamed_on
from ngcm_cli.inputs.plausibility import check_columns, check_varies
from ngcm_cli.inputs.pressure_levels import (
    check_hydrostatic_order,
    listed,
    nearest_level,
    places_of,
)
from ngcm_cli.inputs.source import Field, Source
from ngcm_cli.inputs.times import choose_time
from ngcm_cli.inputs.variables import CLOUDS, VARIABLES
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.time_format import format_time

# Fields in memory at a time: one of ERA5 is 154 MB, and as much again while decoding.
_AT_ONCE = 3
_WORTH_WATCHING = 100e6  # bytes


@dataclasses.dataclass(frozen=True, eq=False)
class AtmosphereSelection:
    """What will be read, checked as far as that goes without reading a field.

    Attributes:
        source: where it comes from.
        time: of the state.
        needs: of the model.
        fields: that are there, by ERA5 name.
        notes: what was noticed so far, in words.
    """

    source: Source
    time: np.datetime64
    needs: Needs
    fields: dict[str, Field]
    notes: tuple[str, ...]

    def read(self, progress: ByteProgress = no_progress) -> Atmosphere:
        """Read, check, convert and regrid, a few variables at a time.

        Args:
            progress: sees how much is done, in bytes as the fields lie in memory.

        Raises:
            InputDataError: missing values in the atmosphere, values out of range.
        """
        notes = list(self.notes)
        columns, read_notes = {}, {}
        sizes = [
            4 * len(f.levels) * np.prod(f.grid.shape) for f in self.fields.values()
        ]
        tally = _Tally(no_progress if self._arriving() else progress, int(sum(sizes)))
        with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
            tasks = {
                name: pool.submit(self._column, field, tally)
                for name, field in self.fields.items()
            }
            try:
                for name, task in tasks.items():
                    columns[name], read_notes[name] = task.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)  # the first failure is enough
                raise
        for name in self.fields:
            notes += read_notes[name]
        if "geopotential" in columns:
            with blamed_on(self.fields["geopotential"].path):
                levels, values = columns["geopotential"]
                check_hydrostatic_order(values, levels)
        with blamed_on(self.source.path):
            check_columns(columns)
        fields = self._on_levels(columns)
        shape = len(self.needs.levels), *self.needs.grid.nodal_shape
        for name in self.needs.fields:
            if name not in fields:
                fields[name] = np.zeros(shape, np.float32)
        ordered = {name: fields[name] for name in self.needs.fields}
        return Atmosphere(self.time, ordered, tuple(dict.fromkeys(notes)))

    def _arriving(self) -> bool:
        """Whether bytes are seen to arrive; how many chunks there will be is told."""
        fields = self.fields.values()
        datasets = {id(f.dataset): f.dataset for f in fields}
        counts = {key: 0 for key in datasets}
        for field in fields:
            counts[id(field.dataset)] += field.chunks
        return any([expect_chunks(datasets[key], n) for key, n in counts.items()])

    def _column(
        self, field: Field, tally: "_Tally"
    ) -> tuple[tuple[np.ndarray, np.ndarray], list[str]]:
        """Levels and values of a variable on the model's grid, and what was noticed."""
        notes: list[str] = []
        with blamed_on(field.path):
            places = places_of(self.needs.levels, field.levels)
            values = field.values(self.time, notes, places)
            levels = field.levels if places is None else field.levels[places]
            if field.name not in CLOUDS:
                check_varies(field.found, values)
            whole = check_complete(field, values, levels, self.time, notes)
            if whole.any():
                levels, values = levels[~whole], values[~whole]
                vertical.check_sufficient(levels)
            values = field.on(self.needs.grid, values)
        tally.add(4 * len(field.levels) * int(np.prod(field.grid.shape)))
        return (levels, values), notes

    def _on_levels(
        self, columns: dict[str, tuple[np.ndarray, np.ndarray]]
    ) -> dict[str, np.ndarray]:
        wanted = self.needs.levels
        if all(_holds(levels, wanted) for levels, _ in columns.values()):
            places = {
                name: [nearest_level(levels, p) for p in wanted]
                for name, (levels, _) in columns.items()
            }
            return {name: columns[name][1][places[name]] for name in columns}
        return vertical.to_levels(columns, wanted)


class _Tally:
    """Adds up what several threads have done."""

    def __init__(self, progress: ByteProgress, total: int):
        self._progress = progress if total > _WORTH_WATCHING else no_progress
        self._total, self._done = total, 0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        with self._lock:
            self._done += count
            self._progress(self._done, self._total)


def _holds(levels: np.ndarray, wanted: tuple[float, ...]) -> bool:
    return places_of(wanted, levels) is not None


def check_complete(
    field: Field,
    values: np.ndarray,
    levels: np.ndarray,
    time: np.datetime64 | None,
    notes: list[str],
) -> np.ndarray:
    """Which levels hold nothing at all; refuses missing values anywhere else.

    Args:
        field: the variable.
        values: (level, longitude, latitude) on the grid of the file.
        levels: hPa.
        time: for the error.
        notes: levels without data are announced here.
    """
    if np.isfinite(values).all():
        return np.zeros(len(values), bool)
    bad = ~np.isfinite(values)
    whole = np.asarray(bad.all(axis=(1, 2)))
    if (bad.any(axis=(1, 2)) & ~whole).any():
        bad[whole] = False
        level, x, y = np.argwhere(bad)[0]
        when = "" if time is None else f" at {format_time(time)}"
        raise InputDataError(
            f"Variable {field.found} has {bad.sum()} missing values (NaN){when}, the "
            f"first at {levels[level]:g} hPa, latitude "
            f"{field.grid.latitude[y]:g}, longitude {field.grid.longitude[x]:g}.",
            "The atmosphere must be complete: choose another time with --init, or "
            "fill the data first.",
        )
    notes.append(
        f"{field.name}: no data at {listed(np.sort(levels[whole]))} hPa, interpolated "
        "from the other levels."
    )
    return whole


def select_atmosphere(
    source: Source, init: np.datetime64 | None, needs: Needs
) -> AtmosphereSelection:
    """Find a state in the data; everything cheap is checked here.

    Args:
        source: opened.
        init: the time to start from, or None for the only time in the data.
        needs: of the model.

    Raises:
        InputDataError: the data lack what is needed.
    """
    there = [name for name in needs.fields if name in source.fields]
    notes: list[str] = []
    with blamed_on(source.path):
        _check_calendar(source, there)
        known = [t for n in there if len(t := source.times(n)) or _is_static(source, n)]
        times = functools.reduce(np.intersect1d, known) if known else np.empty(0)
        if known and not len(times):
            apart = "; ".join(f"{n}: {len(source.times(n))}" for n in there)
            raise InputDataError(
                f"The variables have no time in common (times each: {apart}).",
                "Name files that hold all variables at the initial time.",
            )
        time = choose_time(times, init)
        if not len(times):
            notes.append(
                f"The data have no time; taken as valid at {format_time(time)}."
            )
        fields = {name: source.field(name, time) for name in there}
        for name, field in fields.items():
            if len(times) and not len(field.times):
                when = format_time(time)
                notes.append(f"{name} has no time; taken as valid at {when}.")
        absent = [name for name in needs.fields if name not in fields]
        notes += _grid_notes(fields, needs)
        notes += _level_notes(fields, needs)
        if absent:
            words = " and ".join(absent)
            notes.append(f"{words}: not in the data, taken as zero.")
    return AtmosphereSelection(source, time, needs, fields, tuple(notes))


def _check_calendar(source: Source, names: list[str]) -> None:
    """Refuse weather at dates that are not ours."""
    for name in names:
        calendar = source.fields[name][0].calendar
        if calendar != STANDARD:
            raise InputDataError(
                f"The times of the atmosphere are in the '{calendar}' calendar.",
                "Needed: dates of the standard (Gregorian) calendar, which weather "
                "happens in; the sea alone may be of another, with --sst-data.",
            )


def _is_static(source: Source, name: str) -> bool:
    """Refuse a variable without time axis in a file with several times."""
    field = source.fields[name][0]
    if field.static:
        raise InputDataError(
            f"Variable {field.found} has no time axis, but the data hold several "
            "times.",
            "Give every atmospheric variable the time axis.",
        )
    return False


def _grid_notes(fields: dict[str, Field], needs: Needs) -> list[str]:
    grids = {f.grid.words: f.grid for f in fields.values()}
    size = "x".join(map(str, needs.grid.nodal_shape))
    return [
        f"Regridded conservatively from {words} to the model's {size} Gaussian grid."
        for words, grid in grids.items()
        if not grid.is_on(needs.grid)
    ]


def _level_notes(fields: dict[str, Field], needs: Needs) -> list[str]:
    """What happens to levels; refuses those from which no model can start."""
    notes: dict[str, None] = {}
    for field in fields.values():
        if not VARIABLES[field.name].on_levels:
            continue
        if not _holds(field.levels, needs.levels):
            vertical.check_sufficient(field.levels)
            notes[vertical.describe(field.levels, needs.levels)] = None
            continue
        unused = np.setdiff1d(
            np.arange(len(field.levels)),
            [nearest_level(field.levels, p) for p in needs.levels],
        )
        if len(unused):
            notes[
                "Levels that the model does not use are left out: "
                f"{listed(np.sort(field.levels[unused]))} hPa."
            ] = None
    return list(notes)
