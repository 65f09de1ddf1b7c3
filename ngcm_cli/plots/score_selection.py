"""Which scores of files are drawn, and their intervals."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import xarray as xr

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.config.values import closest
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.inputs.level_names import split_level
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.plots.panels import source_name
from ngcm_cli.plots.styles import QUANTITIES, superscripts
from ngcm_cli.verification.metrics import METRICS

HEADLINE = (
    ("geopotential", 500.0), ("temperature", 850.0), ("wind", 850.0),
    ("wind_vector", 850.0), ("vector_wind", 850.0), ("u_component_of_wind", 850.0),
    ("wind_speed", 850.0),
    ("specific_humidity", 700.0), ("mean_sea_level_pressure", None),
    ("2m_temperature", None),
)  # fmt: skip
"""Variables and levels that are drawn if none is named."""
_METRICS = ("crps", "rmse", "ensemble_mean_rmse", "mae", "acc", "bias")
"""What is drawn if no metric is named: the first that all forecasts have."""
_ENDINGS = ("_lower", "_upper", "_p_value", "_by_init", "_map", "_difference", "_truth")
SPECTRA = {"spectrum": "wavenumber", "zonal_spectrum": "zonal_wavenumber"}
"""Metrics that are spectra, with their dimension."""
NAMES = {
    "rmse": "RMSE", "mae": "mean absolute error", "bias": "bias", "acc": "ACC",
    "crps": "CRPS", "rmsb": "RMS of the bias", "mse": "MSE",
    "ensemble_mean_rmse": "RMSE of the ensemble mean",
    "spread_skill": "spread-skill ratio", "spread_skill_ratio": "spread-skill ratio",
    "spectrum": "spectrum", "energy_score": "energy score",
    "vector_rmse": "vector RMSE", "seeps": "SEEPS",
}  # fmt: skip
_SHOWN = {
    "specific_humidity": (1e3, "g kg⁻¹"),
    "mean_sea_level_pressure": (0.01, "hPa"),
    "surface_pressure": (0.01, "hPa"),
    "total_precipitation_24hr": (1e3, "mm"),
}
"""Factor from SI units, and units, of scores that have the units of the variable."""


@dataclasses.dataclass(frozen=True, eq=False)
class Line:
    """A score of one forecast.

    Attributes:
        lead_time: shape (lead_time,).
        value: shape (lead_time, …).
        lower: of its interval, or None.
        upper: of its interval, or None.
        is_baseline: whether it is of a baseline.
        differs: whether the interval of its paired difference from the reference of
            the file is without zero; None where there is none.
    """

    lead_time: np.ndarray
    value: np.ndarray
    lower: np.ndarray | None = None
    upper: np.ndarray | None = None
    is_baseline: bool = False
    differs: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Score:
    """A score of a variable at a level in a region, of several forecasts.

    Attributes:
        metric: its name in the file.
        variable: ERA5 long name.
        level: hPa, or None.
        region: name.
        units: of the score.
        lines: by the name of the forecast.
    """

    metric: str
    variable: str
    level: float | None
    region: str
    units: str
    lines: dict[str, Line]

    @property
    def title(self) -> str:
        """Variable and level."""
        known = QUANTITIES.get(self.variable)
        name = known.title if known else self.variable.replace("_", " ")
        if self.variable == "geopotential":
            name = "geopotential"
        return name if self.level is None else f"{name} at {self.level:g} hPa"

    @property
    def metric_name(self) -> str:
        """Metric for titles."""
        return NAMES.get(self.metric, self.metric.replace("_", " "))

    @property
    def best(self) -> str | None:
        """Which values are better: see `verification.metrics.Metric`."""
        return METRICS[self.metric].best if self.metric in METRICS else "lower"


def score_names(dataset: xr.Dataset) -> list[tuple[str, str]]:
    """Return metric and variable of the scores of a file, in its order."""
    names = [str(name) for name in dataset.data_vars if "." in str(name)]
    plain = [
        n for n in names if not n.endswith(_ENDINGS) and not n.startswith("count.")
    ]
    return [(metric, rest) for metric, _, rest in (n.partition(".") for n in plain)]


def shown_together(metric: str) -> tuple[str, ...]:
    """Return a metric and, of the RMSE, that of wind, which is shown with others."""
    return (metric, "vector_rmse") if metric == "rmse" else (metric,)


def select_scores(
    datasets: Sequence[xr.Dataset], config: PlotConfig, most: int = 6
) -> list[Score]:
    """Return the scores that are drawn, the headline set by default.

    Args:
        datasets: files of scores.
        config: its variables, metrics, level and region.
        most: of scores without named variables.

    Raises:
        ConfigError: what is named is not there.
        InputDataError: the files have no scores.
    """
    first = datasets[0]
    known = score_names(first)
    if not known:
        raise InputDataError(
            f"{first.attrs['location']} has no scores.", "Name a file of ngcm evaluate."
        )
    metrics = list(dict.fromkeys(metric for metric, _ in known))
    if not set(config.metric or ()) & set(SPECTRA):
        metrics = [m for m in metrics if m not in SPECTRA]
    wanted = config.metric
    if not metrics:
        raise ConfigError(
            "The file has spectra only.", "Draw them: ngcm plot spectra FILE."
        )
    if wanted is None:
        usual = (m for m in _METRICS if m in metrics and _all_have(datasets, m))
        wanted = (next(usual, metrics[0]),)
        if config.variable is None:
            wanted = tuple(x for x in shown_together(wanted[0]) if x in metrics)
    for metric in wanted:
        if metric not in metrics:
            raise ConfigError(
                f"The scores have no metric '{metric}'.", closest(metric, metrics)
            )
    region = (config.region or "global").strip()
    regions = [str(x) for x in first["region"].values] if "region" in first else []
    region = next((r for r in regions if _plain(r) == _plain(region)), region)
    if regions and region not in regions:
        raise ConfigError(
            f"The scores have no region '{region}'.", closest(region, regions)
        )
    found = []
    for metric in wanted:
        variables = [variable for m, variable in known if m == metric]
        for variable, level in _variables(first, metric, variables, config, most):
            lines: dict[str, Line] = {}
            for dataset in datasets:
                lines |= _lines(dataset, datasets, metric, variable, level, region)
            _, units = _unit(first[f"{metric}.{variable}"], variable)
            found.append(Score(metric, variable, level, region, units, lines))
    return found


def _all_have(datasets: Sequence[xr.Dataset], metric: str) -> bool:
    """Return whether every forecast has scores of a metric.

    A forecast without members has no CRPS, beside ensembles that have it.
    """
    for dataset in datasets:
        scores = [dataset[f"{m}.{v}"] for m, v in score_names(dataset) if m == metric]
        known = [x.notnull().any({*x.dims} - {"forecast"}).values for x in scores]
        if not known or not np.all(np.any(known, axis=0)):
            return False
    return True


def _plain(region: str) -> str:
    return region.lower().replace("_", "-").replace(" ", "-")


def _variables(
    dataset: xr.Dataset,
    metric: str,
    variables: list[str],
    config: PlotConfig,
    most: int,
) -> list[tuple[str, float | None]]:
    """Return variables and levels to draw.

    Raises:
        ConfigError: one that is named is not there.
    """
    if config.variable is not None:
        return [
            _variable(dataset, metric, variables, name, config.level)
            for name in config.variable
        ]
    found = [
        (name, level)
        for name, level in HEADLINE
        if name in variables and _has_level(dataset, f"{metric}.{name}", level)
    ]
    for name in variables:
        levels = _levels(dataset, f"{metric}.{name}")
        if all(name != other for other, _ in found):
            middle = min(
                levels, key=lambda x: abs(x - (config.level or 500)), default=None
            )
            found.append((name, middle))
    return found[:most]


def _variable(
    dataset: xr.Dataset,
    metric: str,
    variables: list[str],
    name: str,
    level: float | None,
) -> tuple[str, float | None]:
    names = {v.lower(): v for v in variables}
    for variable in variables:
        if variable in VARIABLES:
            names |= {
                a: variable for a in VARIABLES[variable].aliases if a not in names
            }
    base = name.lower()
    if base not in names:
        base, own = split_level(base)
        level = level if own is None else own
    if base not in names:
        raise ConfigError(
            f"The scores have no variable '{name}'.", closest(base, variables)
        )
    found = names[base]
    levels = _levels(dataset, f"{metric}.{found}")
    if not levels:
        return found, None
    if level is None:
        usual = dict(HEADLINE).get(found) or 500.0
        return found, min(levels, key=lambda x: abs(x - usual))
    if level not in levels:
        text = ", ".join(f"{x:g}" for x in levels)
        raise ConfigError(
            f"{found} was not scored at {level:g} hPa.", f"Its levels are {text} hPa."
        )
    return found, level


def _levels(dataset: xr.Dataset, name: str) -> list[float]:
    """Return the levels where a score has a value, hPa."""
    score = dataset[name]
    if "level" not in score.dims:
        return []
    axes = tuple(at for at, d in enumerate(score.dims) if d != "level")
    has_value = np.isfinite(score.values).any(axis=axes)
    return [float(x) for x in score["level"].values[has_value]]


def _has_level(dataset: xr.Dataset, name: str, level: float | None) -> bool:
    levels = _levels(dataset, name)
    return not levels or level in levels


def _lines(
    dataset: xr.Dataset,
    datasets: Sequence[xr.Dataset],
    metric: str,
    variable: str,
    level: float | None,
    region: str,
) -> dict[str, Line]:
    """Return the lines of one file by the names of its forecasts."""
    name = f"{metric}.{variable}"
    if name not in dataset:
        return {}
    factor, _ = _unit(dataset[name], variable)

    def values(ending: str) -> xr.DataArray | None:
        if f"{name}{ending}" not in dataset:
            return None
        part = dataset[f"{name}{ending}"]
        if "region" in part.dims:
            part = part.sel(region=region)
        if level is not None and "level" in part.dims:
            part = part.sel(level=level)
        return part * factor

    endings = ("", "_lower", "_upper", "_difference_lower", "_difference_upper")
    parts = [values(ending) for ending in endings]
    leads = dataset["lead_time"].values
    label = source_name(dataset, datasets)
    if "forecast" not in dataset[name].dims:
        return {_short(label): _line(leads, parts)}
    names = [str(x) for x in dataset["forecast"].values]
    baseline = dataset["baseline"].values if "baseline" in dataset else [0] * len(names)
    prefix = f"{label}: " if len(datasets) > 1 else ""
    return {
        f"{prefix}{_short(forecast)}": _line(
            leads,
            [None if x is None else x.isel(forecast=at) for x in parts],
            bool(baseline[at]),
        )
        for at, forecast in enumerate(names)
    }


def _unit(score: xr.DataArray, variable: str) -> tuple[float, str]:
    """Return a factor and the units of a score as they are shown."""
    units = str(score.attrs.get("units", ""))
    known = VARIABLES.get(variable)
    if known is not None and units == known.units and variable in _SHOWN:
        return _SHOWN[variable]
    return 1.0, superscripts(units)


def _line(
    leads: np.ndarray, parts: Sequence[xr.DataArray | None], is_baseline: bool = False
) -> Line:
    arrays = [None if x is None else np.asarray(x.values) for x in parts]
    value, lower, upper, low_difference, high_difference = arrays
    assert value is not None
    differs = None
    if low_difference is not None and high_difference is not None:
        differs = (low_difference > 0) | (high_difference < 0)
    return Line(leads, value, lower, upper, is_baseline, differs)


def _short(name: str) -> str:
    """Return a name that fits into a legend."""
    tail = name.rstrip("/").rpartition("/")[2]
    return tail if len(tail) <= 40 else f"{tail[:37]}…"
