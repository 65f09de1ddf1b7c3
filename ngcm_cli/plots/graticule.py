"""Meridians and parallels of a map, and their labels."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Polygon

from ngcm_cli.plots.projections import (
    Mollweide,
    PlateCarree,
    PolarStereographic,
    Projection,
    Robinson,
    project_line,
    wrap,
)


def draw_graticule(axes: Axes, projection: Projection, outline: Polygon) -> None:
    """Draw meridians and parallels at round degrees, labelled at the edge."""
    spacing = _spacing(projection)
    meridians = np.arange(-180, 180, spacing)
    parallels = np.arange(-90 + spacing, 90, spacing)
    if 90 % spacing:
        parallels = np.arange(-np.floor(89 / spacing), 90 / spacing) * spacing
    lines = []
    fine = np.linspace(-90, 90, 181)
    for meridian in meridians:
        lines += project_line(projection, np.full(181, meridian), fine)
    around = np.linspace(-180, 180, 361) + projection.centre
    for parallel in parallels:
        lines += project_line(projection, around[:-1], np.full(360, parallel))
    drawn = LineCollection(
        lines, colors="0.4", linewidths=0.35, alpha=0.6, zorder=2, label="graticule"
    )
    axes.add_collection(drawn, autolim=False)
    drawn.set_clip_path(outline)
    _label(axes, projection, meridians, parallels)


def _spacing(projection: Projection) -> float:
    if isinstance(projection, PlateCarree):
        span = max(projection.half_width * 1.2, projection.north - projection.south)
        return next((s for s in (1, 2, 5, 10, 20) if span / s <= 9), 30)
    return 30


def _label(
    axes: Axes, projection: Projection, meridians: np.ndarray, parallels: np.ndarray
) -> None:
    style = {"fontsize": 7, "color": "0.3", "annotation_clip": False}
    near, points = 3, "offset points"
    if isinstance(projection, PlateCarree):
        west, _, south, _ = projection.extent
        for latitude in parallels:
            if projection.south < latitude < projection.north:
                axes.annotate(
                    latitude_text(latitude), (west, latitude), xytext=(-near, 0),
                    textcoords=points, ha="right", va="center", **style,
                )  # fmt: skip
        for longitude in meridians:
            relative = float(wrap(longitude - projection.centre))
            if abs(relative) < projection.half_width * 0.999:
                axes.annotate(
                    longitude_text(longitude), (relative * projection.stretch, south),
                    xytext=(0, -near), textcoords=points, ha="center", va="top",
                    **style,
                )  # fmt: skip
    elif isinstance(projection, Robinson | Mollweide):
        edge = projection.centre - 180 + 1e-6
        for latitude in parallels[np.abs(parallels) <= 60]:
            x, y = projection.forward(np.array(edge), np.array(latitude))
            axes.annotate(
                latitude_text(latitude), (float(x), float(y)), xytext=(-near, 0),
                textcoords=points, ha="right", va="center", **style,
            )  # fmt: skip
    elif isinstance(projection, PolarStereographic):
        sign = -1 if projection.south else 1
        for longitude in meridians[::2] if len(meridians) > 12 else meridians:
            edge = np.array(sign * projection.edge)
            x, y = projection.forward(np.array(longitude), edge)
            size = float(np.hypot(x, y))
            axes.annotate(
                longitude_text(longitude), (float(x), float(y)),
                xytext=(10 * float(x) / size, 7 * float(y) / size), textcoords=points,
                ha="center", va="center", **style,
            )  # fmt: skip


def latitude_text(latitude: float) -> str:
    """Return a latitude as on maps: ``30°N``."""
    side = "" if latitude == 0 else "N" if latitude > 0 else "S"
    return f"{abs(latitude):g}°{side}"


def longitude_text(longitude: float) -> str:
    """Return a longitude as on maps: ``60°W``."""
    wrapped = float(wrap(longitude))
    if wrapped in (0, -180):
        return f"{abs(wrapped):g}°"
    return f"{abs(wrapped):g}°{'E' if wrapped > 0 else 'W'}"
