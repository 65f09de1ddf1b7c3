"""``ngcm export``: the output of a run in other formats."""

import pathlib

import typer

from ngcm_cli.cli import export_options, options
from ngcm_cli.cli.console import messages, print_line


def export(
    run: export_options.Run,
    cmor: export_options.Cmor = None,
    output: export_options.ExportFolder = None,
    experiment: export_options.Experiment = None,
    source_id: export_options.SourceId = None,
    institution: export_options.Institution = None,
    overwrite: options.Overwrite = None,
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
