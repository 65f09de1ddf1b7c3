"""Synthetic forecasts, all of whose fields differ, their truth, and a comparison."""

import numpy as np
import xarray as xr

from ngcm_cli.config.published import PublishedConfig
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.verification.published.plan import PublishedPlan
from ngcm_cli.verification.scored_variables import ScoredVariable

GRID = Grid.linear(15)
LONGITUDE, LATITUDE = np.rad2deg(GRID.longitude), np.rad2deg(GRID.latitude)
LEVELS = np.array([250.0, 500.0, 850.0])
INITS = np.array(["2020-01-01T00", "2020-01-01T12"], "datetime64[s]")
LEADS = np.array([0, 6, 12, 18], "timedelta64[h]").astype("timedelta64[s]")
DIMS = "init_time", "lead_time", "level", "latitude", "longitude"
UNITS = {
    "geopotential": "m2 s-2",
    "temperature": "K",
    "u_component_of_wind": "m s-1",
    "v_component_of_wind": "m s-1",
}
MEAN = {"geopotential": 5e4, "temperature": 250.0}


def forecasts(seed: int = 0) -> xr.Dataset:
    """Return forecasts whose fields all differ, in canonical form."""
    rng = np.random.default_rng(seed)
    shape = len(INITS), len(LEADS), len(LEVELS), len(LATITUDE), len(LONGITUDE)
    fields = {
        name: (
            DIMS,
            (MEAN.get(name, 0.0) + rng.normal(0, 10, shape)).astype(np.float32),
            {"units": units},
        )
        for name, units in UNITS.items()
    }
    return xr.Dataset(
        fields,
        {
            "init_time": INITS,
            "lead_time": LEADS,
            "level": LEVELS,
            "latitude": LATITUDE,
            "longitude": LONGITUDE,
        },
        {"location": "published.zarr"},
    )


def truth(error: float = 1.0) -> xr.Dataset:
    """Return a record from which the first forecast differs by an error, K."""
    data = forecasts()
    times = np.unique(INITS[:, None] + LEADS)
    fields = {}
    for name in UNITS:
        values = data[name].values
        found = [
            next(
                values[i, j] + error
                for i, init in enumerate(INITS)
                for j, lead in enumerate(LEADS)
                if init + lead == time
            )
            for time in times
        ]
        fields[name] = ("time", *DIMS[2:]), np.stack(found), data[name].attrs
    others = {dim: data[dim] for dim in DIMS[2:]}
    return xr.Dataset(fields, {"time": times, **others}, {"location": "truth.nc"})


def plan(published: xr.Dataset, record: xr.Dataset | None, **changes) -> PublishedPlan:
    """Return a plan that compares everything."""
    variables = tuple(
        ScoredVariable(name, tuple(LEVELS), (name,), units=units)
        for name, units in UNITS.items()
    )
    whole = {
        "init_times": INITS,
        "lead_times": LEADS,
        "variables": variables,
        "members": None,
    }
    config = PublishedConfig(model="deterministic_0_7_deg")
    return PublishedPlan(config, published, record, **{**whole, **changes})
