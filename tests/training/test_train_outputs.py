"""New outputs in a training: added, normalised by their truth, trained, written."""

import pathlib
import re
import shutil

import numpy as np
import pytest
import small_training
import xarray as xr
import yaml
from command_line import ngcm
from small_analysis import FIELDS
from small_training import GRID, SETTINGS, START

from ngcm_cli.checkpoint.card import read_card
from ngcm_cli.checkpoint.native import read_weights
from ngcm_cli.config.train import TrainConfig
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.io.progress import no_progress
from ngcm_cli.training.data import TrainingData
from ngcm_cli.training.training_directory import TrainingDirectory

NAME, STEM = "2m_temperature", "tl15_reduced_trained"
TIMES = START + np.arange(12) * np.timedelta64(6, "h")
HOLE = slice(0, 50), slice(0, 60)  # latitudes and longitudes without truth
OUTPUT = {"truth": "t2m.nc", "aliases": "t2m", "units": "K", "cmip": "tas"}
OUTPUT |= {"latent": "16", "block_layers": "1", "position_fields": "2"}
STAGE = {"rollout": "6h", "updates": 60, "learning_rate": "3e-2", "warm_up": "null"}
STAGE |= {"schedule": "cosine", "parameters": "outputs"}
OWN = {"outputs": {NAME: OUTPUT}, "stages": [STAGE], "evaluate_every": 30}
OWN |= {"checkpoint_every": 30, "train": "2020-08-20T00,2020-08-20T06,2020-08-20T12"}


def truth() -> xr.Dataset:
    """Temperature in degrees Celsius on a regular grid, none in one region."""
    latitude, longitude = np.arange(-85, 90, 10.0), np.arange(0, 360, 10.0)
    field = 40 * np.cos(np.deg2rad(latitude))[:, None] - 15
    field = field + 5 * np.cos(np.deg2rad(longitude)) + np.zeros((12, 1, 1))
    field += np.arange(12)[:, None, None] / 10
    coords = {"time": TIMES, "latitude": latitude, "longitude": longitude}
    t2m = xr.DataArray(field.astype("f4"), coords)
    t2m.loc[:, HOLE[0], HOLE[1]] = np.nan
    t2m.attrs = {"units": "degrees C", "long_name": "Temperature at 2 m"}
    return t2m.to_dataset(name="t2m")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    small_training.write_files(folder)
    truth().to_netcdf(folder / "t2m.nc")
    small_training.write_settings(folder, **OWN)
    return folder


@pytest.fixture(scope="module")
def finished(files):
    done = ngcm("train", "--config", "train.yaml", folder=files)
    assert done.returncode == 0, done.stderr
    return files / "out", done


def losses(run: pathlib.Path) -> list[float]:
    rows = TrainingDirectory(run).read_metrics()
    return [float(row["loss"]) for row in rows if row["kind"] == "held_out"]


@pytest.mark.slow
def test_only_the_new_output_is_trained(finished, files):
    run, done = finished
    assert f"output     {NAME} from t2m in" in done.stderr
    assert "of the sphere has no truth and does not count" in done.stderr
    found = losses(run)
    assert min(found) < 0.3 * found[0]
    card, parent = (
        read_card(run / f"model/{STEM}.yaml"), read_card(files / SETTINGS["model"])
    )  # fmt: skip
    spec = card.spec.outputs[NAME]
    assert (spec.units, spec.long_name) == ("K", "Temperature at 2 m")
    assert spec.sees_sea and spec.tower.latent == 16
    ours, theirs = (
        read_weights(card, run / "model"), read_weights(parent, files / "model")
    )  # fmt: skip
    new = set(ours) - set(theirs)
    assert new and all(name.startswith(f"outputs.{NAME}.") for name in new)
    assert all(ours[name].tobytes() == x.tobytes() for name, x in theirs.items())
    rows = TrainingDirectory(run).read_metrics()
    assert all(row["loss"] == row[f"outputs.{NAME}"] for row in rows)


