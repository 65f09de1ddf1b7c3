"""From ERA5 in the cloud to a forecast: the real command, an emulated object store."""

import os
import pathlib
import subprocess
import sys

import arco
import numpy as np
import pytest
import servers
import xarray as xr

from ngcm_cli.inputs.sources.named import ARCO
from ngcm_cli.spectral.grid import Grid

NGCM = pathlib.Path(sys.executable).parent / "ngcm"
BUCKET, _, NAME = ARCO.url.removeprefix("gs://").partition("/")
DAYS = ("2020-08-21T12", "2020-08-22T12", "2020-08-23T12")
# Runs a command and prints the most memory it had. Linux counts what the process that
# starts another holds as the other's, so that process must not be that of the tests.
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """ERA5 as it is in the cloud, at 10 degrees, behind a network that may fail."""
    folder = tmp_path_factory.mktemp("cloud")
    store = arco.build(folder / "era5.zarr", times=DAYS, beyond=48)
    with servers.google(folder, BUCKET) as address:
        servers.upload_to_google(address, store, NAME, BUCKET)
        with servers.network_to(address) as network:
            yield network


def environment(folder, address):
    """Of a command with a cache of its own, whose network is here."""
    kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    compiled = os.environ.get("JAX_COMPILATION_CACHE_DIR", str(folder / "compiled"))
    return kept | {
        "NGCM_HOME": str(folder / "home"),
        "STORAGE_EMULATOR_HOST": address,
        "JAX_COMPILATION_CACHE_DIR": compiled,
    }


@pytest.fixture
def ngcm(network, tmp_path):
    """Runs the command in an empty folder, with a cache of its own."""
    network.requests.clear()
    network.faults.clear()

    def run(*words, online=True):
        there = environment(tmp_path, network.address if online else "127.0.0.1:1")
        how = {"cwd": tmp_path, "capture_output": True, "text": True}
        return subprocess.run([NGCM, *words], env=there, **how)

    return run


def test_prepare_and_forecast_without_a_network(ngcm, network, tmp_path):
    first = ngcm("data", "prepare", "--init", f"{DAYS[1]},{DAYS[2]}")
    assert first.returncode == 0, first.stderr
    paths = first.stdout.split()
    assert [pathlib.Path(path).stem for path in paths] == [
        f"atmosphere_{day}" for day in DAYS[1:]
    ]
    for name in arco.UPPER_AIR:
        chunks = [path for path, _ in network.requests if f"/{name}/" in path]
        assert len(chunks) == len(set(chunks)) == 2, "each exactly once"
    for name in arco.SURFACE:
        assert sum(f"/{name}/" in path for path, _ in network.requests) == 2

    network.requests.clear()
    again = ngcm("data", "prepare", "--init", f"{DAYS[1]}/{DAYS[2]}")
    assert again.returncode == 0, again.stderr
    assert again.stdout == first.stdout and network.requests == []

    words = ("forecast", "--init", DAYS[1], "--lead", "1h", "--every", "1h")
    run = ngcm(*words, "--output", "a.nc", online=False)
    assert run.returncode == 0, run.stderr
    with xr.open_dataset(tmp_path / "a.nc") as forecast:
        assert np.isfinite(forecast["temperature"]).all()
        assert forecast.attrs["data_source"] == f"arco, {ARCO.url}"
        assert "2020-08-21T12 (24 h before" in forecast.attrs["sst_notes"]
        assert "Regridded conservatively from 36x19" in forecast.attrs["notes"]
    direct = ngcm(*words, "--data", paths[0], "--sst-data", "arco", "--output", "b.nc")
    assert direct.returncode == 0, direct.stderr
    one, other = (xr.load_dataset(tmp_path / name) for name in ("a.nc", "b.nc"))
    xr.testing.assert_equal(one["temperature"], other["temperature"])

    listed = ngcm("data", "list").stdout
    assert ARCO.url in listed and "128x64 Gaussian" in listed and "atmosphere" in listed
    checked = ngcm("data", "check", paths[0], online=False)
    assert "can start from it" in checked.stdout
    assert ngcm("data", "clear").returncode == 0
    assert "Nothing is cached" in ngcm("data", "list").stderr


