"""The verb: outputs in, one page out."""

import datetime
import os
import pathlib
import shlex

import ngcm_cli
from ngcm_cli.errors import ConfigError, check_text
from ngcm_cli.inputs.sources.location import redacted
from ngcm_cli.output.dataset_file import check_output
from ngcm_cli.plots.figure import write_file
from ngcm_cli.plots.report.content import Report
from ngcm_cli.plots.report.outputs import section_of
from ngcm_cli.plots.report.page import render

_MOST_OUTPUTS = 20
_SUFFIXES = ".html", ".htm"


def report(
    *outputs: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    title: str | None = None,
    overwrite: bool = False,
) -> pathlib.Path:
    """Write a report about outputs as one HTML page, and return its path.

    Args:
        *outputs: forecasts, ensembles, records, directories of climate runs, files of
            scores and tracks: paths, or URLs of gridded data.
        output: path of the page; None is the name of the first output with ``.html``,
            in the current directory.
        title: heading of the page; None names the outputs.
        overwrite: whether an existing page is replaced.

    Raises:
        ConfigError: nothing to report on is given, or the name of the page is no name.
        InputDataError: an output is not understood, or is empty.
        OutputError: the page exists or cannot be written, or a run is damaged.
    """
    locations = [os.fspath(one) for one in outputs]
    if not locations:
        raise ConfigError("No output is given.", "Name at least one.")
    if len(locations) > _MOST_OUTPUTS:
        raise ConfigError(
            f"{len(locations)} outputs are more than the {_MOST_OUTPUTS} that one page "
            "can show.",
            "Write several reports.",
        )
    path = _page_path(locations[0], output)
    check_output(path, overwrite, locations)  # before any work
    sections = [section_of(location, path.parent) for location in locations]
    names = [redacted(one).rstrip("/").rpartition("/")[2] for one in locations]
    heading = (
        title or f"Report on {names[0] if len(names) == 1 else f'{len(names)} outputs'}"
    )
    now = datetime.datetime.now(datetime.UTC)
    written = f"Written {now:%Y-%m-%d %H:%M} UTC by ngcm {ngcm_cli.__version__}."
    shown = [redacted(one) for one in locations]
    titled = ["--title", title] if title else []
    command = shlex.join(["ngcm", "report", *shown, "--output", path.name, *titled])
    page = render(Report(heading, sections, written, command))
    write_file(path, page.encode("utf-8"))
    return path


def _page_path(first: str, output: str | os.PathLike[str] | None) -> pathlib.Path:
    """Return the path of the page.

    Raises:
        ConfigError: its name does not say that it is HTML.
    """
    if output is None:
        name = redacted(first).rstrip("/").rpartition("/")[2]
        path = pathlib.PurePath(name)
        if path.suffix in (".zarr", ".nc", ".grib2", ".grib"):
            path = path.with_suffix("")
        return pathlib.Path(f"{path.name or 'report'}.html")
    check_text(output)
    path = pathlib.Path(output)
    if path.suffix.lower() not in _SUFFIXES:
        raise ConfigError(
            f"The output {path} is not named as a page.", "End its name in .html."
        )
    return path
