"""Tracks of cyclones on a map."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.errors import InputDataError
from ngcm_cli.plots.colour_maps import colour_map
from ngcm_cli.plots.figure import drawing, line_colour, new_axes, set_footer, set_title
from ngcm_cli.plots.map import draw_frame, figure_size
from ngcm_cli.plots.panels import source_name
from ngcm_cli.plots.projections import PlateCarree, Projection, Robinson, project_line
from ngcm_cli.plots.provenance import footer_of, model_of
from ngcm_cli.plots.regions import choose_projection
from ngcm_cli.plots.selection import time_text

_COLOURED = (
    ("wind_speed", 1.0, "Wind speed (metres per second)", (0, 60, 6), "spread"),
    ("mean_sea_level_pressure", 0.01, "Mean sea-level pressure (hectopascals)",
     (920, 1016, 8), "spread_reversed"),
)  # fmt: skip
"""Along-track values in colour: the first that is there."""


def draw_tracks(
    tracks: xr.Dataset,
    *,
    axes: Axes | None = None,
    projection: Projection | None = None,
    colour: str | None = None,
    colour_bar: bool = True,
) -> Axes:
    """Draw tracks of cyclones, in colour by wind or pressure, with a dot at each start.

    Args:
        tracks: contiguous ragged array of trajectories: ``row_size`` along ``track``,
            ``latitude`` and ``longitude`` along ``point``.
        axes: where to draw; None makes a figure.
        projection: of the map; None is Robinson.
        colour: one colour for all tracks, instead of that of the wind.
        colour_bar: whether to draw a colour bar.
    """
    projection = projection or Robinson()
    latitude, longitude = tracks["latitude"].values, tracks["longitude"].values
    ends = np.cumsum(tracks["row_size"].values.astype(int))
    known = [row for row in _COLOURED if row[0] in tracks]
    with drawing():
        figure, axes = new_axes(axes, figure_size(projection))
        outline = draw_frame(axes, projection)
        outline.set_facecolor("#eef3f7")
        segments: list[np.ndarray] = []
        values: list[float] = []
        along = None
        if known and colour is None:
            name, factor, label, (low, high, step), map_name = known[0]
            along = tracks[name].values * factor
        for start, end in zip(ends - np.diff(ends, prepend=0), ends, strict=True):
            for at in range(start, end - 1):
                pair = slice(at, at + 2)
                parts = project_line(projection, longitude[pair], latitude[pair])
                segments += parts
                value = np.nan if along is None else float(np.nanmean(along[pair]))
                values += [value] * len(parts)
        lines = LineCollection(
            segments, linewidths=1.8, zorder=5, capstyle="round", label="tracks"
        )
        bar_of = None
        if along is not None and segments:
            levels = np.arange(low, high + step / 2, step)
            is_reversed = map_name.endswith("_reversed")
            colours = colour_map(map_name.removesuffix("_reversed"))
            colours = colours.reversed() if is_reversed else colours
            lines.set_array(np.array(values))
            lines.set_cmap(colours)
            lines.set_norm(
                BoundaryNorm(levels, colours.N, extend="min" if is_reversed else "max")
            )
            under = LineCollection(segments, linewidths=2.8, colors="0.25", zorder=4.9)
            axes.add_collection(under, autolim=False)
            under.set_clip_path(outline)
            bar_of = lines, label
        else:
            lines.set_color(colour or "#D55E00")
        axes.add_collection(lines, autolim=False)
        lines.set_clip_path(outline)
        first = ends - np.diff(ends, prepend=0)
        first = first[np.diff(ends, prepend=0) > 0]
        x, y = projection.forward(longitude[first], latitude[first])
        dots = axes.scatter(
            x, y, s=16, color="white", edgecolors="0.1", linewidths=0.8, zorder=7,
            label="first point",
        )  # fmt: skip
        dots.set_clip_path(outline)
        if bar_of is not None and colour_bar:
            bar = figure.colorbar(
                bar_of[0], ax=axes, orientation="horizontal", pad=0.02, fraction=0.06,
                aspect=38, shrink=0.7,
            )  # fmt: skip
            bar.ax.grid(False)
            bar.outline.set_linewidth(0.5)
            bar.set_label(bar_of[1], fontsize=8.5)
    return axes


def region_of_tracks(datasets: Sequence[xr.Dataset]) -> Projection:
    """Return a map of where tracks are: a region, or the globe if they are all over.

    Raises:
        InputDataError: there is no track.
    """
    latitude = np.concatenate([d["latitude"].values for d in datasets])
    longitude = np.concatenate([d["longitude"].values for d in datasets])
    if not latitude.size:
        raise InputDataError("There is no track to draw.", "Name other files.")
    ordered = np.sort(longitude % 360)
    gaps = np.diff(ordered, append=ordered[0] + 360)
    widest = int(np.argmax(gaps))
    west = ordered[(widest + 1) % len(ordered)]
    width = 360 - gaps[widest]
    if width > 200:
        return Robinson(180.0)
    margin = max(8.0, 0.12 * width)
    south, north = latitude.min() - margin, latitude.max() + margin
    middle, half_height = (south + north) / 2, max((north - south) / 2, 15.0)
    half = max(width / 2 + margin, half_height * 1.4)
    south, north = max(middle - half_height, -90), min(middle + half_height, 90)
    centre = (west + width / 2 + 180) % 360 - 180
    return PlateCarree(
        float(centre), float(min(half, 179.0)), float(south), float(north)
    )


def tracks_figure(datasets: Sequence[xr.Dataset], config: PlotConfig) -> Figure:
    """Return the map of tracks of one or more files.

    Raises:
        InputDataError: there is no track.
    """
    projection = region_of_tracks(datasets)  # or it raises
    if config.region or config.projection or config.at:
        projection = choose_projection(config)
    with drawing():
        size = config.size or figure_size(projection)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        several = len(datasets) > 1
        for at, dataset in enumerate(datasets):
            draw_tracks(
                dataset, axes=axes, projection=projection,
                colour=line_colour(at) if several else None,
            )  # fmt: skip
        if several:
            handles = [
                Line2D([], [], color=line_colour(at), label=source_name(d, datasets))
                for at, d in enumerate(datasets)
            ]
            figure.legend(handles=handles, loc="outside lower center", ncols=3)
        count = sum(d.sizes["track"] for d in datasets)
        title = f"{count} cyclone track{'' if count == 1 else 's'}"
        set_title(axes, config.title or title, _when(datasets), config.size is None)
        set_footer(figure, footer_of(*datasets))
    return figure


def _when(datasets: Sequence[xr.Dataset]) -> str:
    times = np.concatenate([d["time"].values for d in datasets if "time" in d])
    parts = []
    if times.size:
        ends = (time_text(t, short=True) for t in (times.min(), times.max()))
        parts.append(" to ".join(ends))
    if len(datasets) == 1:
        parts.append(model_of(datasets[0]))
        if "realization" in datasets[0]:
            numbers = np.unique(datasets[0]["realization"].values)
            if len(numbers) > 1:
                parts.append(f"{len(numbers)} members")
    return " · ".join(parts)
