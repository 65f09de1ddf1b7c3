"""``ngcm bench``: how fast a model runs on this computer."""

import dataclasses
import json
from typing import TYPE_CHECKING

import typer

from ngcm_cli.cli.console import messages
from ngcm_cli.cli.options import Model, Offline, Precision, text
from ngcm_cli.cli.progress import Display
from ngcm_cli.io.progress import format_number, format_size
from ngcm_cli.io.text_table import column_lines, csv_text, markdown_lines

if TYPE_CHECKING:
    from ngcm_cli.simulation.benchmark import Benchmark

_HEADINGS = (
    "Members",
    "Compile, s",
    "Step, ms",
    "Per member, ms",
    "Steps per second",
    "Days per day",
    "Years per day",
    "Peak memory",
)


def bench(
    model: Model = None,
    precision: Precision = None,
    members: text(
        "N,...", "Members computed at once, such as 1,8,32.  [default: 1]"
    ) = None,  # pyright: ignore
    steps: text(
        "N",
        "Model steps of one timing.  [default: as many as take about two seconds]",
    ) = None,  # pyright: ignore
    format: text(  # noqa: A002
        "table|md|csv|json", "Format of the result.  [default: table]"
    ) = None,  # pyright: ignore
    offline: Offline = None,
) -> None:
    """Measure how fast a model runs on this computer.

    Time to compile and to run the encoder, a model step and the decoder, simulated days
    and years per day, and memory, from the bundled state. Programs are compiled anew.

    Example: ngcm bench --members 1,4 --format json
    """
    given = {
        "model": model,
        "precision": precision,
        "members": members,
        "steps": steps,
        "format": format,
        "offline": offline,
    }
    with messages() as console:
        from ngcm_cli.config.bench import BenchConfig

        config = BenchConfig(**{k: x for k, x in given.items() if x is not None})
        with Display(console, "Starting"):
            from ngcm_cli.simulation.benchmark import benchmark

            found = benchmark(config)
        typer.echo(format_benchmark(found, config.format))


def format_benchmark(found: "Benchmark", style: str) -> str:
    """Return a measurement as text: ``table``, ``md``, ``csv`` or ``json``."""
    if style == "json":
        return json.dumps(dataclasses.asdict(found), indent=1, allow_nan=False)
    if style == "csv":
        names = [x.name for x in dataclasses.fields(found.throughput[0])]
        return csv_text(names, map(dataclasses.asdict, found.throughput))
    head, rows = _facts(found), [_HEADINGS, *_rows(found)]
    if style == "md":
        lines = [f"- {name}: {value}" for name, value in head]
        lines += ["", *markdown_lines(rows)]
    else:
        lines = column_lines(head)
        lines += ["", *column_lines(rows, range(len(_HEADINGS)))]
    if found.too_many_members:
        several = ", ".join(map(str, found.too_many_members))
        lines += ["", f"Not enough memory for {several} members."]
    return "\n".join(lines)


def _facts(found: "Benchmark") -> list[tuple[str, str]]:
    longitudes, latitudes = found.grid
    software = ", ".join(f"{name} {x}" for name, x in found.software.items())
    return [
        (
            "Model",
            f"{found.model}, {longitudes} x {latitudes}, {found.sigma_levels} levels, "
            f"step of {found.time_step_seconds / 60:g} min",
        ),
        ("Precision", found.precision),
        ("Device", f"{found.device_count} x {found.device}, {found.cores} CPU cores"),
        ("System", found.system),
        ("Software", software.replace("_", " ")),
        ("Load", f"{found.load_seconds:.2f} s"),
        (
            "Encode",
            f"{format_number(1e3 * found.encode_seconds)} ms, "
            f"compile {found.encode_compile_seconds:.1f} s",
        ),
        (
            "Decode",
            f"{format_number(1e3 * found.decode_seconds)} ms, "
            f"compile {found.decode_compile_seconds:.1f} s",
        ),
    ]


def _rows(found: "Benchmark") -> list[tuple[str, ...]]:
    return [
        (
            str(x.members),
            f"{x.compile_seconds:.1f}",
            format_number(1e3 * x.step_seconds, 4),
            format_number(1e3 * x.member_step_seconds, 4),
            format_number(x.members / x.step_seconds, 4),
            format_number(x.simulated_days_per_day, 4),
            format_number(x.simulated_years_per_day),
            format_size(x.peak_memory_bytes),
        )
        for x in found.throughput
    ]
