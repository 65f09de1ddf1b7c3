"""Ensembles that are stopped at some moment, and go on."""

import contextlib
import pathlib
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray as xr
import zarr
from ngcm_cli.ensemble.parts import parts_folder
from ngcm_cli.output.ensemble_store import EnsembleStore
from small import (
    NAMES,
    STATISTICS,
    Stop,
    assert_same,
    flags,
    go,
    read,
    seeing,
    stopping,
)

from ngcm_cli.errors import OutputError
from ngcm_cli.simulation import run

pytestmark = pytest.mark.slow
NGCM = pathlib.Path(sys.executable).parent / "ngcm"


@pytest.mark.parametrize("keep_members", [True, False])
@pytest.mark.parametrize("block, lead", [(0, 1), (1, 0), (2, 2)])
def test_goes_on_where_it_stopped(
    five, reduced_model, tmp_path, block, lead, keep_members
):
    path = tmp_path / "a.zarr"
    settings = {"model": reduced_model, "members": 5, "batch": 2}
    with pytest.raises(Stop) as caught:
        go(
            path,
            stopping(block, lead),
            **settings,
            statistics=STATISTICS,
            keep_members=keep_members,
        )
    whole = 2 * block
    assert f"holds {whole} of 5 members" in caught.value.__notes__[0]
    assert "ngcm ensemble --resume" in caught.value.__notes__[0]
    seen = []
    run.ensemble(resume=path, track=seeing(seen))
    assert min(min(report.members) for report in seen) == whole
    ours, theirs = read(path), read(five)
    if not keep_members:
        theirs = theirs.drop_vars(NAMES)
    assert_same(ours, theirs)
    assert not parts_folder(path).exists()


def start(path, **settings) -> subprocess.Popen:
    words = [NGCM, *flags(path, **settings, statistics=STATISTICS)]
    return subprocess.Popen(list(map(str, words)), stderr=subprocess.PIPE, text=True)


def await_members(path, process) -> None:
    """Until the first ones are whole."""
    deadline = time.monotonic() + 500
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, KeyError, ValueError):  # not there yet
            if zarr.open_array(path / "completed_lead_times", mode="r")[:].any():
                return
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    raise TimeoutError


def test_killed_at_some_moment(five, reduced_model, tmp_path):
    path = tmp_path / "a.zarr"
    process = start(path, model=reduced_model, members=5, batch=2)
    await_members(path, process)
    process.kill()
    process.communicate()
    subprocess.run([NGCM, "ensemble", "--resume", str(path)], check=True)
    assert_same(read(path), read(five))


def test_told_to_end(five, reduced_model, tmp_path):
    """SIGTERM, as a scheduler sends it: it says what there is, and goes on later."""
    path = tmp_path / "a.zarr"
    process = start(path, model=reduced_model, members=5, batch=2)
    await_members(path, process)
    process.terminate()
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 143, said
    assert "of 5 members. Go on with it by `ngcm ensemble --resume" in said
    assert read(path).attrs["status"] == "interrupted"
    run.ensemble(resume=path)
    assert_same(read(path), read(five))


@pytest.mark.parametrize("keep_members", [True, False])
def test_killed_while_a_block_was_being_counted(
    five, reduced_model, tmp_path, monkeypatch, keep_members
):
    """One of two members was said to be whole."""
    path = tmp_path / "a.zarr"
    complete = EnsembleStore.complete

    def killed(store, finite, init):
        if 2 in finite:
            complete(store, {2: finite[2]}, init)
            raise Stop
        complete(store, finite, init)

    settings = {"model": reduced_model, "members": 5, "batch": 2}
    settings |= {"statistics": STATISTICS, "keep_members": keep_members}
    with monkeypatch.context() as patch, pytest.raises(Stop):
        patch.setattr(EnsembleStore, "complete", killed)
        go(path, **settings)
    run.ensemble(resume=path)
    theirs = read(five)
    assert_same(read(path), theirs if keep_members else theirs.drop_vars(NAMES))


@pytest.mark.parametrize("damage", [b"", b"\xff[", None])
def test_summaries_that_are_gone_are_made_again(five, reduced_model, tmp_path, damage):
    """Also if only the note of whose they are is damaged."""
    path = tmp_path / "a.zarr"
    settings = {"model": reduced_model, "members": 5, "batch": 2}
    settings |= {"statistics": STATISTICS, "keep_members": False}
    with pytest.raises(Stop):
        go(path, stopping(2, 1), **settings)
    if damage is None:
        shutil.rmtree(parts_folder(path))
    else:
        notes = list(parts_folder(path).rglob("members.json"))
        assert notes
        for note in notes:
            note.write_bytes(damage)
    run.ensemble(resume=path)
    assert_same(read(path), read(five).drop_vars(NAMES))


def test_netcdf_goes_on(five, reduced_model, tmp_path, monkeypatch):
    """After a stop, and after a whole ensemble could not be made a NetCDF file."""
    path = tmp_path / "a.nc"
    settings = {"model": reduced_model, "members": 5, "batch": 2}
    with pytest.raises(Stop):
        go(path, stopping(1, 0), **settings, statistics=STATISTICS)

    def full(source, target):
        raise OutputError(f"{target} could not be written.")

    with monkeypatch.context() as patch, pytest.raises(OutputError, match="could not"):
        patch.setattr("ngcm_cli.output.ensemble_store.export_netcdf", full)
        run.ensemble(resume=path)
    assert read(path.with_suffix(".partial.zarr")).attrs["status"] == "complete"
    run.ensemble(resume=path)
    with xr.open_dataset(path) as ours:
        for name in (*NAMES, "temperature_p10", "completed_statistics"):
            np.testing.assert_array_equal(ours[name], read(five)[name])
    assert [p.name for p in tmp_path.iterdir()] == ["a.nc"]
    before = path.stat().st_mtime_ns
    assert run.ensemble(resume=path) == path
    assert path.stat().st_mtime_ns == before
    with pytest.raises(OutputError, match="nothing can be added to a NetCDF file"):
        go(path, **settings | {"members": "5:6"}, statistics=STATISTICS)


def test_resuming_a_whole_one_changes_nothing(five):
    before = {p: p.stat().st_mtime_ns for p in five.rglob("c/*") if p.is_file()}
    run.ensemble(resume=five)
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_resuming_what_is_no_ensemble(tmp_path):
    with pytest.raises(OutputError, match="nothing.zarr cannot be opened"):
        run.ensemble(resume=tmp_path / "nothing.zarr")
    zarr.create_group(tmp_path / "other.zarr")
    with pytest.raises(OutputError, match="is not an ensemble of ngcm's"):
        run.ensemble(resume=tmp_path / "other.zarr")
