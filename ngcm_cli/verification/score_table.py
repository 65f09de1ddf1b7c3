"""Tables of scores, as text, Markdown, CSV or JSON."""

import dataclasses
import json
import math
from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from ngcm_cli.io.text_table import column_lines, csv_text, markdown_lines
from ngcm_cli.time_format import format_duration
from ngcm_cli.verification.metrics import METRICS

_HEADLINE = (
    *("rmse", "vector_rmse", "bias", "acc", "crps", "spread_skill_ratio"),
    "energy_score",
)
"""Metrics of the table, if the scores have them; others are in CSV and JSON."""

_SECOND = np.timedelta64(1, "s")
_DAYS = 1, 3, 5, 7, 10, 14
"""Lead times of the table, in days, if the scores have some of them."""

_MOST_COLUMNS = 6
_PARTS = "", "_lower", "_upper", "_difference"
_OF_DIFFERENCE = "_difference_lower", "_difference_upper", "_difference_p_value"
_SCORE_DIMENSIONS = {"forecast", "region", "lead_time", "level"}


@dataclasses.dataclass(frozen=True)
class ScoreRow:
    """One score of one forecast of one variable.

    Attributes:
        metric: name of the metric.
        variable: name of the variable.
        level: hPa; None without levels.
        units: of the score.
        region: name of the region.
        forecast: name of the forecast; empty if there is one only.
        lead_time: timedelta64[s].
        value: the score.
        lower: lower bound of its interval; NaN without one.
        upper: upper bound.
        difference: the score minus that of the reference; NaN of the reference.
        difference_lower: lower bound of its interval.
        difference_upper: upper bound.
        p_value: of the difference.
    """

    metric: str
    variable: str
    level: float | None
    units: str
    region: str
    forecast: str
    lead_time: np.timedelta64
    value: float
    lower: float
    upper: float
    difference: float
    difference_lower: float
    difference_upper: float
    p_value: float


def score_rows(scores: xr.Dataset) -> Iterator[ScoreRow]:
    """Yield the scores of a file, without those of classes, maps and spectra."""
    for name, array in scores.data_vars.items():
        metric, variable = (array.attrs.get(key) for key in ("metric", "variable"))
        if f"{metric}.{variable}" != name or not set(array.dims) <= _SCORE_DIMENSIONS:
            continue
        if "region" not in array.dims:
            continue
        whole = [
            scores[f"{name}{suffix}"].values
            if f"{name}{suffix}" in scores
            else np.full(array.shape, np.nan)
            for suffix in (*_PARTS, *_OF_DIFFERENCE)
        ]
        for index in np.ndindex(array.shape):
            values = [float(part[index]) for part in whole]
            if math.isnan(values[0]):
                continue
            at = dict(zip(array.dims, index, strict=True))
            place = {str(dim): scores[dim].values[i] for dim, i in at.items()}
            yield ScoreRow(
                str(metric),
                str(variable),
                float(place["level"]) if "level" in place else None,
                str(array.attrs.get("units", "")),
                str(place["region"]),
                str(place.get("forecast", "")),
                np.timedelta64(int(place["lead_time"] / _SECOND), "s"),
                *values,
            )


def format_scores(scores: xr.Dataset, form: str = "table") -> str:
    """Return a table of scores.

    Args:
        scores: of a score file.
        form: ``table`` or ``md`` for headline scores of the globe at a few lead times;
            ``csv`` or ``json`` for all scores with one value.
    """
    if form == "csv":
        return _csv(list(score_rows(scores)))
    if form == "json":
        return _json(list(score_rows(scores)), scores)
    rows = [row for row in score_rows(scores) if row.region == "global"]
    shown = [row for row in rows if row.metric in _HEADLINE] or rows
    cells = _cells(shown, str(scores.attrs.get("reference", "")))
    return "\n".join(markdown_lines(cells) if form == "md" else column_lines(cells))


