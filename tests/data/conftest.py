"""A small analysis that looks like a user's, to be spoiled in one way per test."""

import os

import arco
import numpy as np
import pytest
import servers
import xarray as xr

from ngcm_cli.data import remote
from ngcm_cli.data.variables import VARIABLES
from ngcm_cli.spectral.grid import Grid

GRID = Grid.linear(7)
LEVELS = (100.0, 500.0, 850.0, 1000.0)


def build_analysis(longitude, latitude, times=("2020-08-22T12",)) -> xr.Dataset:
    """Every variable, in SI, on a few levels; land is NaN in the sea's fields."""
    rng = np.random.default_rng(0)
    times = np.array(times, "datetime64[ns]")
    height = 7000 * np.log(1013.25 / np.array(LEVELS))
    typical = {
        "temperature": 288 - 5e-3 * height,
        "geopotential": 9.80665 * height + 500,
        "u_component_of_wind": 10 + height / 1e3,
        "v_component_of_wind": 0 * height,
        "specific_humidity": 0.015 * np.exp(-height / 2e3),
        "specific_cloud_ice_water_content": 1e-5 + 0 * height,
        "specific_cloud_liquid_water_content": 1e-4 + 0 * height,
    }
    coords = {
        "time": times,
        "level": list(LEVELS),
        "latitude": latitude,
        "longitude": longitude,
    }
    shape = len(times), len(LEVELS), len(latitude), len(longitude)
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


@pytest.fixture
def native() -> xr.Dataset:
    """An analysis on the model's own grid."""
    return build_analysis(np.rad2deg(GRID.longitude), np.rad2deg(GRID.latitude))


@pytest.fixture
def regular() -> xr.Dataset:
    """An analysis on a 10-degree grid with poles."""
    return build_analysis(np.arange(0, 360, 10.0), np.arange(-90, 91, 10.0))


@pytest.fixture
def analysis_on():
    """Builds an analysis from longitudes, latitudes and times."""
    return build_analysis


@pytest.fixture(scope="session")
def google_store(tmp_path_factory):
    """The address of an emulator of Google's object store, with our ERA5 in it."""
    folder = tmp_path_factory.mktemp("google")
    store = arco.build(folder / "era5.zarr", times=["2020-01-01T00"], beyond=3)
    with servers.google(folder) as address:
        servers.upload_to_google(address, store, "ar/era5.zarr")
        yield address


@pytest.fixture(scope="session")
def amazon_store(tmp_path_factory):
    """The address of an emulator of Amazon's object store, with an empty bucket."""
    with servers.amazon(tmp_path_factory.mktemp("amazon")) as address:
        yield address


@pytest.fixture
def impatience(monkeypatch):
    """Little patience, a folder of our own, and nothing said by the environment."""
    quick = remote.Patience(answers=3, stalls=2, backoff=0.01, longest=0.05, timeout=1)
    monkeypatch.setattr(remote, "PATIENCE", quick)
    for name in list(os.environ):
        if name.startswith(("AWS_", "GOOGLE_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    # What would go out goes nowhere; this computer is asked directly.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return quick


@pytest.fixture
def google_network(google_store, impatience, monkeypatch):
    """The way to Google's object store, on which things go wrong."""
    with servers.network_to(google_store) as network:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", network.address)
        yield network
