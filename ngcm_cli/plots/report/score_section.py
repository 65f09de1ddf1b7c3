"""The section of a report about a file of scores, which ``ngcm evaluate`` writes."""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.io.progress import format_size
from ngcm_cli.plots.figure import drawing, new_axes
from ngcm_cli.plots.report import attributes as attribute_texts
from ngcm_cli.plots.report.content import Figure, Part, Section, Table
from ngcm_cli.plots.report.describe import describe_series
from ngcm_cli.plots.report.pictures import GRAPH, png
from ngcm_cli.plots.score_selection import (
    Score,
    score_names,
    select_scores,
    shown_together,
)
from ngcm_cli.plots.scorecard import Comparison, compare, draw_scorecard
from ngcm_cli.plots.scores import draw_scores
from ngcm_cli.plots.sources import open_source
from ngcm_cli.plots.styles import capital
from ngcm_cli.time_format import format_duration

_METRICS = (
    *("rmse", "vector_rmse", "ensemble_mean_rmse", "crps", "acc", "spread_skill"),
    *("spread_skill_ratio", "seeps", "mae", "bias"),
)
"""Of the tables, in this order; any others if there are none of these."""
_DRAWN = "rmse", "ensemble_mean_rmse", "crps", "acc"
_MOST_FIGURES, _MOST_ROWS = 4, 40
_DAYS = 1, 3, 5, 7, 10, 15  # lead times of the table
_MOST_COLUMNS = 6
_DAY = np.timedelta64(1, "D")


def score_section(path: pathlib.Path, links: Sequence[tuple[str, str]]) -> Section:
    """Return what there is to say about a file of scores.

    Raises:
        InputDataError: it holds no score.
    """
    with open_source(str(path)) as file:
        scores = _headline(file, path)
        facts = _facts(file, path)
        content: list[str | Table | Figure] = []
        names = list(dict.fromkeys(name for score in scores for name in score.lines))
        for name in names:
            chosen = [score for score in scores if name in score.lines]
            content.append(_table(chosen, name if len(names) > 1 else ""))
        drawn = [score for score in scores if score.metric in _DRAWN] or scores
        content += [_figure(score) for score in drawn[:_MOST_FIGURES]]
        if card := _card(scores, names):
            content.append(card)
        notes = attribute_texts.text(file.attrs, "notes").split("\n")
        return Section(
            title=attribute_texts.text(file.attrs, "title") or f"Scores in {path.name}",
            facts=[(name, text) for name, text in facts if text],
            command=attribute_texts.command(file.attrs),
            parts=[Part("Scores", content)],
            links=links,
            notes=[line for line in notes if line],
            provenance=_provenance(file.attrs),
        )


def _headline(file: xr.Dataset, path: pathlib.Path) -> list[Score]:
    """Return the scores that are shown: of the globe, along lead time.

    Raises:
        InputDataError: there is none.
    """
    known = list(dict.fromkeys(metric for metric, _ in score_names(file)))
    metrics = [metric for metric in _METRICS if metric in known] or known[:1]
    config = PlotConfig(files=(str(path),), metric=tuple(metrics) or None)
    found = select_scores([file], config)
    curves = [x for x in found if all(np.ndim(y.value) == 1 for y in x.lines.values())]
    return curves[:_MOST_ROWS]


def _facts(file: xr.Dataset, path: pathlib.Path) -> list[tuple[str, str]]:
    leads = file["lead_time"].values
    counts = [x.values for name, x in file.items() if str(name).startswith("count.")]
    inits = ""
    if counts:
        low, high = (int(f([f(x) for x in counts])) for f in (np.nanmin, np.nanmax))
        inits = f"{low} to {high}, by lead time" if low < high else f"{low}"
    attributes = {
        "Truth": "truth",
        "Climatology": "climatology",
        "Grid": "grid",
        "Times without truth": "missing_truth_times",
    }
    return [
        ("Forecasts", _forecasts(attribute_texts.text(file.attrs, "forecasts"))),
        *((x, attribute_texts.text(file.attrs, y)) for x, y in attributes.items()),
        ("Initial times", inits),
        ("Lead times", f"{_lead(leads[0])} to {_lead(leads[-1])}: {len(leads)} times"),
        ("Regions", ", ".join(map(str, file["region"].values))),
        ("Size", format_size(path.stat().st_size)),
    ]


def _forecasts(text: str) -> str:
    """Return the names and files of forecasts, which a score file has as JSON."""
    try:
        found = json.loads(text)
    except ValueError:  # of another program
        return text
    if not isinstance(found, dict):
        return text
    return "; ".join(f"{name}: {file}" for name, file in found.items())


