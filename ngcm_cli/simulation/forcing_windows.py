"""The surface forcing of a run on the device, some calendar years at a time."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from ngcm_cli.forcing.surface_forcing import SurfaceForcing
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.nudging import Nudging

_SECOND = np.timedelta64(1, "s")


class RunForcing(Protocol):
    """What forces a run, by window."""

    def at(self, window: np.datetime64, sample: np.datetime64 | None = None) -> Any:
        """Return what the model is given in a window or, at most, in a sample of it."""
        ...


class ForcingWindows:
    """Forcings of the calendar years that each window of a run lies in.

    Only one is on the device. All have one size, so that one program serves them all.
    """

    def __init__(
        self,
        forcing: SurfaceForcing,
        start: np.datetime64,
        end: np.datetime64,
        window: np.timedelta64,
        nudging: Callable[[np.datetime64, Forcing], Nudging] | None = None,
    ):
        self.forcing = forcing
        self._nudging = nudging
        self._start = start
        self._length = max(window, _SECOND)
        self._load = functools.lru_cache(maxsize=1)(self._read)
        times = np.arange(start, max(end, start + _SECOND), self._length)
        periods = dict.fromkeys(map(self._years, times))
        self._size = max(
            len(forcing.select_period(*period).times) for period in periods
        )

    def at(self, window: np.datetime64, sample: np.datetime64 | None = None) -> Forcing:
        """Return the forcing for a window or, of a nudged run, for one of its samples.

        Args:
            window: when it begins.
            sample: when the sample begins; None is the first.
        """
        forcing = self._load(*self._years(window))
        if self._nudging is None:
            return forcing
        nudging = self._nudging(window if sample is None else sample, forcing)
        return dataclasses.replace(forcing, nudging=nudging)

    def _years(self, time: np.datetime64) -> tuple[np.datetime64, np.datetime64]:
        first = time.astype("datetime64[Y]")
        last = (time + self._length - _SECOND).astype("datetime64[Y]")
        return first.astype("datetime64[s]"), (last + 1).astype("datetime64[s]")

    def _read(self, start: np.datetime64, end: np.datetime64) -> Forcing:
        if len(self.forcing.times) == 1:
            return Forcing.constant(self.forcing.at_time(self._start))
        part = self.forcing.select_period(start, end)
        return Forcing.at_times(part.times, part.fields, part.sst_offset, self._size)
