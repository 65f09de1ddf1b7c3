"""A plausible Earth on a small grid: land, sea-surface temperature and ice, as a file.

Its one continent spans a third of the longitudes, so that turning it is noticed; the
sea freezes towards the poles, and has its warm water in the west.
"""

from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli import units
from ngcm_cli.forcing.read_forcing import ForcingRequest, read_forcing
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.spectral.grid import Grid

GRID = Grid.linear(15)
LONGITUDE, LATITUDE = np.rad2deg(GRID.longitude), np.rad2deg(GRID.latitude)
_EAST, _NORTH = np.meshgrid(LONGITUDE, LATITUDE, indexing="ij")
LAND = ((_EAST > 60) & (_EAST < 180) & (np.abs(_NORTH) < 55)).astype(np.float32)
MODEL_INPUTS = ModelInputs(GRID, (), (), LAND)
SST, ICE = "sea_surface_temperature", "sea_ice_cover"

TEMPERATURE = np.maximum(
    271.35, 303 - 34 * (_NORTH / 68) ** 2 + 2 * np.cos(np.deg2rad(_EAST - 200))
)
"""K, at freezing beyond about 68 degrees."""

COVER = np.clip((np.abs(_NORTH) - 68) / 10, 0, 1)
"""Ice cover where the sea is at freezing."""


def sea_file(
    path,
    temperature: Any = TEMPERATURE,
    cover: Any = COVER,
    times: Any = ("1982-07-01", "1982-07-02"),
    units_of=("K", "1"),
    names=("sst", "siconc"),
    bounds: Any = None,
    **attributes: Any,
):
    """Write fields, (longitude, latitude) or with time before, NaN on land as given.

    The attributes are of both variables; ``cover`` is None for a file without ice.
    """
    times = np.array(times, "datetime64[ns]")
    data = {}
    for name, x, unit in zip(names, (temperature, cover), units_of, strict=True):
        if x is not None:
            x = np.broadcast_to(x, (len(times), *GRID.nodal_shape)).astype("f4")
            dims = ("time", "lon", "lat")
            data[name] = (dims, x, {"units": unit, **attributes})
    lat, lon = {"units": "degrees_north"}, {"units": "degrees_east"}
    coords = {
        "time": ("time", times),
        "lat": ("lat", LATITUDE, lat),
        "lon": ("lon", LONGITUDE, lon),
    }
    dataset = xr.Dataset(data, coords)
    encoding = {name: {"_FillValue": None} for name in data}
    if bounds is not None:
        dataset["time"].attrs["bounds"] = "time_bnds"
        dataset["time_bnds"] = ("time", "nv"), np.array(bounds, "datetime64[ns]")
        for name in ("time", "time_bnds"):
            encoding[name] = {"units": "days since 1970-01-01", "dtype": "f8"}
    dataset.to_netcdf(path, encoding=encoding)
    return path


def at_sea(values):
    """Return values with NaN on land, as most files have them."""
    return np.where(LAND > 0.5, np.nan, values)


def read(path, start="1982-07-01", days=1, mode="prescribed", model=MODEL_INPUTS, **of):
    """Read the forcing of a run from a file."""
    lead = np.timedelta64(days * 86400, "s")
    request = ForcingRequest(mode, lead, str(path), **of)
    return read_forcing(request, np.datetime64(start, "s"), model)


def given(forcing, time="1982-07-01T12"):
    """Return temperature and ice as the model is given them, (longitude, latitude)."""
    fields = forcing.at_time(np.datetime64(time, "s"))
    return fields[SST][0], fields[ICE][0]


FREEZING = units.SEA_FREEZING_SI
SEA = LAND < 0.5
