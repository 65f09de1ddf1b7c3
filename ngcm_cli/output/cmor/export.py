"""Export of the means of a run to NetCDF, one file per variable and realization.

Names and layout are those of CMIP6 and of AIMIP Phase 1
(https://github.com/ai2cm/AIMIP),
``{variable}_{table}_{model}_{experiment}_{variant}_{gn|gr}_{period}.nc``.
"""

import dataclasses
import datetime
import logging
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from ngcm_cli.errors import InputDataError, OutputError
from ngcm_cli.output.cmor.file import SURFACE_PRESSURE, CmorFile
from ngcm_cli.output.cmor.fixed_file import fixed_files
from ngcm_cli.output.cmor.labels import Labels
from ngcm_cli.output.cmor.replacement import check_replaced
from ngcm_cli.output.cmor.request import Period, Request, check_is_text
from ngcm_cli.output.cmor.source import Means, find_means
from ngcm_cli.output.cmor.table import (
    LEVEL_SETS,
    REQUESTED,
    VARIABLES,
    CmorVariable,
    own_variable,
)

log = logging.getLogger(__name__)

_ALL_LAND = 99.999  # %, rounding aside


def export_cmor(
    run: pathlib.Path,
    folder: pathlib.Path,
    *,
    ground: Callable[[], Mapping[str, np.ndarray] | None] | None = None,
    **options: Any,
) -> list[pathlib.Path]:
    """Write all complete months and days of a run under CMIP names.

    Each file appears under its name when it is complete. Incomplete periods and
    variables without a CMIP name are skipped, with a warning in the log. The records of
    one chunk of one variable are in memory at a time.

    Args:
        run: folder of a run, which may still be running.
        folder: for the files; created if it does not exist.
        ground: returns land ``sftlf`` in % and height ``orog`` in m of the model's
            ground, each (latitude, longitude) on the grid of the run, or None; called
            once there is nothing to refuse.
        options: attributes of `Request`, as text; None is its default.

    Returns:
        Paths of the files, in the order written.

    Raises:
        InputDataError: the run has nothing to export.
        ConfigError: an option is not understood, or a label has to be given.
        OutputError: files exist already, or cannot be written.
    """
    request = Request.of(options)
    stores = find_means(run)
    _check_folder(folder, stores)
    labels = Labels.of(stores, request)
    for means in stores:
        means.log_excluded_records()
    complete = [means for means in stores if means.records]
    if not complete:
        raise InputDataError(
            f"The run in {run} has no complete month or day yet.",
            "Export it again when it has advanced further.",
        )
    groups = [
        files
        for means in complete
        if (records := _records(means, request))
        for files in _files(means, records, labels, folder, request)
    ]
    if not groups:
        _refuse_nothing(run, complete, request)
    check_replaced([[f.planned for f in files] for files in groups], request.overwrite)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {folder} cannot be created: {error.strerror}.",
            "Choose another --output.",
        ) from None
    fixed = None if ground is None else ground()  # which takes a while
    land = None if fixed is None else fixed["sftlf"] >= _ALL_LAND
    groups = [[dataclasses.replace(f, land=land) for f in files] for files in groups]
    written = [path for files in groups for path in _write(files, request.overwrite)]
    if not written:
        raise InputDataError(
            f"The run in {run} has no mean that is finite everywhere.",
            "See `ngcm status` for the state of the run.",
        )
    # One file of each for all realizations and periods, which share the grid.
    for file in fixed_files(groups[0][0], fixed):
        if request.overwrite or not file.named().exists():
            written.append(file.write())
    return written


def _check_folder(folder: pathlib.Path, stores: Sequence[Means]) -> None:
    """Raise unless files can be named in a folder that is no part of the run's stores.

    Raises:
        ConfigError: its name is not UTF-8.
        OutputError: it is in a store.
    """
    check_is_text("--output", str(folder))
    for means in stores:
        if folder.resolve().is_relative_to(means.path.resolve()):
            raise OutputError(
                f"The folder {folder} is in {means.path}, which is exported.",
                "Choose another --output.",
            )


def _refuse_nothing(
    run: pathlib.Path, complete: Sequence[Means], request: Request
) -> NoReturn:
    """Raise because no file is to be written."""
    if request.period is not None and not any(_in(m, request.period) for m in complete):
        spans = [m.bounds[[m.records[0], m.records[-1]], [0, 1]] for m in complete]
        begin, end = min(s[0] for s in spans), max(s[1] for s in spans)
        raise InputDataError(
            f"The run in {run} has no complete month or day in {request.period.text}.",
            f"It has some from {begin.astype('datetime64[D]')} to "
            f"{end.astype('datetime64[D]')}.",
        )
    sources = dict.fromkeys(variable.source for variable in VARIABLES)
    raise InputDataError(
        f"The run in {run} has no variable with a CMIP name.",
        f"Run with some of {', '.join(sources)}.",
    )


