"""The section of a report about a file of scores, which ``ngcm evaluate`` writes."""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.io.progress import format_size
from ngcm_cli.plots.report import attributes as attribute_texts
from ngcm_cli.plots.report.content import Figure, Part, Section, Table
from ngcm_cli.plots.report.pictures import Panel, series_figures
from ngcm_cli.plots.styles import QUANTITIES
from ngcm_cli.time_format import format_duration

# The headline scores: metrics, variables and levels in hPa, in this order.
_METRICS = "rmse", "acc", "crps", "ensemble_mean_rmse", "spread_skill_ratio", "bias"
_VARIABLES: tuple[tuple[str, float | None], ...] = (
    ("geopotential", 500.0),
    ("temperature", 850.0),
    ("specific_humidity", 700.0),
    ("wind_vector", 850.0),
    ("u_component_of_wind", 850.0),
    ("v_component_of_wind", 850.0),
    ("mean_sea_level_pressure", None),
)
_LEADS = 1, 3, 5, 7, 10, 15  # days, of the columns of the table
_MOST_FIGURES = 4
_DAY = np.timedelta64(1, "D")
_SUFFIXES = "_lower", "_upper", "_difference", "_by_init", "_map", "_truth"


def score_section(path: pathlib.Path, links: Sequence[tuple[str, str]]) -> Section:
    """Return what there is to say about a file of scores.

    Raises:
        InputDataError: it holds no score.
    """
    with xr.open_dataset(path, engine="netcdf4", decode_timedelta=True) as scores:
        names = [str(name) for name in scores.data_vars if _is_score(str(name))]
        if not names:
            raise InputDataError(
                f"{path} holds no scores.", "Name an output of ngcm evaluate."
            )
        leads = scores["lead_time"].values
        forecasts = _forecasts(scores)
        facts = [("Forecasts", attribute_texts.text(scores.attrs, "forecasts"))]
        facts += [
            (title, attribute_texts.text(scores.attrs, name))
            for title, name in (
                ("Truth", "truth"),
                ("Climatology", "climatology"),
                ("Grid", "grid"),
                ("Times without truth", "missing_truth_times"),
            )
        ]
        facts.append(("Initial times", _initial_times(scores)))
        facts.append(("Regions", ", ".join(map(str, scores["region"].values))))
        facts.append(
            (
                "Lead times",
                f"{_lead(leads[0])} to {_lead(leads[-1])} ({len(leads)})",
            )
        )
        facts.append(("Size", format_size(path.stat().st_size)))
        headline = _headline(scores, names)
        figures = [
            _figure(scores, name, level, forecasts)
            for name, level in headline
            if name.startswith(("rmse.", "crps.", "acc."))
        ][:_MOST_FIGURES]
        tables = [_table(scores, headline, index, f) for index, f in forecasts]
        notes = attribute_texts.text(scores.attrs, "notes")
        return Section(
            title=attribute_texts.text(scores.attrs, "title")
            or f"Scores in {path.name}",
            facts=[(name, text) for name, text in facts if text],
            command=attribute_texts.command(scores.attrs),
            parts=[Part("Scores", [*tables, *figures])],
            links=links,
            limits=[line for line in notes.split("\n") if line],
            provenance=_provenance(scores.attrs),
        )


def _is_score(name: str) -> bool:
    metric, dot, variable = name.partition(".")
    return bool(dot and metric != "count") and not variable.endswith(_SUFFIXES)


def _forecasts(scores: xr.Dataset) -> list[tuple[int | None, str]]:
    """Return index and name of every forecast; the index is None without that axis."""
    if "forecast" not in scores.dims:
        return [(None, "")]
    return [(index, str(x)) for index, x in enumerate(scores["forecast"].values)]


def _initial_times(scores: xr.Dataset) -> str:
    counts = [scores[n] for n in scores.data_vars if str(n).startswith("count.")]
    if not counts:
        return ""
    low = min(int(np.nanmin(count.values)) for count in counts)
    high = max(int(np.nanmax(count.values)) for count in counts)
    return f"{high}" if low == high else f"{low} to {high}, by variable and lead time"


def _lead(lead: np.timedelta64) -> str:
    return format_duration(lead.astype("timedelta64[s]"))


