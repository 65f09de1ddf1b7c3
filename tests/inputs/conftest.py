"""Analyses that look like a user's, to be spoiled in one way per test."""

import pytest
import xarray as xr
from small_analysis import build_analysis, native_analysis, regular_analysis


@pytest.fixture
def native() -> xr.Dataset:
    """An analysis on the model's own grid."""
    return native_analysis()


@pytest.fixture
def regular() -> xr.Dataset:
    """An analysis on a 10-degree grid with poles."""
    return regular_analysis()


@pytest.fixture
def analysis_on():
    """Builds an analysis from longitudes, latitudes and times."""
    return build_analysis
<<<<<<< HEAD


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
    quick = remote.RetryPolicy(answers=3, stalls=2, backoff=0.01, longest=0.05)
    monkeypatch.setattr(remote, "RETRY", quick)
    for name in list(os.environ):
        if name.startswith(("AWS_", "GOOGLE_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    # What would go out goes nowhere; this computer is asked directly.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return quick


@pytest.fixture
def hurry(impatience, monkeypatch):
    """Makes silence short where it is part of the test; else a busy machine matters."""

    def hurry(fault):
        if fault.stall:
            hasty = dataclasses.replace(impatience, timeout=1)
            monkeypatch.setattr(remote, "RETRY", hasty)

    return hurry


@pytest.fixture
def google_network(google_store, impatience, monkeypatch):
    """The way to Google's object store, on which things go wrong."""
    with servers.network_to(google_store) as network:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", network.address)
        yield network
=======
>>>>>>> inputs
