"""Errors of tracks against best tracks, in position and intensity."""

import numpy as np
import xarray as xr

from ngcm_cli.tracks.best_track import Storm
from ngcm_cli.tracks.great_circle import (
    EARTH_RADIUS,
    along_and_cross_track,
    angle_between,
    great_circle_distance,
    unit_vectors,
)
from ngcm_cli.tracks.track_dataset import ATTRIBUTES, tracks_of

ERRORS = {
    "track_error": "",
    "along_track_error": "",
    "cross_track_error": "",
    "pressure_error": "mean_sea_level_pressure",
    "wind_error": "wind_speed",
}
"""Errors along tracks, and the variable that is needed for each."""


def compare(
    tracks: xr.Dataset, storms: list[Storm], match_distance: float = 500.0
) -> xr.Dataset:
    """Return tracks with their errors against best tracks.

    In every forecast and member a storm is matched with one track at most: the one that
    is nearest at the first time that both have, if it is near enough. Pairs with the
    smallest distance are matched first.

    Args:
        tracks: in the layout that `ngcm_cli.tracks.track_file` describes.
        storms: best tracks.
        match_distance: km, the largest distance of a matched pair at their first common
            time.

    Returns:
        The tracks with ``storm_id`` and the errors, NaN where there are none.
    """
    points = tracks_of(tracks)
    matched = _match(tracks, points, storms, match_distance)
    columns = {
        name: np.full(tracks.sizes["point"], np.nan)
        for name, needed in ERRORS.items()
        if not needed or needed in tracks
    }
    for number, storm in matched.items():
        own, other = _common(tracks, points[number], storm)
        for name, values in _errors(tracks, own, storm, other).items():
            columns[name][own] = values
    names = [matched[i].name if i in matched else "" for i in range(len(points))]
    new = {name: ("point", values) for name, values in columns.items()}
    new["storm_id"] = ("track", np.array(names, dtype=object))
    result = tracks.assign(new)
    for name in new:
        result[name].attrs.update(ATTRIBUTES[name])
    result.attrs["match_distance"] = f"{match_distance:g} km"
    return result


def _match(
    tracks: xr.Dataset, points: list[slice], storms: list[Storm], limit: float
) -> dict[int, Storm]:
    """Return the storm of each track that has one."""
    latitude, longitude = tracks["latitude"].values, tracks["longitude"].values
    keys = [
        tracks[name].values
        for name in ("init_time", "realization", "source")
        if name in tracks
    ]
    times, pairs = tracks["time"].values, []
    for number, own in enumerate(points):
        begin, end = times[own][[0, -1]]
        for storm in storms:
            if storm.times[-1] < begin or storm.times[0] > end:
                continue  # most storms of all years: quick
            mine, other = _common(tracks, own, storm)
            if not len(mine):
                continue
            distance = EARTH_RADIUS * np.radians(
                great_circle_distance(
                    latitude[mine[0]],
                    longitude[mine[0]],
                    storm.latitude[other[0]],
                    storm.longitude[other[0]],
                )
            )
            if distance <= limit:
                pairs.append((float(distance), number, storm))
    matched: dict[int, Storm] = {}
    taken = set()
    for _, number, storm in sorted(pairs, key=lambda pair: pair[:2]):
        forecast = (storm.name, *(key[number] for key in keys))
        if number not in matched and forecast not in taken:
            matched[number] = storm
            taken.add(forecast)
    return matched


def _common(
    tracks: xr.Dataset, points: slice, storm: Storm
) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of a track and of a storm at the times that both have."""
    times = tracks["time"].values[points].astype("datetime64[s]")
    _, mine, other = np.intersect1d(times, storm.times, return_indices=True)
    return mine + points.start, other


def _errors(
    tracks: xr.Dataset, own: np.ndarray, storm: Storm, other: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the errors of points of a track against those of a storm."""
    places = (tracks[name].values[own] for name in ("latitude", "longitude"))
    position = unit_vectors(*places)
    observed = unit_vectors(storm.latitude, storm.longitude)
    before = _earlier(observed)
    along, across = along_and_cross_track(before[other], observed[other], position)
    distance = angle_between(position, observed[other])
    scale = EARTH_RADIUS * np.pi / 180
    errors = {
        "track_error": scale * distance,
        "along_track_error": scale * along,
        "cross_track_error": scale * across,
    }
    for name, needed, truth in (
        ("pressure_error", "mean_sea_level_pressure", storm.pressure),
        ("wind_error", "wind_speed", storm.wind),
    ):
        if needed in tracks:
            errors[name] = tracks[needed].values[own] - truth[other]
    return errors


def _earlier(points: np.ndarray) -> np.ndarray:
    """Return for each point one that the motion through it comes from, (point, 3).

    It is the last earlier point elsewhere. For those without one, it is the reflection
    of the first later point elsewhere; NaN if the storm never moves.
    """
    before = np.full_like(points, np.nan)
    for k, point in enumerate(points):
        is_elsewhere = angle_between(points, point) > 1e-6
        earlier = np.flatnonzero(is_elsewhere[:k])
        later = np.flatnonzero(is_elsewhere)
        if earlier.size:
            before[k] = points[earlier[-1]]
        elif later.size:
            end = points[later[0]]
            before[k] = 2 * (point @ end) * point - end
    return before


def summarize_errors(tracks: xr.Dataset) -> list[tuple[str, ...]]:
    """Return a table of mean errors by lead time, or of all points of records.

    The first row has the headings; the number of points is that with a track error.
    """
    if "lead_time" in tracks:
        hours = tracks["lead_time"].values / np.timedelta64(1, "h")
    else:
        hours = np.zeros(tracks.sizes["point"])
    titles = {
        "track_error": ("track km", 1.0),
        "along_track_error": ("along km", 1.0),
        "cross_track_error": ("across km", 1.0),
        "pressure_error": ("pressure hPa", 0.01),
        "wind_error": ("wind m/s", 1.0),
    }
    shown = {name: x for name, x in titles.items() if name in tracks}
    is_compared = ~np.isnan(tracks["track_error"].values)
    rows = [("lead", "points", *(title for title, _ in shown.values()))]
    for hour in np.unique(hours[is_compared]):
        at = is_compared & (hours == hour)
        cells = []
        for name, (_, factor) in shown.items():
            values = tracks[name].values[at]
            known = values[~np.isnan(values)]
            cells.append(f"{factor * known.mean():.1f}" if known.size else "-")
        lead = f"{hour:g}h" if "lead_time" in tracks else "all"
        rows.append((lead, str(at.sum()), *cells))
    return rows
