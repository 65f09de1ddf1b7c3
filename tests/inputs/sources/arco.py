"""Stores in the layout of ARCO-ERA5, the public analysis-ready copy of ERA5.

As in ``gs://gcp-public-data-arco-era5/ar/full_37-1h-0p25deg-chunk-1.zarr-v3``: Zarr
format 2 with consolidated metadata, an hour and all levels in a chunk, latitudes from
north to south, hours since 1900 that run further than the data. Chunks that nobody
wrote are not there, in the original, too.
"""

import datetime
import pathlib
from collections.abc import Sequence

import numpy as np
import zarr
from numcodecs import Blosc

from ngcm_cli.inputs.variables import VARIABLES

LEVELS = (
    1, 2, 3, 5, 7, 10, 20, 30, 50, 70, 100, 125, 150, 175, 200, 225, 250, 300, 350,
    400, 450, 500, 550, 600, 650, 700, 750, 775, 800, 825, 850, 875, 900, 925, 950, 975,
    1000,
)  # fmt: skip
UPPER_AIR = (
    "geopotential",
    "specific_cloud_ice_water_content",
    "specific_cloud_liquid_water_content",
    "specific_humidity",
    "temperature",
    "u_component_of_wind",
    "v_component_of_wind",
)
SURFACE = ("sea_ice_cover", "sea_surface_temperature")
EPOCH = datetime.datetime(1900, 1, 1)


def build(
    folder: pathlib.Path,
    *,
    resolution: float = 10.0,
    variables: Sequence[str] = UPPER_AIR + SURFACE,
    times: Sequence[str] = ("2020-01-01T00",),
    levels: Sequence[int] = LEVELS,
    beyond: int = 0,
    seed: int = 0,
) -> pathlib.Path:
    """Write a store; no more than one variable at one time is held in memory.

    Args:
        folder: of the store, which must not be there.
        resolution: degrees between points; ERA5 has 0.25.
        variables: ERA5 long names.
        times: whole hours at which there are data.
        levels: in hPa.
        beyond: hours that the time axis goes on for without data.
        seed: of the weather.
    """
    latitude = np.linspace(90, -90, round(180 / resolution) + 1, dtype=np.float32)
    longitude = np.arange(0, 360, resolution, dtype=np.float32)
    hours = [_hours(time) for time in times]
    axis = np.array(hours + [hours[-1] + n + 1 for n in range(beyond)])
    root = zarr.open_group(folder, mode="w-", zarr_format=2)
    last = datetime.datetime.fromisoformat(times[-1])
    root.attrs.update(
        {
            "valid_time_start": times[0][:10],
            "valid_time_stop": str(last.date()),
            "valid_time_stop_era5t": str(last.date()),
            "last_updated": f"{last}+00:00",
        }
    )
    since = {
        "units": "hours since 1900-01-01",
        "calendar": "proleptic_gregorian",
    }
    _coordinate(root, "time", axis.astype(np.int64), since)
    _coordinate(root, "level", np.array(levels, np.int64), {})
    _coordinate(root, "latitude", latitude, {"units": "degrees_north"})
    _coordinate(root, "longitude", longitude, {"units": "degrees_east"})
    rng = np.random.default_rng(seed)
    for name in variables:
        column = (len(levels),) if VARIABLES[name].on_levels else ()
        shape = *column, len(latitude), len(longitude)
        array = root.create_array(
            name,
            shape=(len(axis), *shape),
            chunks=(1, *shape),
            dtype=np.float32,
            fill_value=np.nan,
            compressors=Blosc(cname="lz4", clevel=5, shuffle=Blosc.SHUFFLE),
            attributes={
                "_ARRAY_DIMENSIONS": [
                    "time",
                    *(["level"] if column else []),
                    "latitude",
                    "longitude",
                ],
                "long_name": name.replace("_", " ").capitalize(),
                "short_name": VARIABLES[name].aliases[0],
                "units": _UNITS.get(name, VARIABLES[name].units),
            },
        )
        for index in range(len(times)):
            array[index] = _weather(name, np.array(levels), latitude, longitude, rng)
    zarr.consolidate_metadata(folder, zarr_format=2)
    return folder


def index(time: str, times: Sequence[str]) -> int:
    """Where on the axis a time is, and so what its chunks are called."""
    return list(times).index(time)


_UNITS = {"sea_ice_cover": "(0 - 1)", "geopotential": "m**2 s**-2"}


def _hours(time: str) -> int:
    since = datetime.datetime.fromisoformat(time) - EPOCH
    return since // datetime.timedelta(hours=1)


def _coordinate(root: zarr.Group, name: str, values: np.ndarray, attributes) -> None:
    array = root.create_array(
        name,
        shape=values.shape,
        chunks=values.shape,
        dtype=values.dtype,
        fill_value=np.nan if values.dtype.kind == "f" else None,
        compressors=Blosc(cname="lz4", clevel=5, shuffle=Blosc.SHUFFLE),
        attributes={"_ARRAY_DIMENSIONS": [name], **attributes},
    )
    array[:] = values


def _weather(name, levels, latitude, longitude, rng) -> np.ndarray:
    """Fields that look like the atmosphere: smooth, in range, hydrostatic in order."""
    south_north = np.cos(np.deg2rad(latitude))[:, None].astype(np.float32)
    waves = np.cos(np.deg2rad(4 * longitude + rng.uniform(0, 360)))[None, :]
    pattern = (south_north * waves).astype(np.float32)
    if not VARIABLES[name].on_levels:
        warmth = 271.5 + 30 * south_north + pattern
        land = (np.cos(np.deg2rad(3 * longitude)) > 0.5)[None, :]
        land = land & (np.abs(latitude)[:, None] < 60)
        values = warmth if name.endswith("temperature") else (warmth < 274) * 0.9
        return np.where(land, np.nan, values).astype(np.float32)
    # A hydrostatic column: T = 240 K + 10 K ln(p / 500 hPa), Φ its integral.
    y, ground = np.log(levels / 500), np.log(1013.25 / 500)
    height = 7000 * (ground - y)
    geopotential = 287.05 * (240 * (ground - y) + 5 * (ground**2 - y**2))
    column, spread = {
        "temperature": (240 + 10 * y, 4),
        "geopotential": (geopotential + 500, 100),
        "u_component_of_wind": (5 + height / 1e3, 5),
        "v_component_of_wind": (0 * height, 5),
        "specific_humidity": (0.015 * np.exp(-height / 2e3), 1e-6),
        "specific_cloud_ice_water_content": (1e-5 * np.exp(-height / 8e3), 1e-7),
        "specific_cloud_liquid_water_content": (1e-4 * np.exp(-height / 3e3), 1e-7),
    }[name]
    values = np.empty((len(levels), *pattern.shape), np.float32)
    for level, value in enumerate(column):
        values[level] = value + spread * pattern
        if VARIABLES[name].units == "kg kg-1":
            values[level] = np.maximum(values[level], 0)
    return values
