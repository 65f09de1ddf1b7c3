"""Mean and spread of an ensemble on a map."""

from collections.abc import Sequence

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.errors import InputDataError
from ngcm_cli.plots.figure import drawing
from ngcm_cli.plots.map import draw_map, figure_size, style_of_field
from ngcm_cli.plots.panels import label_figure
from ngcm_cli.plots.projections import Projection
from ngcm_cli.plots.regions import choose_projection
from ngcm_cli.plots.selection import (
    check_values,
    default_variable,
    find_field,
    select_instant,
    split_name,
)
from ngcm_cli.plots.styles import capital


def draw_spread(
    mean: xr.DataArray,
    spread: xr.DataArray,
    *,
    axes: Axes | None = None,
    projection: Projection | None = None,
) -> Axes:
    """Draw the spread of an ensemble in colour and its mean as contours.

    Args:
        mean: with dimensions latitude and longitude, in SI units.
        spread: standard deviation of the members, on the same grid.
        axes: where to draw; None makes a figure.
        projection: of the map; None is Robinson.
    """
    spread = spread.rename(f"{mean.name}_std".replace("_mean_std", "_std"))
    return draw_map(spread, axes=axes, projection=projection, contours=mean)


def spread_figure(datasets: Sequence[xr.Dataset], config: PlotConfig) -> Figure:
    """Return the map of the mean and spread of an ensemble.

    Raises:
        ConfigError: what is to be drawn is not in the data.
        InputDataError: the data have no members and no statistics over them.
    """
    (dataset,) = datasets
    projection = choose_projection(config)
    now, when = select_instant(dataset, config)
    preferred = ("geopotential", "geopotential_mean", "temperature", "temperature_mean")
    name = config.variable[0] if config.variable else default_variable(now, preferred)
    mean, spread, members = _statistics(now, name, config)
    mean, spread = mean.load(), spread.load()
    check_values(mean)
    check_values(spread)
    with drawing():
        size = config.size or figure_size(projection)
        figure = Figure(figsize=size, layout="constrained")
        axes = draw_spread(
            mean, spread, axes=figure.add_subplot(), projection=projection
        )
        style = style_of_field(mean)
        title = f"{capital(_plain(style.title))}: ensemble spread (colour) and mean "
        title += f"(contours, {style.units})"
        label_figure(axes, dataset, config, title, when.describe(), members)
    return figure


def _plain(title: str) -> str:
    return title.removeprefix("ensemble mean of ")


def _statistics(
    now: xr.Dataset, name: str, config: PlotConfig
) -> tuple[xr.DataArray, xr.DataArray, str]:
    """Return mean, standard deviation and the number of members as text."""
    names = set(map(str, now.data_vars))
    if not name.endswith("_mean") and now.sizes.get("realization", 1) > 1:
        members = find_field(now, name, config.level).load()
        count = members.sizes["realization"]
        spread = members.std("realization", ddof=1, keep_attrs=True)
        return members.mean("realization", keep_attrs=True), spread, f"{count} members"
    base = name.removesuffix("_mean")
    mean = find_field(now, _statistic(now, base, "mean"), config.level)
    ending = str(mean.name).removesuffix("_mean") + "_std"
    if ending not in names or not str(mean.name).endswith("_mean"):
        raise InputDataError(
            f"{now.attrs.get('location', 'The data')} has one run, no ensemble.",
            "Draw a map of it.",
        )
    level = float(mean["level"]) if "level" in mean.coords else None
    return mean, find_field(now, ending, level), ""


def _statistic(now: xr.Dataset, base: str, statistic: str) -> str:
    """Return the name of a statistic of a variable, which may end in a level."""
    if f"{base}_{statistic}" in now:
        return f"{base}_{statistic}"
    means = [str(n) for n in now.data_vars if str(n).endswith(f"_{statistic}")]
    plain = now[means].rename({n: n.removesuffix(f"_{statistic}") for n in means})
    if not means:
        return base
    found, level = split_name(plain, base)
    return f"{found}_{statistic}" + ("" if level is None else f"_{level:g}")
