"""The scores: what each is called, needs and means, and how it follows from means.

A score is a function of the means of additive statistics. The statistics of one initial
time and lead come from `deterministic_metrics`, `vector_metrics`, `ensemble_metrics`,
`energy_score`, `thresholds`, `seeps` and `pair_statistics`.
"""

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np

from ngcm_cli.config import closest
from ngcm_cli.errors import ConfigError


@dataclasses.dataclass(frozen=True)
class Metric:
    """A score.

    Attributes:
        name: name in files and options.
        long_name: description for plots and listings.
        statistics: names of the statistics that it is computed from.
        of_means: function of the means of these statistics, in their order.
        units: units of the variable, their square, or none.
        best: best value of the score, or whether a lower or higher one is better; None
            if it describes the forecast and does not judge it.
        members: whether it needs an ensemble of at least two members.
        climatology: whether it is of deviations from the means of a climatology.
        vector: whether it is of a vector, such as wind, and not of a scalar.
        thresholds: whether it is of events beyond thresholds.
        maps: whether it needs maps of statistics; `root_mean_square_bias` does.
        dimensions: dimensions of the score after region and level.
    """

    name: str
    long_name: str
    statistics: tuple[str, ...]
    of_means: Callable[..., np.ndarray] = np.asarray
    units: Literal["variable", "squared", "1"] = "variable"
    best: Literal["lower", "higher", "zero", "one"] | None = "lower"
    members: bool = False
    climatology: bool = False
    vector: bool = False
    thresholds: bool = False
    maps: bool = False
    dimensions: tuple[str, ...] = ()

    def __call__(self, means: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the score, of the shape of the means."""
        return self.of_means(*(means[name] for name in self.statistics))

    def units_of(self, variable_units: str) -> str:
        """Return the units of the score of a variable, in UDUNITS notation."""
        if self.units == "1" or variable_units in ("", "1"):
            return "1"
        return f"({variable_units})2" if self.units == "squared" else variable_units


def _root(mean: np.ndarray) -> np.ndarray:
    """Return the square root; NaN where an unbiased estimate is negative."""
    return np.sqrt(np.where(mean >= 0, mean, np.nan))


def _correlation(
    covariance: np.ndarray, forecast: np.ndarray, truth: np.ndarray
) -> np.ndarray:
    scale = _root(forecast) * _root(truth)
    return np.divide(
        covariance, scale, out=np.full(np.shape(scale), np.nan), where=scale > 0
    )


def _ratio(variance: np.ndarray, squared_error: np.ndarray) -> np.ndarray:
    spread, error = _root(variance), _root(squared_error)
    return np.divide(
        spread, error, out=np.full(np.shape(error), np.nan), where=error > 0
    )


def _without_half(skill: np.ndarray, spread: np.ndarray) -> np.ndarray:
    return skill - 0.5 * spread


_DETERMINISTIC = (
    Metric("rmse", "root mean square error", ("squared_error",), _root),
    Metric("mse", "mean squared error", ("squared_error",), units="squared"),
    Metric("mae", "mean absolute error", ("absolute_error",)),
    Metric("bias", "mean error", ("error",), best="zero"),
    Metric("rmsb", "root mean square bias", ("error_map",), maps=True),
    Metric(
        "acc",
        "anomaly correlation coefficient",
        ("anomaly_covariance", "forecast_anomaly_square", "truth_anomaly_square"),
        _correlation,
        units="1",
        best="higher",
        climatology=True,
    ),
    Metric(
        "acc_mean_of_times",
        "mean of the anomaly correlation coefficients of all initial times",
        ("anomaly_correlation",),
        units="1",
        best="higher",
        climatology=True,
    ),
    Metric(
        "activity",
        "root mean square anomaly of the forecast",
        ("forecast_anomaly_square",),
        _root,
        best=None,
        climatology=True,
    ),
    Metric(
        "truth_activity",
        "root mean square anomaly of the truth",
        ("truth_anomaly_square",),
        _root,
        best=None,
        climatology=True,
    ),
    Metric(
        "vector_rmse",
        "root mean square vector error",
        ("squared_vector_error",),
        _root,
        vector=True,
    ),
    Metric(
        "seeps",
        "stable equitable error in probability space of 24-hour precipitation",
        ("seeps",),
        units="1",
    ),
)

_ENSEMBLE = (
    Metric(
        "crps",
        "fair continuous ranked probability score",
        ("crps_skill", "crps_spread"),
        _without_half,
    ),
    Metric("crps_skill", "mean absolute error of members", ("crps_skill",)),
    Metric(
        "crps_spread",
        "mean absolute difference of members",
        ("crps_spread",),
        best=None,
    ),
    Metric(
        "ensemble_mean_rmse",
        "root mean square error of the ensemble mean",
        ("squared_error_of_mean",),
        _root,
    ),
    Metric(
        "unbiased_ensemble_mean_rmse",
        "root mean square error of the mean of an infinite ensemble",
        ("unbiased_squared_error_of_mean",),
        _root,
    ),
    Metric(
        "ensemble_spread",
        "root mean ensemble variance",
        ("ensemble_variance",),
        _root,
        best=None,
    ),
    Metric(
        "spread_skill_ratio",
        "ratio of ensemble spread to unbiased error of the ensemble mean",
        ("ensemble_variance", "unbiased_squared_error_of_mean"),
        _ratio,
        units="1",
        best="one",
    ),
    Metric(
        "rank_histogram",
        "relative frequency of the rank of the truth among the members",
        ("rank",),
        units="1",
        best=None,
        dimensions=("rank",),
    ),
    Metric(
        "energy_score",
        "fair energy score of the fields of a region",
        ("energy_skill", "energy_spread"),
        _without_half,
    ),
)

_THRESHOLDS = (
    Metric("brier_score", "fair Brier score", ("fair_brier",), units="1"),
    Metric(
        "unadjusted_brier_score",
        "Brier score of the relative frequency of members",
        ("brier",),
        units="1",
    ),
    Metric(
        "observed_frequency",
        "observed frequency of events in a bin of forecast probability",
        ("event_in_bin",),
        units="1",
        best=None,
        dimensions=("probability_bin",),
    ),
    Metric(
        "forecast_probability",
        "mean forecast probability in a bin of forecast probability",
        ("probability_in_bin",),
        units="1",
        best=None,
        dimensions=("probability_bin",),
    ),
    Metric(
        "probability_bin_share",
        "share of forecasts in a bin of forecast probability",
        ("bin_share",),
        units="1",
        best=None,
        dimensions=("probability_bin",),
    ),
)


def _of_events(metric: Metric) -> Metric:
    dimensions = ("threshold", *metric.dimensions)
    return dataclasses.replace(
        metric, members=True, thresholds=True, dimensions=dimensions
    )


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            *_DETERMINISTIC,
            *(dataclasses.replace(metric, members=True) for metric in _ENSEMBLE),
            *map(_of_events, _THRESHOLDS),
        )
    }
)
"""Scores by name."""


def find_metric(name: str) -> Metric:
    """Return a metric by its name, also with capitals and dashes.

    Raises:
        ConfigError: there is none.
    """
    plain = name.lower().replace("-", "_")
    if plain not in METRICS:
        raise ConfigError(f"There is no metric '{plain}'.", closest(plain, METRICS))
    return METRICS[plain]
