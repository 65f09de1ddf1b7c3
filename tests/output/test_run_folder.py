"""The folder of a long run: one process, writes that fail, and a disk that is full."""

import errno
import json
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest
import xarray as xr
from ngcm_cli.output.restart import RESTARTS, read_restart, restarts
from ngcm_cli.output.run_folder import LOCK, PROGRESS, RunFolder
from small_climate import contents, record, small_climate
from small_disk import fill, small_disk

from ngcm_cli.errors import OutputError
from ngcm_cli.io import lock as disk

RECORDS = small_climate(end="1984-01-11").means("daily")
TIME = np.datetime64("1984-01-02", "s")
DAY = np.timedelta64(1, "D")
HERE = [str(path) for path in pathlib.Path(__file__).parents[:2]]
WRITER = """
    import pathlib, sys
    sys.path[:0] = {here!r}
    from test_run_folder import *
    folder = RunFolder(pathlib.Path({path!r}))
    folder.open("daily.zarr", RECORDS)
    print("here", flush=True)
    {then}
"""


def another_process(path, then) -> subprocess.Popen:
    """A process that has the folder, and does something then."""
    code = textwrap.dedent(WRITER.format(here=HERE, path=str(path), then=then))
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    return process


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path)
    folder.open("daily.zarr", RECORDS)
    yield folder
    folder.close()


def put_day(folder, index):
    folder.write(lambda put: put("daily.zarr", index, record(RECORDS, index), None))


def test_records_marks_and_restarts(tmp_path, folder):
    for index in range(6):
        put_day(folder, index)
        folder.flush({"daily.zarr": index + 1})
        folder.restart(TIME + index * DAY, {"x": ((), np.array(index))}, {})
    folder.mark(status="complete", lost="{}")
    with xr.open_zarr(tmp_path / "daily.zarr") as ds:
        assert ds.attrs["completed_records"] == 6
        assert ds.attrs["status"] == "complete" and ds.attrs["lost"] == "{}"
        np.testing.assert_array_equal(
            ds.temperature[5].values, record(RECORDS, 5)["temperature"]
        )
        assert np.isnan(ds.temperature[6:].values).all()
    kept = restarts(tmp_path / RESTARTS)
    assert [path.stem for path in kept] == ["1984-01-06T00", "1984-01-07T00"]
    assert [int(read_restart(path)[0]["x"]) for path in kept] == [4, 5]


def test_one_process_at_a_time(tmp_path):
    with another_process(tmp_path, "sys.stdin.read()") as process:
        try:
            with pytest.raises(OutputError, match="Another run is writing to"):
                RunFolder(tmp_path)
        finally:
            process.send_signal(signal.SIGKILL)
    assert (tmp_path / LOCK).exists()  # and nobody holds it
    RunFolder(tmp_path).close()
    assert not (tmp_path / LOCK).exists()


