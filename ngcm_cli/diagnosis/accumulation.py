"""Averages of the reductions of a topic, time by time."""

from collections.abc import Hashable
from typing import Any

import numpy as np

from ngcm_cli.diagnosis.topic import Averages, Fields, Grid, Topic


class Accumulation:
    """Sums and counts of the arrays that a topic reduces fields to, in bins.

    Args:
        topic: reduces the fields.
    """

    def __init__(self, topic: Topic):
        self.topic = topic
        self._sums: dict[Hashable, dict[str, np.ndarray]] = {}
        self._present: dict[Hashable, dict[str, np.ndarray]] = {}
        self._counts: dict[Hashable, int] = {}

    def add(self, fields: Fields) -> None:
        """Add the fields of one time."""
        where = self.topic.bin_of(fields.stamp)
        if where is None:
            return
        sums = self._sums.setdefault(where, {})
        present = self._present.setdefault(where, {})
        self._counts[where] = self._counts.get(where, 0) + 1
        for name, found in self.topic.reduce(fields).items():
            x = np.asarray(found, np.float64)
            is_there = np.isfinite(x)
            value = np.where(is_there, x, 0.0)
            if name in sums:
                sums[name] += value
                present[name] += is_there
            else:
                sums[name], present[name] = value, is_there.astype(np.int64)

    def averages(self, grid: Grid, kind: str, is_forecast: bool) -> Averages | None:
        """Return the averages in the order of the bins; None if there are none."""
        if not self._counts:
            return None
        bins: list[Any] = sorted(self._counts)  # pyright: ignore
        names = dict.fromkeys(name for sums in self._sums.values() for name in sums)
        means = {}
        for name in names:
            shape = next(s[name].shape for s in self._sums.values() if name in s)
            rows = np.full((len(bins), *shape), np.nan)
            for i, where in enumerate(bins):
                if name in self._sums[where]:
                    count = self._present[where][name]
                    mean = self._sums[where][name] / np.maximum(count, 1)
                    rows[i] = np.where(count > 0, mean, np.nan)
            means[name] = rows
        counts = np.array([self._counts[where] for where in bins])
        return Averages(bins, counts, means, grid, kind, is_forecast)
