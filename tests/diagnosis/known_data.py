"""Small datasets of known climate and of a balanced forecast, as files."""

import pathlib

import numpy as np
import xarray as xr

from ngcm_cli.spectral.grid import Grid
from ngcm_cli.units import LENGTH

OMEGA, GRAVITY = 7.292e-5, 9.80616
_GRID = Grid.linear(15)
LATITUDE, LONGITUDE = np.rad2deg(_GRID.latitude), np.rad2deg(_GRID.longitude)
PHI, LAMBDA = np.deg2rad(LATITUDE)[:, None], np.deg2rad(LONGITUDE)[None, :]
LEVELS = np.array([10.0, 30, 50, 100, 200, 250, 500, 700, 850, 1000])
YEARS = 4
TREND = 0.3  # K per decade
AMPLITUDE, PEAK = 12.0, 6.5  # K; middle of July, north of the equator
HUMIDITY = 0.012 * (LEVELS / 1000) ** 3
RESIDUAL = -0.05  # mm per day that the moisture budget does not close by

UNITS = {
    "temperature": "K",
    "u_component_of_wind": "m s-1",
    "v_component_of_wind": "m s-1",
    "specific_humidity": "kg kg-1",
    "geopotential": "m2 s-2",
    "surface_pressure": "Pa",
    "mean_sea_level_pressure": "Pa",
    "total_column_water_vapour": "kg m-2",
    "P_minus_E_rate": "kg m-2 s-1",
    "P_minus_E_cumulative": "kg m-2",
    "precipitation_rate": "m s-1",
}


ON_LEVELS = tuple(UNITS)[:5]


def dataset(fields, coordinates, methods="") -> xr.Dataset:
    """Return fields by name, with dimensions of the coordinates that they have."""
    variables = {}
    for name, x in fields.items():
        on_levels = name in ON_LEVELS
        dims = [d for d in coordinates if d != "level" or on_levels]
        shape = [len(coordinates[d]) for d in dims]
        values = np.broadcast_to(x, shape).astype(np.float32)
        attributes = {"units": UNITS[name]}
        if methods:
            attributes["cell_methods"] = methods
        variables[name] = dims, values, attributes
    known = {
        "level": {"units": "hPa"},
        "latitude": {"units": "degrees_north"},
        "longitude": {"units": "degrees_east"},
    }
    coords = {d: (d, x, known.get(d, {})) for d, x in coordinates.items()}
    return xr.Dataset(variables, coords)


def monthly_record(offset: float = 0.0, grid=(LATITUDE, LONGITUDE)) -> xr.Dataset:
    """Return four years of monthly means.

    Temperature has an annual cycle of opposite sign in the hemispheres, and a trend;
    the wind jets at 45 degrees; pressure and water are constant but for the cycle.

    Args:
        offset: added to temperature, K.
        grid: latitude and longitude, degrees.
    """
    latitude, longitude = grid
    phi = np.deg2rad(latitude)[:, None]
    count = 12 * YEARS
    edges = np.datetime64("1990-01", "M") + np.arange(count + 1)
    edges = edges.astype("datetime64[s]")
    time = (edges[:-1] + (edges[1:] - edges[:-1]) // 2).astype("datetime64[ns]")
    shaped = lambda x: np.reshape(x, (count, 1, 1, 1))
    years = shaped((time - time[0]) / np.timedelta64(365_25 * 864, "s"))
    season = shaped(np.cos(2 * np.pi * (np.arange(count) % 12 + 0.5 - PEAK) / 12))
    level = LEVELS[:, None, None]
    t = (
        210
        + 0.08 * level
        + offset
        + AMPLITUDE * np.sign(phi) * season
        + TREND / 10 * years
    )
    u = 30 * np.exp(-(((np.abs(latitude) - 45) / 15) ** 2))[:, None]
    noise = np.random.default_rng(6).standard_normal((count, 2))
    pressure = 1e5 + 500 * np.cos(4 * phi) + 0 * longitude
    varied = pressure + 100 * noise[:, :1, None] * np.cos(2 * phi)
    fields = {
        "temperature": t,
        "u_component_of_wind": u * np.ones((count, 1, 1, 1)),
        "v_component_of_wind": 0.0,
        "specific_humidity": HUMIDITY[:, None, None],
        "surface_pressure": 98_000.0,
        "mean_sea_level_pressure": varied,
        "total_column_water_vapour": 20.0,
        "P_minus_E_rate": 0.0,
        "precipitation_rate": (4 + 3.9 * np.sign(phi) * season[:, 0]) / 86400 / 997,
    }
    coordinates = {
        "time": time,
        "level": LEVELS,
        "latitude": latitude,
        "longitude": longitude,
    }
    return dataset(fields, coordinates, "time: mean (interval: 6 hours)")


def forecast(days: int = 6, excess: float = 0.0) -> xr.Dataset:
    """Return two forecasts in geostrophic balance, every 12 hours.

    Args:
        days: length.
        excess: ageostrophic northward wind, as a share of the mean geostrophic speed
            at every place.
    """
    lead = (np.arange(2 * days + 1) * 12).astype("timedelta64[h]")
    init = np.array(["2020-01-01", "2020-01-02"], "datetime64[ns]")
    f = 2 * OMEGA * np.sin(PHI)
    shape = np.cos(PHI) ** 4 * np.sin(PHI) ** 2
    slope = -4 * np.cos(PHI) ** 3 * np.sin(PHI) ** 3
    slope = slope + 2 * np.cos(PHI) ** 5 * np.sin(PHI)
    level = LEVELS[:, None, None]
    phi = 7.2e4 * np.log(1000 / level) + 8e3 * shape * np.cos(2 * LAMBDA)
    u = -8e3 * slope * np.cos(2 * LAMBDA) / LENGTH / f
    v = -2 * 8e3 * shape * np.sin(2 * LAMBDA) / (LENGTH * np.cos(PHI)) / f
    elapsed = (lead / np.timedelta64(1, "D"))[:, None, None]
    net = 0.3  # mm per day
    fields = {
        "geopotential": phi,
        "u_component_of_wind": u + 0 * LAMBDA,
        "v_component_of_wind": v + excess * np.hypot(u, v),
        "temperature": 210 + 0.08 * level,
        "specific_humidity": HUMIDITY[:, None, None],
        "surface_pressure": 98_000.0,
        "total_column_water_vapour": 20 - (net - RESIDUAL) * elapsed,
        "P_minus_E_cumulative": net * elapsed,
        "P_minus_E_rate": net / 86400,
    }
    coordinates = {
        "init_time": init,
        "lead_time": lead.astype("timedelta64[ns]"),
        "level": LEVELS,
        "latitude": LATITUDE,
        "longitude": LONGITUDE,
    }
    return dataset(fields, coordinates)


def analyses(days: int = 6, **changes) -> xr.Dataset:
    """Return the fields of `forecast` as a record of analyses every 12 hours."""
    one = forecast(days, **changes).isel(init_time=0, drop=True)
    time = np.datetime64("2020-01-01", "ns") + one["lead_time"].values
    return one.assign_coords(lead_time=time).rename(lead_time="time")


def written(data: xr.Dataset, path: pathlib.Path) -> str:
    """Write a dataset; return its path."""
    data.to_netcdf(path)
    return str(path)
