"""Scores from statistics: values, intervals and paired differences."""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import xarray as xr

from ngcm_cli.verification.error_maps import root_mean_square_bias
from ngcm_cli.verification.metrics import METRICS, Metric
from ngcm_cli.verification.score_layout import ScoreLayout, StatisticsSource
from ngcm_cli.verification.scored_variables import ScoredVariable
from ngcm_cli.verification.spectral_statistics import SPECTRA
from ngcm_cli.verification.statistics import Statistics
from ngcm_cli.verification.uncertainty import bootstrap_interval, paired_difference

CONFIDENCE = 0.95
_COUNTED = "error", "squared_vector_error", "squared_error_of_mean"

Bounds = tuple[np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True)
class ScoreArray:
    """A variable of a score file, of one forecast.

    Attributes:
        name: such as ``rmse.temperature_lower``.
        dimensions: without ``forecast``.
        values: float64.
        attributes: units, long_name, metric, variable.
    """

    name: str
    dimensions: tuple[str, ...]
    values: np.ndarray
    attributes: dict[str, str]


def compute_scores(
    layout: ScoreLayout,
    source: StatisticsSource,
    *,
    by_init: bool = False,
    maps: bool = False,
    track: Callable[[int, int], None] = lambda done, total: None,
) -> xr.Dataset:
    """Return the scores of an evaluation, in the layout of `score_file`.

    Args:
        layout: names and axes.
        source: statistics of the initial times.
        by_init: whether scores of each initial time are included.
        maps: whether maps are included.
        track: receives how many variables of forecasts are done, and of how many.
    """
    several = len(layout.forecasts) > 1
    found: dict[str, dict[str, ScoreArray]] = {}
    sums = source.sums()
    pairs = [(f, v) for v in layout.variables for f in layout.forecasts]
    for done, (forecast, variable) in enumerate(pairs):
        track(done, len(pairs))
        key = forecast, variable.name
        arrays = [
            *_of_statistics(layout, source, forecast, variable, by_init),
            *_of_sums(layout, sums.get(key), variable, maps),
        ]
        for array in arrays:
            found.setdefault(array.name, {})[forecast] = array
    track(len(pairs), len(pairs))
    variables = {
        name: _joined(layout, of_forecasts, several)
        for name, of_forecasts in found.items()
    }
    return xr.Dataset(variables, _coordinates(layout, variables, several))


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
        scorer = _Scorer(layout, metric, variable)
        if not is_counted:
            is_counted = True
            yield _count(layout, statistics, variable)
        yield scorer.array("", metric(statistics.sum().means()))
        if metric.dimensions:
            continue
        lower, upper = _intervals(statistics, metric)
        yield scorer.array("_lower", lower, "lower bound of the {} interval of the ")
        yield scorer.array("_upper", upper, "upper bound of the {} interval of the ")
        if by_init:
            yield scorer.by_init(rows, metric(statistics.means()))
        if layout.reference not in (None, forecast):
            others, other = source.read(
                (layout.reference or "", variable.name), metric.statistics
            )
            shared = np.intersect1d(rows, others)
            if other and len(shared):
                yield from scorer.differences(
                    statistics.take(np.isin(rows, shared)),
                    other.take(np.isin(others, shared)),
                )


