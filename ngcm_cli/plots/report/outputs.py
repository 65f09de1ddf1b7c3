"""What an output is, by what is in it, and the section of a report about it."""

import os
import pathlib

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources.location import is_remote, redacted
from ngcm_cli.output.run_directory import RECORD
from ngcm_cli.plots.report.climate_section import climate_section
from ngcm_cli.plots.report.content import Section
from ngcm_cli.plots.report.diagnosis_section import diagnosis_section
from ngcm_cli.plots.report.gridded_section import gridded_section
from ngcm_cli.plots.report.score_section import score_section
from ngcm_cli.plots.report.track_section import track_section
from ngcm_cli.plots.sources import derived_file, peek

_SECTIONS = {
    "scores": score_section,
    "diagnosis": diagnosis_section,
    "tracks": track_section,
}
_KINDS = (
    "forecasts, ensembles and records as NetCDF, Zarr or GRIB, directories of ngcm "
    "amip, and files of ngcm evaluate, tracks and diagnose"
)


def section_of(location: str, folder: pathlib.Path) -> Section:
    """Return the section about an output.

    Args:
        location: of the output.
        folder: of the page, to which links are relative.

    Raises:
        InputDataError: it is no output, or an empty one.
        OutputError: it is a damaged one.
    """
    if is_remote(location):
        shown = redacted(location)
        return gridded_section(location, [(shown, "")])
    path = pathlib.Path(location)
    if not path.exists():
        raise InputDataError(f"There is no {location}.", "Name an output of ngcm.")
    relative = os.path.relpath(path.resolve(), folder.resolve())
    links = [(path.name or relative, pathlib.PurePath(relative).as_posix())]
    if path.is_dir() and path.suffix != ".zarr" and (path / RECORD).exists():
        return climate_section(path, links)
    kind = peek(path) if path.is_file() and path.suffix == ".nc" else "fields"
    if kind in _SECTIONS:
        with derived_file(location, kind):
            return _SECTIONS[kind](path, links)
    try:
        return gridded_section(location, links)
    except InputDataError as error:
        message = error.message
        if location not in message:
            message = f"{location} cannot be reported on: {message}"
        hint = error.hint or f"Reports are about {_KINDS}."
        raise InputDataError(message, hint) from None
