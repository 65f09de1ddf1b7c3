"""What data hold, whether they can be used, and what is wrong with them, in words."""

import dataclasses
from collections.abc import Collection

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.sea import LAND, SEA_ICE, SKIN, SST, WANTED
from ngcm_cli.forcing.sea_record import SeaRecord
from ngcm_cli.inputs.analysis import check_complete, select_atmosphere
from ngcm_cli.inputs.description import describe
from ngcm_cli.inputs.needs import Needs
from ngcm_cli.inputs.opening import open_dataset
from ngcm_cli.inputs.places import blamed_on, is_far, location, places
from ngcm_cli.inputs.pressure_levels import check_hydrostatic_order, listed
from ngcm_cli.inputs.source import Field, Source
from ngcm_cli.inputs.times import choose_time, describe_times
from ngcm_cli.inputs.variables import CLOUDS, VARIABLES
from ngcm_cli.io.progress import ByteProgress, format_size, no_progress
from ngcm_cli.time_format import format_time

# Bytes of a variable: more is not read whole, but at three times.
_MUCH = 500e6


@dataclasses.dataclass(frozen=True)
class Report:
    """What was found.

    Attributes:
        lines: headings and text, for people; a heading stands once.
        problems: what is wrong, each with what to do.
        usable: whether a run can start from it, or take the sea from it.
    """

    lines: tuple[tuple[str, str], ...]
    problems: tuple[InputDataError, ...]
    usable: bool


def check(
    path: str,
    needs: Needs,
    init: np.datetime64 | None = None,
    *,
    offline: bool = False,
    progress: ByteProgress = no_progress,
) -> Report:
    """Look at everything in a dataset that a run could use.

    Of data far away only the description is read, unless a time is named.

    Args:
        path: as `Source.open` takes it.
        needs: of the model that it shall serve.
        init: the only time whose values are read.
        offline: use no network.
        progress: sees the bytes of files that have to be downloaded whole.

    Raises:
        InputDataError: it cannot be opened, or holds nothing that is known.
    """
    names = (*needs.fields, *WANTED)
    try:
        opened = Source.open(path, names, offline=offline, progress=progress)
    except InputDataError as problem:
        return _unusable(path, needs, problem, offline, progress)
    with opened as source:
        if not source.fields:
            raise InputDataError(
                f"'{path}' holds nothing that a run needs. Found the variables "
                f"{', '.join(source.there)}.",
                "Needed: the atmosphere on pressure levels, or the sea. Static fields "
                "come with the model.",
            )
        lines = _overview(source)
        wrong: dict[str, InputDataError] = {}
        for name in source.fields:
            lines.append(("Variables", _Survey(source, name, init).run(wrong)))
        used = {f.array.attrs["found"] for f in _all_fields(source)}
        others = [name for name in source.there if name not in used]
        if others:
            lines.append(("Not used", ", ".join(others)))
        problems = [*_absent(source, init), *wrong.values()]
        starts, forecast = _as_start(source, needs, init, wrong)
        serves, sea = _as_sea(source, needs, wrong)
        lines += [("Forecast", text) for text in forecast]
        lines += [("Sea", text) for text in sea]
    return Report(tuple(lines), tuple(problems), (starts or serves) and not problems)


def _unusable(
    path: str,
    needs: Needs,
    problem: InputDataError,
    offline: bool,
    progress: ByteProgress,
) -> Report:
    """What is in a file that opens and cannot be used; else the problem is raised."""
    for place in places(location(path)):
        if place not in problem.message and path not in problem.message:
            continue  # of several files, another one
        try:
            dataset = open_dataset(place, offline=offline, progress=progress)
        except InputDataError:
            break
        with dataset:
            return Report(tuple(describe(place, dataset, needs)), (problem,), False)
    raise problem


def _absent(source: Source, init: np.datetime64 | None) -> list[InputDataError]:
    """That the time named is not there at all."""
    times = np.unique(np.concatenate([source.times(name) for name in source.fields]))
    try:
        with blamed_on(source.path):
            if init is not None:
                choose_time(times, init)
    except InputDataError as problem:
        return [problem]
    return []


def _all_fields(source: Source) -> list[Field]:
    return [field for parts in source.fields.values() for field in parts]


def _overview(source: Source) -> list[tuple[str, str]]:
    grids, times, levels = {}, {}, {}
    for name, parts in source.fields.items():
        grid = parts[0].grid
        words = (
            f"{grid.words}, {grid.latitude[0]:.4g} to {grid.latitude[-1]:.4g} north, "
            f"{grid.longitude[0]:.4g} to {grid.longitude[-1]:.4g} east"
        )
        grids.setdefault(words, []).append(name)
        known = source.times(name)
        words = describe_times(known) if len(known) else "no time axis"
        times.setdefault(words, []).append(name)
        if len(parts[0].levels):
            words = f"{len(parts[0].levels)}: {listed(np.sort(parts[0].levels))} hPa"
            levels.setdefault(words, []).append(name)

    def told(heading: str, found: dict[str, list[str]]) -> list[tuple[str, str]]:
        if len(found) == 1:
            return [(heading, next(iter(found)))]
        return [(heading, f"{what} ({', '.join(of)})") for what, of in found.items()]

    return [
        ("Data", source.path),
        *told("Grid", grids),
        *told("Times", times),
        *(told("Levels", levels) if levels else [("Levels", "none")]),
    ]


