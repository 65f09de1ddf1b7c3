"""Find tracks and write them, with their errors and strike probability."""

import dataclasses
import pathlib
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.config.tracks import TracksConfig
from ngcm_cli.errors import ConfigError
from ngcm_cli.inputs.sources.location import redacted
from ngcm_cli.io.progress import CountProgress
from ngcm_cli.output.dataset_file import check_output
from ngcm_cli.time_format import format_duration, format_time
from ngcm_cli.tracks.best_track import read_best_track
from ngcm_cli.tracks.find import find_tracks
from ngcm_cli.tracks.strike_probability import strike_probability
from ngcm_cli.tracks.track_dataset import tracks_of
from ngcm_cli.tracks.track_error import compare
from ngcm_cli.tracks.track_file import write_netcdf, write_tracks


@dataclasses.dataclass(frozen=True)
class SavedTracks:
    """What was found, and where it is.

    Attributes:
        tracks: in the layout that `ngcm_cli.tracks.track_file` describes.
        path: of their file.
        strike_path: of the strike probability; None if it was not asked for.
    """

    tracks: xr.Dataset
    path: pathlib.Path
    strike_path: pathlib.Path | None = None


def save_tracks(
    data: Sequence[str], config: TracksConfig, progress: CountProgress
) -> SavedTracks:
    """Find tracks and write them.

    Args:
        data: paths, URLs or names of data.
        config: the settings.
        progress: called after each time that was searched.

    Raises:
        NgcmError: a setting, the data or the output cannot be used, which is checked
            before the search.
    """
    if not data:
        raise ConfigError("No data are given.", "Name a file.")
    path = config.output or _default_path(data[0], config.output_format)
    strike_path = None
    if config.strike_radius is not None:
        strike_path = path.with_name(f"{path.stem}_strike.nc")
    for each in (path, strike_path):
        if each is not None:
            storms_file = [] if config.best_track is None else [str(config.best_track)]
            check_output(each, config.overwrite, [*data, *storms_file])
    storms = None if config.best_track is None else read_best_track(config.best_track)
    tracks = find_tracks(*data, config=config, progress=progress)
    began = tracks.attrs["history"].partition(": ")[0]
    command = config.command_line([redacted(each) for each in data])
    tracks.attrs["history"] = f"{began}: {command}"
    if storms is not None:
        tracks = compare(tracks, storms, config.match_distance)
        tracks.attrs["best_track"] = str(config.best_track)
    write_tracks(tracks, path, config.output_format)
    if config.strike_radius is not None and strike_path is not None:
        spacing = float(config.strike_grid or 1)
        write_netcdf(
            strike_probability(tracks, config.strike_radius, spacing), strike_path
        )
    return SavedTracks(tracks, path, strike_path)


def _default_path(data: str, file_format: str) -> pathlib.Path:
    """Return a name in the working directory, from that of the data."""
    stem = re.sub(r"\.\w{1,6}$", "", re.split(r"[/\\]", data.rstrip("/\\"))[-1])
    stem = re.sub(r"[^\w.-]+", "_", stem).strip("_") or "cyclone"
    return pathlib.Path(f"{stem}_tracks{'.nc' if file_format == 'netcdf' else '.txt'}")


def summarize_tracks(tracks: xr.Dataset) -> list[tuple[str, ...]]:
    """Return a table of tracks, whose first row has the headings."""
    head = ["track"]
    head += ["init"] if "init_time" in tracks else []
    head += ["member"] if "realization" in tracks else []
    head += ["storm"] if "storm_id" in tracks else []
    head += ["first time", "last time", "duration", "hPa", "m/s", "from", "to"]
    rows = [tuple(head)]
    times = tracks["time"].values
    for number, points in enumerate(tracks_of(tracks)):
        row = [str(number)]
        if "init_time" in tracks:
            row.append(format_time(tracks["init_time"].values[number]))
        if "realization" in tracks:
            row.append(str(tracks["realization"].values[number]))
        if "storm_id" in tracks:
            row.append(str(tracks["storm_id"].values[number]) or "-")
        own = times[points]
        row += [format_time(own[0]), format_time(own[-1])]
        row.append(format_duration(own[-1] - own[0]))
        row.append(_extreme(tracks, "mean_sea_level_pressure", points, 0.01, np.nanmin))
        row.append(_extreme(tracks, "wind_speed", points, 1.0, np.nanmax))
        row += [_position(tracks, points.start), _position(tracks, points.stop - 1)]
        rows.append(tuple(row))
    return rows


def _extreme(
    tracks: xr.Dataset, name: str, points: slice, factor: float, of: Callable[..., Any]
) -> str:
    if name not in tracks:
        return "-"
    values = factor * tracks[name].values[points]
    return f"{of(values):.1f}" if np.isfinite(values).any() else "-"


def _position(tracks: xr.Dataset, point: int) -> str:
    latitude = float(tracks["latitude"].values[point])
    longitude = (float(tracks["longitude"].values[point]) + 180) % 360 - 180
    north, east = "N" if latitude >= 0 else "S", "E" if longitude >= 0 else "W"
    return f"{abs(latitude):.1f}{north} {abs(longitude):.1f}{east}"
