"""Spaghetti: the same contours of every member of an ensemble."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.plots.figure import drawing, line_colour, new_axes
from ngcm_cli.plots.map import draw_contours, draw_frame, figure_size, style_of_field
from ngcm_cli.plots.panels import label_figure
from ngcm_cli.plots.projections import PolarStereographic, Projection
from ngcm_cli.plots.regions import choose_projection
from ngcm_cli.plots.selection import (
    check_values,
    default_variable,
    find_field,
    select_instant,
)
from ngcm_cli.plots.styles import capital

HEIGHTS = (552.0, 576.0)
"""Contours of the geopotential height at 500 hPa, dam."""


def draw_spaghetti(
    members: xr.DataArray,
    *,
    axes: Axes | None = None,
    projection: Projection | None = None,
    levels: Sequence[float] | None = None,
) -> Axes:
    """Draw the same contours of every member, and thicker those of their mean.

    Args:
        members: with dimensions realization, latitude and longitude, in SI units.
        axes: where to draw; None makes a figure.
        projection: of the map; None is a cap around the North Pole.
        levels: of the contours, in the units shown; None chooses them.
    """
    projection = projection or PolarStereographic()
    members = members.transpose("realization", ...)
    style = style_of_field(members)
    if levels is None:
        levels = _usual_levels(members)
    with drawing():
        _, axes = new_axes(axes, figure_size(projection))
        draw_frame(axes, projection)
        mean = members.mean("realization", keep_attrs=True)
        levels = sorted(levels)
        colours = [line_colour(at) for at in range(len(levels))]
        one_by_one = [members.isel(realization=m) for m in range(len(members))]
        for at, field in enumerate([*one_by_one, mean]):
            draw_contours(
                field, axes=axes, projection=projection, levels=levels,
                colour=colours, width=0.7 if at < len(members) else 1.5, labels=False,
            )  # fmt: skip
        handles = [
            Line2D([], [], color=colour, label=f"{level:g} {style.units}")
            for level, colour in zip(levels, colours, strict=True)
        ]
        handles.append(Line2D([], [], color="0.3", lw=0.6, label="members"))
        handles.append(Line2D([], [], color="0.3", lw=1.5, label="mean"))
        axes.legend(
            handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.025),
            ncols=len(handles),
        )  # fmt: skip
    return axes


def _usual_levels(members: xr.DataArray) -> tuple[float, ...]:
    level = float(members["level"]) if "level" in members.coords else None
    if members.name == "geopotential" and level == 500:
        return HEIGHTS
    if members.name == "temperature" and level == 850:
        return (0.0, 16.0)
    style = style_of_field(members)
    shown = style.shown(members.values)
    step = style.levels[1] - style.levels[0]
    low, high = np.nanpercentile(shown, (30, 70))
    found = {round(float(x) / step) * float(step) for x in (low, high)}
    return tuple(sorted(found))


def spaghetti_figure(datasets: Sequence[xr.Dataset], config: PlotConfig) -> Figure:
    """Return the map of contours of all members.

    Raises:
        ConfigError: what is to be drawn is not in the data.
        InputDataError: the data have no members.
    """
    (dataset,) = datasets
    if dataset.sizes.get("realization", 1) < 2:
        where = dataset.attrs.get("location", "The data")
        raise InputDataError(f"{where} has no members.", "Name an ensemble, or a map.")
    is_default = config.region is None and config.projection is None
    if is_default:
        config = config.model_copy(update={"region": "northern-hemisphere"})
    projection = choose_projection(config)
    now, when = select_instant(dataset, config)
    preferred = ("geopotential", "temperature")
    name = config.variable[0] if config.variable else default_variable(now, preferred)
    members = find_field(now, name, config.level).load()
    check_values(members)
    levels = None if config.contours is None else _levels(config.contours)
    with drawing():
        size = config.size or figure_size(projection)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        draw_spaghetti(members, axes=axes, projection=projection, levels=levels)
        title = f"{capital(style_of_field(members).title)}: all members"
        count = f"{members.sizes['realization']} members"
        label_figure(axes, dataset, config, title, when.describe(), count)
    return figure


def _levels(text: str) -> tuple[float, ...]:
    try:
        levels = tuple(float(part) for part in text.split(","))
        if not levels or not np.isfinite(levels).all():
            raise ValueError
    except ValueError:
        raise ConfigError(
            f"'{text}' are not values of contours.",
            "Give numbers in the units of the picture, such as 552,576.",
        ) from None
    return levels
