"""Hovmöller diagrams: time against latitude or longitude."""

import functools
from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.plots.colour_maps import colour_map
from ngcm_cli.plots.figure import drawing, new_axes
from ngcm_cli.plots.graticule import latitude_text, longitude_text
from ngcm_cli.plots.map import colour_norm, draw_colour_bar, style_of_field
from ngcm_cli.plots.means import area_mean, zonal_mean
from ngcm_cli.plots.panels import label_figure
from ngcm_cli.plots.regions import find_region
from ngcm_cli.plots.section import set_latitude_axis
from ngcm_cli.plots.selection import (
    check_values,
    default_variable,
    find_field,
    select_init,
    select_member,
    time_text,
)
from ngcm_cli.plots.styles import capital
from ngcm_cli.plots.time_axis import set_time_axis


def draw_hovmoller(
    field: xr.DataArray, *, axes: Axes | None = None, colour_bar: bool = True
) -> Axes:
    """Draw a field against time and latitude or longitude.

    With longitude, time runs downwards; with latitude, to the right.

    Args:
        field: with dimensions time, and latitude or longitude, in SI units.
        axes: where to draw; None makes a figure.
        colour_bar: whether to draw a colour bar.

    Raises:
        InputDataError: the field has no values.
    """
    check_values(field)
    style = style_of_field(field, adapt=True)
    by_latitude = "latitude" in field.dims
    place = "latitude" if by_latitude else "longitude"
    field = field.transpose("time", place)
    values = np.ma.masked_invalid(style.shown(field.values))
    time, where = field["time"].values, field[place].values
    with drawing():
        _, axes = new_axes(axes, (9.0, 4.6) if by_latitude else (6.5, 7.0))
        x, y = (time, where) if by_latitude else (where, time)
        filled = axes.contourf(
            x, y, values.T if by_latitude else values, levels=style.levels,
            cmap=colour_map(style.colours), norm=colour_norm(style),
            extend=style.extend,
        )  # fmt: skip
        axes.set_facecolor("0.85")
        axes.grid(color="0.5", linewidth=0.3, alpha=0.5)
        if by_latitude:
            set_latitude_axis(axes.yaxis, where)
            set_time_axis(axes.xaxis, time)
        else:
            axes.invert_yaxis()
            set_time_axis(axes.yaxis, time)
            span = float(np.ptp(where))
            spacing = next(s for s in (5, 10, 20, 30, 60) if span / s <= 9)
            first = np.ceil(where[0] / spacing) * spacing
            ticks = np.arange(first, where[-1] + 1e-6, spacing)
            axes.set_xticks(ticks, [longitude_text(t) for t in ticks])
        if colour_bar:
            draw_colour_bar(axes, filled, style)
    return axes


def hovmoller_figure(datasets: Sequence[xr.Dataset], config: PlotConfig) -> Figure:
    """Return the Hovmöller diagram of zonal means, or of a region along longitude.

    Raises:
        ConfigError: what is to be drawn is not in the data.
        InputDataError: the data have one time.
    """
    (dataset,) = datasets
    times, start = series_of(dataset, config)
    preferred = ("temperature", "u_component_of_wind", "sea_surface_temperature")
    name = config.variable[0] if config.variable else default_variable(times, preferred)
    field, member = select_member(find_field(times, name, config.level), config)
    if "time" not in field.dims or field.sizes["time"] < 2:
        raise InputDataError(
            f"{field.name} has one time.", "Name data of several times."
        )
    where, reduce = "zonal mean", zonal_mean
    if config.region is not None:
        if "longitude" not in field.dims:
            raise ConfigError("The data are zonal means.", "Leave out region.")
        box = find_region(config.region)
        where = f"mean of {latitude_text(box[0])} to {latitude_text(box[1])}"
        reduce = functools.partial(area_mean, box=box, along_longitude=False)
    rows = [reduce(field.isel(time=at)).load() for at in range(field.sizes["time"])]
    attributes = dict(field.attrs)
    name = str(field.name)
    field = xr.concat(rows, "time").assign_attrs(attributes).rename(name)
    with drawing():
        is_zonal = "latitude" in field.dims
        size = config.size or ((9.0, 4.8) if is_zonal else (6.5, 7.2))
        figure = Figure(figsize=size, layout="constrained")
        axes = draw_hovmoller(field, axes=figure.add_subplot())
        title = f"{capital(style_of_field(field).title)}, {where}"
        label_figure(axes, dataset, config, title, start, member)
    return figure


def series_of(dataset: xr.Dataset, config: PlotConfig) -> tuple[xr.Dataset, str]:
    """Return data along valid time, and when a forecast starts, as text."""
    for name in ("lead", "time"):
        if getattr(config, name) is not None:
            raise ConfigError(
                f"{name} is given, and the picture shows all times.", "Leave it out."
            )
    if "lead_time" not in dataset.dims:
        if config.init is not None:
            raise ConfigError(
                "init is given, and the data are no forecast.", "Leave it out."
            )
        return dataset, ""
    forecast, init = select_init(dataset, config)
    valid = init + dataset["lead_time"].values
    forecast = forecast.rename(lead_time="time").assign_coords(time=valid)
    return forecast, f"From {time_text(init)}"
