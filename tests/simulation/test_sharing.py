"""Runs shared by devices, by processes, and by the workers of a Dask cluster."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest
import xarray as xr
from runs import (
    AMIP,
    ENSEMBLE,
    FORECAST,
    SIDE_BY_SIDE,
    STATISTICS_ONLY,
    Stop,
    after,
    assert_same,
    assert_same_values,
    read,
    stopping,
)
from tiny_run import tiny_ngcm

from ngcm_cli.config import EnsembleConfig
from ngcm_cli.errors import ConfigError, InputDataError, OutputError
from ngcm_cli.inputs.sources import bundled
from ngcm_cli.simulation import distributed, run
from ngcm_cli.simulation.distributed import Processes, join
from ngcm_cli.simulation.existing_run import CONFIGS
from ngcm_cli.simulation.setup import set_up
from ngcm_cli.simulation.simulation import Simulation
from ngcm_cli.time_format import parse_times

NGCM = [sys.executable, "-m", "ngcm_cli"]


def one_of(case, folder, index, count, name="together", track=None, **settings):
    """Run one of several processes in this one; with resume, a run that exists."""
    resume = settings.pop("resume", False)
    flags = {**case.settings, "output": folder / case.output, **settings}
    config = CONFIGS[case.command](**flags)
    simulation = set_up(config, processes=Processes(index, count, name), resume=resume)
    run.run_simulation(simulation, track or run.no_callback)


def assert_nearly_same(output, other):
    """Assert the same bits, but for the order in which sums of squares are taken."""
    ours, theirs = read(output), read(other)
    assert sorted(ours.variables) == sorted(theirs.variables)
    for name in theirs.variables:
        a, b = ours[name].values, theirs[name].values
        if name.endswith("_std"):
            scale = np.abs(theirs[name.replace("_std", "_max")]).max()
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-7 * float(scale))
        elif name.endswith("_mean"):
            np.testing.assert_allclose(a, b, rtol=2e-7)
        else:
            assert a.tobytes() == b.tobytes(), name
    assert ours.attrs["status"] == "complete"
    assert ours.attrs["completed_lead_times"] == theirs.attrs["completed_lead_times"]


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("case", [ENSEMBLE, STATISTICS_ONLY], ids=str)
def test_processes_share_an_ensemble(whole, tmp_path, case, count):
    """One after the other, and more of them than there are blocks."""
    whole(case)
    for index in range(count):
        one_of(case, tmp_path, index, count)
    assert_nearly_same(tmp_path / case.output, whole(case))
    assert [path.name for path in tmp_path.iterdir()] == [case.output]


def test_processes_at_the_same_time(whole, tmp_path):
    """The second begins and ends within the first."""
    whole(ENSEMBLE)
    second = lambda: one_of(ENSEMBLE, tmp_path, 1, 2)
    one_of(ENSEMBLE, tmp_path, 0, 2, track=after(0, 2, second))
    assert_nearly_same(tmp_path / ENSEMBLE.output, whole(ENSEMBLE))


@pytest.mark.parametrize("case", [SIDE_BY_SIDE], ids=str)
def test_processes_share_long_runs(whole, tmp_path, case):
    whole(case)
    second = lambda: one_of(case, tmp_path, 1, 2)
    one_of(case, tmp_path, 0, 2, track=after(0, 1, second))
    assert_same(tmp_path / case.output, whole(case))


@pytest.mark.parametrize("case", [FORECAST, ENSEMBLE, AMIP], ids=str)
def test_another_run_is_refused(whole, tmp_path, case):
    """While one runs, and when it is resumed; it is not disturbed."""
    expected = whole(case)

    def intrude():
        with pytest.raises(OutputError, match="Another run is writing to"):
            one_of(case, tmp_path, 0, 1, "another", resume=True)
        with pytest.raises(OutputError, match="exists"):
            one_of(case, tmp_path, 0, 1, "another")

    case.start(tmp_path, after(0, 2, intrude))
    assert_same(tmp_path / case.output, expected)


@pytest.mark.parametrize("case", [ENSEMBLE, STATISTICS_ONLY], ids=str)
def test_another_process_takes_a_block_that_was_begun(whole, tmp_path, case):
    whole(case)
    with pytest.raises(Stop):
        one_of(case, tmp_path, 0, 2, track=stopping(1, 1))  # in block 2
    for index in range(3):
        one_of(case, tmp_path, index, 3, "again", resume=True)  # the last computes it
    assert_nearly_same(tmp_path / case.output, whole(case))


@pytest.mark.parametrize("case", [ENSEMBLE, STATISTICS_ONLY], ids=str)
def test_two_stop_and_one_continues(whole, tmp_path, case):
    members = {"members": 12}
    (tmp_path / "whole").mkdir()
    expected = case.start(tmp_path / "whole", **members)
    (tmp_path / "two").mkdir()
    for index in range(2):
        with pytest.raises(Stop):
            one_of(case, tmp_path / "two", index, 2, track=stopping(1, 2), **members)
    case.resume(tmp_path / "two")
    assert_nearly_same(tmp_path / "two" / case.output, expected)


@pytest.mark.parametrize("case", [ENSEMBLE, STATISTICS_ONLY], ids=str)
def test_one_stops_and_more_continue(whole, tmp_path, case):
    whole(case)
    with pytest.raises(Stop):
        one_of(case, tmp_path, 0, 1, track=stopping(1, 2))
    for index in (3, 1, 0, 2):
        one_of(case, tmp_path, index, 4, "again", resume=True)
    assert_nearly_same(tmp_path / case.output, whole(case))


def test_one_process_comes_when_all_is_done(whole, tmp_path, caplog):
    caplog.set_level("INFO")
    output = tmp_path / "a.nc"
    for index in range(3):
        one_of(FORECAST, tmp_path, index, 3, output=output)
    assert f"{output} is complete: nothing is missing" in caplog.text
    assert [path.name for path in tmp_path.iterdir()] == ["a.nc"]


def test_processes_extend_an_ensemble(whole, tmp_path):
    whole(ENSEMBLE)
    ENSEMBLE.start(tmp_path, members=2)
    for index in range(2):
        one_of(ENSEMBLE, tmp_path, index, 2, members="2:5", batch=None)
    assert_nearly_same(tmp_path / ENSEMBLE.output, whole(ENSEMBLE))


def test_one_process_does_not_come(whole, tmp_path, caplog):
    caplog.set_level("INFO")
    one_of(ENSEMBLE, tmp_path, 0, 2)
    output = tmp_path / ENSEMBLE.output
    assert "1 of 3 parts are missing" in caplog.text
    assert f"Resume with `ngcm ensemble --resume {output}`" in caplog.text
    assert read(output).attrs["status"] == "interrupted"
    assert not run.is_complete(output)
    ENSEMBLE.resume(tmp_path)
    assert run.is_complete(output)
    assert_nearly_same(output, whole(ENSEMBLE))


def test_how_processes_are_named():
    with pytest.raises(ConfigError, match="both --coordinator and --process"):
        join("localhost:1234", None)
    for wrong in ("2/2", "1", "a/b", "-1/2"):
        with pytest.raises(ConfigError, match="is not one of several processes"):
            join("localhost:1234", wrong)
    with pytest.raises(ConfigError, match="is not the address of a coordinator"):
        join("localhost", "0/2")


def test_processes_that_do_not_find_each_other(monkeypatch):
    monkeypatch.setattr(distributed, "_TIMEOUT", 2)
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


def test_a_scheduler_and_processes_are_one_too_many(tiny):
    config = EnsembleConfig(scheduler="localhost:1")
    with pytest.raises(ConfigError, match="Either a Dask scheduler shares the work"):
        set_up(config, processes=Processes(0, 2))


@pytest.fixture
def threads():
    """A cluster whose worker is a thread of this process, with the tiny model."""
    cluster_of = pytest.importorskip("distributed").LocalCluster
    with cluster_of(
        n_workers=1, threads_per_worker=1, dashboard_address=None, processes=False
    ) as cluster:
        yield cluster.scheduler_address


INITS = "1959-01-02T00,1959-01-02T06,1959-01-02T12"


def test_a_cluster(tiny, tmp_path, threads):
    (tmp_path / "whole").mkdir()
    expected = ENSEMBLE.start(tmp_path / "whole", init=INITS)
    (tmp_path / "shared").mkdir()
    output = ENSEMBLE.start(tmp_path / "shared", init=INITS, scheduler=threads)
    assert_same(output, expected)
    assert [path.name for path in output.parent.iterdir()] == [output.name]


def test_an_initial_time_that_fails(tiny, tmp_path, threads, monkeypatch):
    """The others are completed first; it is when it can be."""
    (tmp_path / "whole").mkdir()
    (tmp_path / "shared").mkdir()
    expected = ENSEMBLE.start(tmp_path / "whole", init=INITS)
    state = Simulation.initial_state

    def damaged(self, init, member):
        if init == 1:
            raise InputDataError("temperature is constant.", "Get other data.")
        return state(self, init, member)

    with monkeypatch.context() as patch:
        patch.setattr(Simulation, "initial_state", damaged)
        with pytest.raises(InputDataError, match="temperature is constant") as caught:
            ENSEMBLE.start(tmp_path / "shared", init=INITS, scheduler=threads)
    output = tmp_path / "shared" / ENSEMBLE.output
    assert f"Resume with `ngcm ensemble --resume {output}`" in caught.value.__notes__[0]
    ds = read(output)["temperature"]
    assert np.isfinite(ds[:, [0, 2]]).all() and np.isnan(ds[:, 1]).all()
    ENSEMBLE.resume(output.parent)
    assert_same(output, expected)


@pytest.mark.parametrize("address", ["nowhere://1", "nonsense"])
def test_there_is_no_scheduler(tiny, tmp_path, address):
    distributed = pytest.importorskip("distributed")
    with pytest.raises(ConfigError, match="There is no Dask scheduler at"):
        ENSEMBLE.start(tmp_path, scheduler=address)
    with pytest.raises(ValueError, match="No clients found"):  # none is left behind
        distributed.default_client()


SHORTER = {"lead": "6h", "every": "3h", "restart_every": "3h"}


@pytest.fixture(scope="session")
def reduced_ensemble(reduced_model, tmp_path_factory) -> pathlib.Path:
    """Five members of the reduced model, by one process on one device."""
    folder = tmp_path_factory.mktemp("reduced_ensemble")
    return ENSEMBLE.start(folder, model=reduced_model, **SHORTER)


@pytest.mark.slow
def test_four_devices_give_the_same_bits(reduced_ensemble, reduced_model, tmp_path):
    """Two members on each, as one device has them in blocks of two."""
    flags = ENSEMBLE.flags(tmp_path, model=reduced_model, batch=8, **SHORTER)
    done = subprocess.run(
        [*NGCM, *flags],
        env=os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "8 at once, on 4 devices" in done.stderr
    assert_same_values(tmp_path / ENSEMBLE.output, reduced_ensemble)


@pytest.mark.slow
def test_two_processes(tiny, tmp_path):
    """Each has blocks of its own, and the statistics are over all."""
    (tmp_path / "whole").mkdir()
    (tmp_path / "shared").mkdir()
    whole = ENSEMBLE.start(tmp_path / "whole")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    flags = ENSEMBLE.flags(tmp_path / "shared", coordinator=address)
    both = [
        subprocess.Popen(
            [*tiny_ngcm(), *flags, "--process", f"{index}/2"],
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(2)
    ]
    said = [process.communicate(timeout=500)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert "in 2 processes" in said[0]
    assert_nearly_same(tmp_path / "shared" / ENSEMBLE.output, whole)
    assert [path.name for path in (tmp_path / "shared").iterdir()] == [ENSEMBLE.output]


@pytest.fixture
def analyses(tmp_path) -> pathlib.Path:
    """The bundled state at three times."""
    with xr.open_dataset(bundled.sample_path()) as opened:
        state = opened.load()
    state = state.isel(time=0) if "time" in state.dims else state
    times = [state.assign_coords(time=time) for time in parse_times(INITS)]
    xr.concat(times, "time").to_netcdf(tmp_path / "analyses.nc")
    return tmp_path / "analyses.nc"


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker(reduced_model, analyses, tmp_path):
    """Several initial times, in order and on a cluster: the same."""
    cluster_of = pytest.importorskip("distributed").LocalCluster
    settings = {
        **SHORTER,
        "model": reduced_model,
        "data": analyses,
        "init": INITS,
        "members": 2,
        "statistics": "mean",
    }
    (tmp_path / "whole").mkdir()
    (tmp_path / "shared").mkdir()
    whole = ENSEMBLE.start(tmp_path / "whole", **settings)
    path = tmp_path / "shared" / ENSEMBLE.output
    with cluster_of(
        n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True
    ) as cluster:
        victim = cluster.workers[0].pid
        stopped = threading.Event()

        def kill():
            while not stopped.wait(0.05):
                if (path / "temperature/c").exists():
                    os.kill(victim, signal.SIGKILL)
                    return

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            address = cluster.scheduler_address
            ENSEMBLE.start(path.parent, **settings, scheduler=address)
        finally:
            stopped.set()
            killer.join()
    assert_same_values(path, whole)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