def _in(means: Means, period: Period | None) -> range:
    """Return the complete records of a store in a period; all if None."""
    return means.records if period is None else means.records_in(period)


def _records(means: Means, request: Request) -> range:
    """Return the records to export, and log where they do not fill the period."""
    period = request.period
    records = _in(means, period)
    if period is None:
        return records
    if not records:
        log.warning(f"{means.path} has nothing complete in {period.text}.")
        return records
    begin, end = means.bounds[records[0], 0], means.bounds[records[-1], 1]
    if begin > period.begin or end < period.end:
        log.warning(
            f"{means.path}: of {period.text} only {begin.astype('datetime64[D]')} to "
            f"{end.astype('datetime64[D]')} is exported."
        )
    return records


def _files(
    means: Means,
    records: range,
    labels: Labels,
    folder: pathlib.Path,
    request: Request,
) -> Iterator[list[CmorFile]]:
    """Yield the files of one store: consecutive ones of a variable and realization."""
    chosen = [
        (variable, levels)
        for variable in (*VARIABLES, *_own_variables(means))
        if (levels := _levels(means, variable, request)) is not None
    ]
    _log_absent(means, [variable for variable, _ in chosen], request)
    is_masked = request.mask_below_ground
    if (
        is_masked
        and SURFACE_PRESSURE not in means.variables
        and any(x for _, x in chosen)
    ):
        raise InputDataError(
            f"{means.path} has no {SURFACE_PRESSURE}, which tells what is below the "
            "ground.",
            "Leave out --mask-below-ground, or run with this variable, too.",
        )
    today = datetime.datetime.now(datetime.UTC).strftime("v%Y%m%d")
    for member in range(means.members):
        place = means, labels, member, folder, today if request.tree else None
        for variable, levels in chosen:
            table = variable.tables[means.table.frequency]
            if request.tables == "aimip":
                table = means.table.name
            yield [
                CmorFile(*place, variable, table, levels, part, is_masked)
                for part in means.split(records, request.years_per_file)
            ]


def _write(files: Sequence[CmorFile], overwrite: bool) -> Iterator[pathlib.Path]:
    """Write consecutive files up to the first mean that is not finite."""
    for file in files:
        path = file.write(overwrite)
        if path is not None:
            yield path
        if path != file.planned:
            return


def _levels(
    means: Means, variable: CmorVariable, request: Request
) -> tuple[int, ...] | None:
    """Return the levels of a variable in the store; None if it is not exportable."""
    frequency = means.table.frequency
    if variable.source not in means.variables or frequency not in variable.tables:
        return None
    wanted = variable.levels(request.levels, frequency)
    levels = tuple(level for level in wanted if level in means.levels)
    return levels if levels or not wanted else None


def _own_variables(means: Means) -> list[CmorVariable]:
    """Return those variables of a store that only its model has, in its order."""
    own = (own_variable(x, means.array(x).attrs.asdict()) for x in means.variables)
    return [variable for variable in own if variable is not None]


def _log_absent(means: Means, chosen: Sequence[CmorVariable], request: Request) -> None:
    """Log which variables and levels will not be exported."""
    frequency = means.table.frequency
    absent = [
        v
        for v in VARIABLES
        if v not in chosen and v.name in REQUESTED and frequency in v.tables
    ]
    if absent:
        needed = dict.fromkeys(variable.source for variable in absent)
        log.warning(
            f"{means.path}: {', '.join(variable.name for variable in absent)} not "
            f"exported, because {', '.join(needed)}, or a level of it, is not there."
        )
    wanted = LEVEL_SETS[request.levels][frequency]
    levels = [f"{level}" for level in wanted if level not in means.levels]
    if levels and any(variable.is_layered for variable in chosen):
        log.warning(
            f"{means.path}: no {', '.join(levels)} hPa, which --levels "
            f"{request.levels} asks for, in the run."
        )
    named = {v.source for v in (*VARIABLES, *chosen) if frequency in v.tables}
    others = sorted(set(means.variables) - named)
    if others:
        log.warning(
            f"{means.path}: {', '.join(others)} not exported, for lack of a CMIP name."
        )
