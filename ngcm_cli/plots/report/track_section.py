"""The section of a report about a file of cyclone tracks."""

import pathlib
from collections.abc import Sequence

import numpy as np
import xarray as xr

from ngcm_cli.io.progress import format_size
from ngcm_cli.plots.figure import drawing, new_axes
from ngcm_cli.plots.report import attributes as attribute_texts
from ngcm_cli.plots.report.content import Figure, Part, Section, Table
from ngcm_cli.plots.report.describe import describe_place, quantity
from ngcm_cli.plots.report.pictures import MAP, png
from ngcm_cli.plots.tracks import draw_tracks, region_of_tracks
from ngcm_cli.time_format import format_time
from ngcm_cli.tracks.track_file import read_tracks

_MOST_TRACKS = 50
_ERRORS = (
    ("track_error", "Distance to the best track", "km", 1.0),
    ("pressure_error", "Pressure error", "hPa", 100.0),
    ("wind_error", "Wind error", "m s⁻¹", 1.0),
)


def track_section(path: pathlib.Path, links: Sequence[tuple[str, str]]) -> Section:
    """Return what there is to say about a file of tracks."""
    tracks = read_tracks(path)
    sizes = tracks["row_size"].values.astype(int)
    ends = np.cumsum(sizes)
    slices = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
    facts = [("Tracks", str(len(sizes))), ("Points", str(int(sizes.sum())))]
    if len(sizes) and "time" in tracks:
        times = tracks["time"].values
        first, last = format_time(times.min()), format_time(times.max())
        facts.append(("Times", f"{first} to {last}"))
    facts.append(("Size", format_size(path.stat().st_size)))
    content: list[str | Table | Figure] = []
    if len(sizes):
        content.append(_figure(tracks, len(sizes)))
        content.append(_table(tracks, slices))
        errors = _error_rows(tracks)
        if errors:
            content.append(
                Table(
                    "Errors against the best track, over all points that it has",
                    ("Quantity", "Mean", "Median", "Largest", "Points"),
                    errors,
                )
            )
    else:
        content.append("No cyclone was found.")
    return Section(
        title=attribute_texts.text(tracks.attrs, "title") or f"Tracks in {path.name}",
        facts=facts,
        command=attribute_texts.command(tracks.attrs),
        parts=[Part("Tracks", content)],
        links=links,
        limits=attribute_texts.model_limits(tracks.attrs),
        provenance=attribute_texts.provenance(tracks.attrs),
    )


def _figure(tracks: xr.Dataset, count: int) -> Figure:
    """Return the map of all tracks."""
    with drawing():
        canvas, axes = new_axes(None, MAP)
        draw_tracks(tracks, axes=axes, projection=region_of_tracks([tracks]))
    latitude = tracks["latitude"].values
    north, south = (int((sign * latitude > 0).sum()) for sign in (1, -1))
    many = "s" if count > 1 else ""
    return Figure(
        f"{count} track{many}",
        "A dot marks the first point of each.",
        f"Map of {count} track{many} of cyclones, between {latitude.min():.0f} and "
        f"{latitude.max():.0f} degrees north: {north} points on the northern "
        f"hemisphere, {south} on the southern.",
        png(canvas),
    )


def _table(tracks: xr.Dataset, slices: Sequence[slice]) -> Table:
    """Return the strongest tracks, those that last longest if there is no pressure."""
    pressures = tracks.get("mean_sea_level_pressure")
    winds = tracks.get("wind_speed")
    rows = []
    for index, points in enumerate(slices):
        times = tracks["time"].values[points]
        places = [
            describe_place(
                float(tracks["latitude"].values[points][i]),
                float(tracks["longitude"].values[points][i]),
            )
            for i in (0, -1)
        ]
        number = str(int(tracks["track_id"].values[index]))
        cells = [number, format_time(times[0]), format_time(times[-1]), *places]
        order = -float((times[-1] - times[0]) / np.timedelta64(1, "h"))
        if pressures is not None:
            least = float(np.nanmin(pressures.values[points]))
            cells.append(quantity(least / 100, "hPa"))
            order = least
        if winds is not None:
            cells.append(quantity(float(np.nanmax(winds.values[points])), "m s⁻¹"))
        rows.append((order, cells))
    rows.sort(key=lambda row: row[0])
    columns = ["Track", "First time", "Last time", "From", "To"]
    columns += ["Lowest pressure"] if pressures is not None else []
    columns += ["Highest wind"] if winds is not None else []
    by = "of the lowest pressure" if pressures is not None else "that last longest"
    caption = "Tracks"
    if len(rows) > _MOST_TRACKS:
        caption = f"The {_MOST_TRACKS} tracks of {len(rows)} {by}"
    return Table(caption, columns, [cells for _, cells in rows[:_MOST_TRACKS]])


def _error_rows(tracks: xr.Dataset) -> list[tuple[str, ...]]:
    rows = []
    for name, title, units, divisor in _ERRORS:
        if name not in tracks:
            continue
        values = tracks[name].values / divisor
        values = values[np.isfinite(values)]
        if values.size:
            largest = values[np.abs(values).argmax()]
            numbers = (values.mean(), np.median(values), largest)
            cells = (quantity(float(number), units) for number in numbers)
            rows.append((title, *cells, str(values.size)))
    return rows
