"""Progress of runs and downloads: a bar on a terminal, else a few lines."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import rich.console
import rich.progress

from ngcm_cli.cli.console import format_seconds, print_line

if TYPE_CHECKING:
    from ngcm_cli.io.progress import ByteProgress
    from ngcm_cli.simulation.loop import Progress, ProgressCallback
    from ngcm_cli.simulation.simulation import Simulation

_LINES = 10  # for a task of an ensemble, at most
_YEAR = 365.25  # days


@contextlib.contextmanager
def run_progress(console: rich.console.Console) -> Iterator["ProgressCallback"]:
    """Show the progress of a run."""
    if not console.is_terminal:
        yield lambda progress, simulation: _lines(progress, simulation, console)
        return
    bar = rich.progress.Progress(
        rich.progress.SpinnerColumn(),
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(bar_width=None),
        rich.progress.TextColumn("{task.fields[details]}"),
        console=console,
        refresh_per_second=4,
    )
    try:
        yield lambda progress, simulation: _bar(progress, simulation, bar)
    finally:
        bar.stop()


def _bar(
    progress: Iterable["Progress"],
    simulation: "Simulation",
    bar: rich.progress.Progress,
) -> Iterator["Progress"]:
    bar.start()  # not earlier: a download before the run has its own bar
    task = bar.add_task("Compiling the model", total=None, details="")
    pace = _Pace(simulation)
    for step in progress:
        when, _, *details = pace.describe(step)
        bar.update(
            task,
            description=when,
            total=step.tasks * step.total_windows,
            completed=step.tasks_done * step.total_windows + step.windows,
            details="  ".join(details),
        )
        yield step


def _lines(
    progress: Iterable["Progress"],
    simulation: "Simulation",
    console: rich.console.Console,
) -> Iterator["Progress"]:
    print_line(console, "Compiling the model")
    pace, printed = _Pace(simulation), None
    for step in progress:
        details = pace.describe(step)
        section = pace.section(step)
        if section != printed or step.windows == step.total_windows:
            printed = section
            print_line(console, "  ".join(details))
        yield step


class _Pace:
    """The speed of a run, and its progress as text."""

    def __init__(self, simulation: "Simulation"):
        self.simulation = simulation
        self.is_long = simulation.paths.is_directory
        self.start: tuple[float, float] | None = None
        self.speed: float | None = None  # simulated days per second

    def section(self, step: "Progress") -> tuple[Any, ...]:
        """Return the section of the run whose first step is printed as a line.

        A section is a calendar month of a long run, a simulated day of a single
        forecast, or a tenth of a task of an ensemble.
        """
        if self.is_long:
            return step.tasks_done, step.time.astype("datetime64[M]")
        if step.tasks > 1:
            return step.tasks_done, step.windows * _LINES // step.total_windows
        return step.tasks_done, int(_days(step.lead))

    def describe(self, step: "Progress") -> list[str]:
        """Return time, position, monitored values, speed and time left, where known."""
        from ngcm_cli.time_format import format_duration, format_time

        simulation, schedule = (
            self.simulation,
            self.simulation.schedules[step.task.init],
        )
        details = [format_time(step.time)]
        if self.is_long:
            details.append(f"day {step.windows} of {step.total_windows}")
        else:
            lead = format_duration(step.lead)
            whole = format_duration(schedule.length)
            details.append(f"{lead} of {whole}")
        if step.tasks > 1 or len(simulation.members) > 1:
            members = step.task.block.members
            first, last = members[0], members[-1]
            several = last > first
            details.append(
                f"members {first} to {last}" if several else f"member {first}"
            )
            if len(simulation.schedules) > 1:
                details.append(f"from {format_time(schedule.init)}")
        if step.failed:
            details.append(f"unstable: {', '.join(map(str, step.failed))}")
        if "max_wind" in step.monitor:
            details.append(f"max wind {step.monitor['max_wind'].max():.0f} m/s")
        if self.is_long and "surface_pressure" in step.monitor:
            pressure = step.monitor["surface_pressure"] / 100
            details.append(f"mean pressure {pressure:.2f} hPa")
        return [*details, *self._speed(step, _days(schedule.length))]

    def _speed(self, step: "Progress", length: float) -> list[str]:
        """Return speed and time left; the first window came with compilation."""
        now = time.monotonic()
        done = (step.tasks_done + step.windows / step.total_windows) * length
        whole = step.tasks * length
        if self.start is None or done < self.start[1]:
            self.start = now, done
            return []
        if self.start[1] < done < whole:  # the last window has nothing left to compute
            self.speed = (done - self.start[1]) / max(now - self.start[0], 1e-9)
        if not self.speed:
            return []
        if self.is_long:
            text = f"{self.speed * 86400 / _YEAR:.3g} years/day"
        else:
            text = f"{60 * self.speed:.3g} days/min"
        if done >= whole:
            return [text]
        return [text, f"{format_seconds((whole - done) / self.speed)} left"]


def _days(span: Any) -> float:
    return float(span.astype("timedelta64[s]").astype(int)) / 86400


@contextlib.contextmanager
def download_bar(console: rich.console.Console) -> Iterator["ByteProgress"]:
    """Show the progress of downloads: a bar, or a line per quarter."""
    if not console.is_terminal:
        yield _quarters(console)
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
        if "download" not in tasks:
            bar.start()
            tasks["download"] = bar.add_task("", total=total)
        bar.update(tasks["download"], completed=done, total=total)
        if done == total:  # other bars may follow on the same terminal
            bar.stop()
            bar.remove_task(tasks.pop("download"))

    try:
        yield show
    finally:
        bar.stop()


def _quarters(console: rich.console.Console) -> Callable[[int, int | None], None]:
    """Return a callback that prints a line at every quarter of a download."""
    from ngcm_cli.io.progress import format_size

    printed = 0

    def show(done: int, total: int | None) -> None:
        nonlocal printed
        quarter = int(4 * done / total) if total else 0
        if quarter > printed:
            size = format_size(total or done)
            print_line(console, f"{format_size(done)} of {size}")
        printed = quarter

    return show
