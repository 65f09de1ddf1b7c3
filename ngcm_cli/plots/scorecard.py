"""Score cards: a forecast against another, blue where it is better, red where worse."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.errors import ConfigError
from ngcm_cli.plots.colour_maps import colour_map
from ngcm_cli.plots.figure import drawing, new_axes, set_footer
from ngcm_cli.plots.panels import set_header
from ngcm_cli.plots.provenance import footer_of
from ngcm_cli.plots.score_selection import (
    Line,
    Score,
    score_names,
    select_scores,
    shown_together,
)
from ngcm_cli.plots.scores import region_text
from ngcm_cli.plots.styles import capital

_STEPS = np.array([-20, -15, -10, -7.5, -5, -2.5, -1, 1, 2.5, 5, 7.5, 10, 15, 20])
_MOST_LEADS = 14
_LEVELS = (50, 100, 250, 500, 700, 850, 1000)
_HOUR = np.timedelta64(1, "h")
_TARGETS = {"zero": 0.0, "one": 1.0}
"""Best values of scores that are judged by their distance from it."""


@dataclasses.dataclass(frozen=True, eq=False)
class Comparison:
    """How much better or worse a forecast is.

    Attributes:
        rows: of the card: variable and level.
        lead_time: of its columns.
        change: relative to the reference in per cent, positive where the forecast is
            worse, shape (row, lead_time).
        is_certain: whether they differ beyond their intervals, same shape.
    """

    rows: list[str]
    lead_time: np.ndarray
    change: np.ndarray
    is_certain: np.ndarray


def draw_scorecard(
    comparison: Comparison, *, axes: Axes | None = None, colour_bar: bool = True
) -> Axes:
    """Draw a score card: a row for each variable, a column for each lead time.

    Args:
        comparison: what is drawn.
        axes: where to draw; None makes a figure.
        colour_bar: whether to draw a colour bar.
    """
    rows, columns = comparison.change.shape
    colours = colour_map("difference")
    with drawing():
        figure, axes = new_axes(axes, (1.8 + 0.5 * columns, 1.4 + 0.3 * rows))
        drawn = axes.pcolormesh(
            np.arange(columns + 1), np.arange(rows + 1),
            np.ma.masked_invalid(comparison.change), cmap=colours,
            norm=BoundaryNorm(_STEPS, colours.N, extend="both"), edgecolors="white",
            linewidth=1.0,
        )  # fmt: skip
        axes.invert_yaxis()
        axes.set_yticks(np.arange(rows) + 0.5, comparison.rows)
        axes.set_xticks(
            np.arange(columns) + 0.5, [_lead(x) for x in comparison.lead_time]
        )
        axes.tick_params(length=0)
        axes.grid(False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        for row, column in np.ndindex(rows, columns):
            value = float(comparison.change[row, column])
            if not np.isfinite(value):
                continue
            is_bold = bool(comparison.is_certain[row, column])
            text = f"{value:+.0f}".replace("-", "−") if round(value) else "0"
            axes.text(
                column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=7,
                color="white" if abs(value) >= 7.5 else "0.15",
                fontweight="bold" if is_bold else "normal",
            )  # fmt: skip
        if colour_bar:
            height = float(figure.get_size_inches()[1])
            bar = figure.colorbar(
                drawn, ax=axes, orientation="horizontal", aspect=45,
                fraction=min(0.3, 0.35 / height), pad=0.02, shrink=0.8, ticks=_STEPS,
            )  # fmt: skip
            bar.outline.set_linewidth(0.5)
            bar.ax.grid(False)
            bar.ax.tick_params(labelsize=7)  # or they touch on a narrow card
            bar.ax.set_xticklabels([f"{x:g}".replace("-", "−") for x in _STEPS])
            bar.set_label("Per cent worse than the reference; negative, blue: better")
    return axes


def _lead(lead: np.timedelta64) -> str:
    hours = lead / _HOUR
    return f"{hours / 24:g} d" if hours % 24 == 0 and hours else f"{hours:g} h"


def compare(scores: Sequence[Score], forecast: str, reference: str) -> Comparison:
    """Return how much a forecast is worse than a reference, in per cent.

    The change of a score relative to the size of that of the reference; with the sign
    changed where a higher score is better, and of distances from the best value where
    there is one. Only lead times that both have are compared.
    """
    leads: np.ndarray | None = None
    for score in scores:
        both = [score.lines[n].lead_time for n in (forecast, reference)]
        common = np.intersect1d(both[0], both[1])
        leads = common if leads is None else np.intersect1d(leads, common)
    assert leads is not None
    days = leads[leads % np.timedelta64(1, "D") == np.timedelta64(0, "ns")]
    if len(leads) > _MOST_LEADS and len(days) > 1:
        leads = days
    if len(leads) > _MOST_LEADS:
        leads = leads[:: -(-len(leads) // _MOST_LEADS)]
    change, certain, rows = [], [], []
    for score in scores:
        a, b = (_at(score.lines[name], leads) for name in (forecast, reference))
        mine, other = a.value, b.value
        if score.best in _TARGETS:
            mine, other = (np.abs(x - _TARGETS[score.best]) for x in (mine, other))
        sign = -1 if score.best == "higher" else 1
        size = np.where(other == 0, np.nan, np.abs(other))
        change.append(sign * (mine - other) / size * 100)
        rows.append(capital(score.title.replace(" at ", " ")))
        certain.append(_is_certain(a, b))
    known = np.isfinite(change).any(axis=0)  # at the start a reference may be perfect
    changes, certains = np.array(change)[:, known], np.array(certain)[:, known]
    return Comparison(rows, leads[known], changes, certains)


def _is_certain(a: Line, b: Line) -> np.ndarray:
    """Return where two forecasts differ beyond their intervals, if they have some."""
    if a.differs is not None:
        return a.differs
    if a.lower is None or a.upper is None or b.lower is None or b.upper is None:
        return np.zeros(a.value.shape, bool)
    return (a.lower > b.upper) | (a.upper < b.lower)


def _at(line: Line, leads: np.ndarray) -> Line:
    at = np.searchsorted(line.lead_time, leads)
    arrays = line.value, line.lower, line.upper, line.differs
    value, lower, upper, differs = (None if x is None else x[at] for x in arrays)
    assert value is not None
    return Line(leads, value, lower, upper, line.is_baseline, differs)


def scorecard_figure(datasets: Sequence[xr.Dataset], config: PlotConfig) -> Figure:
    """Return the score card of the first forecast against the second.

    Raises:
        ConfigError: there is one forecast, or what is named is not there.
    """
    scores = _all_levels(datasets, config)
    if scores[0].best is None:
        raise ConfigError(
            f"A higher {scores[0].metric_name} is neither better nor worse.",
            "Name another metric, such as rmse.",
        )
    names = list(scores[0].lines)
    scores = [score for score in scores if list(score.lines)[:2] == names[:2]]
    if len(names) < 2:
        raise ConfigError(
            "A score card compares two forecasts, and there is one.",
            "Name two files of scores, the reference second.",
        )
    forecast = next((n for n in names if not scores[0].lines[n].is_baseline), names[0])
    baselines = [n for n in names if scores[0].lines[n].is_baseline]
    others = [n for n in names if n != forecast]
    reference = others[0] if len(datasets) > 1 or not baselines else baselines[0]
    comparison = compare(scores, forecast, reference)
    if not comparison.lead_time.size:
        raise ConfigError(
            f"{forecast} and {reference} have no lead time in common.",
            "Name scores of the same lead times.",
        )
    rows, columns = comparison.change.shape
    with drawing():
        size = config.size or (max(6.5, 2.3 + 0.5 * columns), 1.8 + 0.26 * rows)
        figure = Figure(figsize=size, layout="constrained")
        draw_scorecard(comparison, axes=figure.add_subplot())
        metric = capital(scores[0].metric_name)
        title = f"{forecast} against {reference}: {metric}, "
        title += region_text(scores[0].region)
        remarks = []
        if comparison.is_certain.any():
            remarks.append("Bold: the difference exceeds the intervals")
        if absent := [n for n in names if n not in (forecast, reference)]:
            remarks.append(f"not shown: {', '.join(absent)}")
        set_header(figure, config.title or title, capital(" · ".join(remarks)))
        set_footer(figure, footer_of(*datasets))
    return figure


def _all_levels(datasets: Sequence[xr.Dataset], config: PlotConfig) -> list[Score]:
    """Return the scores of all variables and usual levels, in the order of the file."""
    plain = select_scores(datasets, config, most=99)
    if config.variable is not None:
        return plain
    metrics = {x.metric for x in plain} & {*shown_together(plain[0].metric)}
    found: list[Score] = []
    for metric, variable in score_names(datasets[0]):
        if metric not in metrics:
            continue
        score = datasets[0][f"{metric}.{variable}"]
        levels = [x for x in _LEVELS if "level" in score.dims and x in score["level"]]
        wanted = [f"{variable}_{x}" for x in levels] or [variable]
        for name in wanted:
            try:
                own = config.model_copy(
                    update={"variable": (name,), "metric": (metric,)}
                )
                found += select_scores(datasets, own)
            except ConfigError:  # not scored on this level
                continue
    return found or plain
