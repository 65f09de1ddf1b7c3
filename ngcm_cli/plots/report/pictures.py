"""Pictures of a report, each with its caption and what is to be seen in it."""

import dataclasses
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.contour import ContourSet
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure as Canvas

from ngcm_cli.inputs.cell_areas import area_weights
from ngcm_cli.plots.figure import drawing, image_of, new_axes, write_image
from ngcm_cli.plots.map import draw_map, style_of_field
from ngcm_cli.plots.report.content import Figure
from ngcm_cli.plots.report.describe import (
    area_mean,
    describe_map,
    describe_section,
    describe_series,
    quantity,
)
from ngcm_cli.plots.section import TOP, draw_section
from ngcm_cli.plots.styles import capital

MAP, GRAPH = (5.8, 3.6), (5.8, 3.4)  # inches: letters can be read on a phone
_RESOLUTIONS = 150, 110, 80  # dots per inch; the first whose file is small enough
_LARGEST = 200_000  # bytes of a picture
_MOST_PANELS = 3  # of a picture
_MOST_TICKS = 11  # of a colour bar


@dataclasses.dataclass(frozen=True, eq=False)
class Panel:
    """A graph of series of one quantity.

    Attributes:
        label: of the quantity.
        units: of the values.
        series: by name, (time) or (member, time); of several members the mean and the
            range are drawn.
    """

    label: str
    units: str
    series: Mapping[str, np.ndarray]


def map_figure(
    field: xr.DataArray,
    when: str,
    contours: xr.DataArray | None = None,
    is_difference: bool = False,
) -> Figure:
    """Return a map.

    Args:
        field: with dimensions latitude and longitude, in SI units.
        when: time of the field, for the caption.
        contours: second field, drawn as contours.
        is_difference: whether the field is a difference.
    """
    style = style_of_field(field, is_difference=is_difference)
    latitude = field["latitude"].values
    shown = style.shown(field.values)
    seen = describe_map(shown, latitude, field["longitude"].values, style.units)
    with drawing():
        canvas, axes = new_axes(None, MAP)
        draw_map(
            field,
            axes=axes,
            contours=contours,
            is_difference=is_difference,
            style=style,
        )
        _thin_out(canvas)
    over = ""
    has_lines = any(
        isinstance(drawn, ContourSet) and not drawn.filled for drawn in axes.collections
    )
    if contours is not None and has_lines:
        over = f"; contours: {style_of_field(contours).title}"
    mean = quantity(area_mean(shown, area_weights(latitude)), style.units, 3)
    return Figure(
        capital(style.title),
        f"{capital(when)}{over}; mean over the area {mean}.",
        f"Map of {style.title}. {seen}",
        png(canvas),
    )


def _thin_out(canvas: Canvas) -> None:
    """Leave out labels of colour bars, which have no room on a small picture."""
    for bar in canvas.axes[1:]:
        ticks = bar.get_xticks()
        bar.set_xticks(ticks[:: -(-len(ticks) // _MOST_TICKS)])


def has_section(field: xr.DataArray) -> bool:
    """Return whether there are levels enough for a section."""
    return int((field["level"].values >= TOP).sum()) > 2


def section_figure(field: xr.DataArray, when: str) -> Figure:
    """Return a section of a zonal mean through latitude and pressure.

    Args:
        field: with dimensions level and latitude, in SI units.
        when: time of the field, for the caption.
    """
    style = style_of_field(field)
    shown = field.isel(level=np.flatnonzero(field["level"].values >= TOP))
    seen = describe_section(
        style.shown(shown.values),
        shown["level"].values,
        shown["latitude"].values,
        style.units,
    )
    with drawing():
        canvas, axes = new_axes(None, GRAPH)
        draw_section(shown, axes=axes)
        _thin_out(canvas)
    title = capital(style.title)
    if not title.startswith("Zonal"):
        title = f"Zonal mean of {style.title}"
    return Figure(
        title,
        f"{capital(when)}.",
        f"Section through latitude and pressure of {style.title}. {seen}",
        png(canvas),
    )


def series_figures(
    axis: str, positions: np.ndarray, times: Sequence[str], panels: Sequence[Panel]
) -> list[Figure]:
    """Return graphs of series over the same time, a few on every figure.

    Args:
        axis: label of the axis.
        positions: of the values along the axis, numbers or datetime64.
        times: of the values, as text.
        panels: the graphs.
    """
    figures = []
    for group in np.array_split(
        np.arange(len(panels)), -(-len(panels) // _MOST_PANELS)
    ):
        chosen = [panels[index] for index in group]
        labels = [chosen[0].label, *(panel.label.lower() for panel in chosen[1:])]
        seen = " ".join(_seen(panel, times) for panel in chosen)
        figures.append(
            Figure(
                "; ".join(labels),
                f"Against {axis.lower()}.",
                f"Graph{'s' if len(chosen) > 1 else ''} against {axis.lower()}. {seen}",
                png(_series_canvas(axis, positions, chosen)),
            )
        )
    return figures


def _seen(panel: Panel, times: Sequence[str]) -> str:
    texts = []
    for name, values in panel.series.items():
        full = f"{panel.label}, {name}" if name else panel.label
        texts.append(describe_series(full, times, _over_members(values), panel.units))
    return " ".join(texts)


def _over_members(values: np.ndarray) -> np.ndarray:
    """Return the mean over the members that have a value, NaN where none has."""
    return np.ma.masked_invalid(np.atleast_2d(values)).mean(0).filled(np.nan)


def _series_canvas(axis: str, positions: np.ndarray, panels: Sequence[Panel]) -> Any:
    with drawing():
        size = GRAPH[0], 0.7 + 1.45 * len(panels)
        canvas = Canvas(figsize=size, layout="constrained")
        several: Any = canvas.subplots(len(panels), sharex=True, squeeze=False)
        for axes, panel in zip(several[:, 0], panels, strict=True):
            for name, values in panel.series.items():
                mark = "." if len(positions) < 3 else ""
                mean = _over_members(values)
                (line,) = axes.plot(positions, mean, label=name, marker=mark)
                members = np.ma.masked_invalid(np.atleast_2d(values))
                if len(members) > 1:
                    band = members.min(0), members.max(0)
                    axes.fill_between(
                        positions, *band, color=line.get_color(), alpha=0.2, lw=0
                    )
            axes.set_ylabel(panel.units)
            axes.set_title(panel.label, loc="left")
            axes.ticklabel_format(axis="y", useOffset=False)
            if len(panel.series) > 1:
                axes.legend(loc="best")
        last = several[-1, 0]
        last.set_xlabel(axis)
        if positions.dtype.kind == "M":
            locator = AutoDateLocator()
            last.xaxis.set_major_locator(locator)
            last.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    return canvas


def png(canvas: Any) -> bytes:
    """Return a Matplotlib figure as PNG with a palette, small enough for a page."""
    content = b""
    for resolution in _RESOLUTIONS:
        file = io.BytesIO()
        write_image(image_of(canvas, resolution), file, "png")
        content = file.getvalue()
        if len(content) <= _LARGEST:
            break
    return content
