"""The speed of a run, and its progress as text."""

import time
from typing import TYPE_CHECKING, Any

from ngcm_cli.cli.console import format_seconds
from ngcm_cli.io.progress import format_number

if TYPE_CHECKING:
    from ngcm_cli.simulation.loop import Progress
    from ngcm_cli.simulation.simulation import Simulation

_LINES = 10  # for a task of an ensemble, at most
_YEAR = 365.25  # days


class Pace:
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

    def share(self, step: "Progress") -> float:
        """Return which part of the run is done."""
        return (step.tasks_done + step.windows / step.total_windows) / step.tasks

    def describe(self, step: "Progress") -> list[tuple[int, str]]:
        """Return texts in the order of a line, each with its rank, 0 the highest.

        They are valid time, lead time, the part that is done, members, monitored
        values, speed and time left, where known.
        """
        from ngcm_cli.time_format import format_time

        simulation = self.simulation
        schedule = simulation.schedules[step.task.init]
        texts = [(0, format_time(step.time))]
        if self.is_long:
            texts.append((1, f"day {step.windows} of {step.total_windows}"))
        else:
            texts.append((1, format_lead(step.lead)))
        texts.append((2, f"{self.share(step):.0%}"))
        if step.tasks > 1 or len(simulation.members) > 1:
            members = step.task.block.members
            first, last = members[0], members[-1]
            several = last > first
            texts.append(
                (5, f"members {first} to {last}" if several else f"member {first}")
            )
            if len(simulation.schedules) > 1:
                texts.append((6, f"from {format_time(schedule.init)}"))
        if step.failed:
            texts.append((3, f"unstable: {', '.join(map(str, step.failed))}"))
        if "max_wind" in step.monitor:
            texts.append((8, f"max wind {step.monitor['max_wind'].max():.0f} m/s"))
        if self.is_long and "surface_pressure" in step.monitor:
            pressure = step.monitor["surface_pressure"] / 100
            texts.append((9, f"mean pressure {pressure:.2f} hPa"))
        return [*texts, *self._speed(step, _days(schedule.length))]

    def _speed(self, step: "Progress", length: float) -> list[tuple[int, str]]:
        """Return speed and time left; the first window came with compilation."""
        now = time.monotonic()
        done, whole = self.share(step) * step.tasks * length, step.tasks * length
        if self.start is None or done < self.start[1]:
            self.start = now, done
            return []
        if self.start[1] < done < whole:  # the last window has nothing left to compute
            self.speed = (done - self.start[1]) / max(now - self.start[0], 1e-9)
        if not self.speed:
            return []
        if self.is_long:
            text = f"{format_number(self.speed * 86400 / _YEAR)} years/day"
        else:
            text = f"{format_number(60 * self.speed)} days/min"
        if done >= whole:
            return [(7, text)]
        return [(7, text), (3, f"{format_seconds((whole - done) / self.speed)} left")]


def format_lead(lead: Any) -> str:
    """Return a lead time in hours, or in minutes if they are not whole: ``+18 h``."""
    minutes = int(lead.astype("timedelta64[m]").astype(int))
    return f"+{minutes} min" if minutes % 60 else f"+{minutes // 60} h"


def _days(span: Any) -> float:
    return float(span.astype("timedelta64[s]").astype(int)) / 86400
