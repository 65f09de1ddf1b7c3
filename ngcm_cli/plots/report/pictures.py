"""Pictures of a report, each with its caption and what is to be seen in it."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.plots.figure import drawing, image_of, new_axes, write_image
from ngcm_cli.plots.map import draw_map, style_of_field
from ngcm_cli.plots.report.content import Figure
from ngcm_cli.plots.report.describe import (
    area_mean,
    area_weights,
    describe_map,
    describe_section,
    describe_series,
    quantity,
)
from ngcm_cli.plots.styles import capital

_MAP, _GRAPH = (6.4, 3.9), (6.4, 3.6)  # inches: letters can be read on a phone
_RESOLUTIONS = 130, 100, 75  # dots per inch; the first whose file is small enough
_LARGEST = 200_000  # bytes of a picture


def map_figure(
    field: xr.DataArray, when: str, contours: xr.DataArray | None = None
) -> Figure:
    """Return a map.

    Args:
        field: with dimensions latitude and longitude, in SI units.
        when: time of the field, for the caption.
        contours: second field, drawn as contours.
    """
    style = style_of_field(field)
    latitude = field["latitude"].values
    shown = style.shown(field.values)
    seen = describe_map(shown, latitude, field["longitude"].values, style.units)
    with drawing():
        canvas, axes = new_axes(None, _MAP)
        draw_map(field, axes=axes, contours=contours)
    over = ""
    if contours is not None:
        over = f"; contours: {style_of_field(contours).title}"
    mean = quantity(area_mean(shown, area_weights(latitude)), style.units, 3)
    return Figure(
        capital(style.title),
        f"{when}{over}; mean over the area {mean}.",
        f"Map of {style.title}. {seen}",
        png(canvas),
    )


def section_figure(field: xr.DataArray, when: str) -> Figure:
    """Return a section of a zonal mean through latitude and pressure.

    Args:
        field: with dimensions level and latitude, in SI units.
        when: time of the field, for the caption.
    """
    from ngcm_cli.plots.section import draw_section

    style = style_of_field(field)
    seen = describe_section(
        style.shown(field.values),
        field["level"].values,
        field["latitude"].values,
        style.units,
    )
    with drawing():
        canvas, axes = new_axes(None, _GRAPH)
        draw_section(field, axes=axes)
    title = f"Zonal mean of {style.title}"
    return Figure(
        title,
        f"{when}.",
        f"Section through latitude and pressure of {style.title}. {seen}",
        png(canvas),
    )


def series_figure(
    title: str,
    caption: str,
    positions: np.ndarray,
    axis: str,
    times: list[str],
    panels: Sequence[tuple[str, str, dict[str, np.ndarray]]],
) -> Figure:
    """Return graphs of series over the same time, one above the other.

    Args:
        title: of the figure.
        caption: of the figure.
        positions: of the values along the axis.
        axis: label of the axis.
        times: of the values, as text.
        panels: label, units and series by name of each graph. A series is (time) or
            (member, time); of several members the range and the mean are drawn.
    """
    seen = []
    with drawing():
        from matplotlib.figure import Figure as Canvas

        height = 0.7 + 1.45 * len(panels)
        canvas = Canvas(figsize=(_GRAPH[0], height), layout="constrained")
        several: Any = canvas.subplots(len(panels), sharex=True, squeeze=False)
        for axes, (label, units, series) in zip(several[:, 0], panels, strict=True):
            for name, values in series.items():
                values = np.atleast_2d(values)
                # Of days that no member came to, there is no mean.
                mean = np.ma.masked_invalid(values).mean(0).filled(np.nan)
                (line,) = axes.plot(
                    positions, mean, label=name, marker="." if mean.size < 3 else ""
                )
                if len(values) > 1:
                    low, high = np.nanmin(values, 0), np.nanmax(values, 0)
                    colour = line.get_color()
                    axes.fill_between(positions, low, high, color=colour, alpha=0.2)
                full = name if name.startswith(label) else f"{label}, {name}"
                seen.append(
                    describe_series(full if name else label, times, mean, units)
                )
            axes.set_ylabel(units)
            axes.set_title(label, loc="left")
            if len(series) > 1:
                axes.legend(loc="best")
        several[-1, 0].set_xlabel(axis)
    return Figure(
        title, caption, f"Graphs of {title.lower()}. {' '.join(seen)}", png(canvas)
    )


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
