"""A report on data: what they hold, what they can be used for, what is wrong."""

import dataclasses
from collections.abc import Collection

import numpy as np

from ngcm_cli.errors import InputDataError, printable
from ngcm_cli.forcing.sst_record import SSTRecord
from ngcm_cli.inputs.file_description import describe_file
from ngcm_cli.inputs.input_dataset import InputDataset
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.pressure_levels import list_levels
from ngcm_cli.inputs.select_analysis import select_analysis
from ngcm_cli.inputs.sources.location import (
    matching_files,
    naming_file,
    resolve_location,
)
from ngcm_cli.inputs.sources.open import open_dataset
from ngcm_cli.inputs.times import choose_time, describe_times
from ngcm_cli.inputs.variable_summary import summarize_variable
from ngcm_cli.inputs.variables import (
    LAND_SEA_MASK,
    SEA_ICE,
    SKIN_TEMPERATURE,
    SST,
)
from ngcm_cli.io.progress import ByteProgress, no_progress


@dataclasses.dataclass(frozen=True)
class DataReport:
    """What was found in data.

    Attributes:
        lines: Headings and text, `printable`; consecutive lines may have the same
            heading.
        usable: Whether a run can start from them, or take its forcing from them.
    """

    lines: tuple[tuple[str, str], ...]
    problems: tuple[InputDataError, ...]
    usable: bool

    def __post_init__(self):
        lines = tuple((heading, printable(text)) for heading, text in self.lines)
        object.__setattr__(self, "lines", lines)


def report_data(
    path: str,
    model_inputs: ModelInputs,
    init_time: np.datetime64 | None = None,
    *,
    offline: bool = False,
    progress: ByteProgress = no_progress,
) -> DataReport:
    """Check everything in a dataset that a run could use.

    Of remote data only metadata are read, unless a time is given; of local data, by
    default, all times.

    Raises:
        InputDataError: They cannot be opened, or hold no known variable.
    """
    names = model_inputs.readable
    try:
        opened = InputDataset.open(path, names, offline=offline, progress=progress)
    except InputDataError as problem:
        return _unusable(path, model_inputs, problem, offline, progress)
    with opened as dataset:
        if not dataset.fields:
            raise InputDataError(
                f"'{path}' holds no variable that a run needs. Found the variables "
                f"{', '.join(dataset.variable_names)}{dataset.rejections}.",
                "Needed: an analysis on pressure levels, or sea-surface temperature. "
                "Static fields come with the model.",
            )
        lines = _overview(dataset)
        wrong: dict[str, InputDataError] = {}
        for name in dataset.fields:
            summary = summarize_variable(dataset, name, init_time, wrong)
            lines.append(("Variables", summary))
        fields = [field for parts in dataset.fields.values() for field in parts]
        used = {name for field in fields for name in field.variable_names}
        others = [name for name in dataset.variable_names if name not in used]
        if others:
            lines.append(("Not used", ", ".join(others)))
        problems = [*_missing_time(dataset, init_time), *wrong.values()]
        has_analysis, forecast = _use_as_analysis(
            dataset, model_inputs, init_time, wrong
        )
        has_forcing, forcing = _use_as_forcing(dataset, model_inputs, wrong)
        lines += [("Forecast", text) for text in forecast]
        lines += [("Forcing", text) for text in forcing]
    usable = (has_analysis or has_forcing) and not problems
    return DataReport(tuple(lines), tuple(problems), usable)


def _unusable(
    path: str,
    model_inputs: ModelInputs,
    problem: InputDataError,
    offline: bool,
    progress: ByteProgress,
) -> DataReport:
    """Describe a file that opens but cannot be used; else raise the problem."""
    for file in matching_files(resolve_location(path)):
        if file not in problem.message and path not in problem.message:
            continue  # the problem is in another file
        try:
            dataset = open_dataset(file, offline=offline, progress=progress)
        except InputDataError:
            break
        with dataset:
            return DataReport(
                tuple(describe_file(file, dataset, model_inputs)), (problem,), False
            )
    raise problem


