"""Stores in the layout in which Google publishes forecasts, made of runs of ours.

As in ``gs://weatherbench2/datasets``: Zarr format 2 with consolidated metadata; initial
times are ``time``, lead times ``prediction_timedelta`` in hours, members
``realization``; longitudes come before latitudes.
"""

import pathlib

import numpy as np
import xarray as xr

from ngcm_cli.inputs.gridded import open_gridded


def published(forecast: pathlib.Path | str) -> xr.Dataset:
    """Return forecasts of ours, in memory, in the layout of WeatherBench 2."""
    with open_gridded(str(forecast)) as ours:
        data = ours.load()
    data = data.rename(init_time="time", lead_time="prediction_timedelta")
    hours = data["prediction_timedelta"].values // np.timedelta64(1, "h")
    data = data.assign_coords(
        prediction_timedelta=("prediction_timedelta", hours.astype(np.int64))
    )
    data["prediction_timedelta"].attrs["units"] = "hours"
    for array in data.data_vars.values():
        array.attrs = {}  # also no units: values tell them
    data.attrs = {}
    return data.transpose(..., "level", "longitude", "latitude")


def write(data: xr.Dataset, path: pathlib.Path) -> str:
    """Write a store and return its path."""
    data = data.copy()
    for variable in data.variables.values():
        variable.encoding = {}
    data.to_zarr(path, zarr_format=2, consolidated=True, mode="w")
    return str(path)
