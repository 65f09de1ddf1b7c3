"""Scores against lead time, with their intervals."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.plots.figure import drawing, line_colour, new_axes, set_footer
from ngcm_cli.plots.panels import set_header
from ngcm_cli.plots.provenance import footer_of
from ngcm_cli.plots.score_selection import Score, select_scores
from ngcm_cli.plots.styles import capital

_HOUR = np.timedelta64(1, "h")


def draw_scores(score: Score, *, axes: Axes | None = None) -> Axes:
    """Draw a score against lead time: one line and band for each forecast.

    Baselines are grey.

    Args:
        score: of one variable, level and region.
        axes: where to draw; None makes a figure.
    """
    greys = iter(("0.45", "0.62", "0.75") * 4)
    with drawing():
        _, axes = new_axes(axes, (5.0, 3.4))
        longest = 0.0
        at = 0
        for name, line in score.lines.items():
            colour = next(greys) if line.is_baseline else line_colour(at)
            at += not line.is_baseline
            days = line.lead_time / _HOUR / 24
            longest = max(longest, float(days.max(initial=0)))
            axes.plot(
                days, line.value, color=colour, label=name,
                linestyle="--" if line.is_baseline else "-",
                marker="o" if len(days) < 2 else None,
            )  # fmt: skip
            if line.lower is not None and line.upper is not None:
                axes.fill_between(
                    days, line.lower, line.upper, color=colour, alpha=0.2, linewidth=0
                )
        if score.best == "zero":
            axes.axhline(0, color="0.4", linewidth=0.8)
        elif score.best != "higher":
            axes.set_ylim(bottom=0)
        set_lead_axis(axes, longest)
        units = f" ({score.units})" if score.units else ""
        axes.set_title(f"{capital(score.title)}{units}", loc="left", fontsize=9)
    return axes


def set_lead_axis(axes: Axes, longest: float) -> None:
    """Set the ticks of an axis of lead times in days; of less than three, in hours."""
    if longest <= 3:
        step = next(s for s in (3, 6, 12, 24) if longest * 24 / s <= 8)
        hours = np.arange(0, longest * 24 + 1e-6, step)
        axes.set_xticks(hours / 24, [f"{h:g}" for h in hours])
        axes.set_xlabel("Lead time (hours)")
    else:
        step = next(s for s in (1, 2, 5, 10, 20, 50, 100) if longest / s <= 8)
        days = np.arange(0, longest + 1e-6, step)
        axes.set_xticks(days, [f"{d:g}" for d in days])
        axes.set_xlabel("Lead time (days)")
    axes.set_xlim(0, longest or 1)


def scores_figure(datasets: Sequence[xr.Dataset], config: PlotConfig) -> Figure:
    """Return the scores of one or more files, a panel for each variable and metric.

    Raises:
        ConfigError: what is to be drawn is not in the files.
    """
    scores = select_scores(datasets, config)
    columns = min(len(scores), 3 if len(scores) > 4 else 2)
    rows = -(-len(scores) // columns)
    names = list(dict.fromkeys(name for score in scores for name in score.lines))
    with drawing():
        size = config.size or (1.0 + 3.4 * columns, 1.35 + 2.3 * rows)
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        several = len({score.metric for score in scores}) > 1
        for axes, score in zip(grid, scores, strict=False):
            draw_scores(score, axes=axes)
            if several:
                text = axes.get_title(loc="left")
                axes.set_title(
                    f"{capital(score.metric_name)}, {text[:1].lower()}{text[1:]}",
                    loc="left", fontsize=9,
                )  # fmt: skip
        for axes in grid[len(scores) :]:
            axes.remove()
        for at, axes in enumerate(grid[: len(scores)]):
            if at + columns < len(scores):
                axes.set_xlabel("")
        handles, labels = grid[0].get_legend_handles_labels()
        if len(names) > 1 or len(datasets) > 1:
            figure.legend(
                handles, labels, loc="outside lower center", ncols=min(len(labels), 3)
            )
        metric = "Scores" if several else capital(scores[0].metric_name)
        title = config.title or f"{metric}, {region_text(scores[0].region)}"
        set_header(figure, title, truth_text(datasets, scores))
        set_footer(figure, footer_of(*datasets))
    return figure


def region_text(region: str) -> str:
    """Return the name of a region for titles."""
    name = region.replace("_", " ").replace("-", " ")
    is_common = any(word in name for word in ("tropic", "hemisphere", "land", "sea"))
    return "globe" if name == "global" else name if is_common else name.title()


def truth_text(datasets: Sequence[xr.Dataset], scores: Sequence[Score]) -> str:
    """Return what forecasts were compared with, and which intervals are drawn."""
    attributes = datasets[0].attrs
    parts = []
    if truth := attributes.get("truth"):
        parts.append(f"Truth: {str(truth).rstrip('/').rpartition('/')[2]}")
    name = next(iter(scores[0].lines))
    if len(scores[0].lines) == 1:
        parts.append(name)
    if any(line.lower is not None for s in scores for line in s.lines.values()):
        interval = str(attributes.get("interval", "intervals")).partition(",")[0]
        parts.append(f"bands: {interval}")
    return " · ".join(parts)
