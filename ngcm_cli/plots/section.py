"""Zonal-mean sections: latitude against pressure."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.diagnosis.circulation import streamfunction_of_zonal_means
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.plots.colour_maps import colour_map
from ngcm_cli.plots.diagnosis import STREAMFUNCTION
from ngcm_cli.plots.figure import drawing, new_axes
from ngcm_cli.plots.graticule import latitude_text
from ngcm_cli.plots.map import colour_norm, draw_colour_bar
from ngcm_cli.plots.means import time_mean, zonal_mean
from ngcm_cli.plots.panels import label_figure
from ngcm_cli.plots.selection import (
    check_values,
    default_variable,
    find_field,
    select_member,
    select_time,
)
from ngcm_cli.plots.styles import Style, nice_step, style_of

TOP = 20.0  # hPa: the published models have few levels above
_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 300, 500, 700, 850, 1000)
_V = "v_component_of_wind"


def draw_section(
    field: xr.DataArray,
    *,
    axes: Axes | None = None,
    psi: xr.DataArray | None = None,
    top: float = TOP,
    colour_bar: bool = True,
) -> Axes:
    """Draw a zonal mean against latitude and pressure.

    Args:
        field: with dimensions level (hPa) and latitude (degrees), in SI units.
        axes: where to draw; None makes a figure.
        psi: mass streamfunction on the same axes, kg s-1, drawn as contours, dashed
            where it is negative.
        top: least pressure shown, hPa.
        colour_bar: whether to draw a colour bar.

    Raises:
        InputDataError: there are fewer than two levels below the top, or no values.
    """
    field = field.transpose("level", "latitude").sortby("level")
    field = field.sel(level=field["level"] >= top)
    if field.sizes["level"] < 2:
        raise InputDataError(
            f"There are fewer than two levels at {top:g} hPa and below.",
            "Give a smaller top, or data on more levels.",
        )
    check_values(field)
    style = section_style(field)
    level, latitude = field["level"].values, field["latitude"].values
    with drawing():
        _, axes = new_axes(axes, (8.0, 5.2))
        filled = axes.contourf(
            latitude, level, np.ma.masked_invalid(style.shown(field.values)),
            levels=style.levels, cmap=colour_map(style.colours),
            norm=colour_norm(style), extend=style.extend,
        )  # fmt: skip
        lines = axes.contour(
            latitude, level, np.ma.masked_invalid(style.shown(field.values)),
            levels=style.levels[::2], colors="0.3", linewidths=0.35,
            negative_linestyles="solid",
        )  # fmt: skip
        if psi is None:
            axes.clabel(lines, fontsize=6.5, fmt="%g")
        else:
            _draw_psi(axes, psi, top)
        axes.set_facecolor("0.85")
        axes.set(ylim=(float(level.max()), top), ylabel="Pressure (hPa)")
        axes.set_yscale("log")
        axes.set(ylim=(float(level.max()), max(top, float(level.min()))))
        ticks = [t for t in _TICKS if level.min() <= t <= level.max()]
        axes.yaxis.set_major_locator(FixedLocator(ticks))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_yticklabels([f"{t:g}" for t in ticks])
        set_latitude_axis(axes.xaxis, latitude)
        axes.grid(color="0.5", linewidth=0.3, alpha=0.5)
        if colour_bar:
            draw_colour_bar(axes, filled, style)
    return axes


def set_latitude_axis(axis: object, latitude: np.ndarray) -> None:
    """Set the ticks of an axis of latitudes."""
    spacing = 30 if np.ptp(latitude) > 100 else 10
    ticks = np.arange(-90, 91, spacing)
    ends = float(latitude.min()), float(latitude.max())
    ticks = ticks[(ticks >= ends[0]) & (ticks <= ends[1])]
    axis.set_ticks(ticks, [latitude_text(t) for t in ticks])  # pyright: ignore
    axis.set_view_interval(*ends, ignore=True)  # pyright: ignore


def section_style(field: xr.DataArray) -> Style:
    """Return how a section is shown: levels that suit all its pressures."""
    style = style_of(
        str(field.name), field.values, units=str(field.attrs.get("units", "")),
        long_name=str(field.attrs.get("long_name", "")),
    )  # fmt: skip
    if field.name == "temperature":
        style = dataclasses.replace(style, levels=np.arange(-88, 37, 8.0))
    return style


def _draw_psi(axes: Axes, psi: xr.DataArray, top: float) -> None:
    psi = psi.transpose("level", "latitude").sortby("level")
    psi = psi.sel(level=psi["level"] >= top)
    shown = np.ma.masked_invalid(psi.values / 1e9)
    if not shown.count():
        return
    step = nice_step(max(float(np.abs(shown).max()) / 8, 1e-6))
    levels = np.arange(1, 9) * step
    lines = axes.contour(
        psi["latitude"], psi["level"], shown, levels=[*-levels[::-1], *levels],
        colors="black", linewidths=0.9, negative_linestyles="dashed",
    )  # fmt: skip
    axes.clabel(lines, fontsize=6.5, fmt="%g")


def section_figure(datasets: Sequence[xr.Dataset], config: PlotConfig) -> Figure:
    """Return the section of a zonal mean, with the mass streamfunction if v is there.

    Raises:
        ConfigError: what is to be drawn is not in the data.
    """
    (dataset,) = datasets
    now, when = select_time(dataset, config)
    preferred = ("u_component_of_wind", "temperature")
    name = config.variable[0] if config.variable else default_variable(now, preferred)
    field, member = _zonal(find_field(now, name, keep_levels=True), config)
    if "level" not in field.dims:
        raise ConfigError(
            f"{field.name} has no levels.", "Name a variable on pressure levels."
        )
    psi = None
    if (
        config.contours != "none"
        and _V in now
        and field.name in ("u_component_of_wind", _V)
    ):
        v, _ = _zonal(now[_V], config)
        v = v.transpose("level", "latitude").sortby("level")
        flow = streamfunction_of_zonal_means(
            v.values, v["level"].values, v["latitude"].values
        )
        psi = v.copy(data=flow)
    if (
        field.name == "zonal_wind"
        and STREAMFUNCTION in now
        and config.contours != "none"
    ):
        psi, _ = _zonal(now[STREAMFUNCTION], config)  # of a diagnosis
    with drawing():
        figure = Figure(figsize=config.size or (8, 5.4), layout="constrained")
        axes = figure.add_subplot()
        draw_section(field, axes=axes, psi=psi, top=config.top or TOP)
        title = f"Zonal mean: {section_style(field).title}"
        if psi is not None:
            title += " (colour), mass streamfunction (contours, 10⁹ kg s⁻¹)"
        label_figure(axes, dataset, config, title, when.describe(), member)
    return figure


def _zonal(field: xr.DataArray, config: PlotConfig) -> tuple[xr.DataArray, str]:
    """Return a zonal mean of a member and time, or the mean of all."""
    field, member = select_member(field, config)
    field = time_mean(field, zonal_mean)
    check_values(field)
    return field, member