def test_an_interrupted_preparation_goes_on(ngcm, network):
    """What is prepared stays; a time that fails does not stop the others."""
    bad = f"temperature/{arco.index(DAYS[1], DAYS)}.0.0.0"
    network.faults.append(servers.Fault(bad, times=100, status=404))
    first = ngcm("data", "prepare", "--init", ",".join(DAYS[1:]))
    assert first.returncode == 2
    assert len(first.stdout.split()) == 1 and DAYS[2] in first.stdout
    assert "'temperature' has no data at 2020-08-22T12" in first.stderr
    assert "1 of 2 times could not be prepared" in first.stderr
    network.faults.clear()
    network.requests.clear()
    second = ngcm("data", "prepare", "--init", ",".join(DAYS[1:]))
    assert second.returncode == 0 and len(second.stdout.split()) == 2
    assert sum("/temperature/" in path for path, _ in network.requests) == 1


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["--init", "2020-08-24T12"], "the data hold 14 times"),
        (["--init", "1900-01-01"], "the data hold 14 times"),
        (["--init", DAYS[1], "--sst", "prescribed"], "The run goes from 2020-08-22T12"),
        (["--init", DAYS[1], "--offline"], "no network may be used"),
        (["--init", DAYS[1], "--dry-run"], "ngcm data prepare --init 2020-08-22T12"),
        (["--data", "arco"], "Choose an initial time"),
    ],
)
def test_what_cannot_be_had_is_said_before_anything_is_read(
    ngcm, network, words, sentence
):
    run = ngcm("forecast", *words)
    assert run.returncode == 2
    assert sentence in run.stderr and "Traceback" not in run.stderr
    assert not any("/temperature/" in path for path, _ in network.requests)


def test_no_network(ngcm):
    run = ngcm("forecast", "--init", DAYS[1], online=False)
    assert run.returncode == 2
    assert "cannot be reached" in run.stderr and "Traceback" not in run.stderr


def test_local_data_need_no_preparation(ngcm, tmp_path):
    run = ngcm("data", "prepare", "--init", DAYS[1], "--data", "era5.nc")
    assert run.returncode == 2 and "nothing is to be fetched" in run.stderr


def test_clear_knows_what_there_is(ngcm):
    run = ngcm("data", "clear", "nothing-like-that")
    assert run.returncode == 2 and "There is no folder" in run.stderr


def test_check_of_the_cloud_reads_descriptions_only(ngcm, network):
    run = ngcm("data", "check", "arco")
    assert run.returncode == 0, run.stderr
    assert "Times      14 times from 2020-08-21T12" in run.stdout
    assert "values not read; give a time with --init" in run.stdout
    assert not any("/temperature/" in path for path, _ in network.requests)
    one = ngcm("data", "check", "arco", "--init", DAYS[1])
    assert one.returncode == 0 and "temperature in K: " in one.stdout
    assert sum("/temperature/" in path for path, _ in network.requests) == 1


@pytest.mark.slow
def test_a_quarter_of_a_degree(tmp_path):
    """As large as the original: 154 MB a field, of which a few are held at a time."""
    store = arco.build(tmp_path / "era5.zarr", resolution=0.25, times=DAYS[:1])
    with servers.google(tmp_path, BUCKET) as address:
        servers.upload_to_google(address, store, NAME, BUCKET)
        with servers.network_to(address) as network:
            command = [NGCM, "data", "prepare", "--init", DAYS[0]]
            run = subprocess.run(
                [sys.executable, "-c", PEAK, *command],
                env=environment(tmp_path, network.address),
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
    path, kilobytes = run.stdout.split()
    assert int(kilobytes) * 1024 < 2 * 2**30
    for name in (*arco.UPPER_AIR, *arco.SURFACE):
        assert sum(f"/{name}/" in path for path, _ in network.requests) == 1
    with xr.open_dataset(path) as state, xr.open_zarr(store, chunks=None) as original:
        for name in arco.UPPER_AIR:
            assert np.isfinite(state[name]).all()
        # Means over cells keep the mean over the globe.
        fine = original["temperature"].isel(time=0).sel(level=[1, 500]).load()
        weights = np.cos(np.deg2rad(fine["latitude"]))
        expected = fine.weighted(weights).mean(("latitude", "longitude"))
        coarse = state["temperature"].isel(time=0).sel(level=[1, 500])
        gauss = xr.DataArray(
            Grid.linear(63).area_weights, {"latitude": coarse["latitude"]}
        )
        mean = coarse.weighted(gauss).mean(("latitude", "longitude"))
        np.testing.assert_allclose(mean, expected, atol=0.01)
