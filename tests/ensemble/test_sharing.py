"""Ensembles shared by devices, by processes, and by the workers of a cluster."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import netCDF4
import numpy as np
import pytest
from ngcm_cli.ensemble import processes
from ngcm_cli.ensemble.parts import parts_folder
from ngcm_cli.ensemble.processes import join
from small import NAMES, STATISTICS, assert_same, flags, go, read

from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.simulation import run

pytestmark = pytest.mark.slow
NGCM = pathlib.Path(sys.executable).parent / "ngcm"


def command(output, **settings) -> list[str]:
    return [str(NGCM), *map(str, flags(output, **settings))]


def test_four_devices_give_the_same_bits(five, reduced_model, tmp_path):
    """Two members on each, as one device has them in blocks of two."""
    path = tmp_path / "a.zarr"
    words = command(
        path, model=reduced_model, members=5, batch=8, statistics=STATISTICS
    )
    flag = "--xla_force_host_platform_device_count=4"
    run = subprocess.run(
        words,
        env=os.environ | {"XLA_FLAGS": flag},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "8 at once, on 4 devices" in run.stderr
    assert_same(read(path), read(five))


def start_two(path, **settings) -> list[subprocess.Popen]:
    """Two processes that share an ensemble of five."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    settings |= {"members": 5, "batch": 2, "statistics": STATISTICS}
    return [
        subprocess.Popen(
            [
                *command(path, **settings),
                *("--coordinator", address, "--process", f"{index}/2"),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(2)
    ]


def assert_nearly_same(ours, theirs) -> None:
    """Bit by bit, but for the order in which sums of squares are taken."""
    for name in NAMES:
        for written in (name, *(f"{name}_{word}" for word in STATISTICS.split(","))):
            a, b = (x[written].values for x in (ours, theirs))
            if written.endswith("_std"):
                assert abs(a - b).max() <= np.finfo(np.float32).eps * abs(b).max()
            else:
                assert a.tobytes() == b.tobytes(), written


def test_two_processes(five, reduced_model, tmp_path):
    """Each has blocks of its own, and the statistics are over all."""
    path = tmp_path / "a.zarr"
    both = start_two(path, model=reduced_model)
    said = [process.communicate(timeout=500)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert "members 0 to 1" in said[0] and "members 0 to 1" not in said[1]
    assert "members 2 to 3" in said[1] and "members 2 to 3" not in said[0]
    ours = read(path)
    assert_nearly_same(ours, read(five))
    assert ours.attrs["status"] == "complete"
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


def test_one_of_two_processes_dies(five, reduced_model, tmp_path):
    """The other one goes on, and says that something is missing."""
    path = tmp_path / "a.zarr"
    first, second = start_two(path, model=reduced_model)
    for line in second.stderr:
        if "members 2 to 3" in line:
            break
    second.kill()
    said = first.communicate(timeout=500)[1]
    second.communicate()
    assert first.returncode == 0, said
    assert "This process is done; others are not." in said
    assert f"holds 3 of 5 members. Go on with it by `ngcm ensemble --resume {path}" in (
        said.replace("\n", " ")
    )
    run.ensemble(resume=path)
    assert_nearly_same(read(path), read(five))
    assert not parts_folder(path).exists()


def test_how_processes_are_named():
    with pytest.raises(ConfigError, match="both --coordinator and --process"):
        join("localhost:1234", None)
    for wrong in ("2/2", "1", "a/b", "-1/2"):
        with pytest.raises(ConfigError, match="is not one of several processes"):
            join("localhost:1234", wrong)
    with pytest.raises(ConfigError, match="is not the address of a coordinator"):
        join("localhost", "0/2")


def test_processes_that_do_not_find_each_other(monkeypatch):
    monkeypatch.setattr(processes, "_PATIENCE", 2)
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"No process can listen at port {port}"):
            join(f"localhost:{port}", "0/2")
    with pytest.raises(ConfigError, match="Nobody listens at localhost:"):
        join(f"localhost:{port}", "1/2")
    with pytest.raises(ConfigError, match="There is no host 'nowhere.invalid'"):
        join("nowhere.invalid:1234", "1/2")


INITS = "1959-01-02T00,1959-01-02T06,1959-01-02T12"


@pytest.fixture
def analyses(tmp_path) -> pathlib.Path:
    """The bundled state at three times."""
    import xarray as xr
    from ngcm_cli.origin import SAMPLE

    from ngcm_cli.time_format import parse_times
    from ngcm_cli.zoo import bundled_folder

    with xr.open_dataset(bundled_folder() / SAMPLE) as opened:
        state = opened.load()
    times = parse_times(INITS)
    state = state.isel(time=0) if "time" in state.dims else state
    whole = xr.concat([state.assign_coords(time=t) for t in times], "time")
    whole.to_netcdf(tmp_path / "analyses.nc")
    return tmp_path / "analyses.nc"


def start_sweep(path, cluster, **settings) -> subprocess.Popen:
    """Shared by the workers of a cluster, until some of the first output is there."""
    process = subprocess.Popen(
        command(path.name, **settings, scheduler=cluster.scheduler_address),
        cwd=path.parent,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and not (path / "temperature/c").exists():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    return process


def test_many_initial_times(reduced_model, analyses, tmp_path):
    """In order, and on a cluster elsewhere that loses a worker: the same."""
    distributed = pytest.importorskip("distributed")
    settings = {
        "model": reduced_model,
        "data": str(analyses),
        "init": INITS,
        "members": 2,
        "batch": 2,
        "statistics": "mean",
    }
    whole = go(tmp_path / "whole.zarr", **settings)
    assert read(whole).sizes["init_time"] == 3
    path = tmp_path / "a.zarr"
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True
    ) as cluster:
        victim = cluster.workers[0].pid
        process = start_sweep(path, cluster, **settings | {"data": analyses.name})
        os.kill(victim, signal.SIGKILL)
        said = process.communicate(timeout=500)[1]
        assert process.returncode == 0, said
    assert_same(read(path), read(whole))


def test_a_scheduler_that_goes_away(reduced_model, tmp_path):
    distributed = pytest.importorskip("distributed")
    path = tmp_path / "a.zarr"
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None, processes=True
    ) as cluster:
        process = start_sweep(path, cluster, model=reduced_model, members=6, batch=1)
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 2, said
    assert "The Dask scheduler is gone." in said and "Traceback" not in said
    assert "of 6 members. Go on with it by `ngcm ensemble --resume a.zarr`" in (
        said.replace("\n", " ")
    )


def test_an_initial_time_that_fails(reduced_model, analyses, tmp_path):
    """The others are done first; it is when it can be."""
    distributed = pytest.importorskip("distributed")
    whole = analyses.read_bytes()
    with netCDF4.Dataset(analyses, "a") as file:
        file["temperature"][1] = 250.0  # of the second time
    settings = {
        "model": reduced_model,
        "data": str(analyses),
        "init": INITS,
        "members": 1,
        "batch": 1,
        "statistics": "mean",
    }
    path = tmp_path / "a.zarr"
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        settings["scheduler"] = cluster.scheduler_address
        with pytest.raises(InputDataError, match="temperature") as caught:
            go(path, **settings)
    assert "holds 2 of 3 forecasts of members" in caught.value.__notes__[0]
    assert read(path)["completed_statistics"].values.tolist() == [3, 0, 3]
    assert read(path).attrs["status"] == "failed"
    analyses.write_bytes(whole)
    run.ensemble(resume=path)
    assert read(path)["completed_statistics"].values.tolist() == [3, 3, 3]
    assert np.isfinite(read(path)["temperature"].values).all()


def test_no_scheduler(reduced_model, tmp_path):
    settings = {"model": reduced_model, "members": 2, "batch": 2}
    with pytest.raises(ConfigError, match="no Dask scheduler at tcp://localhost:1"):
        go(tmp_path / "a.zarr", **settings, scheduler="tcp://localhost:1")
    assert not list(tmp_path.iterdir())
