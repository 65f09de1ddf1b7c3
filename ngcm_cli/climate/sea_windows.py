"""The sea of a long run, some calendar years at a time."""

import functools

import numpy as np

from ngcm_cli.forcing.surface_forcing import SurfaceForcing
from ngcm_cli.gcm.forcing import Forcing

_DAY = np.timedelta64(86400, "s")
_SECOND = np.timedelta64(1, "s")


class SeaWindows:
    """Forcings for the days of runs side by side: of the calendar years that they see.

    Only one is on the device. All are of one size, so that one program does for all.

    Args:
        sea: from the first start to the last end.
        first: start of the first runs.
        last: start of the last runs.
        days: of the longest run.
    """

    def __init__(
        self, sea: SurfaceForcing, first: np.datetime64, last: np.datetime64, days: int
    ):
        self._sea, self._first, self._last = sea, first, last
        windows = {self._years(day) for day in range(days)}
        self._most = max(len(sea.select_period(*window).times) for window in windows)
        self._forcing = functools.lru_cache(maxsize=1)(self._make)

    def forcing(self, day: int) -> Forcing:
        """For the time between so many days after the starts and one day more."""
        return self._forcing(*self._years(day))

    def _years(self, day: int) -> tuple[np.datetime64, np.datetime64]:
        first = (self._first + day * _DAY).astype("datetime64[Y]")
        last = (self._last + (day + 1) * _DAY - _SECOND).astype("datetime64[Y]")
        return first.astype("datetime64[s]"), (last + 1).astype("datetime64[s]")

    def _make(self, start: np.datetime64, end: np.datetime64) -> Forcing:
        sea = self._sea.select_period(start, end)
        return Forcing.at_times(sea.times, sea.fields, sea.sst_offset, self._most)