@dataclasses.dataclass(frozen=True)
class _Scorer:
    """Makes the arrays of one metric of one variable of one forecast."""

    layout: ScoreLayout
    metric: Metric
    variable: ScoredVariable

    def array(self, suffix: str, values: np.ndarray, what: str = "") -> ScoreArray:
        """Return an array from values of shape (lead_time, region, level, ...)."""
        dimensions = ("region", "lead_time", "level", *self.metric.dimensions)
        values = np.moveaxis(values, 1, 0)
        return self._array(suffix, dimensions, values, what)

    def by_init(self, rows: np.ndarray, values: np.ndarray) -> ScoreArray:
        """Return an array from values of shape (row, lead_time, region, level)."""
        shape = len(self.layout.init_times), *values.shape[1:]
        whole = np.full(shape, np.nan)
        whole[rows] = values
        dimensions = ("init_time", "region", "lead_time", "level")
        whole = np.moveaxis(whole, 2, 1)
        return self._array("_by_init", dimensions, whole, "of each initial time, ")

    def differences(self, first: Statistics, second: Statistics) -> list[ScoreArray]:
        """Return the difference of two forecasts on the same starts, with interval."""
        parts = []
        for lead in range(len(self.layout.lead_times)):
            of_both = [_at_lead(s, lead) for s in (first, second)]
            valid = _scored(of_both[0]) & _scored(of_both[1])
            one, other = (s.take(valid) for s in of_both)
            if not valid.any():
                shape = first[self.metric.statistics[0]].total.shape[2:]
                parts.append((np.full(shape, np.nan),) * 4)
                continue
            paired = paired_difference(one, other, self.metric, confidence=CONFIDENCE)
            interval = paired.interval
            parts.append(
                (interval.estimate, interval.lower, interval.upper, paired.p_value)
            )
        estimate, lower, upper, p_value = (np.stack(x) for x in zip(*parts, strict=True))
        said = f"{{}} minus that of {self.layout.reference}"
        return [
            self.array("_difference", estimate, "difference from the reference: "),
            self.array("_difference_lower", lower, "lower bound of the difference: "),
            self.array("_difference_upper", upper, "upper bound of the difference: "),
            dataclasses.replace(
                self.array("_difference_p_value", p_value, "p-value of the difference: "),
                attributes={"units": "1", "long_name": said.format("p-value of score")},
            ),
        ]

    def _array(
        self, suffix: str, dimensions: tuple[str, ...], values: np.ndarray, what: str
    ) -> ScoreArray:
        metric, variable = self.metric, self.variable
        name = f"{metric.name}.{variable.name}{suffix}"
        title = f"{metric.long_name} of {variable.long_name or variable.name}"
        attributes = {
            "units": metric.units_of(variable.units),
            "long_name": what.format(f"{CONFIDENCE:.0%}") + title,
            "metric": metric.name,
            "variable": variable.name,
        }
        dimensions, values = _with_levels(self.layout, variable, dimensions, values)
        return ScoreArray(name, dimensions, values, attributes)


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
    counts = [_scored(_at_lead(statistics, i)).sum() for i in range(len(layout.lead_times))]
    title = f"number of initial times scored of {variable.long_name or variable.name}"
    attributes = {"units": "1", "long_name": title, "variable": variable.name}
    values = np.array(counts, np.float64)
    return ScoreArray(f"count.{variable.name}", ("lead_time",), values, attributes)


def _of_sums(
    layout: ScoreLayout,
    sums: Statistics | None,
    variable: ScoredVariable,
    maps: bool,
) -> Iterator[ScoreArray]:
    """Yield what follows from maps and spectra of one forecast of one variable."""
    if sums is None:
        return
    if "rmsb" in layout.metrics and "error_map" in sums:
        errors = sums.select(["error_map"])
        values = np.stack(
            [
                root_mean_square_bias(errors.take(lead), layout.weights)
                for lead in range(len(layout.lead_times))
            ]
        )
        yield _Scorer(layout, METRICS["rmsb"], variable).array("", values)
    place = ("lead_time", "level", "latitude", "longitude")
    means = sums.means()
    for name, statistic in (("bias", "error_map"), ("rmse", "squared_error_map")):
        if maps and statistic in means:
            values = means[statistic] if name == "bias" else np.sqrt(means[statistic])
            yield _Scorer(layout, METRICS[name], variable)._array(
                "_map", place, values, "map of "
            )
    for name in SPECTRA:
        for suffix in ("", "_truth"):
            if f"{name}{suffix}" not in means:
                continue
            wave = "wavenumber" if name == "spectrum" else "zonal_wavenumber"
            dimensions, values = _with_levels(
                layout, variable, ("lead_time", "level", wave), means[f"{name}{suffix}"]
            )
            yield ScoreArray(
                f"{name}.{variable.name}{suffix}",
                dimensions,
                values,
                _describe_spectrum(name, suffix, variable),
            )


