"""The paths of a run: formats, what may be replaced, what must not be touched."""

import pathlib
import shutil
import types

import pytest

from ngcm_cli.errors import ConfigError, OutputError
from ngcm_cli.output.run_paths import RunPaths

RESUME = "ngcm forecast --resume out"


def paths(folder, name="out.zarr", is_directory=False) -> RunPaths:
    return RunPaths(folder / name, is_directory)


def check(folder, name="out.zarr", overwrite=False, is_directory=False):
    paths(folder, name, is_directory).check_new(overwrite, RESUME)


def make_store(path):
    path.mkdir()
    (path / "zarr.json").touch()


@pytest.mark.parametrize(
    "name, is_directory, stores, work, lock, exported",
    [
        ("a.zarr", False, "a.zarr", ".a.zarr.run", ".a.zarr.lock", False),
        ("a.nc", False, "a.partial.zarr", ".a.nc.run", ".a.nc.lock", True),
        ("a", True, "a", "a", "a/.lock", False),
        ("a.zarr", True, "a.zarr", "a.zarr", "a.zarr/.lock", False),
    ],
)
def test_where_a_run_writes(tmp_path, name, is_directory, stores, work, lock, exported):
    run = paths(tmp_path, name, is_directory)
    assert run.stores == tmp_path / stores
    assert run.work == tmp_path / work
    assert run.lock == tmp_path / lock
    assert run.is_exported is exported


def test_a_link_names_what_it_points_to(tmp_path):
    (tmp_path / "disk").mkdir()
    make_store(tmp_path / "disk" / "real.zarr")
    (tmp_path / "out.zarr").symlink_to(tmp_path / "disk" / "real.zarr")
    run = paths(tmp_path)
    assert run.stores == tmp_path / "disk" / "real.zarr"
    assert run.work.parent == run.lock.parent == tmp_path / "disk"
    check(tmp_path, overwrite=True)


@pytest.mark.parametrize("name", ["out", "out.grib", "out.zarr.gz"])
def test_unknown_format(tmp_path, name):
    with pytest.raises(ConfigError, match="no known format. End its name in"):
        paths(tmp_path, name).check_name()


@pytest.mark.parametrize("is_directory", [False, True])
def test_a_new_output_leaves_nothing(tmp_path, is_directory):
    check(tmp_path, is_directory=is_directory)
    assert not list(tmp_path.iterdir())


def test_missing_directory(tmp_path):
    with pytest.raises(OutputError, match="does not exist. Create it"):
        check(tmp_path / "not" / "there")


def test_directory_that_cannot_be_written_to():
    # Not even root writes into /proc.
    with pytest.raises(OutputError, match="/proc/out.zarr cannot be written to"):
        check(pathlib.Path("/proc"))


def test_a_name_that_is_too_long(tmp_path):
    with pytest.raises(OutputError, match="cannot be written to: File name too long"):
        check(tmp_path, f"{300 * 'x'}.zarr")


def test_existing_output_is_refused(tmp_path):
    make_store(tmp_path / "out.zarr")
    with pytest.raises(OutputError) as caught:
        check(tmp_path)
    assert caught.value.message == f"The output {tmp_path / 'out.zarr'} exists."
    assert "--overwrite" in caught.value.hint and RESUME not in caught.value.hint
    check(tmp_path, overwrite=True)


def test_an_interrupted_run_can_be_resumed(tmp_path):
    make_store(tmp_path / "out.zarr")
    (tmp_path / ".out.zarr.run").mkdir()
    (tmp_path / ".out.zarr.run" / "run.json").touch()
    with pytest.raises(OutputError, match=f"Or resume its run with `{RESUME}`"):
        check(tmp_path)


def test_the_store_of_an_interrupted_netcdf_is_not_lost_silently(tmp_path):
    make_store(tmp_path / "out.partial.zarr")
    with pytest.raises(OutputError, match="out.nc exists, unfinished"):
        check(tmp_path, "out.nc")
    check(tmp_path, "out.nc", overwrite=True)


def test_overwrite_spares_what_is_no_output(tmp_path):
    (tmp_path / "thesis.zarr").mkdir()
    (tmp_path / "thesis.zarr" / "chapter1.tex").touch()
    with pytest.raises(OutputError, match="is not a Zarr store, so it is not"):
        check(tmp_path, "thesis.zarr", overwrite=True)
    (tmp_path / "folder.nc").mkdir()
    with pytest.raises(OutputError, match="is not a file, so it is not"):
        check(tmp_path, "folder.nc", overwrite=True)


def test_a_directory_of_stores_must_be_empty(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").touch()  # of a process killed at once
    check(tmp_path, "run", is_directory=True)
    (tmp_path / "run" / "notes.txt").touch()
    with pytest.raises(OutputError, match="run exists. Choose another --output.$"):
        check(tmp_path, "run", is_directory=True)
    (tmp_path / "run" / "run.json").touch()
    with pytest.raises(OutputError, match="Or resume its run"):
        check(tmp_path, "run", is_directory=True)
    with pytest.raises(OutputError, match="notes.txt exists"):
        check(tmp_path / "run", "notes.txt", is_directory=True)


@pytest.mark.parametrize(
    "data, output",
    [
        ("p.zarr", "p.zarr"),
        ("p.partial.zarr", "p.nc"),
        ("p.zarr", "p.zarr/in.zarr"),
        ("p.zarr/in.zarr", "p.zarr"),
        ("link.zarr", "p.zarr"),
        ("p.zarr", "link.zarr"),
        ("folder/../p.zarr", "p.zarr"),
        ("linked/p.zarr", "folder/p.zarr"),
    ],
)
def test_the_data_are_never_overwritten(tmp_path, data, output):
    for name in ("p.zarr", "p.partial.zarr", "folder/p.zarr"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link.zarr").symlink_to("p.zarr")
    (tmp_path / "linked").symlink_to("folder")
    with pytest.raises(ConfigError, match="would overwrite the data, my data"):
        paths(tmp_path, output).check_apart_from(tmp_path / data, "my data")
    paths(tmp_path, "other.zarr").check_apart_from(tmp_path / data, "my data")


def test_data_under_another_name_of_the_output(tmp_path):
    (tmp_path / "data.nc").touch()
    (tmp_path / "out.nc").hardlink_to(tmp_path / "data.nc")
    with pytest.raises(ConfigError, match="would overwrite the data"):
        paths(tmp_path, "out.nc").check_apart_from(tmp_path / "data.nc", "data.nc")


def test_a_disk_that_is_too_small(tmp_path, monkeypatch):
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: types.SimpleNamespace(free=2500)
    )
    paths(tmp_path).check_space(2500, "The output")
    with pytest.raises(
        OutputError, match="The output takes at least 2.6 kB, and .*2.5 kB left"
    ):
        paths(tmp_path).check_space(2600, "The output")
