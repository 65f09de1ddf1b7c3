"""What is said while a command runs, on stderr: sentences and the weather."""

import contextlib
import logging
import pathlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import rich.console
import rich.progress
import typer

from ngcm_cli.errors import NgcmError

if TYPE_CHECKING:
    from ngcm_cli.gcm.rollout import Chunk
    from ngcm_cli.io.progress import ByteProgress
    from ngcm_cli.plan import Plan
    from ngcm_cli.run import Track


def stderr() -> rich.console.Console:
    """The console that all narration goes to."""
    return rich.console.Console(stderr=True, force_terminal=sys.stderr.isatty())


def say(console: rich.console.Console, text: str) -> None:
    """Print a sentence as it is."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def complain(error: NgcmError) -> None:
    """Say what is wrong, what to do next, and what a run left behind."""
    console = stderr()
    console.print("Error:", style="bold red", end=" ")
    for line in (error.message, error.hint, *getattr(error, "__notes__", ())):
        if line:
            say(console, line)


def summarize(console: rich.console.Console, path: pathlib.Path, taken: float) -> None:
    """Say what came of a run that took so many seconds."""
    from ngcm_cli.io.progress import format_size

    files = path.rglob("*") if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files if file.is_file())
    say(console, f"Wrote {format_size(size)} in {clock(taken)}.")


class _Narrator(logging.Handler):
    """What the library logs, as plain sentences."""

    def __init__(self, console: rich.console.Console):
        super().__init__(logging.INFO)
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        say(self.console, record.getMessage())


@contextlib.contextmanager
def narration() -> Iterator[rich.console.Console]:
    """The library speaks on stderr, and Ctrl-C says what there is."""
    console = stderr()
    narrator, log = _Narrator(console), logging.getLogger("ngcm_cli")
    level = log.level
    log.addHandler(narrator)
    log.setLevel(logging.INFO)
    try:
        yield console
    except KeyboardInterrupt as stop:
        notes = getattr(stop, "__notes__", ["Nothing was written."])
        say(console, " ".join(["Interrupted.", *notes]))
        raise typer.Exit(getattr(stop, "exit_code", 130)) from None
    finally:
        log.removeHandler(narrator)
        log.setLevel(level)


@contextlib.contextmanager
def tracking(console: rich.console.Console) -> Iterator["Track"]:
    """Follow the weather: a bar on a terminal, elsewhere a line per simulated day."""
    with follow(console, _lines, _bar) as track:
        yield track


@contextlib.contextmanager
def follow(
    console: rich.console.Console, lines: Callable[..., Any], bar: Callable[..., Any]
) -> Iterator[Callable[[Any, Any], Any]]:
    """Follow a run by what suits the console.

    Args:
        console: to write to.
        lines: follows by lines: given the reports of the run, its plan, the console.
        bar: on a terminal: given the reports, the plan, and a bar with words behind it,
            the field ``words``. It starts with the run: a download before it has a bar
            of its own.
    """
    if not console.is_terminal:
        yield lambda reports, plan: lines(reports, plan, console)
        return
    with _run_bar(console) as shown:
        yield lambda reports, plan: bar(reports, plan, shown)


@contextlib.contextmanager
def _run_bar(console: rich.console.Console) -> Iterator[rich.progress.Progress]:
    bar = rich.progress.Progress(
        rich.progress.SpinnerColumn(),
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(bar_width=None),
        rich.progress.TextColumn("{task.fields[words]}"),
        console=console,
        refresh_per_second=4,
    )
    try:
        yield bar
    finally:
        bar.stop()


def _bar(
    chunks: Iterable["Chunk"], plan: "Plan", bar: rich.progress.Progress
) -> Iterator["Chunk"]:
    bar.start()
    task = bar.add_task("Compiling the model", total=None, words="")
    pace = _Pace(plan)
    for done, chunk in enumerate(chunks, start=1):
        weather = pace.report(chunk)
        del weather["day"]  # which the bar shows
        bar.update(
            task,
            description=weather.pop("time"),
            total=plan.layout.count,
            completed=done,
            words="  ".join(weather.values()),
        )
        yield chunk


def _lines(
    chunks: Iterable["Chunk"], plan: "Plan", console: rich.console.Console
) -> Iterator["Chunk"]:
    say(console, "Compiling the model")
    pace, reported = _Pace(plan), -1
    for chunk in chunks:
        weather, days = pace.report(chunk), int(pace.days(chunk))
        if days > reported or plan.lead_time(chunk) == plan.config.lead:
            reported = days
            say(console, f"{weather.pop('time')}  {'  '.join(weather.values())}")
        yield chunk


class _Pace:
    """How the run is getting on, in the words of the weather."""

    def __init__(self, plan: "Plan"):
        self.plan = plan
        self.start: tuple[float, float] | None = None
        self.speed: float | None = None  # simulated days per second

    def days(self, chunk: "Chunk") -> float:
        """Simulated days so far."""
        return self.plan.lead_time(chunk).astype(int) / 86400

    def report(self, chunk: "Chunk") -> dict[str, str]:
        """Valid time, day, wind, speed and time left, where they are known."""
        from ngcm_cli.time_format import format_time

        day, now = self.days(chunk), time.monotonic()
        whole = self.plan.config.lead.astype(int) / 86400
        report = {
            "time": format_time(self.plan.valid_time(chunk)),
            "day": f"day {day:.4g} of {whole:.4g}",
        }
        wind = _max_wind(chunk.fields)
        if wind is not None:
            report["wind"] = f"max wind {wind:.0f} m/s"
        self._measure(day, whole, now)
        if self.speed is not None:
            report["speed"] = f"{60 * self.speed:.3g} days/min"
            if day < whole:
                report["left"] = f"{clock((whole - day) / self.speed)} left"
        return report

    def _measure(self, day: float, whole: float, now: float) -> None:
        """Update the speed, leaving out both ends of the run.

        The device works one output ahead: the first chunk arrives with the compilation
        and the second output behind it, the last with nothing left to compute.
        """
        if self.start is None:
            self.start = now, day
        elif self.start[1] < day < whole:
            self.speed = (day - self.start[1]) / max(now - self.start[0], 1e-9)


def _max_wind(fields: dict[str, Any]) -> float | None:
    """Fastest horizontal wind anywhere, in m/s."""
    u, v = (fields.get(f"{letter}_component_of_wind") for letter in "uv")
    return None if u is None or v is None else float((u * u + v * v).max() ** 0.5)


def clock(seconds: float) -> str:
    """A time to wait, as people say it."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"


