"""Tracks as the text that StitchNodes of TempestExtremes writes.

Each track begins with a line ``start``, number of points, year, month, day, hour; a
line for each point follows: index of longitude, index of latitude, longitude, latitude,
further columns, year, month, day, hour. All are separated by tabulators. The file does
not name its columns: those written here are ``lon,lat,slp,wind,zs``, as far as known,
with ``vort`` for ``slp`` where vorticity was searched in data without pressure.
"""

import logging
import pathlib

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError, OutputError
from ngcm_cli.tracks.track_dataset import dataset_of, tracks_of

log = logging.getLogger(__name__)

_COLUMNS = {
    "slp": "mean_sea_level_pressure",
    "vort": "vorticity",
    "wind": "wind_speed",
    "zs": "surface_altitude",
}
_USUAL = ("slp", "wind", "zs")


def columns_of(tracks: xr.Dataset) -> tuple[str, ...]:
    """Return the names of the columns of tracks after longitude and latitude."""
    known = [name for name, variable in _COLUMNS.items() if variable in tracks]
    return tuple(name for name in known if name != "vort" or "slp" not in known)


def format_tracks(tracks: xr.Dataset) -> str:
    """Return tracks as text.

    Raises:
        OutputError: there are several forecasts or members, which the format does not
            tell apart, or times between whole hours.
    """
    init_times = str(tracks.attrs.get("init_times", "")).split()
    members = np.atleast_1d(tracks.attrs.get("realizations", []))
    if max(len(init_times), len(members)) > 1 or "source" in tracks:
        raise OutputError(
            "The text of TempestExtremes does not tell forecasts and members apart.",
            "Write NetCDF, to a name that ends with .nc, or search one of them.",
        )
    times = tracks["time"].values.astype("datetime64[s]")
    if (times != times.astype("datetime64[h]")).any():
        raise OutputError(
            "The text of TempestExtremes holds whole hours only.",
            "Write NetCDF, to a name that ends with .nc.",
        )
    names = columns_of(tracks)
    log.info(
        f"Columns, for --in_fmt of TempestExtremes: {','.join(('lon,lat', *names))}"
    )
    values = np.array([tracks[_COLUMNS[name]].values for name in names])
    places = np.array([tracks[name].values for name in ("longitude", "latitude")])
    none = np.zeros(len(times), np.int32)
    indices = [
        tracks[name].values if name in tracks else none
        for name in ("longitude_index", "latitude_index")
    ]
    dates = [_date(time) for time in times]
    lines = []
    for points in tracks_of(tracks):
        lines.append(f"start\t{points.stop - points.start}\t{dates[points.start]}")
        for p in range(points.start, points.stop):
            cells = [str(index[p]) for index in indices]
            cells += [f"{x:.6f}" for x in places[:, p]]
            cells += [f"{x:.6e}" for x in values[:, p]] if names else []
            lines.append("\t" + "\t".join([*cells, dates[p]]))
    return "".join(f"{line}\n" for line in lines)


def _date(time: np.datetime64) -> str:
    date = time.astype(object)
    return f"{date.year}\t{date.month}\t{date.day}\t{date.hour}"


def read_tracks(path: pathlib.Path, columns: tuple[str, ...] | None) -> xr.Dataset:
    """Return the tracks of a text.

    Args:
        path: of the file.
        columns: names of the columns after longitude and latitude, of which those that
            this program writes are read; None is ``slp,wind,zs``, as many as there are.

    Raises:
        InputDataError: it is no such text.
    """
    sizes: list[int] = []
    rows: list[list[float]] = []
    number = 0
    try:
        for line in path.read_text("utf-8").splitlines():
            number += 1
            cells = line.split()
            if cells[:1] == ["start"]:
                _check_full(sizes, rows)
                sizes.append(int(cells[1]))
            elif cells:
                rows.append([float(cell) for cell in cells])
                if len(rows) > sum(sizes) or len(cells) < 8:
                    raise ValueError
        number = 0
        _check_full(sizes, rows)
        if len({len(row) for row in rows}) > 1:
            raise ValueError
        width = len(rows[0]) if rows else 8
        return _dataset(sizes, np.array(rows).reshape(len(rows), width), columns)
    except InputDataError:
        raise
    except (ValueError, IndexError, UnicodeDecodeError):
        at = f": line {number}" if number else ""
        raise InputDataError(
            f"{path} is no text of tracks as TempestExtremes writes it{at}.",
            "Give the output of StitchNodes with --out_file_format gfdl.",
        ) from None


def _check_full(sizes: list[int], rows: list[list[float]]) -> None:
    if len(rows) != sum(sizes):
        raise ValueError("a track is short of points")


def _dataset(
    sizes: list[int], rows: np.ndarray, columns: tuple[str, ...] | None
) -> xr.Dataset:
    """Return the dataset of rows of numbers: i, j, lon, lat, columns, date."""
    count = rows.shape[1] - 8
    if columns is None:
        if count > len(_USUAL):
            raise InputDataError(
                f"The text has {count} columns after longitude and latitude.",
                "Name them: columns=('slp', 'wind', ...).",
            )
        columns = _USUAL[:count]
    if len(columns) != count and len(rows):
        raise InputDataError(
            f"The text has {count} columns after longitude and latitude, not "
            f"{len(columns)}.",
            "Name all of them.",
        )
    rows = rows.reshape(len(rows), 8 + len(columns))
    per_point = {
        "time": _times(rows[:, -4:]),
        "latitude": rows[:, 3],
        "longitude": rows[:, 2] % 360,
    }
    for name, values in zip(columns, rows[:, 4:-4].T, strict=True):
        if name in _COLUMNS:
            per_point[_COLUMNS[name]] = values
    per_point["latitude_index"] = rows[:, 1].astype(np.int32)
    per_point["longitude_index"] = rows[:, 0].astype(np.int32)
    per_track = {
        "track_id": np.arange(len(sizes), dtype=np.int32),
        "row_size": np.array(sizes, np.int32),
    }
    attributes = {"Conventions": "CF-1.11", "featureType": "trajectory"}
    return dataset_of(per_track, per_point, attributes)


def _times(dates: np.ndarray) -> np.ndarray:
    """Return times from rows of year, month, day and hour."""
    times = [
        np.datetime64(f"{y:04}-{m:02}-{d:02}T{h:02}:00:00", "s")
        for y, m, d, h in dates.astype(int).tolist()
    ]
    return np.array(times, "datetime64[s]")
