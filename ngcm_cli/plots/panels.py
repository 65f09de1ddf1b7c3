"""Figures of several panels: their header, and names that tell sources apart."""

import os
import textwrap
from collections.abc import Sequence
from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from ngcm_cli.plots.figure import GREY
from ngcm_cli.plots.provenance import model_of


def set_header(figure: Figure, title: str, subtitle: str = "") -> None:
    """Write the title of a figure and below it a line in grey, above all panels."""
    width, height = figure.get_size_inches()
    title = textwrap.fill(title, max(int(width * 10.8), 20))
    subtitle = textwrap.fill(subtitle, max(int(width * 14.5), 20))
    above = 0.08 + 0.2 * (title.count("\n") + 1)
    below = 0.17 * (subtitle.count("\n") + 1) if subtitle else 0.0
    figure.text(
        0.012, 1 - 0.08 / height, title, fontweight="bold", fontsize=10.5, va="top"
    )
    figure.text(0.012, 1 - above / height, subtitle, fontsize=8.5, color=GREY, va="top")
    engine: Any = figure.get_layout_engine()
    engine.set(rect=(0, 0, 1, 1 - (above + below + 0.08) / height))


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