@pytest.mark.slow
def test_a_forecast_writes_it(finished, files):
    """By its alias, close to the truth of a day that was held out."""
    words = "--model", "out/model", "--data", "data.nc", "--init", "2020-08-22T06"
    words += "--lead", "6h", "--every", "6h", "--variables", "t2m"
    done = ngcm("forecast", *words, "--output", "out.nc", folder=files)
    assert done.returncode == 0, done.stderr
    with xr.open_dataset(files / "out.nc") as written:
        field = written[NAME].load()
    assert field.attrs["units"] == "K" and field.sizes["time"] == 2
    there = truth().t2m.sel(time=TIMES[10]) + 273.15  # 6 h after the start
    ours = field.isel(time=1).squeeze().interp_like(there, "nearest")
    error = float(np.sqrt(((ours - there) ** 2).mean()))
    assert error < 0.4 * float(there.std())


@pytest.fixture
def halfway(finished, files, tmp_path):
    """The directory of the training as it was after half of its updates."""
    for name in ("model", "data.nc", "t2m.nc"):
        (tmp_path / name).symlink_to(files / name)
    shutil.copytree(files / "out", tmp_path / "out")
    (tmp_path / "out/checkpoints/00000060.safetensors").unlink()
    return tmp_path


@pytest.mark.slow
def test_resumed_with_the_same_bits(halfway, files):
    done = ngcm("train", "--resume", "out", folder=halfway)
    assert done.returncode == 0, done.stderr
    ours, theirs = (
        TrainingDirectory(x / "out").read_checkpoint(60)[0] for x in (halfway, files)
    )
    assert ours.keys() == theirs.keys()
    assert all(ours[name].tobytes() == x.tobytes() for name, x in theirs.items())


@pytest.mark.slow
def test_changed_truth_is_refused(halfway, files):
    changed = truth()
    changed.t2m[9, 3, 20] += 1  # held out, where no sample is
    (halfway / "t2m.nc").unlink()
    kept = (files / "t2m.nc").read_bytes()
    try:
        changed.to_netcdf(files / "t2m.nc")
        done = ngcm("train", "--resume", "out", folder=halfway)
    finally:
        (files / "t2m.nc").write_bytes(kept)
    assert done.returncode == 2 and "t2m.nc, were changed since" in done.stderr


def data(folder, **changes) -> TrainingData:
    own = SETTINGS | OWN | {"data": str(folder / "data.nc"), "stages": [STAGE]}
    output = OUTPUT | {"truth": str(folder / "t2m.nc")} | changes
    config = TrainConfig(**own | {"outputs": {NAME: output}})
    levels = tuple(read_card(folder / SETTINGS["model"]).spec.pressure_levels)
    return TrainingData(config, ModelInputs(GRID, levels, FIELDS), memory=1e9)


def test_normalisation_is_that_of_the_truth(files):
    """Mean and deviation over the sphere and the times that are trained on."""
    with data(files) as found:
        _, moments = found.check_values(no_progress)
        fields = np.stack([found.truth(time)[NAME][0] for time in TIMES[:3]])
    assert fields.shape == (3, 32, 16) and np.isnan(fields[:, 2, 9]).all()
    area = np.broadcast_to(GRID.area_weights, fields.shape)
    known = np.isfinite(fields)
    mean = np.average(fields[known], weights=area[known])
    square = np.average((fields[known] - mean) ** 2, weights=area[known])
    missing = 1 - area[known].sum() / area.sum()
    np.testing.assert_allclose(moments[NAME], [mean, square**0.5, missing], rtol=1e-5)
    assert 273 < mean < 300


