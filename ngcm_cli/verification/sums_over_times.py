"""Sums of statistics at lead times, such as maps, over initial times."""

import threading
from collections.abc import Mapping

import numpy as np

from ngcm_cli.verification.statistics import Statistics

Key = tuple[str, str]
"""Names of a forecast and a variable."""


class LeadTimeStatistics:
    """Statistics at lead times, to which those of some lead times are added in place.

    Args:
        leads: number of lead times.
    """

    def __init__(self, leads: int):
        self._leads = leads
        self._arrays: dict[str, np.ndarray] = {}

    def add(self, leads: np.ndarray | slice, statistics: Statistics) -> None:
        """Add statistics of shape (lead_time, ...) of the given lead times."""
        for name, values in statistics.to_arrays().items():
            whole = self._arrays.get(name)
            if whole is None:
                whole = np.zeros((self._leads, *values.shape[1:]))
                self._arrays[name] = whole
            elif whole.shape[1:] != values.shape[1:]:  # weights of each cell, or not
                shape = np.broadcast_shapes(whole.shape[1:], values.shape[1:])
                if shape != whole.shape[1:]:
                    whole = np.broadcast_to(whole, (self._leads, *shape)).copy()
                    self._arrays[name] = whole
            whole[leads] += values

    @property
    def statistics(self) -> Statistics:
        """The statistics, shape (lead_time, ...); a view."""
        return Statistics.from_arrays(self._arrays)


class SumsOverTimes:
    """Sums over initial times by forecast and variable; several threads may add.

    Args:
        leads: number of lead times.
    """

    def __init__(self, leads: int):
        self._leads, self._lock = leads, threading.Lock()
        self._sums: dict[Key, LeadTimeStatistics] = {}

    def add(self, key: Key, leads: np.ndarray | slice, statistics: Statistics) -> None:
        """Add statistics of shape (lead_time, ...) of the given lead times."""
        with self._lock:
            sums = self._sums.setdefault(key, LeadTimeStatistics(self._leads))
            sums.add(leads, statistics)

    def merge(self, other: Mapping[Key, Statistics]) -> None:
        """Add other sums."""
        for key, statistics in other.items():
            self.add(key, slice(None), statistics)

    def as_statistics(self) -> dict[Key, Statistics]:
        """Return the sums, shape (lead_time, ...)."""
        return {key: sums.statistics for key, sums in self._sums.items()}