def _headline(
    scores: xr.Dataset, names: Sequence[str]
) -> list[tuple[str, float | None]]:
    """Return the scores of the table, by name and level."""
    levels = scores["level"].values if "level" in scores.coords else np.array([])
    chosen: list[tuple[str, float | None]] = []
    for metric in _METRICS:
        for variable, level in _VARIABLES:
            name = f"{metric}.{variable}"
            if name not in names or not _is_curve(scores[name]):
                continue
            if "level" not in scores[name].dims:
                chosen.append((name, None))
            elif level in levels:
                chosen.append((name, level))
    if not chosen:
        for name in names:
            if _is_curve(scores[name]):
                on_levels = "level" in scores[name].dims
                chosen.append((name, float(levels[0]) if on_levels else None))
    return chosen[:40]


def _is_curve(score: xr.DataArray) -> bool:
    """Return whether a score is a number for every region and lead time."""
    return set(score.dims) <= {"forecast", "region", "lead_time", "level"}


def _values(score: xr.DataArray, level: float | None, index: int | None) -> np.ndarray:
    """Return a score of the globe, (lead time)."""
    if "region" in score.dims:
        score = score.isel(region=0)
    if level is not None and "level" in score.dims:
        score = score.isel(level=int(np.flatnonzero(score["level"].values == level)[0]))
    if index is not None and "forecast" in score.dims:
        score = score.isel(forecast=index)
    return np.asarray(score.values, np.float64)


def _title(scores: xr.Dataset, name: str, level: float | None) -> tuple[str, str]:
    """Return the name of a score for readers, and its units."""
    metric, _, variable = name.partition(".")
    known = QUANTITIES.get(variable)
    what = variable.replace("_", " ")
    if known is not None and known.title != "geopotential height":
        what = known.title
    metric = metric.upper() if len(metric) <= 4 else metric.replace("_", " ")
    metric = "Bias" if metric == "BIAS" else metric
    at = f" at {level:g} hPa" if level is not None else ""
    units = str(scores[name].attrs.get("units", ""))
    return f"{metric} of {what}{at}", "" if units == "1" else units


def _table(
    scores: xr.Dataset,
    headline: Sequence[tuple[str, float | None]],
    index: int | None,
    forecast: str,
) -> Table:
    leads = scores["lead_time"].values
    chosen = [i for i, lead in enumerate(leads) if lead / _DAY in _LEADS]
    chosen = chosen or list(range(min(len(leads), 6)))
    rows = []
    for name, level in headline:
        title, units = _title(scores, name, level)
        values = _values(scores[name], level, index)
        ends = [f"{name}_lower", f"{name}_upper"]
        interval = [_values(scores[x], level, index) for x in ends if x in scores]
        cells = []
        for i in chosen:
            cell = _number(values[i])
            bounds = [_number(end[i]) for end in interval if np.isfinite(end[i])]
            if len(bounds) == 2:
                cell += f" ({' to '.join(bounds)})"
            cells.append(cell)
        rows.append((f"{title}, {units}" if units else title, *cells))
    caption = "Scores over the globe"
    caption += f" of {forecast}" if forecast else ""
    caption += "; in brackets the confidence interval, where there is one"
    return Table(caption, ("Score", *(_lead(leads[i]) for i in chosen)), rows)


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−") if np.isfinite(value) else "–"


def _figure(
    scores: xr.Dataset,
    name: str,
    level: float | None,
    forecasts: Sequence[tuple[int | None, str]],
) -> Figure:
    title, units = _title(scores, name, level)
    leads = scores["lead_time"].values
    lines = {f: _values(scores[name], level, index) for index, f in forecasts}
    times = [_lead(lead) for lead in leads]
    panel = Panel(title, units, lines)
    return series_figures("Lead time (days)", leads / _DAY, times, [panel])[0]


def _provenance(attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    for name in attributes:
        text = attribute_texts.text(attributes, name)
        if name == "settings":
            try:
                settings = json.loads(text)
                text = "\n".join(f"{key}: {value}" for key, value in settings.items())
            except (ValueError, AttributeError, RecursionError):
                pass
        found.append((str(name), text))
    return found