def _cells(rows: Sequence[ScoreRow], reference: str) -> list[list[str]]:
    """Return the cells of a table: a line for each score of each forecast."""
    leads = _choose(sorted({row.lead_time for row in rows}))
    several = any(row.forecast for row in rows)
    heading = ["Score", *(["Forecast"] if several else [])]
    lines = [[*heading, *map(format_duration, leads)]]
    groups: dict[tuple, dict[str, dict[np.timedelta64, ScoreRow]]] = {}
    for row in rows:
        key = row.variable, row.level or 0.0, row.metric
        groups.setdefault(key, {}).setdefault(row.forecast, {})[row.lead_time] = row
    order = {name: number for number, name in enumerate(_HEADLINE)}
    names = list(dict.fromkeys(row.variable for row in rows))
    for key in sorted(
        groups, key=lambda k: (names.index(k[0]), k[1], order.get(k[2], len(order)))
    ):
        forecasts = groups[key]
        title = _title(next(iter(next(iter(forecasts.values())).values())))
        for name, of_leads in forecasts.items():
            found = [of_leads.get(lead) for lead in leads]
            values = ["" if row is None else _value(row) for row in found]
            lines.append([title, *([name] if several else []), *values])
            title = ""
            is_judged = METRICS[key[2]].best in ("lower", "higher")
            if is_judged and any(
                row and not math.isnan(row.difference) for row in found
            ):
                changes = ["" if row is None else _difference(row) for row in found]
                lines.append(["", f"  minus {reference}", *changes])
    return lines


def _choose(leads: Sequence[np.timedelta64]) -> list[np.timedelta64]:
    """Return the lead times of a table: some days, or a few of all."""
    days = [np.timedelta64(86400 * day, "s") for day in _DAYS]
    chosen = [lead for lead in leads if lead in days]
    if len(chosen) > 1 or (chosen and len(leads) == 1):
        return chosen
    later = [lead for lead in leads if lead > np.timedelta64(0, "s")] or list(leads)
    count = min(len(later), _MOST_COLUMNS)
    places = np.unique(np.linspace(0, len(later) - 1, count).round().astype(int))
    return [later[place] for place in places]


def _title(row: ScoreRow) -> str:
    level = "" if row.level is None else f" {row.level:g} hPa"
    units = "" if row.units in ("", "1") else f" ({row.units})"
    return f"{row.metric} {row.variable}{level}{units}"


def _value(row: ScoreRow) -> str:
    text = _number(row.value)
    if math.isnan(row.lower):
        return text
    return f"{text} [{_number(row.lower)}, {_number(row.upper)}]"


def _difference(row: ScoreRow) -> str:
    if math.isnan(row.difference):
        return ""
    text = f"{_number(row.difference, sign=True)}"
    if math.isnan(row.difference_lower):
        return text
    lower, upper = row.difference_lower, row.difference_upper
    return f"{text} [{_number(lower, sign=True)}, {_number(upper, sign=True)}]"


def _number(value: float, sign: bool = False) -> str:
    """Return a number with three digits, without an exponent where it is not small."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = 2 - math.floor(math.log10(abs(value)))
    if digits > 6:
        return f"{value:{'+' if sign else ''}.2e}"
    return f"{value:{'+' if sign else ''}.{max(digits, 0)}f}"


def _record(row: ScoreRow) -> dict[str, str | float | None]:
    found = dataclasses.asdict(row)
    hours = row.lead_time / np.timedelta64(3600, "s")
    found["lead_time"] = float(hours)
    return {
        f"{name}_hours" if name == "lead_time" else name: None if x != x else x  # NaN
        for name, x in found.items()
    }


def _csv(rows: Sequence[ScoreRow]) -> str:
    names = [
        "lead_time_hours" if field.name == "lead_time" else field.name
        for field in dataclasses.fields(ScoreRow)
    ]
    return csv_text(names, map(_record, rows))


def _json(rows: Sequence[ScoreRow], scores: xr.Dataset) -> str:
    attributes = {
        str(name): value.item() if isinstance(value, np.generic) else value
        for name, value in scores.attrs.items()
    }
    found = {"attributes": attributes, "scores": [_record(row) for row in rows]}
    return json.dumps(found, indent=1)