@dataclasses.dataclass
class _Survey:
    """Reads a variable at several times, and keeps count."""

    source: Source
    name: str
    init: np.datetime64 | None

    def run(self, wrong: dict[str, InputDataError]) -> str:
        """A line about the variable; what is wrong with it is added under its name."""
        parts = self.source.fields[self.name]
        attributes = parts[0].array.attrs
        units = attributes["units"]
        same = attributes["found"] == self.name
        title = f"{self.name}{'' if same else ' is ' + repr(attributes['found'])}"
        title += f" in {units}" if attributes["units"] else " without units"
        times, which = self._times()
        if not times:
            return f"{title}, {which}"
        notes: list[str] = []
        smallest, largest, missing = np.inf, -np.inf, []
        for time in times:
            field = self.source.field(self.name, time)
            try:
                with blamed_on(field.path):
                    values = self._checked(field, time, notes)
            except InputDataError as problem:
                wrong[self.name] = problem
                return f"{title}: WRONG, see below"
            smallest = min(smallest, float(np.nanmin(values)))
            largest = max(largest, float(np.nanmax(values)))
            missing.append(float(np.isnan(values).mean()))
        si = VARIABLES[self.name].units
        unit = "" if si in ("1", "kg kg-1") else f" {si}"
        text = f"{title}: {smallest:.6g} to {largest:.6g}{unit}"
        if max(missing):
            text += f", {100 * max(missing):.3g} % missing"
        if which:
            text += f" ({which})"
        return " ".join([f"{text}.", *dict.fromkeys(notes)]) if notes else text

    def _checked(
        self, field: Field, time: np.datetime64 | None, notes: list[str]
    ) -> np.ndarray:
        values = field.values(time, notes)
        if len(field.levels):
            whole = check_complete(field, values, field.levels, time, notes)
            if self.name == "geopotential":
                check_hydrostatic_order(values[~whole], field.levels[~whole])
        return values

    def _times(self) -> tuple[list[np.datetime64 | None], str]:
        """The times to read, and what to say of those that are not."""
        parts = self.source.fields[self.name]
        known = self.source.times(self.name)
        if not len(known):
            return [None], "no time axis"
        if self.init is not None:
            there = self.init in known
            return ([self.init], "") if there else ([], f"no {format_time(self.init)}")
        if is_far(self.source.path):
            return [], "values not read; name a time with --init"
        size = 4 * np.prod(parts[0].array.shape) / max(len(parts[0].times), 1)
        if size * len(known) > _MUCH and len(known) > 3:
            chosen = [known[0], known[len(known) // 2], known[-1]]
            return chosen, f"of {format_size(size * len(known))} three times were read"
        return list(known), ""


def _as_start(
    source: Source,
    needs: Needs,
    init: np.datetime64 | None,
    wrong: Collection[str],
) -> tuple[bool, list[str]]:
    """Whether a forecast can start from it, and what will be substituted."""
    missing = [n for n in needs.fields if n not in source.fields and n not in CLOUDS]
    if missing:
        return False, [f"cannot start from it: {', '.join(missing)} not there."]
    bad = [name for name in needs.fields if name in wrong]
    if bad:
        return False, [f"cannot start from it: {', '.join(bad)} is wrong, see below."]
    times = source.times(needs.fields[0])
    try:
        if init is None and len(times):
            init = times[-1]
        selection = select_atmosphere(source, init, needs)
    except InputDataError as problem:
        return False, [f"cannot start from it: {problem.message}", problem.hint]
    return True, ["can start from it.", *selection.notes]


def _as_sea(
    source: Source, needs: Needs, wrong: Collection[str]
) -> tuple[bool, list[str]]:
    """Whether the sea can be taken from it."""
    try:
        record = SeaRecord.of(source, needs)
    except InputDataError:
        return False, ["cannot be taken from it: no sea_surface_temperature there."]
    used = (SST, SEA_ICE) if SST in source.fields else (SKIN, LAND, SEA_ICE)
    bad = [name for name in used if name in wrong]
    if bad:
        return False, [
            f"cannot be taken from it: {', '.join(bad)} is wrong, see below."
        ]
    kind = (
        "fields of " + describe_times(record.times)
        if len(record.times)
        else ("one field without time, which can persist")
    )
    if record.monthly:
        kind = f"monthly means, {describe_times(record.times)}"
    text = [f"can be taken from it: {kind}.", *record.calendar_notes]
    if SST not in source.fields:
        text.append(f"{SST} is not there: skin temperature of the sea stands for it.")
    if SEA_ICE not in source.fields:
        text.append(
            f"{SEA_ICE} is not there: AMIP's monthly climatology stands for it."
            if record.monthly
            else f"{SEA_ICE} is not there: it is derived from freezing sea."
        )
    return True, text
