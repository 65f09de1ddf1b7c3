"""``ngcm data``: data that runs start from."""

import textwrap
from typing import Annotated, Any

import typer

from ngcm_cli.cli import options
from ngcm_cli.cli.console import messages, print_error, print_line, print_table
from ngcm_cli.cli.progress import Display
from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources.named import DEFAULT_SOURCE, metavar

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Prefetch and check data; list and clear the cache.",
)


@app.command()
def prepare(
    init: Annotated[
        str,
        options.option(
            "TIMES",
            "Initial times: one, several with commas, or FIRST/LAST/STEP, as "
            "2020-08-01/2020-08-31/12h.",
        ),
    ],
    model: options.Model = None,
    data: Annotated[
        str | None,
        options.option(
            metavar("URL"), f"Analyses on a server.  [default: {DEFAULT_SOURCE}]"
        ),
    ] = None,
    lead: Annotated[
        str | None,
        options.option(
            "DURATION", "Length of the runs, for prescribed SST.  [default: 10d]"
        ),
    ] = None,
    sst: options.Sst = None,
    sst_data: options.SstData = None,
    sst_time: options.SstTime = None,
    offline: options.Offline = None,
) -> None:
    """Fetch analyses, regrid them for a model, and cache them.

    Prints the path of each. Cached data are not fetched again.

    Example: ngcm data prepare --init 2020-08-01/2020-08-31/12h
    """
    given: dict[str, Any] = {"model": model, "data": data, "lead": lead, "sst": sst}
    given |= {"sst_data": sst_data, "sst_time": sst_time, "offline": offline}
    with messages() as console, Display(console) as display:
        from ngcm_cli.config import ForecastConfig
        from ngcm_cli.simulation.prefetch import prefetch
        from ngcm_cli.time_format import format_time, parse_times

        times = parse_times(init)
        config = ForecastConfig(**{k: v for k, v in given.items() if v is not None})
        failed = []
        for number, done in enumerate(
            prefetch(config, times, display.download), start=1
        ):
            count = f"{number} of {len(times)}: {format_time(done.time)}"
            if done.failure is not None:
                print_line(console, f"{count} failed.")
                print_error(done.failure, console)
                failed.append(format_time(done.time))
            else:
                print_line(console, count)
                typer.echo(done.path)
        if failed:
            raise InputDataError(
                f"{len(failed)} of {len(times)} times could not be prepared: "
                f"{', '.join(failed)}.",
                "Run the same command again to try these only.",
            )


@app.command()
def check(
    file: Annotated[
        str,
        typer.Argument(metavar=metavar("PATH", "URL"), help="Data to check."),
    ],
    model: options.Model = None,
    init: Annotated[str | None, options.option("TIME", "Check this time only.")] = None,
    offline: options.Offline = None,
) -> None:
    """Show what data hold, and whether a run can use them.

    Example: ngcm data check era5.nc
    """
    with messages() as console:
        from ngcm_cli.config import DEFAULT_MODEL
        from ngcm_cli.forcing.data_report import report_data
        from ngcm_cli.inputs.model_inputs import ModelInputs
        from ngcm_cli.time_format import parse_time
        from ngcm_cli.zoo import open_model

        time = None if init is None else parse_time(init)
        how: dict[str, Any] = {"offline": bool(offline)}
        with Display(console, f"Reading {file}") as display:
            how["progress"] = display.download
            _, loaded = open_model(model or DEFAULT_MODEL, **how)
            report = report_data(file, ModelInputs.of(loaded), time, **how)
        heading = ""
        for title, text in report.lines:
            wrapped = textwrap.wrap(text, 78, break_long_words=False) or [""]
            for line in wrapped:
                typer.echo(f"{title if title != heading else '':<10} {line}".rstrip())
                heading = title
        for problem in report.problems:
            print_error(problem)
        if report.problems:
            raise typer.Exit(InputDataError.exit_code)
        if not report.usable:
            raise InputDataError(
                f"No run can start from {file}, or take its surface forcing from it.",
                "See above what is missing.",
            )


@app.command("list")
def list_data() -> None:
    """List the cache of remote data."""
    from ngcm_cli.inputs.input_cache import list_cache
    from ngcm_cli.io.cache_dir import cache_dir
    from ngcm_cli.io.progress import format_size

    found = list_cache()
    if not found:
        typer.echo(f"Nothing is cached in {cache_dir() / 'data'}.", err=True)
        return
    rows = [("source", "grid", "files", "size", "first", "last", "folder")]
    for entry in found:
        first, *_, last = entry.names * 2 or ("-", "-")
        about = entry.source, entry.grid, f"{len(entry.names)}", format_size(entry.size)
        rows.append((*about, first, last, entry.folder.name))
    print_table(rows)


@app.command()
def clear(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FOLDER]...", help="Folders in the list; by default all."
        ),
    ] = None,
) -> None:
    """Remove remote data from the cache.

    Example: ngcm data clear
    """
    with messages() as console:
        from ngcm_cli.config import closest
        from ngcm_cli.errors import ConfigError
        from ngcm_cli.inputs.input_cache import list_cache
        from ngcm_cli.io.progress import format_size

        found = {entry.folder.name: entry for entry in list_cache()}
        for name in names or ():
            if name not in found:
                hint = closest(name, found) if found else "Nothing is cached."
                raise ConfigError(f"There is no folder '{name}'.", hint)
        chosen = [found[name] for name in names or found]
        for entry in chosen:
            entry.remove()
        freed = format_size(sum(entry.size for entry in chosen))
        print_line(console, f"Removed {len(chosen)} folders, {freed}.")
