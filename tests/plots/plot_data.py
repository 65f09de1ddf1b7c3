"""Small datasets in canonical form, whose values are known, and files of them."""

import numpy as np
import xarray as xr

LATITUDE = np.linspace(-87.5, 87.5, 36)
LONGITUDE = np.arange(72) * 5.0
LEVELS = [250.0, 500.0, 850.0]
INIT = np.array(["2020-08-22T12"], "datetime64[s]")
LEADS = (np.arange(3) * 12 * 3600).astype("timedelta64[s]")
UNITS = {
    "temperature": "K",
    "geopotential": "m2 s-2",
    "u_component_of_wind": "m s-1",
    "v_component_of_wind": "m s-1",
}


def forecast(members: int | None = None) -> xr.Dataset:
    """Return a forecast, or an ensemble, of smooth waves."""
    latitude, longitude = np.radians(LATITUDE)[:, None], np.radians(LONGITUDE)[None]
    wave = np.cos(latitude) ** 2 * np.sin(3 * longitude)
    fields = {
        "temperature": 250 + 45 * np.cos(latitude) ** 2 + 5 * wave,
        "geopotential": 9.80665 * (5100 + 750 * np.cos(latitude) ** 2 + 60 * wave),
        "u_component_of_wind": 30 * np.cos(latitude) + 10 * wave,
        "v_component_of_wind": 8 * np.cos(latitude) * np.cos(3 * longitude),
    }
    dims = ["init_time", "lead_time", "level", "latitude", "longitude"]
    shape = [1, 3, 3, 36, 72]
    count = np.arange(members or 1).reshape([-1] + [1] * 5)
    lead = np.arange(3).reshape(1, 1, 3, 1, 1, 1)
    variables = {}
    for name, field in fields.items():
        size = 0.002 * np.abs(field).max()
        values = field + size * (lead + count * wave * lead)
        values = np.broadcast_to(values, [len(count), *shape])
        own = values if members else values[0]
        own_dims = ["realization", *dims] if members else dims
        variables[name] = (own_dims, own, {"units": UNITS[name]})
    coordinates = {
        "init_time": INIT,
        "lead_time": LEADS,
        "level": ("level", LEVELS, {"units": "hPa"}),
        "latitude": ("latitude", LATITUDE, {"units": "degrees_north"}),
        "longitude": ("longitude", LONGITUDE, {"units": "degrees_east"}),
    }
    if members:
        coordinates["realization"] = np.arange(members)
    attributes = {
        "model": "tiny",
        "weights_sha256": "0123456789abcdef",
        "license": "CC0-1.0",
    }
    return xr.Dataset(variables, coordinates, attributes)


def field(values: np.ndarray, name: str = "temperature") -> xr.DataArray:
    """Return a field on the grid of `forecast`."""
    return xr.DataArray(
        values,
        {"latitude": LATITUDE, "longitude": LONGITUDE},
        ("latitude", "longitude"),
        name=name,
    )


def scores(factor: float = 1.0) -> xr.Dataset:
    """Return a file of scores; the errors of the second are a factor of the first."""
    leads = (np.arange(1, 5) * 86400).astype("timedelta64[s]")
    growth = np.arange(1, 5)[None, :, None] * np.ones((2, 4, 2))
    dims = ("region", "lead_time", "level")
    variables = {}
    for name, size, units in ("temperature", 1, "K"), ("geopotential", 99, "m2 s-2"):
        value = growth * size * factor
        variables[f"rmse.{name}"] = dims, value, {"units": units}
        variables[f"rmse.{name}_lower"] = dims, value * 0.99
        variables[f"rmse.{name}_upper"] = dims, value * 1.01
    variables["acc.temperature"] = dims, 1 - growth * factor / 10
    return xr.Dataset(
        variables,
        {"region": ["global", "tropics"], "lead_time": leads, "level": [500.0, 850.0]},
        {"truth": "era5.zarr"},
    )


def tracks() -> xr.Dataset:
    """Return two tracks, one of which crosses the date line and Greenwich's."""
    longitude = np.array([170.0, 175, 180, 185, 350, 355, 0, 5])
    return xr.Dataset(
        {
            "track_id": ("track", [0, 1]),
            "row_size": ("track", [4, 4]),
            "latitude": ("point", np.linspace(10.0, 24, 8)),
            "longitude": ("point", longitude),
            "wind_speed": ("point", np.linspace(10.0, 50, 8)),
            "time": ("point", np.repeat(INIT, 8)),
        },
        attrs={"model": "tiny"},
    )
