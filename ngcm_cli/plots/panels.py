"""Figures of several panels: their header, and names that tell sources apart."""

import os
import textwrap
from collections.abc import Sequence
from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.plots.figure import GREY, set_footer, set_title
from ngcm_cli.plots.provenance import footer_of, model_of


def set_header(figure: Figure, title: str, subtitle: str = "") -> None:
    """Write the title of a figure and below it a line in grey, above all panels."""
    width, height = figure.get_size_inches()
    title = textwrap.fill(title, max(int(width * 10.8), 20))
    subtitle = textwrap.fill(subtitle, max(int(width * 15.5), 20))
    above = 0.08 + 0.2 * (title.count("\n") + 1)
    below = 0.17 * (subtitle.count("\n") + 1) if subtitle else 0.0
    figure.text(
        0.012, 1 - 0.08 / height, title, fontweight="bold", fontsize=10.5, va="top"
    )
    figure.text(0.012, 1 - above / height, subtitle, fontsize=8.5, color=GREY, va="top")
    engine: Any = figure.get_layout_engine()
    engine.set(rect=(0, 0, 1, 1 - (above + below + 0.08) / height))


def label_figure(
    axes: Axes,
    dataset: xr.Dataset,
    config: PlotConfig,
    title: str,
    when: str,
    members: str = "",
) -> None:
    """Write title, time and model of a figure of one panel, and where it comes from.

    Args:
        axes: of the panel.
        dataset: that is drawn.
        config: which may have another title and a size.
        title: what the figure shows.
        when: time of it, or empty.
        members: of an ensemble, or empty.
    """
    text = " · ".join(filter(None, (when, model_of(dataset), members)))
    set_title(axes, config.title or title, text, config.size is None)
    figure = axes.figure
    assert isinstance(figure, Figure)
    set_footer(figure, footer_of(dataset))


def source_name(dataset: xr.Dataset, others: Sequence[xr.Dataset]) -> str:
    """Return a name that tells a dataset from others: its model, else its location."""
    models = [model_of(other) for other in others]
    if models.count(model_of(dataset)) == 1:
        return model_of(dataset)
    locations = [str(other.attrs.get("location", "")).rstrip("/") for other in others]
    own = str(dataset.attrs.get("location", "")).rstrip("/")
    names = [os.path.basename(location) for location in locations]
    short = os.path.basename(own)
    return short if names.count(short) == 1 else own
