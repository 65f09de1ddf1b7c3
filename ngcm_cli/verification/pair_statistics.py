"""The statistics of one forecast and its truth, at several lead times at once."""

import dataclasses
from collections.abc import Iterable

import numpy as np

from ngcm_cli.verification.deterministic_metrics import (
    AddErrors,
    deterministic_statistics,
)
from ngcm_cli.verification.energy_score import energy_score_statistics
from ngcm_cli.verification.ensemble_metrics import ensemble_statistics
from ngcm_cli.verification.metrics import METRICS
from ngcm_cli.verification.seeps import PrecipitationClimate, seeps_statistics
from ngcm_cli.verification.statistics import Statistics
from ngcm_cli.verification.thresholds import threshold_statistics
from ngcm_cli.verification.vector_metrics import vector_statistics

_ANOMALIES = {
    *("anomaly_covariance", "forecast_anomaly_square", "truth_anomaly_square"),
    "anomaly_correlation",
}
_DETERMINISTIC = {"error", "absolute_error", "squared_error"}
_ENERGY = {"energy_skill", "energy_spread"}
_MAPS = {"error_map", "squared_error_map"}


@dataclasses.dataclass(frozen=True)
class Fields:
    """A variable of a forecast, with its truth and climatology.

    Attributes:
        members: shape (member, component, lead_time, level, latitude, longitude).
        truth: shape (component, lead_time, level, latitude, longitude); NaN where it is
            not scored.
        climatology: as the truth; None without one.
        climate: of precipitation at the lead times; None if it is not needed.
    """

    members: np.ndarray
    truth: np.ndarray
    climatology: np.ndarray | None
    climate: PrecipitationClimate | None = None

    def at(self, lead: int) -> "Fields":
        """Return the fields at one of the lead times, whose axis has size one."""
        one = slice(lead, lead + 1)
        return Fields(
            self.members[:, :, one],
            self.truth[:, one],
            None if self.climatology is None else self.climatology[:, one],
            None if self.climate is None else self.climate.at(one),
        )


def statistics_of(
    fields: Fields,
    metrics: Iterable[str],
    weights: np.ndarray,
    thresholds: np.ndarray | None = None,
    add_errors: AddErrors | None = None,
) -> Statistics:
    """Return what metrics need of one forecast, but not maps.

    Of an ensemble, the metrics of single forecasts are those of its mean. Ensemble
    metrics are left out of a single forecast, those of anomalies without a climatology.

    Args:
        fields: what is compared.
        metrics: names of `METRICS`.
        weights: shape (region, latitude, longitude).
        thresholds: of events, shape (threshold,).
        add_errors: receives the errors of a scalar, or of the mean of its ensemble,
            with lead times and levels as one axis, where `scores_errors`.

    Returns:
        Statistics of shape (lead_time, region, level, ...).
    """
    needed = _needed(metrics)
    components, leads, levels = fields.truth.shape[:3]
    truth = _flat(fields.truth)
    climatology = None if fields.climatology is None else _flat(fields.climatology)
    members = fields.members.reshape(len(fields.members), components, *truth.shape[1:])
    mean = members[0] if len(members) == 1 else members.mean(axis=0, dtype=np.float64)
    found = Statistics()
    if components > 1:
        if "squared_vector_error" in needed:
            found = vector_statistics(tuple(mean), tuple(truth), weights)
    else:
        if needed & (_DETERMINISTIC | _ANOMALIES):
            base = climatology[0] if climatology is not None else None
            base = base if needed & _ANOMALIES else None
            found |= deterministic_statistics(
                mean[0], truth[0], weights, base, add_errors
            )
        if "seeps" in needed and fields.climate is not None:
            found |= seeps_statistics(mean[0], truth[0], fields.climate, weights)
        if len(members) > 1:
            found |= _of_ensemble(members[:, 0], truth[0], weights, needed, thresholds)
    found = found.select([name for name in found if name in needed])
    return _by_lead(found, leads, levels)


def scores_errors(metrics: Iterable[str]) -> bool:
    """Return whether the errors of single forecasts are computed for metrics."""
    return bool(_needed(metrics) & (_DETERMINISTIC | _ANOMALIES))


def _needed(metrics: Iterable[str]) -> set[str]:
    """Return the names of the statistics that metrics need, without maps."""
    return {x for name in metrics for x in METRICS[name].statistics} - _MAPS


def _of_ensemble(
    members: np.ndarray,
    truth: np.ndarray,
    weights: np.ndarray,
    needed: set[str],
    thresholds: np.ndarray | None,
) -> Statistics:
    of_thresholds = {
        name
        for metric in METRICS.values()
        if metric.thresholds
        for name in metric.statistics
    }
    others = {
        name
        for metric in METRICS.values()
        if metric.members and not metric.thresholds
        for name in metric.statistics
    }
    found = Statistics()
    if needed & (others - _ENERGY):
        found |= ensemble_statistics(members, truth, weights)
    if needed & _ENERGY:
        found |= energy_score_statistics(members, truth, weights)
    if needed & of_thresholds and thresholds is not None:
        found |= threshold_statistics(members, truth, thresholds, weights)
    return found


def map_statistics(fields: Fields, squares: bool) -> Statistics:
    """Return maps of the error, and of its square if asked for.

    Returns:
        ``error_map`` and ``squared_error_map``, shape (lead_time, level, latitude,
        longitude); their weights are numbers of times.
    """
    members = fields.members[:, 0]
    mean = members[0] if len(members) == 1 else members.mean(axis=0, dtype=np.float64)
    valid = ~np.isnan(fields.truth[0])
    error = np.subtract(mean, fields.truth[0], dtype=np.float64)
    if valid.all():
        weight = np.ones((*valid.shape[:2], 1, 1))
    else:
        weight, error = valid.astype(np.float64), np.where(valid, error, 0.0)
    sums = {"error_map": (error, weight)}
    if squares:
        sums["squared_error_map"] = np.square(error), weight
    return Statistics(sums)


def _flat(values: np.ndarray) -> np.ndarray:
    """Return fields with lead times and levels as one axis."""
    return values.reshape(len(values), -1, *values.shape[-2:])


def _by_lead(statistics: Statistics, leads: int, levels: int) -> Statistics:
    """Return statistics (region, lead_time and level, ...) with lead times first."""

    def moved(values: np.ndarray) -> np.ndarray:
        shape = len(values), leads, levels, *values.shape[2:]
        return np.ascontiguousarray(np.moveaxis(values.reshape(shape), 1, 0))

    return Statistics({n: (moved(t), moved(w)) for n, (t, w) in statistics.items()})
