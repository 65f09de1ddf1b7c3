"""The axes of scores: what was evaluated, where and when."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np

from ngcm_cli.verification.scored_variables import ScoredVariable
from ngcm_cli.verification.statistics import Statistics
from ngcm_cli.verification.sums_over_times import Key


@dataclasses.dataclass(frozen=True, eq=False)
class ScoreLayout:
    """Names and axes of the scores of an evaluation.

    Attributes:
        forecasts: names of forecasts, then of baselines.
        baselines: which of these are baselines.
        reference: forecast that the others are compared with; None if there is one.
        variables: what was scored.
        metrics: names of metrics.
        init_times: datetime64[s].
        lead_times: timedelta64[s].
        regions: names, the globe first.
        weights: of their cells, shape (region, latitude, longitude).
        latitude: degrees.
        longitude: degrees.
        thresholds: of events, by name of variable.
    """

    forecasts: tuple[str, ...]
    baselines: tuple[bool, ...]
    reference: str | None
    variables: tuple[ScoredVariable, ...]
    metrics: tuple[str, ...]
    init_times: np.ndarray
    lead_times: np.ndarray
    regions: tuple[str, ...]
    weights: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    thresholds: Mapping[str, tuple[float, ...]]

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels of all variables together, hPa, ascending."""
        return tuple(sorted({x for v in self.variables for x in v.levels or ()}))


class StatisticsSource(Protocol):
    """Where the statistics of an evaluation are."""

    def read(self, key: Key, names: Iterable[str]) -> tuple[np.ndarray, Statistics]:
        """Return numbers of initial times, and statistics of these.

        Shape (init_time, lead_time, region, level, ...); none if a name is not there.
        """
        ...

    def sums(self) -> dict[Key, Statistics]:
        """Return maps and spectra, shape (lead_time, level, ...)."""
        ...
