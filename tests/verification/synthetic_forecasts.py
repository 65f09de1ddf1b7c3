"""Small forecasts and truth whose scores are known, in the canonical form."""

import numpy as np
import xarray as xr

LATITUDE = np.linspace(-90, 90, 13)
LONGITUDE = np.arange(24) * 15.0
LEVELS = np.array([500.0, 850.0])
START = np.datetime64("2020-01-01T00", "ns")
UNITS = {
    "temperature": "K",
    "geopotential": "m2 s-2",
    "u_component_of_wind": "m s-1",
    "v_component_of_wind": "m s-1",
    "mean_sea_level_pressure": "Pa",
}
SURFACE = ("mean_sea_level_pressure",)


def hours(*values: float) -> np.ndarray:
    return np.array(values, "timedelta64[h]").astype("timedelta64[ns]")


def truth(
    days: float = 6,
    step: int = 6,
    variables: tuple[str, ...] = ("temperature", "mean_sea_level_pressure"),
    seed: int = 0,
    start: np.datetime64 = START,
    latitude: np.ndarray = LATITUDE,
    longitude: np.ndarray = LONGITUDE,
) -> xr.Dataset:
    """Return a record whose fields change smoothly from time to time."""
    times = start + np.arange(0, days * 24 + 1, step).astype("timedelta64[h]")
    random = np.random.default_rng(seed)
    found = {}
    for name in variables:
        levels = () if name in SURFACE else ("level",)
        shape = (len(latitude), len(longitude))
        shape = (*((len(LEVELS),) if levels else ()), *shape)
        first, second = random.normal(size=(2, *shape))
        phase = (times - START) / np.timedelta64(1, "D")
        phase = phase.reshape(-1, *(1,) * len(shape))
        values = 250 + 10 * (first * np.cos(phase) + second * np.sin(phase))
        dims = ("time", *levels, "latitude", "longitude")
        attributes = {"units": UNITS[name], "long_name": name.replace("_", " ")}
        found[name] = (dims, values.astype(np.float32), attributes)
    coordinates = {"time": times, "latitude": latitude, "longitude": longitude}
    if set(variables) - set(SURFACE):
        coordinates["level"] = LEVELS
    return xr.Dataset(found, coordinates, {"location": "truth.nc"})


def forecast(
    record: xr.Dataset,
    error: float = 0.0,
    starts: int = 3,
    leads: tuple[int, ...] = (0, 6, 12, 24),
    every: int = 12,
    noise: float = 0.0,
    members: int = 0,
    seed: int = 1,
) -> xr.Dataset:
    """Return forecasts that are the truth, plus an error, plus noise."""
    inits = START + (np.arange(starts) * every).astype("timedelta64[h]")
    valid = inits[:, None] + hours(*leads)
    random = np.random.default_rng(seed)
    found = {}
    for name, array in record.data_vars.items():
        values = array.sel(time=valid.ravel()).values.astype(np.float64)
        values = values.reshape(*valid.shape, *array.shape[1:])
        dims = ("init_time", "lead_time", *array.dims[1:])
        if members:
            values = np.stack([values] * members)
            dims = ("realization", *dims)
        values = values + error + noise * random.normal(size=values.shape)
        found[name] = (dims, values.astype(np.float32), array.attrs)
    coordinates = {
        "init_time": inits,
        "lead_time": hours(*leads),
        **{n: x for n, x in record.coords.items() if n != "time"},
    }
    if members:
        coordinates["realization"] = np.arange(members)
    return xr.Dataset(found, coordinates, {"location": "forecast.nc"})