def test_a_look_at_the_lock_is_not_in_the_way(tmp_path):
    """`Lock.is_held` takes it for a moment, and a run that begins waits for that."""
    import fcntl

    (tmp_path / LOCK).touch()
    with open(tmp_path / LOCK, "rb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH | fcntl.LOCK_NB)
        end = threading.Timer(0.03, lambda: fcntl.flock(looking, fcntl.LOCK_UN))
        end.start()
        folder = RunFolder(tmp_path)
        end.join()
    assert disk.Lock.is_held(tmp_path / LOCK)
    folder.close()
    assert not disk.Lock.is_held(tmp_path / LOCK)


def test_what_killed_processes_left_is_removed(tmp_path):
    (tmp_path / RESTARTS).mkdir()
    (tmp_path / RESTARTS / ".1984-01-02T00.nc.0badcafe.partial").touch()
    (tmp_path / ".progress.json.0badcafe.partial").touch()
    (tmp_path / "notes.partial").touch()  # somebody's own
    RunFolder(tmp_path).close()
    assert sorted(contents(tmp_path)) == ["notes.partial"]


def test_a_failed_write_surfaces_once_at_the_next_call(folder):
    def fail(put):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder.write(fail)
    with pytest.raises(OutputError, match="the disk is full"):
        put_day(folder, 0)
    put_day(folder, 0)
    folder.write(fail)
    with pytest.raises(OutputError, match="the disk is full"):
        folder.flush({"daily.zarr": 1})
    folder.flush({"daily.zarr": 1})


def test_a_failed_write_is_not_forgotten_after_an_interrupt(folder):
    """Ctrl-C while waiting, then the restart that it asks for: no record may lack."""
    goes_on = threading.Event()

    def fail(put):
        goes_on.wait()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder.write(fail)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    with pytest.raises(KeyboardInterrupt):
        folder.wait()
    signal.signal(signal.SIGALRM, before)
    goes_on.set()
    with pytest.raises(OutputError, match="the disk is full"):
        folder.flush({"daily.zarr": 1})


def test_a_bug_in_the_background_is_no_trouble_with_the_disk(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write(lambda put: put("nothing.zarr", 0, {}, None))
    with pytest.raises(KeyError, match="nothing.zarr"):
        folder.close()
    RunFolder(tmp_path).close()  # the lock is gone all the same


def test_the_records_of_a_full_disk_can_be_written_later(tmp_path, folder, monkeypatch):
    """With a disk that is full as far as Zarr can see."""
    put_day(folder, 0)
    folder.flush({"daily.zarr": 1})
    write = pathlib.Path.open

    def full(path, *words, **more):
        if path.suffix == ".partial":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(path, *words, **more)

    monkeypatch.setattr(pathlib.Path, "open", full)
    put_day(folder, 1)
    with pytest.raises(OutputError) as caught:
        folder.flush({"daily.zarr": 2})
    assert str(caught.value) == (
        f"Writing to {tmp_path} stopped: the disk is full. Free some space, then go on "
        f"with `ngcm amip --resume {tmp_path}`."
    )
    monkeypatch.undo()
    for index in (1, 2):
        put_day(folder, index)
    folder.flush({"daily.zarr": 3})
    with xr.open_zarr(tmp_path / "daily.zarr") as ds:
        for index in range(3):
            expected = record(RECORDS, index)["temperature"]
            np.testing.assert_array_equal(ds.temperature[index].values, expected)


def test_a_disk_that_is_really_full(tmp_path):
    with small_disk(tmp_path / "disk", size="1m") as disk_:
        fill_and_go_on(disk_)


def fill_and_go_on(disk_):
    path = disk_ / "run"
    path.mkdir()
    folder = RunFolder(path)
    folder.open("daily.zarr", RECORDS)
    put_day(folder, 0)
    folder.flush({"daily.zarr": 1})
    folder.progress({"day": 1})
    folder.restart(TIME, {"x": (("x",), np.arange(5000.0))}, {"day": 1})
    before = contents(path)
    ballast = fill(disk_)
    put_day(folder, 1)
    for work in (
        lambda: folder.flush({"daily.zarr": 2}),
        lambda: folder.restart(TIME + DAY, {"x": (("x",), np.arange(5000.0))}, {}),
        lambda: folder.progress({"day": 2}),
        lambda: folder.open("monthly.zarr", small_climate().means("monthly")),
    ):
        with pytest.raises(OutputError, match="the disk is full. Free some space"):
            work()
    assert contents(path) == before
    ballast.unlink()
    put_day(folder, 1)
    folder.flush({"daily.zarr": 2})
    folder.restart(TIME + DAY, {"x": (("x",), np.arange(5000.0))}, {"day": 2})
    folder.progress({"day": 2})
    folder.close()
    assert len(restarts(path / RESTARTS)) == 2
    with xr.open_zarr(path / "daily.zarr") as ds:
        expected = record(RECORDS, 1)["temperature"]
        np.testing.assert_array_equal(ds.temperature[1].values, expected)


def test_progress_is_never_half_written(tmp_path):
    then = "for n in range(10**6): folder.progress({'day': n, 'more': n * ['x']})"
    with another_process(tmp_path, then) as process:
        try:
            days = []
            while len(days) < 300:
                if (tmp_path / PROGRESS).exists():
                    told = json.loads((tmp_path / PROGRESS).read_text())
                    assert len(told["more"]) == told["day"]
                    days.append(told["day"])
        finally:
            process.send_signal(signal.SIGKILL)
    assert days == sorted(days) and len(set(days)) > 1
    json.loads((tmp_path / PROGRESS).read_text())


def test_a_folder_that_cannot_be_written_to_is_a_sentence(tmp_path):
    folder = RunFolder(tmp_path / "missing")
    with pytest.raises(OutputError, match="missing stopped: No such file or directory"):
        folder.progress({})
    folder.close()
