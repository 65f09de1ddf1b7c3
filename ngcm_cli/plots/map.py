"""Maps: fields in colour, contours, wind, coastlines."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import BoundaryNorm
from matplotlib.patches import Polygon
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from ngcm_cli.plots.coastlines import project_coastlines
from ngcm_cli.plots.colour_maps import colour_map
from ngcm_cli.plots.figure import drawing, new_axes
from ngcm_cli.plots.graticule import draw_graticule
from ngcm_cli.plots.projections import (
    PlateCarree,
    PolarStereographic,
    Projection,
    Robinson,
)
from ngcm_cli.plots.raster import places_for_arrows, raster, sample
from ngcm_cli.plots.styles import Style, style_of

_COMPONENTS = ("u_component_of_wind", "v_component_of_wind")
_HIGHEST = 7.5  # inches of a map
_CORNERS = np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)])
Wind = tuple[xr.DataArray, xr.DataArray]


def draw_map(
    field: xr.DataArray,
    *,
    axes: Axes | None = None,
    projection: Projection | None = None,
    contours: xr.DataArray | None = None,
    wind: Wind | None = None,
    barbs: bool = False,
    is_difference: bool = False,
    style: Style | None = None,
    colour_bar: bool = True,
) -> Axes:
    """Draw a field in colour on a map with coastlines, and return the axes.

    Args:
        field: with dimensions latitude and longitude, in SI units; its name, its
            coordinate ``level`` and its attributes choose units, levels and colours.
        axes: where to draw; None makes a figure.
        projection: of the map; None is Robinson.
        contours: second field, drawn as contours.
        wind: eastward and northward component, m s-1, drawn as arrows or barbs.
        barbs: whether wind is drawn as barbs.
        is_difference: whether the field is a difference, with colours centred at zero.
        style: how the field is shown; None follows from the field.
        colour_bar: whether to draw a colour bar below the map.
    """
    projection = projection or Robinson()
    style = style or style_of_field(field, is_difference=is_difference)
    with drawing():
        figure, axes = new_axes(axes, figure_size(projection))
        outline = draw_frame(axes, projection)
        x, y, values = _shown(field, projection, style)
        colours = colour_map(style.colours)
        norm = colour_norm(style)
        filled = axes.contourf(
            x, y, np.ma.masked_invalid(values), levels=style.levels, cmap=colours,
            norm=norm, extend=style.extend, zorder=1,
        )  # fmt: skip
        filled.set_clip_path(outline)
        filled.set_rasterized(True)  # or SVG and PDF have megabytes of polygons
        if not np.isfinite(values).all():
            outline.set_facecolor("0.85")
        if contours is not None:
            draw_contours(contours, axes=axes, projection=projection)
        if wind is not None:
            draw_wind(wind, axes=axes, projection=projection, barbs=barbs)
        if colour_bar:
            draw_colour_bar(axes, filled, style)
    return axes


def style_of_field(
    field: xr.DataArray, *, is_difference: bool = False, adapt: bool = False
) -> Style:
    """Return how a field is shown, by its name, level, units and values."""
    level = field.coords.get("level")
    return style_of(
        str(field.name or ""),
        field.values,
        level=None if level is None or level.ndim else float(level),
        units=str(field.attrs.get("units", "")),
        long_name=str(field.attrs.get("long_name", "")),
        is_difference=is_difference,
        adapt=adapt,
    )


def figure_size(projection: Projection) -> tuple[float, float]:
    """Return width and height in inches that suit the shape of a map."""
    west, east, south, north = projection.extent
    ratio = (north - south) / (east - west)
    width, above_and_below = (9.0, 1.3) if ratio < 0.8 else (6.5, 1.15)
    width = max(min(width, _HIGHEST / ratio), 4.0)
    return width, min(width * ratio, 2 * _HIGHEST) + above_and_below


def colour_norm(style: Style) -> BoundaryNorm:
    """Return which colour a value has: one for each interval of levels."""
    size = colour_map(style.colours).N
    extend: Any = style.extend
    return BoundaryNorm(style.levels, size, extend=extend)


def draw_frame(axes: Axes, projection: Projection) -> Polygon:
    """Draw coastlines, graticule and outline of a map, and return the outline."""
    west, east, south, north = projection.extent
    # Around a cap are the labels of the meridians.
    pad = 0.035 if isinstance(projection, PolarStereographic) else 0.004
    pad_x, pad_y = pad * (east - west), pad * (north - south)
    axes.set(
        xlim=(west - pad_x, east + pad_x), ylim=(south - pad_y, north + pad_y),
        aspect="equal",
    )  # fmt: skip
    axes.axis("off")
    points = projection.outline()
    background = Polygon(points, facecolor="white", edgecolor="none", zorder=0)
    axes.add_patch(background)
    axes.add_patch(Polygon(points, fill=False, edgecolor="0.25", lw=0.9, zorder=6))
    coast = LineCollection(
        project_coastlines(projection), colors="0.15", linewidths=0.6, zorder=3,
        label="coastline", capstyle="round", joinstyle="round",
    )  # fmt: skip
    axes.add_collection(coast, autolim=False)
    coast.set_clip_path(background)
    draw_graticule(axes, projection, background)
    return background


def draw_contours(
    field: xr.DataArray,
    *,
    axes: Axes,
    projection: Projection,
    levels: Sequence[float] | np.ndarray | None = None,
    colour: str | Sequence[str] = "black",
    width: float = 0.8,
    labels: bool = True,
) -> Any:
    """Draw a field as contours on a map, and return them; None if it has none.

    Args:
        field: with dimensions latitude and longitude, in SI units.
        axes: of the map.
        projection: of the map.
        levels: in the units shown; None chooses them by variable and level.
        colour: of the lines, or of each level.
        width: of the lines, points.
        labels: whether values are written on every other line.
    """
    style = style_of_field(field)
    x, y, values = _shown(field, projection, style)
    if levels is None:
        levels = contour_levels(values, style.step)
    finite, known = values[np.isfinite(values)], np.asarray(levels, np.float64)
    if not (
        (known >= finite.min(initial=np.inf)) & (known <= finite.max(initial=-np.inf))
    ).any():
        return None  # the field is nearly the same everywhere, or missing
    every_second = np.asarray(levels) / (2 * style.step)
    is_thick = np.isclose(every_second, np.round(every_second))
    lines = axes.contour(
        x, y, np.ma.masked_invalid(values), levels=levels, colors=colour,
        linewidths=np.where(is_thick, width, width * 0.55) if labels else width,
        zorder=4,
    )  # fmt: skip
    outline = next(p for p in axes.patches if p.get_zorder() == 0)
    lines.set_clip_path(outline)
    west, east, _, _ = projection.extent
    if labels:
        texts = axes.clabel(lines, np.asarray(levels)[is_thick], fontsize=6.5, fmt="%g")
        inside = Path(projection.outline())
        for text in texts or ():
            around = np.array(text.get_position()) + (east - west) / 60 * _CORNERS
            if not inside.contains_points(around).all():
                text.set_visible(False)
                continue
            text.set_path_effects([withStroke(linewidth=1.6, foreground="white")])
            text.set_clip_on(True)
            text.set_clip_path(outline)
    return lines


def contour_levels(values: np.ndarray, step: float) -> np.ndarray:
    """Return multiples of a step within the range of values, at most forty."""
    finite = np.ma.masked_invalid(values).compressed()
    if not finite.size:
        return np.array([])
    low, high = finite.min(), finite.max()
    while (high - low) / step > 40:
        step *= 2
    return np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step


def draw_wind(
    wind: Wind, *, axes: Axes, projection: Projection, barbs: bool = False
) -> Any:
    """Draw wind as arrows or barbs on a map, and return them.

    Barbs are in knots: half a barb is 5, a barb 10, a pennant 50.
    """
    west, east, south, north = projection.extent
    # A region or a cap is not wider than it is high; arrows keep their distance.
    count = 38 if (east - west) > 1.5 * (north - south) else 24
    x, y = places_for_arrows(projection, count)
    longitude, latitude = projection.inverse(x, y)
    u, v = (sample(c, longitude, latitude, is_component=True) for c in wind)
    along_x, along_y = _direction(projection, longitude, latitude, u, v)
    speed = np.hypot(u, v)
    keep = np.isfinite(speed) & np.isfinite(along_x) & np.isfinite(along_y)
    x, y, speed = x[keep], y[keep], speed[keep]
    length = np.maximum(np.hypot(along_x, along_y)[keep], 1e-30)
    along_x, along_y = along_x[keep] / length * speed, along_y[keep] / length * speed
    if barbs:
        south_of = latitude[keep] < 0
        knots = 1.943844
        return axes.barbs(
            x, y, along_x * knots, along_y * knots, length=4.2, linewidth=0.45,
            flip_barb=south_of, zorder=5,
        )  # fmt: skip
    fast = float(np.percentile(speed, 98)) if speed.size else 1.0
    reference = float(f"{max(fast, 1e-6):.1g}")
    spacing = (east - west) / count
    is_box = isinstance(projection, PlateCarree)
    arrows = axes.quiver(
        x, y, along_x, along_y, angles="xy", units="xy", zorder=5, color="0.1",
        scale=reference / (1.25 * spacing), scale_units="xy", width=spacing * 0.055,
        headwidth=4, headlength=4.5, headaxislength=4, minlength=0.6, pivot="mid",
    )  # fmt: skip
    axes.quiverkey(
        arrows, 0.94, -0.075 if is_box else 0.0, reference, f"{reference:g} m s⁻¹",
        labelpos="W" if is_box else "N", labelsep=0.05, fontproperties={"size": 7.5},
    )  # fmt: skip
    return arrows


def _direction(
    projection: Projection,
    longitude: np.ndarray,
    latitude: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the direction of wind on the map: where a small step leads."""
    speed = np.maximum(np.hypot(u, v), 1e-30)
    small = 1e-3  # degrees
    east = small * u / speed / np.maximum(np.cos(np.radians(latitude)), 1e-6)
    north = small * v / speed
    there = projection.forward(longitude + east, np.clip(latitude + north, -90, 90))
    back = projection.forward(longitude - east, np.clip(latitude - north, -90, 90))
    return there[0] - back[0], there[1] - back[1]


