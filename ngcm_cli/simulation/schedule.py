"""When a run does what: windows, samples, outputs, restart files.

A *window* is what the device computes between two moments at which the host looks at
the run: an output interval of a forecast, a day of a long run. A window has one or more
*samples*, states at which fields are written or added to means.
"""

import dataclasses

import numpy as np

DAY = np.timedelta64(86400, "s")


@dataclasses.dataclass(frozen=True)
class Window:
    """The steps between two moments at which the host looks at a run.

    Attributes:
        number: from 0.
        start: valid time at its beginning.
        samples: number of samples that the state is advanced by; 0 in the last window
            of a forecast, which only has the output at its end.
        outputs: for the state at the beginning of every sample, whether its fields are
            written.
        starts_month: whether a calendar month begins with it.
        ends_month: whether a calendar month, or the run, ends with it.
    """

    number: int
    start: np.datetime64
    samples: int
    outputs: tuple[bool, ...]
    starts_month: bool
    ends_month: bool


@dataclasses.dataclass(frozen=True)
class Schedule:
    """The schedule of the runs from one initial time.

    Attributes:
        init: initial time, datetime64[s].
        length: of the run, timedelta64[s]: whole windows.
        window: length of a window.
        sample: length of a sample; divides the window.
        every: time between instantaneous outputs, a multiple of the sample; None has
            none.
        has_final_output: whether the state at the end is written, as in forecasts.
        means: ``daily`` and ``monthly`` means that are made of the samples.
        restart_every: time between restart files, whole windows, or None.
    """

    init: np.datetime64
    length: np.timedelta64
    window: np.timedelta64
    sample: np.timedelta64
    every: np.timedelta64 | None
    has_final_output: bool = False
    means: tuple[str, ...] = ()
    restart_every: np.timedelta64 | None = None

    @property
    def end(self) -> np.datetime64:
        """Valid time at the end of the run."""
        return self.init + self.length

    @property
    def windows(self) -> int:
        """Number of windows, that of the final output included."""
        return int(self.length // self.window) + self.has_final_output

    def time(self, windows: int) -> np.datetime64:
        """Return the valid time after a number of windows."""
        return self.init + min(windows * self.window, self.length)

    def at(self, number: int) -> Window:
        """Return one window."""
        start, elapsed = self.time(number), number * self.window
        is_final = self.has_final_output and number == self.windows - 1
        samples = 0 if is_final else int(self.window // self.sample)
        outputs = tuple(
            self.every is not None and not (elapsed + i * self.sample) % self.every
            for i in range(max(samples, 1))
        )
        end = self.time(number + 1)
        return Window(
            number,
            start,
            samples,
            outputs,
            starts_month=_is_month(start) or number == 0,
            ends_month=_is_month(end) or number == self.windows - 1,
        )

    def is_restart_due(self, windows: int) -> bool:
        """Return whether a restart file is wanted after a number of windows."""
        every = self.restart_every
        return every is not None and (
            not (windows * self.window) % every or windows == self.windows
        )

    def last_restart_due(self, windows: int) -> int:
        """Return the number of windows at the end of the restart interval."""
        if self.restart_every is None:
            return self.windows
        each = int(self.restart_every // self.window)
        return min((windows // each + 1) * each, self.windows)

    def record(self, kind: str, window: Window, sample: int = 0) -> int:
        """Return the index of a record along the time of a stream.

        Args:
            kind: of the stream, see `output.streams.Stream`.
            window: that completes the record.
            sample: within the window, of instantaneous records.
        """
        if kind == "instantaneous":
            assert self.every is not None
            elapsed = window.number * self.window + sample * self.sample
            return int(elapsed // self.every)
        if kind == "monthly":
            return self._months(window.number + 1) - 1
        return window.number

    def completed_records(self, kind: str, windows: int) -> int:
        """Return how many records of a stream the first windows complete."""
        if kind == "monthly":
            months = self._months(windows)
            is_end = windows == self.windows or _is_month(self.time(windows))
            return months if is_end else max(months - 1, 0)
        if kind == "instantaneous":
            assert self.every is not None
            return -int(-windows * self.window // self.every)
        return windows

    def _months(self, windows: int) -> int:
        """Return how many calendar months the first windows touch."""
        if not windows:
            return 0
        first = self.init.astype("datetime64[M]")
        last = self.time(windows - 1).astype("datetime64[M]")
        return int((last - first).astype(int)) + 1


def _is_month(time: np.datetime64) -> bool:
    return bool(time == time.astype("datetime64[M]"))
