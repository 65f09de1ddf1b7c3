"""The picture of a map: what is chosen of the data, titles and figure."""

import dataclasses

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.errors import ConfigError
from ngcm_cli.plots.figure import drawing, set_footer, set_title
from ngcm_cli.plots.map import draw_map, figure_size, style_of_field
from ngcm_cli.plots.means import time_mean
from ngcm_cli.plots.projections import Projection
from ngcm_cli.plots.provenance import footer_of, model_of
from ngcm_cli.plots.raster import sample
from ngcm_cli.plots.regions import choose_projection
from ngcm_cli.plots.selection import (
    When,
    check_values,
    default_variable,
    find_field,
    select_member,
    select_time,
)
from ngcm_cli.plots.styles import capital

_PREFERRED = (
    *("temperature", "2m_temperature", "sea_surface_temperature", "geopotential"),
    *("temperature_mean", "geopotential_mean"),
)

_WITH_LINES = ("geopotential", "mean_sea_level_pressure", "zg")
"""Drawn with their own contours, as on weather charts."""


@dataclasses.dataclass(frozen=True, eq=False)
class Layers:
    """The fields of a map at one time.

    Attributes:
        field: in colour.
        contours: in contours, or None.
        wind: components, or None.
        when: which time they are of.
        member: which member they are of, as text, or empty.
    """

    field: xr.DataArray
    contours: xr.DataArray | None
    wind: tuple[xr.DataArray, xr.DataArray] | None
    when: When
    member: str


def map_figure(
    dataset: xr.Dataset, config: PlotConfig, minus: xr.Dataset | None = None
) -> Figure:
    """Return the map of a field, or of its difference from that of other data.

    Raises:
        ConfigError: what is to be drawn is not in the data.
        InputDataError: a field has no finite value.
    """
    projection = choose_projection(config)
    layers = read_layers(dataset, config)
    other = ""
    if minus is not None:
        layers, other = _difference(layers, minus, config)
    return draw_layers(layers, dataset, config, projection, minus, other)


def draw_layers(
    layers: Layers,
    dataset: xr.Dataset,
    config: PlotConfig,
    projection: Projection,
    minus: xr.Dataset | None = None,
    other: str = "",
) -> Figure:
    """Return the figure of the layers of a map."""
    is_difference = minus is not None
    style = style_of_field(layers.field, is_difference=is_difference)
    with drawing():
        figure = Figure(
            figsize=config.size or figure_size(projection), layout="constrained"
        )
        axes = figure.add_subplot()
        draw_map(
            layers.field, axes=axes, projection=projection, contours=layers.contours,
            wind=layers.wind, barbs=config.wind == "barbs",
            is_difference=is_difference, style=style,
        )  # fmt: skip
        title = capital(style.title)
        lines = None if layers.contours is None else style_of_field(layers.contours)
        if lines is not None and lines.title != style.title:
            title += f" (colour), {lines.title} (contours, {lines.units})"
        if layers.wind is not None:
            level = layers.wind[0].coords.get("level")
            title += ", wind" + ("" if level is None else f" at {float(level):g} hPa")
        source = model_of(dataset) + (f" minus {other}" if other else "")
        parts = (layers.when.describe(), source, layers.member)
        set_title(
            axes,
            config.title or title,
            " · ".join(filter(None, parts)),
            config.size is None,
        )
        set_footer(figure, footer_of(dataset, *([] if minus is None else [minus])))
    return figure


def read_layers(dataset: xr.Dataset, config: PlotConfig) -> Layers:
    """Read the fields of a map at one time.

    Raises:
        ConfigError: they are not in the data.
    """
    now, when = select_time(dataset, config)
    if config.variable and len(config.variable) > 1:
        raise ConfigError(
            "A map shows one variable in colour.",
            "Give one variable, and another as contours.",
        )
    name = config.variable[0] if config.variable else default_variable(now, _PREFERRED)
    field, member = _reduced(find_field(now, name, config.level), config)
    lines = config.contours
    is_default = config.variable is None and config.minus is None
    if lines is None and is_default and name.startswith("temperature"):
        second = name.replace("temperature", "geopotential")
        has_500 = "level" in now.dims and 500 in now["level"].values
        lines = f"{second}_500" if second in now and has_500 else None
    if lines is None and config.minus is None and field.name in _WITH_LINES:
        lines = name if config.variable else str(field.name)
    contours = None
    if lines is not None and lines.lower() != "none":
        contours, _ = _reduced(find_field(now, lines, config.level), config)
    wind = None
    if config.wind is not None:
        level = config.level
        if level is None and "level" in field.coords:
            level = float(field["level"])
        wind = _wind(now, config, level)
    return Layers(field, contours, wind, when, member)


def _wind(
    now: xr.Dataset, config: PlotConfig, level: float | None
) -> tuple[xr.DataArray, xr.DataArray]:
    pairs = [
        ("u_component_of_wind", "v_component_of_wind"),
        ("u_component_of_wind_mean", "v_component_of_wind_mean"),
    ]
    near_ground = ("10m_u_component_of_wind", "10m_v_component_of_wind")
    if level is None:  # with a field of the surface
        pairs.insert(0, near_ground)
        level = 850.0
    else:
        pairs.append(near_ground)
    for names in pairs:
        if set(names) <= set(map(str, now.data_vars)):
            u, v = (_reduced(find_field(now, x, level), config)[0] for x in names)
            return u, v
    raise ConfigError("The data have no wind.", "Leave out wind.")


def _reduced(field: xr.DataArray, config: PlotConfig) -> tuple[xr.DataArray, str]:
    """Return a field of latitude and longitude: of a member or time, or their mean."""
    field, member = select_member(field, config)
    others = set(map(str, field.dims)) - {"time", "latitude", "longitude"}
    if others:
        raise ConfigError(
            f"{field.name} has the dimension {sorted(others)[0]}, which a map cannot "
            "show.",
            "Name another variable.",
        )
    field = time_mean(field)
    check_values(field)
    return field, member


def _difference(
    layers: Layers, minus: xr.Dataset, config: PlotConfig
) -> tuple[Layers, str]:
    """Return layers whose field is the difference, and what was subtracted.

    The other field is of the same valid time, and interpolated to the same grid.
    """
    same = config
    if layers.when.valid is not None and {"time", "lead_time"} & set(minus.dims):
        has_both = "lead_time" in minus.dims and layers.when.lead is not None
        change = {"lead": None, "time": layers.when.valid}
        if has_both and layers.when.init not in minus["init_time"].values:
            change["init"] = None  # another forecast for the same time
        same = config.model_copy(update=change)
    elif layers.when.valid is None and "lead_time" not in minus.dims:
        same = config.model_copy(update={"lead": None})
    name = str(layers.field.name)
    level = float(layers.field["level"]) if "level" in layers.field.coords else None
    now, _ = select_time(minus, same)
    member = same if "realization" in minus.dims else same.model_copy(
        update={"member": None}
    )  # fmt: skip
    other, _ = _reduced(find_field(now, name, level), member)
    field = layers.field
    is_same_grid = all(
        other.sizes[d] == field.sizes[d] and np.allclose(other[d], field[d], atol=1e-4)
        for d in ("latitude", "longitude")
    )
    note = ""
    if not is_same_grid:
        places = np.meshgrid(field["longitude"].values, field["latitude"].values)
        is_component = name.startswith(("u_component", "v_component"))
        values = sample(other, *places, is_component=is_component)
        note = " (interpolated)"
    else:
        values = other.transpose(*field.dims).values
    changed = field.copy(data=field.values - values)
    return dataclasses.replace(layers, field=changed), f"{model_of(minus)}{note}"