def _missing_time(
    dataset: InputDataset, init_time: np.datetime64 | None
) -> list[InputDataError]:
    """Return an error if the data lack the time to check."""
    if init_time is None:
        return []
    times = np.unique(np.concatenate([dataset.times(name) for name in dataset.fields]))
    try:
        with naming_file(dataset.path):
            choose_time(times, init_time)
    except InputDataError as problem:
        return [problem]
    return []


def _overview(dataset: InputDataset) -> list[tuple[str, str]]:
    grids, times, levels = {}, {}, {}
    for name, parts in dataset.fields.items():
        grid = parts[0].grid
        text = (
            f"{grid.description}, "
            f"{grid.latitude[0]:.4g} to {grid.latitude[-1]:.4g} north, "
            f"{grid.longitude[0]:.4g} to {grid.longitude[-1]:.4g} east"
        )
        grids.setdefault(text, []).append(name)
        known = dataset.times(name)
        text = describe_times(known) if len(known) else "no time axis"
        if parts[0].climatology:
            text = "the twelve months of a climatology"
        times.setdefault(text, []).append(name)
        if len(parts[0].levels):
            ordered = np.sort(parts[0].levels)
            text = f"{len(ordered)}: {list_levels(ordered)} hPa"
            levels.setdefault(text, []).append(name)

    def group(heading: str, found: dict[str, list[str]]) -> list[tuple[str, str]]:
        if len(found) == 1:
            return [(heading, next(iter(found)))]
        return [(heading, f"{what} ({', '.join(of)})") for what, of in found.items()]

    return [
        ("Data", dataset.path),
        *group("Grid", grids),
        *group("Times", times),
        *(group("Levels", levels) if levels else [("Levels", "none")]),
    ]


def _use_as_analysis(
    dataset: InputDataset,
    model_inputs: ModelInputs,
    init_time: np.datetime64 | None,
    wrong: Collection[str],
) -> tuple[bool, list[str]]:
    """Return whether a forecast can start from the data, and lines of text."""
    missing = dataset.missing(model_inputs.fields)
    if missing:
        return False, [f"cannot start from it: no {', '.join(missing)}."]
    sources = filter(None, map(dataset.source_of, model_inputs.fields))
    bad = [name for name in sources if name in wrong]
    if bad:
        return False, [f"cannot start from it: {', '.join(bad)} is wrong, see below."]
    times = dataset.times(model_inputs.fields[0])
    try:
        if init_time is None and len(times):
            init_time = times[-1]
        selection = select_analysis(dataset, init_time, model_inputs)
    except InputDataError as problem:
        return False, [f"cannot start from it: {problem.message}", problem.hint]
    return True, ["can start from it.", *selection.notes]


def _use_as_forcing(
    dataset: InputDataset, model_inputs: ModelInputs, wrong: Collection[str]
) -> tuple[bool, list[str]]:
    """Return whether surface forcing can be taken from the data, and lines of text."""
    try:
        record = SSTRecord(dataset, model_inputs)
    except InputDataError:
        return False, ["cannot be taken from it: no sea_surface_temperature."]
    temperature = [SST] if SST in dataset.fields else [SKIN_TEMPERATURE, LAND_SEA_MASK]
    bad = [name for name in (*temperature, SEA_ICE) if name in wrong]
    if bad:
        text = f"cannot be taken from it: {', '.join(bad)} is wrong, see below."
        return False, [text]
    kind = "one field without time, which can persist"
    if len(record.times):
        what = "monthly means," if record.monthly else "fields of"
        kind = f"{what} {describe_times(record.times)}"
    if record.is_climatology:
        kind = "the twelve months of a climatology, repeated every year"
    text = [f"can be taken from it: {kind}.", *record.calendar_notes]
    if not record.is_climatology and record.times_of(SST).unclear:
        text.append(
            "It is not stated whether they are means of the months or values at these "
            "times: --sst-time mean or --sst-time instant."
        )
    if SST not in dataset.fields:
        text.append(
            f"{SST} is not in the data: replaced by skin temperature of the sea."
        )
    if SEA_ICE not in dataset.fields:
        substitute = "derived from freezing temperature"
        if record.monthly:
            substitute = "replaced by AMIP's monthly climatology"
        text.append(f"{SEA_ICE} is not in the data: {substitute}.")
    return True, text
