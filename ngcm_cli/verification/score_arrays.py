"""Score variables of single forecasts, and how they are joined to those of files."""

import dataclasses

import numpy as np
import xarray as xr

from ngcm_cli.verification.metrics import Metric
from ngcm_cli.verification.score_layout import ScoreLayout
from ngcm_cli.verification.scored_variables import ScoredVariable


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


@dataclasses.dataclass(frozen=True)
class MetricArrays:
    """Makes the arrays of one metric of one variable of one forecast."""

    layout: ScoreLayout
    metric: Metric
    variable: ScoredVariable

    def array(self, suffix: str, values: np.ndarray, what: str = "") -> ScoreArray:
        """Return an array from values of shape (lead_time, region, level, ...)."""
        dimensions = ("region", "lead_time", "level", *self.metric.dimensions)
        values = np.moveaxis(values, 1, 0)
        return self.on(suffix, dimensions, values, what)

    def by_init(self, rows: np.ndarray, values: np.ndarray) -> ScoreArray:
        """Return an array from values of shape (row, lead_time, region, level)."""
        shape = len(self.layout.init_times), *values.shape[1:]
        whole = np.full(shape, np.nan)
        whole[rows] = values
        dimensions = ("init_time", "region", "lead_time", "level")
        whole = np.moveaxis(whole, 2, 1)
        return self.on("_by_init", dimensions, whole, "of each initial time, the ")

    def on(
        self, suffix: str, dimensions: tuple[str, ...], values: np.ndarray, what: str
    ) -> ScoreArray:
        """Return an array on given dimensions."""
        metric, variable = self.metric, self.variable
        name = f"{metric.name}.{variable.name}{suffix}"
        title = f"{metric.long_name} of {variable.long_name or variable.name}"
        attributes = {
            "units": metric.units_of(variable.units),
            "long_name": what + title,
            "metric": metric.name,
            "variable": variable.name,
        }
        dimensions, values = with_levels(self.layout, variable, dimensions, values)
        return ScoreArray(name, dimensions, values, attributes)


def with_levels(
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


def join_forecasts(
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


def coordinates_of(
    layout: ScoreLayout, variables: dict[str, xr.Variable], several: bool
) -> dict[str, xr.Variable]:
    """Return the coordinates of the dimensions that variables have.

    Args:
        layout: names and axes.
        variables: score variables by name.
        several: whether they have the dimension ``forecast``.
    """
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