@contextlib.contextmanager
def downloading(console: rich.console.Console) -> Iterator["ByteProgress"]:
    """Follow a download: a bar on a terminal, elsewhere a line per quarter."""
    if not console.is_terminal:
        yield _Quarters(console)
        return
    bar = rich.progress.Progress(
        rich.progress.TextColumn("Fetching"),
        rich.progress.BarColumn(bar_width=None),
        rich.progress.DownloadColumn(),
        rich.progress.TransferSpeedColumn(),
        rich.progress.TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    tasks: dict[str, rich.progress.TaskID] = {}

    def show(done: int, total: int | None) -> None:
        if "weights" not in tasks:
            bar.start()
            tasks["weights"] = bar.add_task("", total=total)
        bar.update(tasks["weights"], completed=done, total=total)
        if done == total:  # other bars may follow on the same terminal
            bar.stop()
            bar.remove_task(tasks.pop("weights"))

    try:
        yield show
    finally:
        bar.stop()


class _Quarters:
    """Says how far a download is, four times at most."""

    def __init__(self, console: rich.console.Console):
        self.console = console
        self.said = 0

    def __call__(self, done: int, total: int | None) -> None:
        from ngcm_cli.io.progress import format_size

        quarter = int(4 * done / total) if total else 0
        if quarter > self.said:
            say(self.console, f"{format_size(done)} of {format_size(total or done)}")
        self.said = quarter


def print_table(rows: list[tuple[str, ...]]) -> None:
    """Columns as wide as they need to be, the last one ragged."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        typer.echo("  ".join(cells).rstrip())
