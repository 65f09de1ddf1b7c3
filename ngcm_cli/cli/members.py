"""Ensembles while they go on: a bar on a terminal, elsewhere a line now and then."""

import contextlib
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import rich.console
import rich.progress

from ngcm_cli.cli.narration import clock, follow, say

if TYPE_CHECKING:
    from ngcm_cli.ensemble.course import Report
    from ngcm_cli.ensemble.plan import EnsemblePlan
    from ngcm_cli.ensemble.session import Watch

_LINES = 10  # for a block, at most


@contextlib.contextmanager
def following(console: rich.console.Console) -> Iterator["Watch"]:
    """Follow the members of an ensemble."""
    with follow(console, _lines, _bar) as track:
        yield track


def _bar(
    reports: Iterable["Report"], plan: "EnsemblePlan", bar: rich.progress.Progress
) -> Iterator["Report"]:
    bar.start()
    task = bar.add_task("Compiling the model", total=None, words="")
    pace = _Pace(plan)
    for report in reports:
        name, *words = pace.words(report)
        bar.update(
            task,
            description=name,
            total=report.pieces * plan.layout.count,
            completed=report.done * plan.layout.count + report.lead + 1,
            words="  ".join(words),
        )
        yield report


def _lines(
    reports: Iterable["Report"], plan: "EnsemblePlan", console: rich.console.Console
) -> Iterator["Report"]:
    say(console, "Compiling the model")
    pace, count, said = _Pace(plan), plan.layout.count, (-1, -1)
    for report in reports:
        words, part = pace.words(report), (report.done, report.lead * _LINES // count)
        if part != said or report.lead == count - 1:
            said = part
            say(console, "  ".join(words))
        yield report


class _Pace:
    """How an ensemble is getting on, in words."""

    def __init__(self, plan: "EnsemblePlan"):
        self.plan = plan
        self.start: tuple[float, int] | None = None

    def words(self, report: "Report") -> list[str]:
        """Which members, how far they are, speed and time left, where known."""
        from ngcm_cli.time_format import format_duration, format_time

        layout, now = self.plan.layout, time.monotonic()
        first, last = report.members[0], report.members[-1]
        words = [f"members {first} to {last}" if last > first else f"member {first}"]
        if len(layout.inits) > 1:
            words.append(f"from {format_time(layout.inits[report.init])}")
        lead = format_duration(layout.lead_times[report.lead])
        words.append(f"{lead} of {format_duration(layout.lead_times[-1])}")
        if report.lost:
            words.append(f"lost {', '.join(map(str, report.lost))}")
        done = report.done * layout.count + report.lead
        whole = report.pieces * layout.count - 1
        if self.start is None:
            self.start = now, done  # the first output came with compilation
        elif done > self.start[1]:
            speed = (done - self.start[1]) / max(now - self.start[0], 1e-9)
            if done < whole:
                words.append(f"{clock((whole - done) / speed)} left")
        return words
