"""The statistics of all forecasts from one initial time."""

import collections
import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from ngcm_cli.verification.evaluation_plan import EvaluationPlan
from ngcm_cli.verification.forecasts import ScoredForecast
from ngcm_cli.verification.pair_statistics import Fields, map_statistics, statistics_of
from ngcm_cli.verification.scored_variables import ScoredVariable
from ngcm_cli.verification.spectral_statistics import spectral_statistics
from ngcm_cli.verification.statistics import Statistics
from ngcm_cli.verification.sums_over_times import (
    Key,
    LeadTimeStatistics,
    SumsOverTimes,
)

_READ_BYTES = 64 << 20
"""Of one forecast, read at once."""


@dataclasses.dataclass
class InitialTimeStatistics:
    """Statistics of one initial time, and what was missing.

    Attributes:
        scores: by forecast and variable, shape (lead_time, region, level, ...).
        missing_truth: valid times without truth by variable.
        missing_forecasts: lead times without a forecast, by forecast and variable.
        incomplete: number of fields with cells without data that the truth has, by
            forecast and variable.
    """

    scores: dict[Key, Statistics] = dataclasses.field(default_factory=dict)
    missing_truth: dict[str, set[np.datetime64]] = dataclasses.field(
        default_factory=lambda: collections.defaultdict(set)
    )
    missing_forecasts: collections.Counter[Key] = dataclasses.field(
        default_factory=collections.Counter
    )
    incomplete: collections.Counter[Key] = dataclasses.field(
        default_factory=collections.Counter
    )


def evaluate_initial_time(
    plan: EvaluationPlan, number: int, sums: SumsOverTimes
) -> InitialTimeStatistics:
    """Return the statistics of all forecasts from an initial time.

    Args:
        plan: what is scored.
        number: position of the initial time in the plan.
        sums: maps and spectra, to which those of this time are added.

    Raises:
        InputDataError: values cannot be read.
    """
    found = InitialTimeStatistics()
    for variable in plan.variables:
        for forecast in plan.forecasts:
            if forecast.has(variable):
                _evaluate(plan, number, forecast, variable, found, sums)
    return found


def _evaluate(
    plan: EvaluationPlan,
    number: int,
    forecast: ScoredForecast,
    variable: ScoredVariable,
    found: InitialTimeStatistics,
    sums: SumsOverTimes,
) -> None:
    """Add the statistics of one forecast of one variable at all lead times."""
    alignment, key = plan.alignment, (forecast.name, variable.name)
    init = alignment.init_times[number]
    there = forecast.available(init, alignment.lead_times)
    has_truth = alignment.positions[number] >= 0
    for time in (init + alignment.lead_times)[there & ~has_truth]:
        found.missing_truth[variable.name].add(time)
    scores = LeadTimeStatistics(len(there))
    for leads in _blocks(np.flatnonzero(there & has_truth), plan, forecast, variable):
        times = init + alignment.lead_times[leads]
        truth = plan.truth.read(variable, alignment.positions[number, leads])
        members = forecast.read(variable, init, alignment.lead_times[leads])
        absent = _absent(truth)
        found.missing_truth[variable.name].update(times[absent])
        lacking = _absent(members) & ~absent
        found.missing_forecasts[key] += int(lacking.sum())
        kept = ~(absent | lacking)
        if not kept.any():
            continue
        if not kept.all():
            members, truth = members[:, :, kept], truth[:, kept]
            leads, times = leads[kept], times[kept]
        undefined = np.isnan(members.min())
        if undefined:
            missing = np.isnan(members).any(axis=0)
            extra = missing & ~np.isnan(truth)
            found.incomplete[key] += int(_any_cell(extra).sum())
            truth = np.where(missing, np.nan, truth)
            members = np.nan_to_num(members, nan=0.0, posinf=None, neginf=None)
        climatology = None
        if plan.climatology is not None and plan.climatology.has(variable):
            climatology = plan.climatology.read(variable, times)
        fields = Fields(members, truth, climatology)
        thresholds = plan.thresholds.get(variable.name)
        events = None if thresholds is None else np.array(thresholds)
        scores.add(leads, statistics_of(fields, plan.metrics, plan.weights, events))
        if plan.needs_maps and not variable.is_vector:
            for place, lead in enumerate(leads):  # so that it stays in the cache
                maps = map_statistics(fields.at(place), plan.maps)
                sums.add(key, slice(lead, lead + 1), maps)
        if plan.spectra:
            sums.add(key, leads, spectral_statistics(fields, plan.grid))
    if scores.statistics:
        found.scores[key] = scores.statistics


def _blocks(
    leads: np.ndarray,
    plan: EvaluationPlan,
    forecast: ScoredForecast,
    variable: ScoredVariable,
) -> Iterator[np.ndarray]:
    """Return lead times in blocks of bounded memory."""
    dataset: Any = getattr(forecast, "dataset", plan.truth.dataset)
    members = dataset.sizes.get("realization", 1)
    cells = max(
        dataset.sizes["latitude"] * dataset.sizes["longitude"],
        len(plan.grid.latitude) * len(plan.grid.longitude),
    )
    levels = max(len(variable.levels or (0,)), len(variable.column_levels))
    size = 4 * members * len(variable.components) * levels * cells
    at_once = max(1, _READ_BYTES // size)
    return (leads[i : i + at_once] for i in range(0, len(leads), at_once))


def _any_cell(values: np.ndarray) -> np.ndarray:
    """Return where any value is true, of (component, time, level, cells), by time."""
    return np.asarray(values.any(axis=(0, 2, 3, 4)))


def _absent(values: np.ndarray) -> np.ndarray:
    """Return which times of (..., time, level, latitude, longitude) are all NaN.

    One member or component without any value makes a time absent.
    """
    if not np.isnan(values.min()):
        return np.zeros(values.shape[-4], bool)
    empty = np.asarray(np.isnan(values).all(axis=(-1, -2, -3)))
    return np.asarray(empty.reshape(-1, values.shape[-4]).any(axis=0))
