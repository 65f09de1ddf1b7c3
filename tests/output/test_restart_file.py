"""Restart files: bit by bit, whole or not there, and refused when damaged."""

import errno
import os
import pathlib
import resource
import subprocess
import sys

import netCDF4
import numpy as np
import pytest

from ngcm_cli.errors import OutputError
from ngcm_cli.output.restart_file import (
    list_restarts,
    read_restart,
    restart_path,
    write_restart,
)

METADATA = {"windows": 3, "failed": {"1": {"reason": "wind"}}, "due": True}
RESTARTS = "0-0"
TIME = np.datetime64("1982-01-31", "s")


def arrays(size: int = 60) -> dict:
    """Return arrays of every kind that a state has."""
    bits = np.random.default_rng(0).integers(0, 2**32, (2, size), dtype=np.uint32)
    fields = bits.view(np.float32)  # NaN of many payloads among them
    fields[0, 0] = np.uint32(0x7FC12345).view(np.float32)
    fields[0, 1] = -0.0
    return {
        "state.vorticity": (("run", "mode"), fields),
        "state.pressure": (("run", "surface", "mode"), fields[:, None, :7]),
        "random.key": (("run", "key"), np.array([[0, 2**32 - 1], [1, 7]], np.uint32)),
        "time.steps": ((), np.array(-(2**31), np.int32)),
        "month.count": (("run",), np.array([3, 4], np.int32)),
        "double": ((), np.array(np.pi)),
    }


@pytest.fixture
def restart(tmp_path) -> pathlib.Path:
    (tmp_path / RESTARTS).mkdir()
    path = restart_path(tmp_path / RESTARTS, TIME)
    write_restart(path, arrays(), METADATA)
    return path


def assert_same(path, expected):
    found, metadata = read_restart(path)
    assert metadata == METADATA
    assert set(found) == set(expected)
    for name, (_, x) in expected.items():
        assert (found[name].dtype, found[name].shape) == (x.dtype, x.shape), name
        assert found[name].tobytes() == x.tobytes(), name


def test_every_bit_comes_back(restart):
    assert restart.name == "1982-01-31T00.nc"
    assert_same(restart, arrays())
    assert os.listdir(restart.parent) == [restart.name]


def test_other_programs_can_read_it(restart):
    with netCDF4.Dataset(restart) as file:
        file.set_auto_mask(False)
        assert file.restart_version == 2
        assert file["state.vorticity"].dimensions == ("run", "mode")
        assert file["state.pressure"].dimensions == ("run", "surface", "mode_7")
        assert file["month.count"][:].tolist() == [3, 4]


def test_it_is_read_apart_from_its_file(restart):
    found, _ = read_restart(restart)
    write_restart(restart, {"x": (("x",), np.zeros(5))}, {})
    found["state.vorticity"] += 1
    assert read_restart(restart)[0]["x"].tolist() == [0] * 5


@pytest.mark.parametrize("part", [0, 0.001, 0.1, 0.5, 0.95])
def test_a_truncated_one_is_refused(restart, part):
    content = restart.read_bytes().rstrip(b"\0")
    restart.write_bytes(content[: int(part * len(content))])
    with pytest.raises(
        OutputError, match="The restart file .* is damaged: .*start again"
    ):
        read_restart(restart)


@pytest.mark.parametrize("name", list(arrays()))
def test_a_flipped_bit_in_an_array_is_noticed(restart, name):
    content, values = restart.read_bytes(), arrays()[name][1].tobytes()
    place = content.rindex(values)
    damaged = bytearray(content)
    damaged[place + len(values) // 2] ^= 4
    restart.write_bytes(damaged)
    with pytest.raises(OutputError, match="is damaged: its checksum differs"):
        read_restart(restart)


def test_a_flipped_bit_anywhere_is_noticed_or_does_not_matter(restart):
    content, refused = restart.read_bytes(), 0
    used = len(content.rstrip(b"\0"))
    for place in np.random.default_rng(1).integers(0, used, 60):
        damaged = bytearray(content)
        damaged[place] ^= 16
        restart.write_bytes(damaged)
        try:
            assert_same(restart, arrays())
        except OutputError:
            refused += 1
    assert refused > 0


def test_other_files_are_refused(tmp_path, restart, monkeypatch):
    other = tmp_path / "other.nc"
    with netCDF4.Dataset(other, "w") as file:
        file.title = "of somebody else"
    with pytest.raises(OutputError, match="other.nc is not a restart file of ngcm"):
        read_restart(other)
    with netCDF4.Dataset(other, "a") as file:
        file.restart_version = 2
    with pytest.raises(OutputError, match="other.nc is damaged"):
        read_restart(other)
    monkeypatch.setattr("ngcm_cli.output.restart_file.VERSION", 1)
    write_restart(restart, arrays(), METADATA)
    monkeypatch.undo()
    with pytest.raises(OutputError, match="has version 1 .* reads version 2"):
        read_restart(restart)
    with pytest.raises(OutputError, match="is damaged: .*No such file"):
        read_restart(tmp_path / "missing.nc")


def test_restarts_are_in_the_order_of_time(tmp_path):
    folder = tmp_path / RESTARTS
    folder.mkdir()
    days = np.datetime64("1999-12-30", "s") + np.arange(4) * np.timedelta64(86400, "s")
    for time in reversed(days):
        write_restart(restart_path(folder, time), {}, {})
    (folder / ".2000-01-05T00.nc.0badcafe.partial").touch()
    (folder / "notes.txt").touch()
    (folder / "2001-01-01T00.nc").mkdir()
    names = [path.stem for path in list_restarts(folder)]
    expected = ["1999-12-30", "1999-12-31", "2000-01-01", "2000-01-02"]
    assert names == [f"{day}T00" for day in expected]
    assert list_restarts(tmp_path / "none") == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_failing_disk_leaves_the_last_restart(restart, monkeypatch, code):
    def fsync(descriptor):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("os.fsync", fsync)
    for path in (restart, restart.with_name("1982-03-01T00.nc")):
        with pytest.raises(OSError) as caught:
            write_restart(path, arrays(90), {})
        assert caught.value.errno == code
    monkeypatch.undo()
    assert os.listdir(restart.parent) == [restart.name]
    assert_same(restart, arrays())
    write_restart(restart, arrays(90), METADATA)
    assert_same(restart, arrays(90))


def test_a_limit_on_files_leaves_the_last_restart(restart):
    code = """
import pathlib, resource, sys
sys.path.insert(0, sys.argv[1])
from test_restart_file import *
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_restart(pathlib.Path(sys.argv[2]), arrays(30_000), METADATA)
except OSError as error:
    assert error.errno == errno.EFBIG, error
else:
    sys.exit("it was written")
"""
    here = str(pathlib.Path(__file__).parent)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    command = [sys.executable, "-c", code, here, str(restart)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert os.listdir(restart.parent) == [restart.name]
    assert_same(restart, arrays())


def test_a_restart_written_again_holds_the_same(restart):
    """But for the time of writing, which HDF5 keeps of every object."""
    with netCDF4.Dataset(restart) as file:
        before = file.sha256
    write_restart(restart, arrays(), METADATA)
    assert_same(restart, arrays())
    with netCDF4.Dataset(restart) as file:
        assert file.sha256 == before
