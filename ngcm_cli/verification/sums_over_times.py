"""Sums of statistics at lead times, such as maps, over initial times."""

import threading
from collections.abc import Callable, Mapping

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

    def of_weight_one(
        self, name: str, leads: slice, shape: tuple[int, ...]
    ) -> np.ndarray:
        """Return the sums of a statistic at lead times, and count one more time.

        Args:
            name: of the statistic.
            leads: lead times without gaps.
            shape: of the statistic at one lead time.

        Returns:
            A view, to which values are added.
        """
        weight = np.ones((leads.stop - leads.start, shape[0], *(1,) * len(shape[1:])))
        if name + ".sum" not in self._arrays:
            self._arrays[name + ".sum"] = np.zeros((self._leads, *shape))
            self._arrays[name + ".weight"] = np.zeros((self._leads, *weight.shape[1:]))
        self._arrays[name + ".weight"][leads] += weight
        return self._arrays[name + ".sum"][leads]

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

    def adder(
        self, key: Key, name: str, leads: slice, shape: tuple[int, ...]
    ) -> Callable[[slice, np.ndarray], None]:
        """Return a function that adds values of one time, in blocks.

        It takes numbers of lead times and levels as one axis, and values at these.
        """
        with self._lock:
            sums = self._sums.setdefault(key, LeadTimeStatistics(self._leads))
            whole = sums.of_weight_one(name, leads, shape).reshape(-1, *shape[1:])

        def add(block: slice, values: np.ndarray) -> None:
            with self._lock:
                whole[block] += values

        return add

    def merge(self, other: Mapping[Key, Statistics]) -> None:
        """Add other sums."""
        for key, statistics in other.items():
            self.add(key, slice(None), statistics)

    def as_statistics(self) -> dict[Key, Statistics]:
        """Return the sums, shape (lead_time, ...)."""
        return {key: sums.statistics for key, sums in self._sums.items()}
