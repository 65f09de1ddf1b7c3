"""Members that are added to a complete ensemble."""

import json
import os
import shutil

import numpy as np
import pytest
import zarr
from runs import (
    ENSEMBLE,
    FORECAST,
    STATISTICS_ONLY,
    Spoiling,
    Stop,
    assert_same_values,
    read,
    seeing,
    stopping,
)

from ngcm_cli.config import EnsembleConfig
from ngcm_cli.errors import ConfigError, OutputError, UnstableRunError
from ngcm_cli.simulation import run
from ngcm_cli.simulation.existing_run import settings_for_resume
from ngcm_cli.simulation.setup import result_settings

MORE = {"members": "3:5", "batch": None}


@pytest.fixture
def three(whole, tmp_path):
    """The first three of five members, in blocks of two."""
    whole(ENSEMBLE)
    return ENSEMBLE.start(tmp_path, members=3)


def test_the_same_as_at_once(whole, three, tmp_path):
    before = {
        file: file.stat().st_mtime_ns
        for file in (three / "temperature").rglob("*")
        if file.is_file() and file.name != "zarr.json"
    }
    seen = []
    ENSEMBLE.start(tmp_path, seeing(seen), **MORE)  # with the batch of the others
    assert {member for one in seen for member in one.stable} == {3, 4}
    for file, time in before.items():
        assert os.stat(file).st_mtime_ns == time  # the first ones are left alone
    assert_same_values(three, whole(ENSEMBLE))
    first, second = read(three).attrs["history"].splitlines()
    assert "--members 0:3" in first and "--members 3:5" in second
    assert [path.name for path in tmp_path.iterdir()] == [three.name]


def test_again_and_again(whole, tmp_path):
    ENSEMBLE.start(tmp_path, members=2)
    for member in range(2, 5):
        ENSEMBLE.start(tmp_path, members=f"{member}:{member + 1}")
    assert_same_values(tmp_path / ENSEMBLE.output, whole(ENSEMBLE))


@pytest.mark.parametrize("task, windows", [(0, 1), (0, 3), (1, 2)])
def test_stopped_and_resumed(whole, three, tmp_path, task, windows):
    with pytest.raises(Stop):
        ENSEMBLE.start(tmp_path, stopping(task, windows), **MORE)
    with pytest.raises(OutputError, match="exists and has members 3 to 4 already"):
        ENSEMBLE.start(tmp_path, **MORE)
    with pytest.raises(OutputError, match="is not complete"):
        ENSEMBLE.start(tmp_path, members="5:6")
    ENSEMBLE.resume(tmp_path)
    assert_same_values(three, whole(ENSEMBLE))
    assert [path.name for path in tmp_path.iterdir()] == [three.name]


def test_stopped_before_there_was_room(whole, three, tmp_path, monkeypatch):
    """The command can be given again."""
    resize, calls = zarr.Array.resize, []

    def killed(array, shape):
        calls.append(shape)
        if len(calls) == 2:
            raise Stop
        resize(array, shape)

    with monkeypatch.context() as patch, pytest.raises(Stop):
        patch.setattr(zarr.Array, "resize", killed)
        ENSEMBLE.start(tmp_path, **MORE)
    ENSEMBLE.start(tmp_path, **MORE)
    assert_same_values(three, whole(ENSEMBLE))


def test_members_that_failed_before_are_remembered(tiny, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        Spoiling(patch, {1: (1, 1)})
        with pytest.raises(UnstableRunError):
            ENSEMBLE.start(tmp_path, members=2)
    with pytest.raises(UnstableRunError, match="1 of 4 members became unstable: 1 "):
        ENSEMBLE.start(tmp_path, members="2:4")
    ds = read(tmp_path / ENSEMBLE.output)
    assert ds.attrs["status"] == "complete"
    (failed,) = json.loads(ds.attrs["unstable_members"])
    assert failed["realization"] == 1
    x = ds["temperature"].values
    assert np.isnan(x[1, :, 1:]).all()
    np.testing.assert_array_equal(ds["temperature_max"][0], np.nanmax(x, 0)[0])
    with pytest.raises(UnstableRunError, match="1 of 4 members"):
        ENSEMBLE.resume(tmp_path)


def test_without_naming_the_output(tiny, tmp_path):
    settings = {"lead": "6h", "variables": "temperature", "statistics": "mean"}
    path = run.ensemble(**settings, members=1, batch=1)
    assert run.ensemble(**settings, members="1:2") == path
    assert read(path).realization.values.tolist() == [0, 1]


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"members": "4:6"}, "exists and has member 4 already"),
        ({"members": 5}, "exists and has members 0 to 4 already"),
        ({"seed": 8}, "was made with seed 7, not 8"),
        ({"lead": "1d"}, "was made with lead 12h, not 1d"),
        ({"precision": "fast"}, "was made with precision published, not fast"),
        ({"variables": "temperature"}, "was made with variables temperature,surface"),
        ({"statistics": "none"}, "was made with statistics mean,std"),
        ({"keep_members": False}, "did not keep its members"),
        ({"batch": 3}, "made with batch 2, not 3"),
    ],
)
def test_what_is_refused(whole, tmp_path, changes, sentence):
    shutil.copytree(whole(ENSEMBLE), tmp_path / ENSEMBLE.output)
    with pytest.raises(OutputError, match=sentence):
        ENSEMBLE.start(tmp_path, **{"members": "5:6", **changes})
    assert_same_values(tmp_path / ENSEMBLE.output, whole(ENSEMBLE))


def test_statistics_without_members_cannot_be_extended(tiny, tmp_path):
    STATISTICS_ONLY.start(tmp_path, members=2)
    with pytest.raises(OutputError, match="did not keep its members"):
        STATISTICS_ONLY.start(tmp_path, members="2:3")


def test_a_forecast_is_not_extended(tiny, tmp_path):
    output = FORECAST.start(tmp_path)
    with pytest.raises(OutputError, match="exists"):
        ENSEMBLE.start(tmp_path, output=output, members="1:2")


@pytest.mark.parametrize(
    "key, sentence",
    [
        ("weights", "with other weights"),
        ("spec", "with another architecture"),
        ("forcing", "with another sea-surface temperature"),
        ("nudging", "with other data to nudge to"),
        ("vectors", "with other singular vectors"),
    ],
)
def test_other_inputs_are_refused(three, tmp_path, key, sentence):
    group = zarr.open_group(three, mode="r+")
    record = json.loads(str(group.attrs["ngcm_run"]))
    record[f"{key}_sha256"] = 64 * "0"
    group.update_attributes({"ngcm_run": json.dumps(record)})
    with pytest.raises(OutputError, match=sentence):
        ENSEMBLE.start(tmp_path, **MORE)


def test_secrets_are_not_written_down(three):
    """An address with a key is kept without it, and given again to resume."""
    group = zarr.open_group(three, mode="r+")
    record = json.loads(str(group.attrs["ngcm_run"]))
    record["settings"]["data"] = "https://host/era5.nc"
    group.update_attributes({"ngcm_run": json.dumps(record)})
    config = EnsembleConfig(data="https://me:secret@host/era5.nc?key=secret")
    assert result_settings(config)["data"] == "https://host/era5.nc"
    again = settings_for_resume(
        "ensemble", three, data="https://host/era5.nc?key=secret"
    )
    assert again["data"] == "https://host/era5.nc?key=secret"
    with pytest.raises(ConfigError, match="--data cannot be given with --resume"):
        settings_for_resume("ensemble", three, data="https://host/other.nc")