def _describe_spectrum(
    name: str, suffix: str, variable: ScoredVariable
) -> dict[str, str]:
    title = variable.long_name or variable.name
    squared = f"({variable.units or '1'})2"
    if name == "zonal_spectrum":
        long_name, units = f"energy of {title} by zonal wavenumber", f"{squared} m"
    elif variable.is_vector:
        long_name, units = "kinetic energy by total wavenumber", "m2 s-2"
    else:
        long_name, units = f"power of {title} by total wavenumber", squared
    whose = ", of the truth" if suffix else ""
    return {
        "units": units,
        "long_name": long_name + whose,
        "metric": name,
        "variable": variable.name,
    }


def _with_levels(
    layout: ScoreLayout,
    variable: ScoredVariable,
    dimensions: tuple[str, ...],
    values: np.ndarray,
) -> tuple[tuple[str, ...], np.ndarray]:
    """Return an array on the levels of all variables, or without levels."""
    axis = dimensions.index("level")
    if variable.levels is None:
        return (*dimensions[:axis], *dimensions[axis + 1 :]), values.take(0, axis)
    if variable.levels == layout.levels:
        return dimensions, values
    shape = list(values.shape)
    shape[axis] = len(layout.levels)
    whole = np.full(shape, np.nan)
    places = [layout.levels.index(level) for level in variable.levels]
    whole[(slice(None),) * axis + (places,)] = values
    return dimensions, whole


def _joined(
    layout: ScoreLayout, of_forecasts: dict[str, ScoreArray], several: bool
) -> xr.Variable:
    """Return a variable of all forecasts, NaN for those that do not have it."""
    one = next(iter(of_forecasts.values()))
    if not several:
        return xr.Variable(one.dimensions, one.values, one.attributes)
    shapes = [array.values.shape for array in of_forecasts.values()]
    shape = tuple(map(max, zip(*shapes, strict=True))) if shapes[0] else ()
    whole = np.full((len(layout.forecasts), *shape), np.nan)
    for number, name in enumerate(layout.forecasts):
        if name in of_forecasts:  # of ensembles of different sizes, fewer ranks
            values = of_forecasts[name].values
            whole[(number, *map(slice, values.shape))] = values
    return xr.Variable(("forecast", *one.dimensions), whole, one.attributes)


def _coordinates(
    layout: ScoreLayout, variables: dict[str, xr.Variable], several: bool
) -> dict[str, xr.Variable]:
    used = {dim for variable in variables.values() for dim in variable.dims}
    sizes = {d: v.sizes[d] for v in variables.values() for d in v.dims}
    degrees = {"latitude": "degrees_north", "longitude": "degrees_east"}
    found = {
        "region": xr.Variable("region", np.array(layout.regions, object)),
        "lead_time": xr.Variable(
            "lead_time",
            layout.lead_times.astype("timedelta64[ns]"),
            {"standard_name": "forecast_period", "long_name": "Lead time"},
        ),
        "level": xr.Variable(
            "level",
            np.array(layout.levels, np.float64),
            {"units": "hPa", "standard_name": "air_pressure", "positive": "down"},
        ),
        "init_time": xr.Variable(
            "init_time",
            layout.init_times.astype("datetime64[ns]"),
            {"standard_name": "forecast_reference_time"},
        ),
    }
    for name, values in ("latitude", layout.latitude), ("longitude", layout.longitude):
        attributes = {"units": degrees[name], "standard_name": name}
        found[name] = xr.Variable(name, values, attributes)
    for name in "wavenumber", "zonal_wavenumber", "rank", "probability_bin":
        if name in sizes:
            found[name] = xr.Variable(name, np.arange(sizes[name]))
    found = {name: x for name, x in found.items() if name in used}
    if several:
        names = np.array(layout.forecasts, object)
        found["forecast"] = xr.Variable("forecast", names)
        baselines = np.array(layout.baselines, np.int8)
        found["baseline"] = xr.Variable("forecast", baselines)
    for name, values in layout.thresholds.items():
        if "threshold" in used:
            padded = np.full(sizes["threshold"], np.nan)
            padded[: len(values)] = values
            found[f"threshold.{name}"] = xr.Variable("threshold", padded)
    return found
