"""The statistics of all forecasts from initial times that are read together."""

from collections.abc import Sequence

import numpy as np

from ngcm_cli.verification.evaluation_plan import EvaluationPlan
from ngcm_cli.verification.forecasts import GriddedForecast, ScoredForecast
from ngcm_cli.verification.pair_scorer import InitialTimeStatistics, PairScorer
from ngcm_cli.verification.reading_blocks import ReadingBlocks
from ngcm_cli.verification.scored_variables import ScoredVariable
from ngcm_cli.verification.sums_over_times import SumsOverTimes


def evaluate_initial_times(
    plan: EvaluationPlan, numbers: Sequence[int], sums: SumsOverTimes
) -> dict[int, InitialTimeStatistics]:
    """Return the statistics of all forecasts from initial times that are read together.

    Args:
        plan: what is scored.
        numbers: positions of the initial times in the plan, ascending.
        sums: maps and spectra, to which those of these times are added.

    Raises:
        InputDataError: values cannot be read.
    """
    found = {number: InitialTimeStatistics() for number in numbers}
    for variable in plan.variables:
        for forecast in plan.forecasts:
            if forecast.has(variable):
                _evaluate(plan, forecast, variable, found, sums)
    return found


def _evaluate(
    plan: EvaluationPlan,
    forecast: ScoredForecast,
    variable: ScoredVariable,
    found: dict[int, InitialTimeStatistics],
    sums: SumsOverTimes,
) -> None:
    """Add the statistics of one forecast of one variable at all lead times."""
    alignment, key = plan.alignment, (forecast.name, variable.name)
    usable = {}
    for number, result in found.items():
        init = alignment.init_times[number]
        there = forecast.available(init, alignment.lead_times)
        has_truth = alignment.positions[number] >= 0
        for time in (init + alignment.lead_times)[there & ~has_truth]:
            result.missing_truth[variable.name].add(time)
        if (there & has_truth).any():
            usable[number] = there & has_truth
    if not usable:
        return
    scorers = {n: PairScorer(plan, n, forecast, variable, sums) for n in usable}
    leads = np.flatnonzero(np.logical_or.reduce([*usable.values()]))
    blocks = ReadingBlocks.of(plan, forecast, variable)
    for block in blocks.divide(leads, len(usable)):
        inits = alignment.init_times[[*usable]]
        times = alignment.lead_times[block]
        if len(usable) > 1 and isinstance(forecast, GriddedForecast):
            together = forecast.read_several(variable, inits, times)
        else:
            together = None
        for place, (number, there) in enumerate(usable.items()):
            mine = there[block]
            if not mine.any():
                continue
            if together is None:
                members = forecast.read(variable, inits[place], times[mine])
            else:
                members = together[place]
                members = members if mine.all() else members[:, :, mine]
            scorers[number].add(block[mine], members, blocks.scored, found[number])
            del members
    for number, scorer in scorers.items():
        if scorer.statistics:
            found[number].scores[key] = scorer.statistics
