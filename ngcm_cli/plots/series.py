"""Time series of global or regional means."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.config.values import closest
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.plots.figure import drawing, line_colour, new_axes, set_footer
from ngcm_cli.plots.hovmoller import series_of
from ngcm_cli.plots.map import style_of_field
from ngcm_cli.plots.means import area_mean
from ngcm_cli.plots.panels import set_header, source_name
from ngcm_cli.plots.provenance import footer_of, model_of
from ngcm_cli.plots.regions import find_region
from ngcm_cli.plots.scores import set_lead_axis
from ngcm_cli.plots.selection import (
    check_values,
    default_variable,
    find_field,
    select_member,
)
from ngcm_cli.plots.styles import capital, superscripts
from ngcm_cli.plots.time_axis import set_time_axis

_GLOBAL = (
    ("temperature", "K", 1.0, "Temperature on the lowest level"),
    ("surface_pressure", "hPa", 0.01, "Surface pressure"),
    ("water_vapour", "kg m⁻²", 1.0, "Water vapour in the column"),
    ("kinetic_energy", "MJ m⁻²", 1e-6, "Kinetic energy"),
)
"""Global series that are drawn by default: name, units, factor from SI, title."""


def draw_series(
    series: Mapping[str, xr.DataArray], *, axes: Axes | None = None, label: str = ""
) -> Axes:
    """Draw series against time, one colour for each source; members are thin lines.

    Args:
        series: by the name of the source, with the dimension time and perhaps
            realization, in the units shown.
        axes: where to draw; None makes a figure.
        label: title and units.
    """
    with drawing():
        _, axes = new_axes(axes, (8.0, 2.8))
        for at, (name, values) in enumerate(series.items()):
            colour, time = line_colour(at), _shown_time(values)
            shown = values.values
            if "realization" in values.dims:
                shown = values.transpose("time", "realization").values
                axes.plot(time, shown, color=colour, linewidth=0.6, alpha=0.5)
                shown = np.nanmean(shown, axis=1)
            width = 1.6 if len(time) < 400 else 0.9
            axes.plot(time, shown, color=colour, linewidth=width, label=name)
        axes.set_title(label, loc="left", fontsize=9)
        axes.margins(x=0)
    return axes


def series_figure(datasets: Sequence[xr.Dataset], config: PlotConfig) -> Figure:
    """Return the time series of global or regional means.

    Raises:
        ConfigError: what is to be drawn is not in the data.
        InputDataError: the data have one time.
    """
    panels: dict[str, dict[str, xr.DataArray]] = {}
    start = ""
    for dataset in datasets:
        name = source_name(dataset, datasets)
        if dataset.attrs["content"] == "series":
            found = _global_series(dataset, config)
        else:
            times, start = series_of(dataset, config)
            found = _area_series(times, config)
        for label, values in found.items():
            panels.setdefault(label, {})[name] = values
    with drawing():
        size = config.size or (
            8.0,
            1.2 + (1.75 if len(panels) > 1 else 2.8) * len(panels),
        )
        figure = Figure(figsize=size, layout="constrained")
        all_axes = np.atleast_1d(figure.subplots(len(panels), sharex=True))
        for axes, (label, panel) in zip(all_axes, panels.items(), strict=True):
            draw_series(panel, axes=axes, label=label)
        every = [_shown_time(x) for panel in panels.values() for x in panel.values()]
        ends = np.array([min(t.min() for t in every), max(t.max() for t in every)])
        if ends.dtype.kind == "M":
            set_time_axis(all_axes[-1].xaxis, ends)
        else:
            set_lead_axis(all_axes[-1], float(ends[1]))
        if len(datasets) > 1:
            first = list(next(iter(panels.values())))
            for axes, panel in zip(all_axes, panels.values(), strict=True):
                if axes is all_axes[0] or list(panel) != first:
                    axes.legend(loc="best", ncols=2)
        where = "global means"
        if "topic" in next(iter(datasets[0].data_vars.values())).attrs:
            where = str(datasets[0].attrs.get("title", "diagnosis"))
        if config.region is not None:
            where = f"means over {config.region}"
        parts = [start, "" if len(datasets) > 1 else model_of(datasets[0])]
        text = " · ".join(filter(None, parts))
        set_header(figure, config.title or capital(where), text)
        set_footer(figure, footer_of(*datasets))
    return figure


def _shown_time(values: xr.DataArray) -> np.ndarray:
    """Return times, and lead times in days."""
    time = values["time"].values
    return time / np.timedelta64(1, "D") if time.dtype.kind == "m" else time


def _global_series(dataset: xr.Dataset, config: PlotConfig) -> dict[str, xr.DataArray]:
    """Return global series of a climate run by their labels, in the units shown."""
    if config.region is not None:
        raise ConfigError("These are global means.", "Leave out region.")
    known = {
        name: (name, units, factor, title) for name, units, factor, title in _GLOBAL
    }
    fields = [str(name) for name in dataset.data_vars if "time" in dataset[name].dims]
    fields = [name for name in fields if "bnds" not in dataset[name].dims]
    names = config.variable or [n for n in known if n in fields] or fields[:4]
    found = {}
    for name in names:
        if name not in fields:
            raise ConfigError(
                f"{dataset.attrs['location']} has no series '{name}'.",
                closest(name, fields),
            )
        values = dataset[name].load()
        check_values(values)
        attributes = values.attrs
        title = capital(str(attributes.get("long_name", name)).replace("_", " "))
        units, factor = superscripts(str(attributes.get("units", ""))), 1.0
        if "sigma" in values.dims:
            values = values.isel(sigma=-1)
            title += " on the lowest level"
        if name in known:
            _, units, factor, title = known[name]
        label = f"{title} ({units})" if units else title
        found[label] = values.copy(data=values.values * factor)
    return found


def _area_series(times: xr.Dataset, config: PlotConfig) -> dict[str, xr.DataArray]:
    box = None if config.region is None else find_region(config.region)
    preferred = ("2m_temperature", "sea_surface_temperature", "temperature")
    names = config.variable or (default_variable(times, preferred),)
    found = {}
    for name in names:
        field = find_field(times, name, config.level)
        if config.member is not None:
            field, _ = select_member(field, config)
        if "time" not in field.dims or field.sizes["time"] < 2:
            raise InputDataError(
                f"{field.name} has one time.", "Name data of several times."
            )
        if "longitude" not in field.dims and box is not None and box[3] - box[2] < 360:
            raise ConfigError(
                "The data are zonal means, and the region is not all longitudes.",
                "Give latitudes only, such as --region=-20:20,0:360.",
            )
        means = [
            area_mean(field.isel(time=at).load(), box)
            for at in range(field.sizes["time"])
        ]
        mean = xr.concat(means, "time").rename(field.name).assign_attrs(field.attrs)
        check_values(mean)
        style = style_of_field(mean)
        found[style.axis_label] = mean.copy(data=style.shown(mean.values))
    return found
