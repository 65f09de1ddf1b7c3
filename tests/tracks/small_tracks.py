"""Tracks whose every number is given."""

import numpy as np
import xarray as xr

from ngcm_cli.tracks.track_dataset import dataset_of

START = np.datetime64("2020-08-24T00", "s")
HOURS = np.timedelta64(3600, "s")


def small_tracks(paths, *, init_time=None, realizations=None, pressure=99_000.0):
    """Return tracks at 6-hourly points.

    Args:
        paths: (point, 2) latitudes and longitudes of each track.
        init_time: of a forecast.
        realizations: number of the member of each track.
        pressure: at all points, Pa.
    """
    sizes = [len(path) for path in paths]
    places = np.concatenate([np.asarray(path, float).reshape(-1, 2) for path in paths])
    span = np.concatenate([6 * np.arange(size) * HOURS for size in sizes])
    per_track = {
        "track_id": np.arange(len(paths), dtype=np.int32),
        "row_size": np.array(sizes, np.int32),
    }
    per_point = {
        "time": START + span,
        "latitude": places[:, 0],
        "longitude": places[:, 1] % 360,
        "mean_sea_level_pressure": np.full(len(places), pressure),
        "wind_speed": np.full(len(places), 20.0),
    }
    attributes = {"Conventions": "CF-1.11", "featureType": "trajectory"}
    if init_time is not None:
        per_track["init_time"] = np.full(len(paths), init_time)
        per_point["lead_time"] = per_point["time"] - init_time
        attributes["init_times"] = str(init_time)
    if realizations is not None:
        per_track["realization"] = np.array(realizations, np.int32)
        members = dict.fromkeys(realizations)
        attributes["realizations"] = np.array(list(members), np.int32)
    result: xr.Dataset = dataset_of(per_track, per_point, attributes)
    return result