def draw_colour_bar(
    axes: Axes,
    filled: Any,
    style: Style,
    orientation: Literal["horizontal", "vertical"] = "horizontal",
) -> Any:
    """Draw a colour bar with the title and units of a field, and return it."""
    figure: Any = axes.figure
    is_flat = orientation == "horizontal"
    bar = figure.colorbar(
        filled, ax=axes, orientation=orientation, pad=0.02, fraction=0.06,
        aspect=38 if is_flat else 26, shrink=0.7 if is_flat else 0.95,
        ticks=_ticks(style.levels), extendfrac=0.03, drawedges=False,
    )  # fmt: skip
    bar.outline.set_linewidth(0.5)
    bar.ax.grid(False)
    bar.ax.tick_params(labelsize=8, length=2.5, width=0.5)
    bar.set_label(style.label, fontsize=8.5)
    return bar


def _ticks(levels: np.ndarray) -> np.ndarray:
    """Return every level, or every second or third where there are many."""
    step = max(1, int(np.ceil(len(levels) / 17)))
    return levels[::step]


def _shown(
    field: xr.DataArray, projection: Projection, style: Style
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    is_component = str(field.name).startswith(_COMPONENTS)
    x, y, values = raster(field, projection, is_component=is_component)
    return x, y, style.shown(values)
