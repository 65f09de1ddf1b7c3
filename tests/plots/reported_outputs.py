"""Small outputs of every kind that a report can be about, with known values."""

import json
import pathlib

import numpy as np
import xarray as xr

from ngcm_cli.spectral.grid import Grid

GRID = Grid.linear(7)  # 16 x 8
LATITUDE = np.rad2deg(GRID.latitude)
LONGITUDE = np.rad2deg(GRID.longitude)
LEVELS = np.array([5.0, 250.0, 500.0, 850.0])
INIT = np.datetime64("2020-03-01T00", "ns")
ATTRIBUTES = {
    "title": "Forecast by tiny from 2020-03-01T00",
    "history": "2026-01-02T03:04:05Z: ngcm forecast --lead 2d --output f.zarr",
    "model": "tiny",
    "weights_sha256": "0123456789abcdef" * 4,
    "license": "CC0-1.0",
    "ngcm_version": "0.1.0",
    "data_source": "era5.nc",
    "sst_source": "era5.nc",
    "sst": "persist",
    "notes": "Regridded from afar.\nRegridded from afar.",
    "status": "complete",
}


def write_forecast(
    path: pathlib.Path,
    members: int = 0,
    completed: int | None = None,
    **attributes,
) -> xr.Dataset:
    """Write a forecast whose extremes are at known places; return what was written.

    Temperature at 850 hPa is 250 K and, at one point of the last lead time, 320 K.
    Winds are 40 m/s at 250 hPa, and 500 m/s at 5 hPa, above the model.
    """  # fmt: skip
    shape = (1, 3, len(LEVELS), len(LATITUDE), len(LONGITUDE))
    temperature = np.full(shape, 250.0, np.float32)
    temperature[0, -1, 3, 6, 4] = 320.0
    wind = np.full(shape, 10.0, np.float32)
    wind[:, :, 1], wind[:, :, 0] = 40.0, 500.0
    height = 9.80665 * (5500 + 10 * LATITUDE[:, None] + 0 * LONGITUDE)
    geopotential = np.broadcast_to(height.astype(np.float32), shape).copy()
    pressure = np.full((*shape[:2], *shape[3:]), 98500.0, np.float32)
    dims = ["init_time", "lead_time", "level", "latitude", "longitude"]
    fields = {
        "temperature": (dims, temperature, {"units": "K"}),
        "geopotential": (dims, geopotential, {"units": "m2 s-2"}),
        "u_component_of_wind": (dims, wind, {"units": "m s-1"}),
        "v_component_of_wind": (dims, 0 * wind, {"units": "m s-1"}),
        "surface_pressure": ([*dims[:2], *dims[3:]], pressure, {"units": "Pa"}),
    }
    if members:
        offsets = np.arange(members, dtype=np.float32)
        fields = {
            name: (
                ["realization", *d],
                x + offsets.reshape(-1, *[1] * x.ndim),
                attrs,
            )
            for name, (d, x, attrs) in fields.items()
        }
    if completed is not None:
        for d, x, _ in fields.values():
            np.moveaxis(x, d.index("lead_time"), 0)[completed:] = np.nan
    lead_time = np.arange(3) * np.timedelta64(24, "h")
    dataset = xr.Dataset(
        fields,
        {
            "init_time": (
                "init_time", [INIT], {"standard_name": "forecast_reference_time"},
            ),
            "lead_time": (
                "lead_time",
                lead_time.astype("timedelta64[ns]"),
                {"standard_name": "forecast_period"},
            ),
            "level": ("level", LEVELS, {"units": "hPa", "highest_model_level": 15.6}),
            "latitude": ("latitude", LATITUDE, {"units": "degrees_north"}),
            "longitude": ("longitude", LONGITUDE, {"units": "degrees_east"}),
        },
        {**ATTRIBUTES, **attributes},
    )  # fmt: skip
    if members:
        dataset = dataset.assign_coords(realization=np.arange(members))
    encoding = {"lead_time": {"units": "hours"}}
    if path.suffix == ".zarr":
        dataset.to_zarr(path, zarr_format=2, encoding=encoding)
    else:
        dataset.to_netcdf(path, encoding=encoding)
    return dataset


