"""Data of a training: what is refused before the start, and the order of batches."""

import numpy as np
import pytest
import small_training
import xarray as xr
from small_analysis import FIELDS
from small_training import GRID, SETTINGS, START

from ngcm_cli.config.train import TrainConfig
from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.io.progress import no_progress
from ngcm_cli.training.data import ReadAhead, TrainingData, shuffled

LEVELS = (100.0, 500.0, 850.0, 1000.0)
HOUR = np.timedelta64(1, "h")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    small_training.write_data(folder / "data.nc", LEVELS)
    return folder


def data(path, **changes) -> TrainingData:
    config = TrainConfig(**SETTINGS | {"data": str(path)} | changes)
    return TrainingData(config, ModelInputs(GRID, LEVELS, FIELDS), memory=1e9)


def refused(path, **changes) -> str:
    with data(path, **changes) as found, pytest.raises(InputDataError) as error:
        for stage in found.config.stages:
            found.starts(stage)
        found.starts(found.config.stages[-1], held_out=True)
        found.check_times()
        found.check_values(no_progress)
    return str(error.value)


def test_starts_have_all_their_times(files):
    """No forecast crosses a gap or the end of what is trained on."""
    times = "2020-08-20T00/2020-08-20T18/6h,2020-08-21T06/2020-08-21T18/6h"
    with data(files / "data.nc", train=times) as found:
        short, long = found.config.stages
        hours = lambda stage: list((found.starts(stage) - START) / HOUR)
        assert hours(short) == [0, 6, 12, 30, 36]
        assert hours(long) == [0, 6, 30]


def test_usable_data_pass_all_checks(files):
    with data(files / "data.nc") as found:
        found.check_times()
        found.check_values(no_progress)
        first = found.fields(START)["temperature"]
        assert first.shape == (4, 32, 16)
        with xr.open_dataset(files / "data.nc") as stored:
            there = stored.temperature.isel(time=0).transpose("level", "longitude", ...)
            np.testing.assert_array_equal(first, there.values)
        assert found.fields(START)["temperature"] is first  # not read again


def test_too_few_times(files):
    said = refused(files / "data.nc", train="2020-08-20T00,2020-08-20T06")
    assert "train has too few times: only 1 forecasts can start" in said
    said = refused(files / "data.nc", held_out="2020-08-22T00")
    assert "held_out has too few times: no forecast can" in said
    said = refused(files / "data.nc", train="2020-08-20T00/2020-08-21T12/12h")
    assert "shorter step" in said


def test_times_that_are_not_in_the_data(files, tmp_path):
    said = refused(files / "data.nc", train="2020-08-19T00/2020-08-21T00/6h")
    assert "There is no 2020-08-19T00" in said and "12 times from" in said
    with xr.open_dataset(files / "data.nc") as whole:
        whole.drop_isel(time=3).to_netcdf(tmp_path / "gap.nc")
    assert "There is no 2020-08-20T18" in refused(tmp_path / "gap.nc")


@pytest.mark.parametrize("value", [np.nan, 1e4])
def test_values_that_are_missing_or_wrong(files, tmp_path, value):
    """At one time among many, found before the start."""
    with xr.open_dataset(files / "data.nc") as whole:
        spoiled = whole.load().copy(deep=True)
    spoiled.temperature[9, 0, 3, 3] = value
    spoiled.to_netcdf(tmp_path / "spoiled.nc")
    said = refused(tmp_path / "spoiled.nc")
    assert "temperature" in said and str(tmp_path / "spoiled.nc") in said


def test_every_start_comes_once_before_any_comes_again():
    starts = np.arange(10)
    drawn = np.concatenate([shuffled(starts, 3, i, (7, 0, 0)) for i in range(20)])
    for epoch in range(6):
        assert sorted(drawn[10 * epoch : 10 * epoch + 10]) == list(range(10))
    assert (drawn[:10] != drawn[10:20]).any()
    again = np.concatenate([shuffled(starts, 3, i, (7, 0, 0)) for i in range(20)])
    assert (drawn == again).all()
    other = np.concatenate([shuffled(starts, 3, i, (7, 0, 1)) for i in range(20)])
    assert (drawn != other).any()


def test_next_item_is_read_ahead():
    read = []

    def item(number):
        read.append(number)
        return 10 * number

    with ReadAhead(item) as items:
        assert items.get((1,), (2,)) == 10
        assert items.get((2,), (3,)) == 20
        assert items.get((5,), None) == 50  # after a return to another
    assert read == [1, 2, 3, 5]


def test_errors_of_reading_reach_the_loop():
    def fails(number):
        raise InputDataError("gone")

    with ReadAhead(fails) as items, pytest.raises(InputDataError, match="gone"):
        items.get((1,), (2,))
