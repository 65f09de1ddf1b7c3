"""A small analysis that looks like a user's, to be spoiled in one way per test."""

import pathlib

import numpy as np
import xarray as xr

from ngcm_cli.forcing.read_forcing import ForcingRequest
from ngcm_cli.forcing.run_inputs import RunInputs, read_inputs
from ngcm_cli.gcm.fields import ATMOSPHERE
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.read_analysis import AnalysisRequest
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.spectral.grid import Grid

GRID = Grid.linear(7)
NODES = np.rad2deg(GRID.longitude), np.rad2deg(GRID.latitude)
LEVELS = (100.0, 500.0, 850.0, 1000.0)
FIELDS = tuple(name for name in VARIABLES if name in ATMOSPHERE)
MODEL_INPUTS = ModelInputs(GRID, LEVELS, FIELDS)
MODELS = pathlib.Path(__file__).parents[1] / "models"
CLIMATOLOGY = MODELS / "amip_clim_sst_seaice_t63.nc"
RECORD = MODELS / "oisst_sst_monthly_2p5deg_198112_202301.nc"
NO_LEAD = np.timedelta64(0, "s")


def read_state(
    path,
    init=None,
    grid=GRID,
    levels=LEVELS,
    *,
    offline=False,
    mode="persist",
    lead=NO_LEAD,
    sst_data=None,
    **forcing,
) -> RunInputs:
    """Read what a run starts from, as the command line would have it read."""
    init = None if init is None else np.datetime64(init, "s")
    return read_inputs(
        AnalysisRequest(str(path), init, offline),
        ForcingRequest(mode, lead, sst_data, offline=offline, **forcing),
        ModelInputs(grid, tuple(levels), FIELDS),
    )


def native_analysis() -> xr.Dataset:
    """An analysis on the model's own grid."""
    return build_analysis(*NODES)


def regular_analysis() -> xr.Dataset:
    """An analysis on a 10-degree grid with poles."""
    return build_analysis(np.arange(0, 360, 10.0), np.arange(-90, 91, 10.0))


def build_analysis(
    longitude, latitude, times=("2020-08-22T12",), levels=LEVELS
) -> xr.Dataset:
    """Every variable, in SI, on a few levels; land is NaN in the sea's fields."""
    rng = np.random.default_rng(0)
    times = np.array(times, "datetime64[ns]")
    # A hydrostatic column: T = 240 K + 10 K ln(p / 500 hPa), Φ its integral.
    y, ground = np.log(np.array(levels) / 500), np.log(1013.25 / 500)
    height = 7000 * (ground - y)
    geopotential = 287.05 * (240 * (ground - y) + 5 * (ground**2 - y**2))
    typical = {
        "temperature": 240 + 10 * y,
        "geopotential": geopotential + 500,
        "u_component_of_wind": 10 + height / 1e3,
        "v_component_of_wind": 0 * height,
        "specific_humidity": 0.015 * np.exp(-height / 2e3),
        "specific_cloud_ice_water_content": 1e-5 + 0 * height,
        "specific_cloud_liquid_water_content": 1e-4 + 0 * height,
    }
    coords = {
        "time": times,
        "level": list(levels),
        "latitude": latitude,
        "longitude": longitude,
    }
    shape = len(times), len(levels), len(latitude), len(longitude)
    data = {}
    for name, column in typical.items():
        noise = 1 + 0.02 * rng.uniform(-1, 1, shape)
        values = column[:, None, None] * noise + (name[:2] == "v_") * noise
        data[name] = (tuple(coords), values.astype("f4"))
    surface = ("time", "latitude", "longitude")
    warmth = np.cos(np.deg2rad(latitude))[:, None] + 0 * np.asarray(longitude)
    sst = np.broadcast_to(270.5 + 30 * warmth, (shape[0], *shape[2:])).astype("f4")
    ice = np.where(sst < 280, 0.9, 0).astype("f4")
    land = rng.uniform(size=shape[2:]) < 0.3
    data["sea_surface_temperature"] = surface, np.where(land, np.nan, sst)
    data["sea_ice_cover"] = surface, np.where(land, np.nan, ice)
    dataset = xr.Dataset(data, coords)
    for name, array in dataset.data_vars.items():
        array.attrs["units"] = VARIABLES[str(name)].units
    return dataset
