"""The means of a run as CMIP's files: one of NetCDF per variable and realization.

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
    """Write all whole months and days of a run under CMIP's names.

    Each file appears under its name when it is whole. What is not there yet, or has no
    name in CMIP, is left out, and logged. One record of one variable is in memory at a
    time.

    Args:
        run: folder of a run, which may go on meanwhile.
        folder: for the files; it is made if it is not there.
        experiment: CMIP's ``experiment_id``; AIMIP's for the run's sea, if None.
        source_id: CMIP's name of the model; made of the model's own, if None.
        institution: of whoever ran it, in words.
        overwrite: replace files of the same variable and realization that share months
            or days.

    Returns:
        The files, in the order written.

    Raises:
        InputDataError: the run has nothing to export.
        ConfigError: a label cannot be part of a file name, or has to be given.
        OutputError: files are there already, or cannot be written.
    """
    stores = find_means(run)
    labels = Labels.of(stores[0].attributes, experiment, source_id, institution)
    for means in stores:
        means.say_what_is_left_out()
    whole = [means for means in stores if means.records]
    if not whole:
        raise InputDataError(
            f"The run in {run} has no whole month or day yet.",
            "Export it when it has gone on for longer.",
        )
    files = [file for means in whole for file in _files(means, labels, folder)]
    if not files:
        sources = dict.fromkeys(variable.source for variable in VARIABLES)
        raise InputDataError(
            f"The run in {run} has nothing that CMIP has a name for.",
            f"Run with some of {', '.join(sources)}.",
        )
    if not overwrite:
        refuse_to_replace([file.planned for file in files])
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {folder} cannot be made: {error.strerror}.",
            "Choose another --output.",
        ) from None
    written = [path for file in files if (path := file.write(overwrite))]
    if not written:
        raise InputDataError(
            f"The run in {run} has no mean without missing values.",
            "Look at it with `ngcm status`.",
        )
    # One for all realizations and periods: they share the grid.
    if overwrite or not files[0].area.exists():
        written.append(files[0].write_area())
    return written


def _files(means: Means, labels: Labels, folder: pathlib.Path) -> Iterator[CmorFile]:
    """The files of one store, realization by realization."""
    chosen = [
        (v, levels) for v in VARIABLES if (levels := _levels(means, v)) is not None
    ]
    _say_what_has_no_file(means, [variable for variable, _ in chosen])
    for member in range(means.members):
        for variable, levels in chosen:
            yield CmorFile(means, labels, variable, levels, member, folder)


def _levels(means: Means, variable: CmorVariable) -> tuple[int, ...] | None:
    """Those of a variable that the store has; None if it cannot be exported."""
    if variable.source not in means.variables:
        return None
    levels = tuple(level for level in variable.levels if level in means.levels)
    return levels if levels or not variable.levels else None


def _say_what_has_no_file(means: Means, chosen: Sequence[CmorVariable]) -> None:
    """Tell the user of variables and levels that will not be exported."""
    absent = [v for v in VARIABLES if v not in chosen and v.name in REQUESTED]
    if absent:
        needed = dict.fromkeys(variable.source for variable in absent)
        log.warning(
            f"{means.path}: no {', '.join(variable.name for variable in absent)}, for "
            f"want of {', '.join(needed)}, or of a level of it."
        )
    levels = [f"{level}" for level in LEVELS if level not in means.levels]
    if levels and any(variable.is_layered for variable in chosen):
        log.warning(
            f"{means.path}: no {', '.join(levels)} hPa, which AIMIP asks for; the run "
            "is without."
        )
    others = sorted(set(means.variables) - {v.source for v in VARIABLES})
    if others:
        log.warning(f"{means.path}: no {', '.join(others)}, which CMIP does not name.")
