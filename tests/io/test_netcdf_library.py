"""Threads that read and write NetCDF at the same time."""

import concurrent.futures
import pickle
import time

import numpy as np
import pytest
import xarray as xr

from ngcm_cli.io.netcdf_library import NETCDF_LOCK, netcdf_file, open_with_xarray
from ngcm_cli.output.dataset_file import write_dataset
from ngcm_cli.output.restart_file import read_restart, write_restart

VALUES = np.random.default_rng(0).random((20, 50, 50))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "values.nc"
    encoding = {"x": {"zlib": True, "chunksizes": (1, 50, 50)}}
    write_dataset(xr.Dataset({"x": (("time", "a", "b"), VALUES)}), path, encoding)
    return path


def test_threads_do_not_disturb_each_other(file, tmp_path):
    """Without the lock, this crashes the process within a few tenths of a second."""
    end = time.monotonic() + 1.5

    def read() -> int:
        count = 0
        while time.monotonic() < end:
            with open_with_xarray(file, cache=False) as opened:
                np.testing.assert_array_equal(opened["x"], VALUES)
            count += 1
        return count

    def restart() -> int:
        count = 0
        while time.monotonic() < end:
            path = tmp_path / "restart.nc"
            write_restart(path, {"x": (("time", "a", "b"), VALUES)}, {"n": count})
            arrays, metadata = read_restart(path)
            np.testing.assert_array_equal(arrays["x"], VALUES)
            assert metadata == {"n": count}
            count += 1
        return count

    with concurrent.futures.ThreadPoolExecutor(3) as threads:
        done = [threads.submit(work) for work in (read, restart, read)]
        assert min(x.result() for x in done) > 1


def test_reading_within_an_open_file(file, tmp_path):
    with netcdf_file(tmp_path / "new.nc", "w") as new, open_with_xarray(file) as old:
        new.total = float(old["x"].sum())
    with netcdf_file(tmp_path / "new.nc") as new:
        assert new.total == pytest.approx(VALUES.sum())


def test_a_dataset_is_sent_to_other_processes(file):
    with open_with_xarray(file, cache=False) as opened:
        sent = pickle.loads(pickle.dumps(opened))
    np.testing.assert_array_equal(sent["x"], VALUES)
    assert pickle.loads(pickle.dumps(NETCDF_LOCK)) is NETCDF_LOCK
