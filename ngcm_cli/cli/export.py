"""``ngcm export``: the output of a run in other formats."""

import functools
import pathlib
from typing import Annotated, Any

import typer

from ngcm_cli.cli.console import messages, print_line
from ngcm_cli.cli.options import OUTPUT_NAMES, Overwrite, switch, text
from ngcm_cli.cli.run_command import RunFile, with_options
from ngcm_cli.errors import ConfigError

Run = Annotated[str, typer.Argument(metavar="RUN", help="Output directory of a run.")]
_SWITCHES: dict[str, Any] = {
    "cmor": switch(
        "--cmor",
        "Write NetCDF with CMIP names, a file per variable and realization, as CMIP6 "
        "and AIMIP Phase 1 require.",
    ),
    "mask_below_ground": switch(
        "--mask-below-ground/--no-mask-below-ground",
        "Write missing values where the mean surface pressure is lower than that of "
        "the level.",
    ),
    "tree": switch(
        "--tree/--no-tree",
        "Write into AIMIP's directory tree: institution, model, experiment, "
        "realization, table, variable, grid, version.",
    ),
    "overwrite": Overwrite,
}
_TEXTS: dict[str, Any] = {
    "output": text(
        "DIR", "Directory for the files.  [default: RUN/cmor]", *OUTPUT_NAMES
    ),
    "experiment": text(
        "NAME",
        "CMIP experiment_id.  [default: aimip for a run that follows the protocol of "
        "AIMIP Phase 1, else amip-style; -p2k or -p4k is added by the SST offset]",
    ),
    "activity": text("NAME", "CMIP activity_id.  [default: AIMIP for its experiments]"),
    "source_id": text(
        "NAME",
        "CMIP source_id, of letters, digits and dashes.  [default: from the name of "
        "the model]",
    ),
    "institution": text(
        "TEXT", "Institution that made the run.  [default: unspecified]"
    ),
    "institution_id": text(
        "NAME", "CMIP institution_id.  [default: from the name of the institution]"
    ),
    "contact": text(
        "TEXT", "Who answers questions about the data.  [default: unspecified]"
    ),
    "license": text(
        "TEXT", "Licence of the data.  [default: that of the model's weights]"
    ),
    "variant": text(
        "rNiNpNfN",
        "Variant label of the first realization, from which the others count on.  "
        "[default: r1i1p1f1]",
    ),
    "variant_info": text(
        "TEXT", "What the variant label means.  [default: from the settings of the run]"
    ),
    "levels": text(
        "NAME",
        "Pressure levels: aimip, its seven; plev19; plev8; or cmip6, plev19 for "
        "monthly and plev8 for daily means.  [default: aimip]",
    ),
    "tables": text(
        "cmip6|aimip",
        "Tables in names of files: those of the CMIP6 data request, or Amon and day "
        "for all variables, as in AIMIP.  [default: cmip6]",
    ),
    "period": text(
        "FIRST/LAST",
        "Period to export, of years, months or days, such as 1978-10/2024-12.  "
        "[default: all]",
    ),
    "years_per_file": text("N", "Calendar years in each file.  [default: all]"),
}


def export(
    run: str, config: pathlib.Path | None = None, **given: str | bool | None
) -> None:
    """Export the means of a run.

    Complete months and days only, of a running run those written so far. Prints the
    folder of the files.

    Example: ngcm export run --cmor --institution "University of Nowhere"
    """
    with messages() as console:
        from ngcm_cli.io.progress import format_size

        options = _options(config, given)
        if not options.pop("cmor", False):
            raise ConfigError(
                "The format of the export is not given.",
                "Give --cmor, for NetCDF with CMIP names.",
            )
        from ngcm_cli.output.cmor import export_cmor
        from ngcm_cli.simulation.ground import ground_of_run

        source = pathlib.Path(run)
        output = options.pop("output", None)
        folder = source / "cmor" if output is None else pathlib.Path(output)
        ground = functools.partial(ground_of_run, source)
        written = export_cmor(source, folder, ground=ground, **options)
        size = format_size(sum(path.stat().st_size for path in written))
        print_line(console, f"Wrote {len(written)} files, {size}.")
        typer.echo(folder)


def _options(
    run_file: pathlib.Path | None, given: dict[str, str | bool | None]
) -> dict[str, Any]:
    """Return the options of the command line and, where they are not, the run file."""
    options: dict[str, Any] = {}
    if run_file is not None:
        from ngcm_cli.config import parse_switch, read_run_file

        for name, value in read_run_file(run_file, (*_SWITCHES, *_TEXTS)).items():
            if not isinstance(value, str):
                raise ConfigError(
                    f"'{name}' in {run_file} is a list.", "Give one value."
                )
            options[name] = parse_switch(value) if name in _SWITCHES else value
    return options | {name: x for name, x in given.items() if x is not None}


with_options(
    export,
    {"cmor": _SWITCHES["cmor"], **_TEXTS, **_SWITCHES, "config": RunFile},
    {"run": Run},
)