def _lead(lead: np.timedelta64) -> str:
    return format_duration(lead.astype("timedelta64[s]"))


def _title(score: Score) -> str:
    return f"{capital(score.metric_name)} of {score.title}"


def _table(scores: Sequence[Score], forecast: str) -> Table:
    """Return the table of the scores of one forecast, whose name may be empty."""
    lines = [
        score.lines[forecast] if forecast else next(iter(score.lines.values()))
        for score in scores
    ]
    leads = lines[0].lead_time
    chosen = [i for i, lead in enumerate(leads) if lead / _DAY in _DAYS]
    chosen = chosen or list(range(len(leads)))[:_MOST_COLUMNS]
    rows, has_interval = [], False
    for score, line in zip(scores, lines, strict=True):
        title = _title(score) + (f", {score.units}" if score.units else "")
        cells = []
        for index in chosen:
            cell = _number(line.value[index])
            ends = [x[index] for x in (line.lower, line.upper) if x is not None]
            if len(ends) == 2 and np.isfinite(ends).all():
                cell += f" ({_number(ends[0])} to {_number(ends[1])})"
                has_interval = True
            cells.append(cell)
        rows.append((title, *cells))
    caption = f"Scores of {forecast}" if forecast else "Scores"
    caption += " over the globe, by lead time"
    caption += "; in brackets, confidence intervals" if has_interval else ""
    return Table(caption, ("Score", *(_lead(leads[i]) for i in chosen)), rows)


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−") if np.isfinite(value) else "no value"


def _figure(score: Score) -> Figure:
    with drawing():
        canvas, axes = new_axes(None, GRAPH)
        draw_scores(score, axes=axes)
        if len(score.lines) > 1:
            axes.legend(loc="best")
    seen = " ".join(
        describe_series(
            name, [_lead(x) for x in line.lead_time], line.value, score.units
        )
        for name, line in score.lines.items()
    )
    bands = any(line.lower is not None for line in score.lines.values())
    return Figure(
        _title(score),
        f"Over the globe, against lead time{'; bands: intervals' if bands else ''}.",
        f"Graph of the {_title(score)} against lead time. {seen}",
        png(canvas),
    )


def _card(scores: Sequence[Score], names: Sequence[str]) -> Figure | None:
    """Return the score card of a forecast against a baseline, if there are two."""
    first = scores[0]
    forecasts = [
        n for n in names if n in first.lines and not first.lines[n].is_baseline
    ]
    baselines = [n for n in names if n in first.lines and first.lines[n].is_baseline]
    pair = [*forecasts[:1], *baselines, *forecasts[1:]][:2]
    metrics = shown_together(first.metric)
    rows = [x for x in scores if x.metric in metrics and {*pair} <= {*x.lines}]
    if len(pair) < 2 or not rows:
        return None
    comparison = compare(rows, *pair)
    if not np.isfinite(comparison.change).any():
        return None
    high, wide = comparison.change.shape
    with drawing():
        size = max(GRAPH[0], 1.8 + 0.5 * wide), 1.5 + 0.3 * high
        canvas, axes = new_axes(None, size)
        draw_scorecard(comparison, axes=axes)
    metric = capital(first.metric_name)
    return Figure(
        f"{metric} of {pair[0]} against {pair[1]}",
        "Change in per cent over the globe, by lead time; blue is better.",
        f"Score card of the {metric}. {_seen(comparison)}",
        png(canvas),
    )


def _seen(comparison: Comparison) -> str:
    """Return how many cells of a score card are better or worse, and the extremes."""
    change = comparison.change
    better, worse = int((change < 0).sum()), int((change > 0).sum())
    texts = [f"{better} scores are better and {worse} worse."]
    for word, find in ("best", np.nanargmin), ("worst", np.nanargmax):
        row, column = np.unravel_index(find(change), change.shape)
        value = f"{change[row, column]:+.0f} %".replace("-", "−")
        lead = _lead(comparison.lead_time[column])
        texts.append(f"The {word}: {comparison.rows[row]} at {lead}, {value}.")
    return " ".join(texts)


def _provenance(attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    for name, text in attribute_texts.provenance(attributes):
        if name == "settings":
            try:
                settings = json.loads(text)
                text = "\n".join(f"{key}: {value}" for key, value in settings.items())
            except (ValueError, AttributeError, RecursionError):
                pass  # shown as it is
        found.append((name, text))
    return found
