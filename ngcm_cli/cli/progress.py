"""Long runs while they go on: a bar on a terminal, elsewhere a line per month."""

import contextlib
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import rich.console
import rich.progress

from ngcm_cli.cli.narration import clock, follow, say

if TYPE_CHECKING:
    from ngcm_cli.climate.course import Report
    from ngcm_cli.climate.plan import ClimatePlan
    from ngcm_cli.run import Follow

_YEAR = 365.25  # days


@contextlib.contextmanager
def following(console: rich.console.Console) -> Iterator["Follow"]:
    """Follow the days of a long run."""
    with follow(console, _lines, _bar) as track:
        yield track


def _bar(
    days: Iterable["Report"], plan: "ClimatePlan", bar: rich.progress.Progress
) -> Iterator["Report"]:
    bar.start()
    task = bar.add_task("Compiling the model", total=None, words="")
    pace = _Pace(plan)
    for report in days:
        date, *words = pace.words(report)
        bar.update(
            task,
            description=date,
            total=plan.length,
            completed=report.day,
            words="  ".join(words),
        )
        yield report


def _lines(
    days: Iterable["Report"], plan: "ClimatePlan", console: rich.console.Console
) -> Iterator["Report"]:
    say(console, "Compiling the model")
    pace, said = _Pace(plan), None
    for report in days:
        month = report.time.astype("datetime64[M]")
        words = pace.words(report)
        if month != said or report.day == plan.length:
            said = month
            say(console, "  ".join(words))
        yield report


class _Pace:
    """How a long run is getting on, in the words of the climate."""

    def __init__(self, plan: "ClimatePlan"):
        self.plan = plan
        self.start: float | None = None
        self.count = 0  # of days since then; a run that goes back does them again

    def words(self, report: "Report") -> list[str]:
        """Date, how far, winds, pressure, speed and time left, where known."""
        now, plan = time.monotonic(), self.plan
        words = [
            str(report.time.astype("datetime64[D]")),
            f"day {report.day} of {plan.length}",
            f"max wind {report.look['max_wind'].max():.0f} m/s",
            f"mean pressure {report.look['surface_pressure'] / 100:.2f} hPa",
        ]
        if len(plan.runs) > 1:
            words.append(f"{report.well} of {len(plan.runs)} runs well")
        if self.start is None:
            self.start = now  # the first day came with compilation
            return words
        self.count += 1
        speed = self.count / max(now - self.start, 1e-9)
        words.append(f"{speed * 86400 / _YEAR:.3g} years/day")
        if report.day < plan.length:
            words.append(f"{clock((plan.length - report.day) / speed)} left")
        return words
