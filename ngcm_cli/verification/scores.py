"""Scores from statistics: values, intervals and paired differences."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import xarray as xr

from ngcm_cli.verification.map_scores import scores_of_sums
from ngcm_cli.verification.metrics import METRICS, Metric
from ngcm_cli.verification.score_arrays import (
    MetricArrays,
    ScoreArray,
    coordinates_of,
    join_forecasts,
)
from ngcm_cli.verification.score_layout import ScoreLayout, StatisticsSource
from ngcm_cli.verification.scored_variables import ScoredVariable
from ngcm_cli.verification.statistics import Statistics
from ngcm_cli.verification.uncertainty import (
    FEWEST_TIMES,
    bootstrap_interval,
    paired_difference,
)

CONFIDENCE = 0.95
"""Of intervals."""

Bounds = tuple[np.ndarray, np.ndarray]


def compute_scores(
    layout: ScoreLayout,
    source: StatisticsSource,
    *,
    by_init: bool = False,
    maps: bool = False,
) -> xr.Dataset:
    """Return the scores of an evaluation, in the layout of `score_file`.

    Args:
        layout: names and axes.
        source: statistics of the initial times.
        by_init: whether scores of each initial time are included.
        maps: whether maps are included.
    """
    several = len(layout.forecasts) > 1
    found: dict[str, dict[str, ScoreArray]] = {}
    sums = source.sums()
    pairs = [(f, v) for v in layout.variables for f in layout.forecasts]
    for forecast, variable in pairs:
        key = forecast, variable.name
        arrays = [
            *_of_statistics(layout, source, forecast, variable, by_init),
            *scores_of_sums(layout, sums.get(key), variable, maps),
        ]
        for array in arrays:
            found.setdefault(array.name, {})[forecast] = array
    variables = {
        name: join_forecasts(layout, of_forecasts, several)
        for name, of_forecasts in found.items()
    }
    return xr.Dataset(variables, coordinates_of(layout, variables, several))


def _of_statistics(
    layout: ScoreLayout,
    source: StatisticsSource,
    forecast: str,
    variable: ScoredVariable,
    by_init: bool,
) -> Iterator[ScoreArray]:
    """Yield the scores of one forecast of one variable that have initial times."""
    key = forecast, variable.name
    is_counted = False
    for metric in (METRICS[name] for name in layout.metrics):
        if metric.maps:
            continue
        rows, statistics = source.read(key, metric.statistics)
        if not statistics:
            continue
        arrays = MetricArrays(layout, metric, variable)
        if not is_counted:
            is_counted = True
            yield _count(layout, statistics, variable)
        yield arrays.array("", metric(statistics.sum().means()))
        if metric.dimensions:
            continue
        if len(rows) >= FEWEST_TIMES:
            lower, upper = _intervals(statistics, metric)
            what = "{} bound of the " + f"{CONFIDENCE:.0%} interval of the "
            yield arrays.array("_lower", lower, what.format("lower"))
            yield arrays.array("_upper", upper, what.format("upper"))
        if by_init:
            yield arrays.by_init(rows, metric(statistics.means()))
        if layout.reference not in (None, forecast):
            others, other = source.read(
                (layout.reference or "", variable.name), metric.statistics
            )
            shared = np.intersect1d(rows, others)
            if other and len(shared):
                yield from _differences(
                    arrays,
                    statistics.take(np.isin(rows, shared)),
                    other.take(np.isin(others, shared)),
                )


def _differences(
    arrays: MetricArrays, first: Statistics, second: Statistics
) -> list[ScoreArray]:
    """Return the difference of two forecasts on the same starts, with its interval."""
    layout, metric = arrays.layout, arrays.metric
    parts = []
    for lead in range(len(layout.lead_times)):
        one, other = (_at_lead(statistics, lead) for statistics in (first, second))
        valid = _scored(one) & _scored(other)
        if not valid.any():
            shape = one[metric.statistics[0]].total.shape[1:]
            parts.append((np.full(shape, np.nan),) * 4)
            continue
        paired = paired_difference(
            one.take(valid), other.take(valid), metric, confidence=CONFIDENCE
        )
        interval = paired.interval
        parts.append(
            (interval.estimate, interval.lower, interval.upper, paired.p_value)
        )
    estimate, *bounds, p_value = (np.stack(x) for x in zip(*parts, strict=True))
    found = [arrays.array("_difference", estimate, "difference from the reference in ")]
    if not np.isfinite(bounds).any():
        return found
    for suffix, values in zip(("lower", "upper"), bounds, strict=True):
        what = f"{suffix} bound of the difference from the reference in "
        found.append(arrays.array(f"_difference_{suffix}", values, what))
    probability = arrays.array("_difference_p_value", p_value, "p-value of the same ")
    attributes = {**probability.attributes, "units": "1"}
    return [*found, dataclasses.replace(probability, attributes=attributes)]


def _intervals(statistics: Statistics, metric: Metric) -> Bounds:
    """Return bounds of intervals, each (lead_time, region, level)."""
    leads = statistics[metric.statistics[0]].total.shape[1]
    bounds = []
    for lead in range(leads):
        at_lead = _at_lead(statistics, lead)
        valid = _scored(at_lead)
        if valid.sum() < 2:
            shape = at_lead[metric.statistics[0]].total.shape[1:]
            bounds.append((np.full(shape, np.nan),) * 2)
            continue
        interval = bootstrap_interval(
            at_lead.take(valid), metric, confidence=CONFIDENCE
        )
        bounds.append((interval.lower, interval.upper))
    lower, upper = (np.stack(parts) for parts in zip(*bounds, strict=True))
    return lower, upper


def _at_lead(statistics: Statistics, lead: int) -> Statistics:
    """Return statistics (init_time, region, level) at one lead time."""
    return Statistics(
        {name: (t[:, lead], w[:, lead]) for name, (t, w) in statistics.items()}
    )


def _scored(statistics: Statistics) -> np.ndarray:
    """Return which initial times have a weight somewhere, of (init_time, ...)."""
    weights = [w.reshape(len(w), -1).any(axis=1) for _, w in statistics.values()]
    return np.logical_and.reduce(weights)


def _count(
    layout: ScoreLayout, statistics: Statistics, variable: ScoredVariable
) -> ScoreArray:
    counts = [
        _scored(_at_lead(statistics, i)).sum() for i in range(len(layout.lead_times))
    ]
    title = f"number of initial times scored of {variable.long_name or variable.name}"
    attributes = {"units": "1", "long_name": title, "variable": variable.name}
    values = np.array(counts, np.float64)
    return ScoreArray(f"count.{variable.name}", ("lead_time",), values, attributes)
