"""``ngcm export``: the output of a run in other formats."""

import pathlib
from typing import Annotated

import typer

from ngcm_cli.cli.console import messages, print_line
from ngcm_cli.cli.options import OUTPUT_NAMES, Overwrite, option


def export(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="Output directory of a run.")
    ],
    cmor: Annotated[
        bool | None,
        typer.Option(
            "--cmor",
            help="Write NetCDF with CMIP names, a file per variable and realization, "
            "as AIMIP Phase 1 requires.",
        ),
    ] = None,
    output: Annotated[
        str | None,
        option("DIR", "Directory for the files.  [default: RUN/cmor]", *OUTPUT_NAMES),
    ] = None,
    experiment: Annotated[
        str | None,
        option(
            "NAME",
            "CMIP experiment_id.  [default: aimip, aimip-p2k or aimip-p4k, by the SST "
            "offset of the run]",
        ),
    ] = None,
    source_id: Annotated[
        str | None,
        option(
            "NAME",
            "CMIP source_id, of letters, digits and dashes.  [default: from the name "
            "of the model]",
        ),
    ] = None,
    institution: Annotated[
        str | None,
        option("TEXT", "Institution that made the run.  [default: unspecified]"),
    ] = None,
    overwrite: Overwrite = None,
) -> None:
    """Export the means of a run.

    Complete months and days only, of a running run those written so far. Prints the
    folder of the files.

    Example: ngcm export run --cmor --institution "University of Nowhere"
    """
    with messages() as console:
        from ngcm_cli.errors import ConfigError
        from ngcm_cli.io.progress import format_size

        if not cmor:
            raise ConfigError(
                "The format of the export is not given.",
                "Give --cmor, for NetCDF with CMIP names.",
            )
        from ngcm_cli.output.cmor import export_cmor

        source = pathlib.Path(run)
        folder = pathlib.Path(output) if output else source / "cmor"
        written = export_cmor(
            source,
            folder,
            experiment=experiment,
            source_id=source_id,
            institution=institution,
            overwrite=bool(overwrite),
        )
        size = format_size(sum(path.stat().st_size for path in written))
        print_line(console, f"Wrote {len(written)} files, {size}.")
        typer.echo(folder)
