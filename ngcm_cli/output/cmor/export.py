"""Export of the means of a run to NetCDF, one file per variable and realization.

Names and layout are those of AIMIP Phase 1 (https://github.com/ai2cm/AIMIP),
``{variable}_{Amon|day}_{model}_{experiment}_r{r}i1p1f1_{gn|gr}_{period}.nc``.
"""

import logging
import pathlib
from collections.abc import Iterator, Sequence

from ngcm_cli.errors import InputDataError, OutputError
from ngcm_cli.output.cmor.attributes import Labels
from ngcm_cli.output.cmor.file import CmorFile, refuse_to_replace
from ngcm_cli.output.cmor.source import Means, find_means
from ngcm_cli.output.cmor.table import (
    LEVELS,
    REQUESTED,
    VARIABLES,
    CmorVariable,
)

log = logging.getLogger(__name__)


def export_cmor(
    run: pathlib.Path,
    folder: pathlib.Path,
    *,
    experiment: str | None = None,
    source_id: str | None = None,
    institution: str | None = None,
    overwrite: bool = False,
) -> list[pathlib.Path]:
    """Write all complete months and days of a run under CMIP names.

    Each file appears under its name when it is complete. Incomplete periods and
    variables without a CMIP name are skipped, with a warning in the log. One record of
    one variable is in memory at a time.

    Args:
        run: folder of a run, which may still be running.
        folder: for the files; created if it does not exist.
        experiment: CMIP's ``experiment_id``; that of AIMIP with the
            SST of the run, if None.
        source_id: CMIP's name of the model; derived from its own name, if None.
        institution: name of the institution that ran it.
        overwrite: replace files of the same variable and realization that share months
            or days.

    Returns:
        Paths of the files, in the order written.

    Raises:
        InputDataError: the run has nothing to export.
        ConfigError: a label cannot be part of a file name, or has to be given.
        OutputError: files exist already, or cannot be written.
    """
    stores = find_means(run)
    labels = Labels.of(stores[0].attributes, experiment, source_id, institution)
    for means in stores:
        means.log_excluded_records()
    complete = [means for means in stores if means.records]
    if not complete:
        raise InputDataError(
            f"The run in {run} has no complete month or day yet.",
            "Export it again when it has advanced further.",
        )
    files = [file for means in complete for file in _files(means, labels, folder)]
    if not files:
        sources = dict.fromkeys(variable.source for variable in VARIABLES)
        raise InputDataError(
            f"The run in {run} has no variable with a CMIP name.",
            f"Run with some of {', '.join(sources)}.",
        )
    if not overwrite:
        refuse_to_replace([file.planned for file in files])
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {folder} cannot be created: {error.strerror}.",
            "Choose another --output.",
        ) from None
    written = [path for file in files if (path := file.write(overwrite))]
    if not written:
        raise InputDataError(
            f"The run in {run} has no mean that is finite everywhere.",
            "See `ngcm status` for the state of the run.",
        )
    # One file for all realizations and periods, which share the grid.
    if overwrite or not files[0].area.exists():
        written.append(files[0].write_area())
    return written


def _files(means: Means, labels: Labels, folder: pathlib.Path) -> Iterator[CmorFile]:
    """Yield the files of one store, realization by realization."""
    chosen = [
        (v, levels) for v in VARIABLES if (levels := _levels(means, v)) is not None
    ]
    _log_absent(means, [variable for variable, _ in chosen])
    for member in range(means.members):
        for variable, levels in chosen:
            yield CmorFile(means, labels, variable, levels, member, folder)


def _levels(means: Means, variable: CmorVariable) -> tuple[int, ...] | None:
    """Return the levels of a variable in the store; None if it is not exportable."""
    if variable.source not in means.variables:
        return None
    levels = tuple(level for level in variable.levels if level in means.levels)
    return levels if levels or not variable.levels else None


def _log_absent(means: Means, chosen: Sequence[CmorVariable]) -> None:
    """Log which variables and levels will not be exported."""
    absent = [v for v in VARIABLES if v not in chosen and v.name in REQUESTED]
    if absent:
        needed = dict.fromkeys(variable.source for variable in absent)
        log.warning(
            f"{means.path}: {', '.join(variable.name for variable in absent)} not "
            f"exported, because {', '.join(needed)}, or a level of it, is not there."
        )
    levels = [f"{level}" for level in LEVELS if level not in means.levels]
    if levels and any(variable.is_layered for variable in chosen):
        log.warning(
            f"{means.path}: no {', '.join(levels)} hPa, which AIMIP asks for, in the "
            "run."
        )
    others = sorted(set(means.variables) - {v.source for v in VARIABLES})
    if others:
        log.warning(
            f"{means.path}: {', '.join(others)} not exported, for lack of a CMIP name."
        )
