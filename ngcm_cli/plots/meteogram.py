"""Meteograms: forecasts at a place against time, with the plume of an ensemble."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.plots.figure import drawing, line_colour, new_axes, set_footer
from ngcm_cli.plots.graticule import latitude_text, longitude_text
from ngcm_cli.plots.hovmoller import series_of
from ngcm_cli.plots.map import style_of_field
from ngcm_cli.plots.panels import set_header, source_name
from ngcm_cli.plots.provenance import footer_of, model_of
from ngcm_cli.plots.raster import sample
from ngcm_cli.plots.selection import find_field, select_member
from ngcm_cli.plots.time_axis import set_time_axis

_PREFERRED = (
    ("2m_temperature", "t2m", "lowest_level_temperature", "t1000", "t850"),
    ("mean_sea_level_pressure", "z500", "z850"),
    ("wind_speed_1000", "wind_speed_850", "wind_speed_250"),
    ("precipitation_rate", "P_minus_E_rate", "total_column_water_vapour", "q850"),
)
"""Panels: of each the first that is there."""
_PLUME = ((10, 90, 0.18), (25, 75, 0.32))


def draw_meteogram(
    series: Mapping[str, xr.DataArray], *, axes: Axes | None = None
) -> Axes:
    """Draw a variable at a place against time, one line for each source.

    Members are a plume: the median, half of them in the darker band and eight of ten in
    the lighter one.

    Args:
        series: by the name of the source, with the dimension time and perhaps
            realization, in SI units.
        axes: where to draw; None makes a figure.
    """
    with drawing():
        _, axes = new_axes(axes, (8.0, 2.6))
        style = None
        for at, (name, values) in enumerate(series.items()):
            style = style_of_field(values)
            colour, time = line_colour(at), values["time"].values
            shown = style.shown(values.values)
            if "realization" in values.dims:
                dims = ("realization", "time")
                shown = style.shown(values.transpose(*dims).values)
                for low, high, alpha in _PLUME:
                    edges = _percentiles(shown, low, high)
                    axes.fill_between(
                        time, *edges, color=colour, alpha=alpha, linewidth=0
                    )
                (shown,) = _percentiles(shown, 50)
            axes.plot(time, shown, color=colour, label=name)
        assert style is not None
        axes.set_title(style.axis_label, loc="left", fontsize=9)
        axes.margins(x=0)
        if style.quantity.colours == "water" and axes.get_ylim()[0] < 0:
            axes.set_ylim(bottom=0)
    return axes


def _percentiles(members: np.ndarray, *percentiles: float) -> np.ndarray:
    """Return percentiles over the members that have values, (percentile, time)."""
    found = np.full((len(percentiles), members.shape[1]), np.nan)
    known = np.isfinite(members).any(axis=0)
    found[:, known] = np.nanpercentile(members[:, known], percentiles, axis=0)
    return found


def meteogram_figure(datasets: Sequence[xr.Dataset], config: PlotConfig) -> Figure:
    """Return the meteogram of a place.

    Raises:
        ConfigError: no place is given, or what is to be drawn is not in the data.
        InputDataError: the data have one time.
    """
    if config.at is None:
        raise ConfigError(
            "No place is given.", "Give its latitude and longitude: --at 52.5,13.4."
        )
    sources = [series_of(dataset, config) for dataset in datasets]
    names = config.variable or _panels(sources[0][0])
    panels: list[dict[str, xr.DataArray]] = []
    for name in names:
        panel = {}
        for dataset, (times, _) in zip(datasets, sources, strict=True):
            panel[source_name(dataset, datasets)] = _at_place(times, name, config)
        panels.append(panel)
    first = next(iter(panels[0].values()))
    with drawing():
        size = config.size or (8.0, 1.2 + 1.75 * len(panels))
        figure = Figure(figsize=size, layout="constrained")
        all_axes = np.atleast_1d(figure.subplots(len(panels), sharex=True))
        for axes, panel in zip(all_axes, panels, strict=True):
            draw_meteogram(panel, axes=axes)
        set_time_axis(all_axes[-1].xaxis, first["time"].values)
        if len(datasets) > 1:
            all_axes[0].legend(loc="upper right", ncols=2)
        where = place_text(*config.at)
        text = [sources[0][1], "" if len(datasets) > 1 else model_of(datasets[0])]
        if "realization" in first.dims:
            count = first.sizes["realization"]
            text.append(f"{count} members: median, 25–75 % and 10–90 %")
        if config.member is not None:
            text.append(f"member {config.member}")
        title = config.title or f"Forecast at {where}"
        set_header(figure, title, " · ".join(filter(None, text)))
        set_footer(figure, footer_of(*datasets))
    return figure


def place_text(latitude: float, longitude: float) -> str:
    """Return a place as text: ``52.5°N 13.4°E``."""
    return f"{latitude_text(latitude)} {longitude_text(longitude)}"


def _panels(times: xr.Dataset) -> tuple[str, ...]:
    found = []
    for candidates in _PREFERRED:
        for name in candidates:
            try:
                find_field(times.isel(time=slice(0, 1)), name)
            except ConfigError:
                continue
            found.append(name)
            break
    if not found:
        found = [str(n) for n, x in times.data_vars.items() if "latitude" in x.dims][:4]
    return tuple(found)


def _at_place(times: xr.Dataset, name: str, config: PlotConfig) -> xr.DataArray:
    """Return a variable at a place, interpolated between the points around it.

    Raises:
        ConfigError: the place is outside of the grid.
    """
    assert config.at is not None
    latitude, longitude = config.at
    near = _around(times, latitude, longitude)
    field = find_field(near, name, config.level)
    if "time" not in field.dims or field.sizes["time"] < 2:
        raise InputDataError(f"{field.name} has one time.", "Name a forecast.")
    if config.member is not None:
        field, _ = select_member(field, config)
    field = field.load()
    others = [str(d) for d in field.dims if d not in ("latitude", "longitude")]
    flat = field.transpose(*others, "latitude", "longitude")
    shape = [field.sizes[d] for d in others]
    values = np.full(shape, np.nan)
    where = np.array([[longitude]]), np.array([[latitude]])
    for at in np.ndindex(*shape):
        one = flat.isel(dict(zip(others, at, strict=True)))
        values[at] = sample(one, *where)[0, 0]
    if np.isnan(values).all():
        raise ConfigError(
            f"{name} has no value at {place_text(latitude, longitude)}.",
            "Give a place on the grid of the data.",
        )
    coordinates = {d: field[d] for d in others}
    if "level" in field.coords:
        coordinates["level"] = field["level"]
    return xr.DataArray(
        values, coordinates, others, name=field.name, attrs=dict(field.attrs)
    )


def _around(times: xr.Dataset, latitude: float, longitude: float) -> xr.Dataset:
    """Return the grid points around a place, at most four by four.

    Raises:
        ConfigError: the place is outside of the grid.
    """
    rows = np.argsort(np.abs(times["latitude"].values - latitude))[:4]
    relative = (times["longitude"].values - longitude + 180) % 360 - 180
    columns = np.argsort(np.abs(relative))[:4]
    part = times.isel(latitude=np.sort(rows))
    part = part.isel(longitude=columns).assign_coords(
        longitude=longitude + relative[columns]
    )
    part = part.sortby("longitude")
    spacing = float(np.median(np.diff(part["longitude"])))
    if np.abs(relative).min() > spacing:
        raise ConfigError(
            f"{place_text(latitude, longitude)} is outside of the grid.",
            "Give a place within it.",
        )
    return part