def spoil(dataset: xr.Dataset, how: str) -> xr.Dataset:
    t2m = dataset.t2m
    if how == "gap":
        t2m[9, 3, 7] = np.nan
    if how == "empty":
        t2m[9] = np.nan
    if how == "infinite":
        t2m[9, 3, 7] = np.inf
    if how == "constant":
        dataset["t2m"] = xr.zeros_like(t2m)
        dataset.t2m.attrs = t2m.attrs
    if how == "levels":
        return dataset.expand_dims(height=[2.0, 10.0])
    if how == "no time":
        return dataset.isel(time=0, drop=True)
    if how == "few times":
        return dataset.isel(time=slice(0, 11))
    if how == "no units":
        del t2m.attrs["units"]
    return dataset


@pytest.mark.parametrize(
    ("how", "changes", "words"),
    [
        ("gap", {}, r"missing \(NaN\) in other cells at 2020-08-22T06 than at 2020"),
        ("empty", {}, "has no values at all at 2020-08-22T06"),
        ("infinite", {}, "'t2m' is infinite at 2020-08-22T06"),
        ("constant", {}, "is the same everywhere and at all times"),
        ("levels", {}, "has the axis height"),
        ("no time", {}, "no axis of time|no time"),
        ("few times", {}, "There is no 2020-08-22T18"),
        ("no units", {"units": None}, "'t2m' has no units"),
        ("", {"units": "m"}, "has units 'degrees C', and 'm' are wanted"),
        ("", {"variable": "t2n"}, "no variable 't2n'.*Did you mean 't2m'"),
        ("", {"aliases": "", "cmip": None}, "no variable '2m_temperature'"),
        ("", {"minimum": "280"}, "below its minimum 280"),
    ],
)
def test_truth_that_is_refused(files, tmp_path, how, changes, words):
    for name in ("model", "data.nc"):
        (tmp_path / name).symlink_to(files / name)
    spoil(truth(), how).to_netcdf(tmp_path / "t2m.nc")
    with pytest.raises(InputDataError, match=words), data(tmp_path, **changes) as found:
        found.check_times()
        found.check_values(no_progress)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outputs": {"t": OUTPUT}}, "ngcm has an output 't' already, for temperature"),
        ({"outputs": {NAME: OUTPUT | {"levels": "99"}}}, "does not fit"),
        ({"outputs": {NAME: OUTPUT | {"latant": "9"}}}, "Did you mean 'latent'"),
        ({"outputs": {NAME: OUTPUT | {"minimum": "low"}}}, "'low' is not a number"),
        ({"outputs": [NAME]}, "not 'name: settings' pairs"),
        ({"stages": [STAGE | {"loss": {"data": "1"}}]}, "trains outputs alone"),
        ({"outputs": {}, "loss": {"outputs": "2"}}, "no outputs are added|no param"),
        ({"outputs": {}}, "no parameters of the group 'outputs'"),
    ],
)
def test_settings_that_are_refused(files, tmp_path, changes, words):
    for name in ("model", "data.nc", "t2m.nc"):
        (tmp_path / name).symlink_to(files / name)
    settings = yaml.safe_dump(SETTINGS | OWN | changes)
    (tmp_path / "train.yaml").write_text(settings)
    done = ngcm("train", "--config", "train.yaml", "--dry-run", folder=tmp_path)
    assert done.returncode == 2, done.stderr
    assert re.search(words, " ".join(done.stderr.split())), done.stderr


def test_null_is_not_given():
    config = TrainConfig(**SETTINGS | OWN)
    assert config.stages[0].warm_up is None
    assert config.outputs[NAME].variable is None
    again = TrainConfig(**SETTINGS | OWN | {"outputs": {NAME: None}})
    assert again.outputs[NAME] == type(again.outputs[NAME])()
    with pytest.raises(ConfigError, match="Stage 1 has no rollout"):
        TrainConfig(**SETTINGS | OWN | {"stages": [STAGE | {"rollout": "null"}]})


def test_the_run_file_of_a_training_has_its_outputs(tmp_path):
    config = TrainConfig(**SETTINGS | OWN)
    directory = TrainingDirectory(tmp_path / "out")
    directory.create(config)
    again = TrainConfig(**directory.read_settings())
    assert again.as_run_file() == config.as_run_file()
    assert again.outputs == config.outputs