def write_scores(path: pathlib.Path) -> None:
    """Write scores of a forecast and a baseline, with intervals."""
    leads = np.arange(0, 11) * np.timedelta64(24, "h")
    days = np.arange(11.0)
    shape = ["forecast", "region", "lead_time", "level"]
    rmse = np.full((2, 2, 11, 2), np.nan)
    rmse[..., 0] = np.stack([10 * days, 12 * days])[:, None]
    scores = xr.Dataset(
        {
            "rmse.geopotential": (shape, rmse, {"units": "m2 s-2"}),
            "rmse.geopotential_lower": (shape, 0.9 * rmse),
            "rmse.geopotential_upper": (shape, 1.1 * rmse),
            "bias.mean_sea_level_pressure": (
                shape[:3], np.full((2, 2, 11), -25.0), {"units": "Pa"},
            ),
            "count.geopotential": (["forecast", "lead_time"], np.full((2, 11), 40)),
            "baseline": ("forecast", [0, 1]),
        },
        {
            "forecast": ["tiny", "persistence"],
            "region": ["global", "tropics"],
            "lead_time": leads.astype("timedelta64[ns]"),
            "level": [500.0, 850.0],
        },
        {
            "forecasts": json.dumps({"tiny": "f.zarr (tiny)", "other": "o.nc"}),
            "truth": "era5.zarr",
            "notes": "One year is missing.",
            "settings": json.dumps({"grid": "1.5"}),
            "history": "2026-01-02T03:04:05Z: ngcm evaluate f.zarr --truth era5.zarr",
        },
    )  # fmt: skip
    scores.to_netcdf(path, encoding={"lead_time": {"units": "hours"}})


def write_tracks(path: pathlib.Path, sizes=(3, 2)) -> None:
    """Write tracks of cyclones; the second is over the meridian of Greenwich."""
    count = sum(sizes)
    time = np.datetime64("2020-08-22T00", "ns") + np.arange(count) * np.timedelta64(
        6, "h"
    )
    longitude = np.array([280.0, 278.0, 276.0, 1.0, 359.0])[:count]
    tracks = xr.Dataset(
        {
            "track_id": ("track", np.arange(len(sizes), dtype="i4")),
            "row_size": ("track", np.array(sizes, "i4")),
            "time": ("point", time),
            "latitude": ("point", np.array([15.0, 16.0, 17.0, 40.0, 41.0])[:count]),
            "longitude": ("point", longitude),
            "mean_sea_level_pressure": (
                "point", np.array([1e5, 98e3, 96e3, 99e3, 99.5e3])[:count],
            ),
            "wind_speed": ("point", np.array([20.0, 30.0, 45.0, 22.0, 21.0])[:count]),
            "track_error": (
                "point", np.array([10.0, 20.0, 60.0, np.nan, np.nan])[:count],
            ),
        },
        attrs={"history": "2026-01-02T03:04:05Z: ngcm tracks f.zarr"},
    )  # fmt: skip
    tracks.to_netcdf(path)


def write_diagnosis(path: pathlib.Path) -> None:
    """Write a diagnosis with a number, a bias, a zonal mean and a monthly series."""
    of_topic = {"topic": "Zonal-mean circulation"}
    jet = {"units": "degrees_north", **of_topic}
    level = np.array([100.0, 250.0, 500.0, 850.0])
    bias = np.where(LATITUDE[:, None] > 0, 2.0, -2.0) + 0 * LONGITUDE
    months = np.array(["2020-01", "2020-02", "2020-03"], "datetime64[ns]")
    speed = 20 + 0.1 * LATITUDE + 0 * level[:, None]
    kelvin = {"units": "K", "topic": "Bias of the mean state"}
    found = xr.Dataset(
        {
            "jet_latitude": ((), 42.5, {"long_name": "Latitude of the jet", **jet}),
            "jet_latitude_reference": (
                (), 45.0, {"long_name": "Latitude of the jet, reference", **jet},
            ),
            "temperature_bias": (["latitude", "longitude"], bias,
                                 {"long_name": "Temperature, bias", **kelvin}),
            "u_component_of_wind": (["season", "level", "latitude"], speed[None],
                                    {"units": "m s-1", "long_name": "Eastward wind",
                                     **of_topic}),
            "global_temperature": ("month", [288.0, 288.5, 289.0],
                                   {"long_name": "Global temperature", **kelvin}),
        },
        {"latitude": LATITUDE, "longitude": LONGITUDE, "level": level,
         "season": ["mean"], "month": months},
        {
            "title": "Diagnosis of run", "run": "run", "reference": "era5.zarr",
            "data": "run: monthly means, 2020-01 to 2020-03", "notes": "",
            "not_computed": "Monsoon: needs a year", "settings": "{}",
            "history": "2026-01-02T03:04:05Z: ngcm diagnose run --against era5.zarr",
        },
    )  # fmt: skip
    found.to_netcdf(path)
