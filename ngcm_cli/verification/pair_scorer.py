"""Scoring the fields of one forecast from one initial time, as they are read."""

import collections
import dataclasses

import numpy as np

from ngcm_cli.inputs.variables import DAILY_PRECIPITATION
from ngcm_cli.verification.deterministic_metrics import AddErrors
from ngcm_cli.verification.evaluation_plan import EvaluationPlan
from ngcm_cli.verification.forecasts import ScoredForecast
from ngcm_cli.verification.pair_statistics import (
    Fields,
    map_statistics,
    scores_errors,
    statistics_of,
)
from ngcm_cli.verification.scored_variables import ScoredVariable
from ngcm_cli.verification.spectral_statistics import spectral_statistics
from ngcm_cli.verification.statistics import Statistics
from ngcm_cli.verification.sums_over_times import (
    Key,
    LeadTimeStatistics,
    SumsOverTimes,
)


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


class PairScorer:
    """Scores one forecast of one variable from one initial time, in blocks of leads.

    Args:
        plan: what is scored.
        number: position of the initial time in the plan.
        forecast: the forecast.
        variable: the variable.
        sums: maps and spectra, to which those of this time are added.
    """

    def __init__(
        self,
        plan: EvaluationPlan,
        number: int,
        forecast: ScoredForecast,
        variable: ScoredVariable,
        sums: SumsOverTimes,
    ):
        self._plan, self._number, self._variable = plan, number, variable
        self._key, self._sums = (forecast.name, variable.name), sums
        alignment = plan.alignment
        self._scores = LeadTimeStatistics(len(alignment.lead_times))
        self._valid_times = alignment.init_times[number] + alignment.lead_times
        thresholds = plan.thresholds.get(variable.name)
        self._events = None if thresholds is None else np.array(thresholds)
        climatology = plan.climatology
        has_means = climatology is not None and climatology.has(variable)
        self._climatology = climatology if has_means else None
        is_precipitation = variable.name == DAILY_PRECIPITATION
        self._precipitation = plan.precipitation if is_precipitation else None

    @property
    def statistics(self) -> Statistics:
        """Of all blocks together, shape (lead_time, region, level, ...)."""
        return self._scores.statistics

    def add(
        self,
        leads: np.ndarray,
        members: np.ndarray,
        at_once: int,
        found: InitialTimeStatistics,
    ) -> None:
        """Score fields at lead times that have a truth.

        Args:
            leads: positions of the lead times.
            members: shape (member, component, lead_time, level, latitude, longitude).
            at_once: how many lead times are scored at once, so that they stay in the
                cache of a processor.
            found: receives what is missing.
        """
        positions = self._plan.alignment.positions[self._number, leads]
        truth = self._plan.truth.fields(self._variable, positions)
        for first in range(0, len(leads), at_once):
            part = slice(first, first + at_once)
            fields = truth[part]
            gaps = any(
                self._plan.truth.has_gaps(self._variable, int(position), field)
                for position, field in zip(positions[part], fields, strict=True)
            )
            stacked = fields[0][:, None] if len(fields) == 1 else np.stack(fields, 1)
            self._add(leads[part], members[:, :, part], stacked, gaps, found)

    def _add(
        self,
        leads: np.ndarray,
        members: np.ndarray,
        truth: np.ndarray,
        gaps: bool,
        found: InitialTimeStatistics,
    ) -> None:
        name, times = self._variable.name, self._valid_times[leads]
        undefined = bool(np.isnan(members.min()))
        if gaps or undefined:
            absent = _absent(truth)
            found.missing_truth[name].update(times[absent])
            lacking = _absent(members) & ~absent
            found.missing_forecasts[self._key] += int(lacking.sum())
            kept = ~(absent | lacking)
            if not kept.any():
                return
            members, truth = members[:, :, kept], truth[:, kept]
            leads, times = leads[kept], times[kept]
            undefined = bool(np.isnan(members.min()))
            gaps = undefined or bool(np.isnan(truth.min()))
        if undefined:
            missing = np.isnan(members).any(axis=0)
            extra = missing & ~np.isnan(truth)
            found.incomplete[self._key] += int(_any_cell(extra).sum())
            truth = np.where(missing, np.nan, truth)
            members = np.nan_to_num(members, nan=0.0, posinf=None, neginf=None)
        climatology = None
        if self._climatology is not None:
            climatology = self._climatology.read(self._variable, times)
        climate = None
        if self._precipitation is not None:
            climate = self._precipitation.read(times)
        fields = Fields(members, truth, climatology, climate)
        add_errors = None
        needs_maps = self._plan.needs_maps and not self._variable.is_vector
        if needs_maps and not gaps and scores_errors(self._plan.metrics):
            add_errors = self._error_adder(leads, truth.shape[2:])
        found_here = statistics_of(
            fields, self._plan.metrics, self._plan.weights, self._events, add_errors
        )
        self._scores.add(leads, found_here)
        if needs_maps and add_errors is None:
            for place, lead in enumerate(leads):
                maps = map_statistics(fields.at(place), self._plan.maps)
                self._sums.add(self._key, slice(lead, lead + 1), maps)
        if self._plan.truth_spectra is not None:
            positions = self._plan.alignment.positions[self._number, leads]
            of_truth = self._plan.truth_spectra.read(self._variable, positions)
            spectra = spectral_statistics(fields, of_truth, self._plan.grid)
            self._sums.add(self._key, leads, spectra)

    def _error_adder(
        self, leads: np.ndarray, shape: tuple[int, ...]
    ) -> AddErrors | None:
        """Return what adds errors to maps; None where lead times have gaps."""
        whole = slice(int(leads[0]), int(leads[-1]) + 1)
        if whole.stop - whole.start != len(leads):
            return None
        names = ["error_map", "squared_error_map"][: 2 if self._plan.maps else 1]
        adders = [self._sums.adder(self._key, name, whole, shape) for name in names]

        def add(block: slice, errors: np.ndarray) -> None:
            adders[0](block, errors)
            if len(adders) > 1:
                adders[1](block, np.square(errors))

        return add


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
