"""``ngcm diagnose``: the physical consistency and the climate of a run."""

import time
from typing import Annotated

import typer

from ngcm_cli.cli.console import format_seconds, messages, print_line
from ngcm_cli.cli.options import OUTPUT_NAMES, Offline, Overwrite, text
from ngcm_cli.cli.progress import Display
from ngcm_cli.cli.run_command import RunFile


def diagnose(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="Output of a run, or other forecasts or a record, as DATA.",
        ),
    ],
    against: text(
        "DATA",
        "Analysis or record to compare with: PATH, URL or a named source such as arco.",
    ) = None,  # pyright: ignore
    period: text(
        "FIRST/LAST",
        "Period of the record, or of initial times, in years, months or days, such as "
        "1979-01/1988-12.  [default: all]",
    ) = None,  # pyright: ignore
    output: text(
        "FILE.nc", "NetCDF file for numbers, curves and maps.", *OUTPUT_NAMES
    ) = None,  # pyright: ignore
    overwrite: Overwrite = None,
    format: text(  # noqa: A002
        "table|md|csv|json", "Format of the table.  [default: table]"
    ) = None,  # pyright: ignore
    offline: Offline = None,
    config: RunFile = None,
) -> None:
    """Print the physical consistency and the climate of a run.

    Balance, budgets, circulation, eddies, modes, annual cycle and trends, of what is in
    the data, with the same of a reference beside it.

    Example: ngcm diagnose run --against era5.zarr --output diagnosis.nc
    """
    given = {
        "against": against,
        "period": period,
        "output": output,
        "overwrite": overwrite,
        "format": format,
        "offline": offline,
    }
    with messages() as console:
        from ngcm_cli.config.diagnose import DiagnoseConfig
        from ngcm_cli.config.run_file import read_run_file

        known = tuple(DiagnoseConfig.model_fields)
        settings = read_run_file(config, known) if config else {}
        settings |= {name: x for name, x in given.items() if x is not None}
        checked = DiagnoseConfig(**{**settings, "run": run})
        started = time.monotonic()
        with Display(console, "Opening the data") as display:
            from ngcm_cli.diagnosis.diagnose import diagnose as compute
            from ngcm_cli.diagnosis.diagnosis_file import write_diagnosis
            from ngcm_cli.diagnosis.table import format_table
            from ngcm_cli.output.dataset_file import check_output

            if checked.output is not None:
                read = [x for x in (checked.run, checked.against) if x is not None]
                check_output(checked.output, checked.overwrite, read)
            found = compute(checked, track=display.count, download=display.download)
            if checked.output is not None:
                write_diagnosis(found, checked.output)
        typer.echo(format_table(found, checked.format))
        seconds = format_seconds(time.monotonic() - started)
        if checked.output is not None:
            print_line(console, f"Wrote {checked.output} in {seconds}.")
