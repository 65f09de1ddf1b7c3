"""Decide what an evaluation does, and refuse what it cannot do, before it begins."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from ngcm_cli.config.evaluate import (
    CLIMATOLOGY,
    PERSISTENCE,
    PROBABILISTIC,
    EvaluateConfig,
)
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.inputs.level_names import split_level
from ngcm_cli.inputs.variables import (
    DAILY_PRECIPITATION,
    LAND_SEA_MASK,
    VARIABLES,
)
from ngcm_cli.verification.alignment import Alignment, check_clock, list_times
from ngcm_cli.verification.baselines import (
    ClimatologyForecast,
    Persistence,
    ProbabilisticClimatology,
)
from ngcm_cli.verification.climatology import Climatology, is_climatology
from ngcm_cli.verification.comparison_grid import ComparisonGrid
from ngcm_cli.verification.daily_precipitation import IS_DERIVED
from ngcm_cli.verification.evaluation_plan import EvaluationPlan
from ngcm_cli.verification.evaluation_sources import EvaluationSources
from ngcm_cli.verification.forecasts import (
    GriddedForecast,
    ScoredForecast,
    select_times,
)
from ngcm_cli.verification.metrics import METRICS, find_metric
from ngcm_cli.verification.precipitation_climatology import PrecipitationClimatology
from ngcm_cli.verification.regions import REGIONS, parse_region, region_weights
from ngcm_cli.verification.scored_variables import ScoredVariable, select_variables
from ngcm_cli.verification.spectral_statistics import TruthSpectra
from ngcm_cli.verification.truth import Truth

DETERMINISTIC = "rmse", "mae", "bias", "rmsb", "acc", "vector_rmse"
ENSEMBLE = (
    *("crps", "ensemble_mean_rmse", "unbiased_ensemble_mean_rmse", "ensemble_spread"),
    *("spread_skill_ratio", "rank_histogram"),
)
EVENTS = (
    *("brier_score", "observed_frequency", "forecast_probability"),
    "probability_bin_share",
)
"""Metrics by default, of single forecasts, of ensembles, and with thresholds."""


def plan_evaluation(
    sources: EvaluationSources,
    config: EvaluateConfig,
    climatology: xr.Dataset | None,
    check: bool = True,
) -> EvaluationPlan:
    """Return the plan of an evaluation.

    Args:
        sources: datasets.
        config: the settings.
        climatology: by day of the year and hour; None without one, or while that of
            the sources is to be computed.
        check: whether some fields are read to check the clock.

    Raises:
        ConfigError: a setting is wrong.
        InputDataError: the data do not fit together.
    """
    datasets = [*sources.forecasts.values(), *sources.baselines.values(), sources.truth]
    if config.grid is None:
        grid = ComparisonGrid.coarsest(datasets)
    else:
        grid = ComparisonGrid.regular(config.grid)
    variables = select_variables(config.variables, datasets)
    gridded = [GriddedForecast(n, d, grid) for n, d in sources.forecasts.items()]
    times = select_times(gridded, config.init, config.lead)
    truth = Truth(sources.truth, grid)
    alignment = Alignment.of(times.init_times, times.lead_times, truth)
    means = None
    if climatology is not None and uses_climatology(config):
        means = Climatology(climatology, grid)
    scored = alignment.scored
    if means is not None:
        means.check_times(scored)
    forecasts: list[ScoredForecast] = [*gridded]
    files = dict(sources.baselines)
    for each in config.baseline:
        name = str(each)
        if name == PERSISTENCE:
            forecasts.append(Persistence(truth, gridded))
        elif name == CLIMATOLOGY:
            assert means is not None
            forecasts.append(ClimatologyForecast(means))
        elif name == PROBABILISTIC:
            record = _record(sources, grid, truth)
            forecasts.append(
                ProbabilisticClimatology(record, config.climatology_years, scored)
            )
        else:
            name = next(iter(files))
            forecasts.append(GriddedForecast(name, files.pop(name), grid, True))
    thresholds = _thresholds(config.thresholds, variables)
    has_climatology = sources.climatology is not None
    metrics = select_metrics(
        config.metrics, forecasts, has_climatology, variables, thresholds
    )
    names = tuple(dict.fromkeys(("global", *(config.regions or REGIONS))))
    mask = _land_sea_mask(sources, grid)
    weights = region_weights(names, grid.latitude, grid.longitude, mask)
    weights.setflags(write=False)
    plan = EvaluationPlan(
        forecasts=tuple(forecasts),
        truth=truth,
        climatology=means,
        variables=variables,
        metrics=metrics,
        alignment=alignment,
        grid=grid,
        regions=tuple(parse_region(name)[0] for name in names),
        weights=weights,
        thresholds=thresholds,
        maps=config.maps,
        truth_spectra=TruthSpectra(truth) if config.spectra else None,
        precipitation=_precipitation(sources, metrics, variables, grid),
        notes=tuple(_notes(sources, variables, alignment, grid, means, gridded)),
    )
    if check and config.check_times:
        scalar = next((v for v in variables if not v.is_vector), variables[0])
        for forecast in gridded:
            check_clock(forecast, truth, scalar)
    return plan


def uses_climatology(config: EvaluateConfig) -> bool:
    """Return whether a baseline or a metric is of the means of the climatology."""
    names = config.metrics
    has_baseline = any(str(each) == CLIMATOLOGY for each in config.baseline)
    of_metrics = names is None or any(find_metric(name).climatology for name in names)
    return has_baseline or of_metrics


def select_metrics(
    names: Sequence[str] | None,
    forecasts: Sequence[ScoredForecast],
    has_climatology: bool,
    variables: Sequence[ScoredVariable],
    thresholds: Mapping[str, tuple[float, ...]],
) -> tuple[str, ...]:
    """Return the metrics to compute: those named, or those that the data allow.

    Raises:
        ConfigError: one is unknown, or the data do not allow it.
    """
    has_ensemble = any(forecast.members > 1 for forecast in forecasts)
    has_vector = any(variable.is_vector for variable in variables)
    if thresholds and not has_ensemble:
        raise ConfigError(
            "Thresholds are of events of ensembles, and there is none: no forecast "
            "has two members.",
            "Leave out thresholds.",
        )
    if names is None:
        chosen = DETERMINISTIC
        chosen += ENSEMBLE if has_ensemble else ()
        chosen += EVENTS if has_ensemble and thresholds else ()
        return tuple(
            name
            for name in chosen
            if (has_climatology or not METRICS[name].climatology)
            and (has_vector or not METRICS[name].vector)
        )
    chosen = tuple(find_metric(name).name for name in names)
    for name in chosen:
        metric = METRICS[name]
        if metric.members and not has_ensemble:
            raise ConfigError(
                f"The metric {name} is of ensembles, and there is none: no forecast "
                "has two members.",
                f"Leave it out, or use {', '.join(DETERMINISTIC[:3])}.",
            )
        if metric.climatology and not has_climatology:
            raise ConfigError(
                f"The metric {name} needs a climatology.",
                "Give climatology: a file, a long record, or compute.",
            )
        if metric.vector and not has_vector:
            raise ConfigError(
                f"The metric {name} is of vectors, and no variable is one.",
                "Add wind to the variables, such as wind850.",
            )
        if metric.thresholds and not thresholds:
            raise ConfigError(
                f"The metric {name} needs thresholds.",
                "Give thresholds, such as t850:300.",
            )
    if thresholds and not any(METRICS[name].thresholds for name in chosen):
        raise ConfigError(
            "Thresholds are given, and none of the metrics is of events.",
            f"Add one to metrics, such as {EVENTS[0]}, or leave out thresholds.",
        )
    return tuple(dict.fromkeys(chosen))


def _record(sources: EvaluationSources, grid: ComparisonGrid, truth: Truth) -> Truth:
    dataset = sources.climatology
    if dataset is None or dataset is sources.truth:
        return truth
    if is_climatology(dataset):
        raise ConfigError(
            "A probabilistic climatology needs a record of many years, not their mean.",
            "Give climatology: a long record, or compute if the truth is one.",
        )
    return Truth(dataset, grid)


def _thresholds(
    asked: Sequence[tuple[str, float]] | None, variables: Sequence[ScoredVariable]
) -> dict[str, tuple[float, ...]]:
    found: dict[str, tuple[float, ...]] = {}
    for name, value in asked or ():
        matching = select_names(name, variables)
        for variable in matching:
            found[variable] = (*found.get(variable, ()), value)
    most = max(map(len, found.values()), default=0)
    # As many for all variables, so that they share a dimension.
    return {n: v + (np.nan,) * (most - len(v)) for n, v in found.items()}


def select_names(name: str, variables: Sequence[ScoredVariable]) -> list[str]:
    """Return which of some variables a user means.

    Raises:
        ConfigError: none of them.
    """
    base, _ = split_level(name)
    found = [
        variable.name
        for variable in variables
        if variable.name in (name, base)
        or (variable.name in VARIABLES and VARIABLES[variable.name].is_called(base))
    ]
    if not found:
        known = ", ".join(variable.name for variable in variables)
        raise ConfigError(
            f"The threshold of '{name}' is of no variable that is scored.",
            f"Scored are {known}.",
        )
    return found


def _precipitation(
    sources: EvaluationSources,
    metrics: Sequence[str],
    variables: Sequence[ScoredVariable],
    grid: ComparisonGrid,
) -> PrecipitationClimatology | None:
    """Return the climate of precipitation if SEEPS is a metric."""
    if "seeps" not in metrics:
        return None
    if DAILY_PRECIPITATION not in {variable.name for variable in variables}:
        raise ConfigError(
            "The metric seeps is of 24-hour precipitation, which is not scored.",
            f"Add {DAILY_PRECIPITATION} to variables.",
        )
    return PrecipitationClimatology(sources.climatology, grid)


def _land_sea_mask(
    sources: EvaluationSources, grid: ComparisonGrid
) -> np.ndarray | None:
    """Return the share of land, of the first dataset that has it, or None."""
    for dataset in (sources.truth, *sources.forecasts.values()):
        if LAND_SEA_MASK in dataset.data_vars:
            array = dataset[LAND_SEA_MASK]
            others = {
                dim: 0 for dim in array.dims if dim not in ("latitude", "longitude")
            }
            values = array.isel(others).values
            return grid.regrid(values, ComparisonGrid.of(dataset))
    return None


def _notes(
    sources: EvaluationSources,
    variables: Sequence[ScoredVariable],
    alignment: Alignment,
    grid: ComparisonGrid,
    climatology: Climatology | None,
    forecasts: Sequence[GriddedForecast],
) -> list[str]:
    """Return what was decided that a reader of the scores must know, as sentences."""
    notes = []
    datasets = {**sources.forecasts, **sources.baselines, "the truth": sources.truth}
    for name, dataset in datasets.items():
        own = ComparisonGrid.of(dataset)
        if not grid.has_nodes_of(own):
            notes.append(
                f"{name} was regridded conservatively from {own.description} to "
                f"{grid.description}"
            )
        derived = [
            part
            for variable in variables
            for part in variable.components
            if part not in dataset or IS_DERIVED in dataset[part].attrs
        ]
        if derived:
            notes.append(f"{', '.join(derived)} of {name} was derived")
    if len(missing := alignment.missing):
        notes.append(
            f"the truth has no record of {len(missing)} valid times, which are left "
            f"out: {list_times(missing)}"
        )
    if climatology is not None:
        without = [v.name for v in variables if not climatology.has(v)]
        if without:
            notes.append(f"the climatology has no {', '.join(without)}")
    starts = [set(forecast.init_times.tolist()) for forecast in forecasts]
    if any(s != starts[0] for s in starts):
        shared = set.intersection(*starts)
        if not shared:
            raise InputDataError(
                "The forecasts have no initial time in common.",
                "Score them one by one, or give forecasts from the same starts.",
            )
        notes.append(
            "forecasts have different initial times; differences are of those that "
            "both have"
        )
    return notes
