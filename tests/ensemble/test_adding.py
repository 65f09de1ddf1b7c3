"""Members that are added to an ensemble that is there."""

import json
import os
import shutil

import numpy as np
import pytest
import xarray as xr
import zarr
from ngcm_cli.ensemble.there import goes_on, settings_of
from ngcm_cli.origin import SAMPLE
from ngcm_cli.output.ensemble_place import has_ensemble
from small import STATISTICS, Stop, assert_same, go, read, seeing, stopping

from ngcm_cli.errors import ConfigError, OutputError
from ngcm_cli.simulation import run
from ngcm_cli.zoo import bundled_folder

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(reduced_model):
    return {"model": reduced_model, "statistics": STATISTICS}


@pytest.fixture
def three(settings, tmp_path):
    """The first three of five members."""
    return go(tmp_path / "a.zarr", **settings, members=3, batch=2)


def test_the_first_ones_are_left_as_they_are(five, settings, three):
    before = {
        str(file): file.stat().st_mtime_ns
        for file in (three / "temperature").rglob("*")
        if file.is_file() and file.name != "zarr.json"
    }
    seen = []
    go(three, seeing(seen), **settings, members="3:5")  # with the batch of the others
    assert {member for report in seen for member in report.members} == {3, 4}
    for file, time in before.items():
        assert os.stat(file).st_mtime_ns == time
    whole = read(three)
    assert_same(whole, read(five))
    first, second = whole.attrs["history"].splitlines()
    assert "--members 0:3" in first and "--members 3:5" in second


def test_stopped_in_the_middle(five, settings, three):
    with pytest.raises(Stop):
        go(three, stopping(0, 1), **settings, members="3:5")
    with pytest.raises(OutputError, match="exists and has members 3 to 4 already"):
        go(three, **settings, members="3:5")
    with pytest.raises(OutputError, match="is not complete"):
        go(three, **settings, members="5:6")
    run.ensemble(resume=three)
    assert_same(read(three), read(five))


def test_killed_before_there_was_room(five, settings, three, monkeypatch):
    resize, calls = zarr.Array.resize, []

    def killed(array, shape):
        calls.append(shape)
        if len(calls) == 3:
            raise Stop
        resize(array, shape)

    with monkeypatch.context() as patch, pytest.raises(Stop):
        patch.setattr(zarr.Array, "resize", killed)
        go(three, **settings, members="3:5")
    run.ensemble(resume=three)
    assert_same(read(three), read(five))


def test_without_naming_the_output(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = {"lead": "6h", "every": "6h", "variables": "temperature", "levels": "500"}
    small |= settings | {"statistics": "mean"}
    path = run.ensemble(**small, members=1, batch=1)
    assert run.ensemble(**small, members="1:2") == path
    with xr.open_zarr(path) as whole:
        assert whole.realization.values.tolist() == [0, 1]


def test_what_is_refused(five, settings):
    with pytest.raises(OutputError, match="exists and has member 4 already"):
        go(five, **settings, members="4:6")
    with pytest.raises(OutputError, match="exists and has members 0 to 4 already"):
        go(five, **settings, members=5)
    with pytest.raises(OutputError, match="was made with seed 7, not 8"):
        go(five, **settings | {"seed": 8}, members="5:6")
    with pytest.raises(OutputError, match="was made with lead 12h, not 1d"):
        go(five, **settings | {"lead": "1d"}, members="5:6")
    with pytest.raises(OutputError, match="with 2 members at once, not 3"):
        go(five, **settings, members="5:6", batch=3)
    with pytest.raises(ConfigError, match="--seed does not go with --resume"):
        run.ensemble(resume=five, seed=3)


def test_statistics_without_members_cannot_grow(reduced_model, tmp_path):
    settings = {"model": reduced_model, "statistics": "mean", "keep_members": False}
    path = go(tmp_path / "a.zarr", **settings, members=1, batch=1)
    with pytest.raises(OutputError, match="did not keep its members"):
        go(path, **settings, members="1:2")


def test_other_weights_are_refused(settings, three):
    group = zarr.open_group(three, mode="r+")
    group.update_attributes({"weights_sha256": "0" * 64})
    with pytest.raises(OutputError, match="was made with other weights"):
        go(three, **settings, members="3:5")


def test_another_day_is_refused(reduced_model, tmp_path):
    """What is in a file may be newer than the members that came from it."""
    data = tmp_path / "latest.nc"
    shutil.copy(bundled_folder() / SAMPLE, data)
    settings = {"model": reduced_model, "data": str(data), "lead": "6h", "batch": 1}
    path = go(tmp_path / "a.zarr", **settings, members=1)
    with xr.open_dataset(bundled_folder() / SAMPLE) as state:
        day = np.timedelta64(24, "h")
        state.assign_coords(time=state.time + day).to_netcdf(tmp_path / "new.nc")
    os.replace(tmp_path / "new.nc", data)
    with pytest.raises(OutputError, match="with init 1959-01-02T00, not 1959-01-03T00"):
        go(path, **settings, members="1:2")


def test_secrets_are_not_written_down(three):
    """An address with a key is kept without it, and given again to go on."""
    group = zarr.open_group(three, mode="r+")
    (name,) = [name for name in group.attrs if name.startswith("ngcm_ensemble")]
    about = json.loads(str(group.attrs[name]))
    about["settings"]["data"] = "https://host/era5.nc"
    group.update_attributes({name: json.dumps(about)})
    config = run.EnsembleConfig(data="https://me:secret@host/era5.nc?key=secret")
    day = np.datetime64("2020-01-01T00", "s")
    assert settings_of(config, day)["data"] == "https://host/era5.nc"
    again = goes_on(three, data="https://host/era5.nc?key=secret")
    assert again["data"] == "https://host/era5.nc?key=secret"
    with pytest.raises(ConfigError, match="--data does not go with --resume"):
        goes_on(three, data="https://host/other.nc")
    assert has_ensemble(three)
