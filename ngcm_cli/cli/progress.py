"""Progress of a command: one line that changes on a terminal, else a few lines."""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self

import rich.console
import rich.live
import rich.progress_bar
import rich.spinner
import rich.table

from ngcm_cli.cli.console import format_seconds, print_line
from ngcm_cli.cli.interrupts import leave
from ngcm_cli.cli.pace import Pace
from ngcm_cli.io.progress import PHASES, format_size

if TYPE_CHECKING:
    from ngcm_cli.simulation.loop import Progress
    from ngcm_cli.simulation.simulation import Simulation

_BAR = 10  # characters, at least
_CONTROL_C = 2  # characters that the terminal adds where the line ends
_MOMENT = 0.5  # seconds that are not worth saying


class Display(logging.Handler):
    """What a command is doing: its phase, a download, or how far a run is.

    On a terminal it is one line, which is gone when the command ends; elsewhere a line
    for each phase, quarter of a download, and section of a run. It is a context manager
    and receives the phases that the library logs.

    Args:
        console: where to write.
        phase: what the command does first, for a terminal.
    """

    def __init__(self, console: rich.console.Console, phase: str = ""):
        super().__init__(logging.INFO)
        self.console = console
        self._started = self._phase_started = time.monotonic()
        self._phase, self._spinner = phase, rich.spinner.Spinner("dots")
        self._fields: list[tuple[int, str]] = []
        self._share: float | None = None
        self._quarter, self._tenth, self._is_running = 0, 0, False
        self._live = rich.live.Live(
            console=console,
            get_renderable=self._line,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        PHASES.addHandler(self)
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        PHASES.removeHandler(self)
        self._live.stop()

    def leave(self, *_: Any) -> None:
        """End the process at once, where nothing was written yet."""
        self.__exit__()
        print_line(self.console, "Interrupted. Nothing was written.")
        leave()

    def emit(self, record: logging.LogRecord) -> None:
        """Begin the phase that the library logs; tasks of a run are not phases."""
        if self._is_running:
            return
        self._phase, self._phase_started = record.getMessage(), time.monotonic()
        self._share = None  # of a download whose size was not known
        if not self.console.is_terminal:
            seconds = self._phase_started - self._started
            after = f", after {format_seconds(seconds)}" if seconds >= _MOMENT else ""
            print_line(self.console, f"{self._phase}{after}")

    def download(self, done: int, total: int | None) -> None:
        """Show the progress of a download, in bytes."""
        ends = done == total
        share = done / total if total else 0.0
        text = f"{format_size(done)} of {format_size(total or done)}"
        if self.console.is_terminal:
            self._fields = [(0, "Fetching"), (1, text)]
            self._share = None if ends else share
        elif int(4 * share) > self._quarter:
            print_line(self.console, text)
        self._quarter = int(4 * share)

    def track(
        self, progress: Iterable["Progress"], simulation: "Simulation"
    ) -> Iterator["Progress"]:
        """Show the progress of a run, and yield it."""
        pace, printed = Pace(simulation), None
        for step in progress:
            self._is_running = True
            fields = pace.describe(step)
            if self.console.is_terminal:
                elapsed = _clock(time.monotonic() - self._started)
                self._fields = [*fields, (4, elapsed)]
                self._share = pace.share(step)
            else:
                section = pace.section(step)
                if section != printed or step.windows == step.total_windows:
                    printed = section
                    print_line(self.console, "  ".join(text for _, text in fields))
            yield step
        self.end()

    def show(self, fields: list[tuple[int, str]], done: int, total: int) -> None:
        """Show texts about one of many equal parts, each with its rank, 0 the highest.

        Where there is no terminal, they are printed once for each tenth.
        """
        self._is_running = True
        if self.console.is_terminal:
            elapsed = _clock(time.monotonic() - self._started)
            self._fields = [*fields, (4, elapsed)]
            self._share = done / total
        elif (tenth := 10 * done // total) != self._tenth:
            self._tenth = tenth
            print_line(self.console, "  ".join(text for _, text in fields))

    def end(self) -> None:
        """Show no more of what `show` and `track` have shown."""
        self._is_running, self._share = False, None

    def count(self, done: int, total: int) -> None:
        """Show how much of a work of equal parts is done."""
        text = f"{done} of {total}"
        if self.console.is_terminal:
            elapsed = _clock(time.monotonic() - self._phase_started)
            self._fields = [(1, self._phase), (0, text), (2, elapsed)]
            self._share = None if done == total else done / max(total, 1)
            return
        tenth = 10 * done // max(total, 1)
        if done and tenth != self._tenth:
            print_line(self.console, text)
        self._tenth = tenth

    def _line(self) -> Any:
        """Return the line of a terminal, as wide as the terminal is now."""
        width = self.console.width - _CONTROL_C
        if self._share is None and not self._phase:
            return rich.console.Group()
        if self._share is None:
            elapsed = _clock(time.monotonic() - self._phase_started)
            room = width - len(elapsed) - 4
            parts = [self._spinner, _shortened(self._phase, room), elapsed]
        else:
            texts = _fitting(self._fields, width - _BAR - 2)
            room = width - sum(len(text) + 2 for text in texts)
            bar = rich.progress_bar.ProgressBar(1, self._share, room)
            parts = [*texts, bar]
        row = rich.table.Table.grid(padding=(0, 2, 0, 0))
        for _ in parts:
            row.add_column(no_wrap=True, overflow="crop")
        row.add_row(*parts)
        return row


def _fitting(fields: list[tuple[int, str]], width: int) -> list[str]:
    """Return the texts of the fields of highest rank that fit, in their own order."""
    chosen: set[int] = set()
    for number, (_, text) in sorted(enumerate(fields), key=lambda field: field[1][0]):
        if len(text) <= width:
            chosen.add(number)
            width -= len(text) + 2
    return [text for number, (_, text) in enumerate(fields) if number in chosen]


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(width - 3, 0)]}..."


def _clock(seconds: float) -> str:
    """Return a time as hours, minutes and seconds: ``0:01:05``."""
    minutes, seconds = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
