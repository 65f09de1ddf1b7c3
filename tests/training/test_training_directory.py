"""Files of a training: complete or not there, and what is not one is refused."""

import numpy as np
import pytest
from small_disk import fill, small_disk

from ngcm_cli.config.train import TrainConfig
from ngcm_cli.errors import OutputError
from ngcm_cli.training.training_directory import TrainingDirectory

CONFIG = TrainConfig(
    data="x.nc", train="2018-01-01/2018-01-03/6h", held_out="2019-01-01",
    stages=[{"rollout": "6h", "updates": 1, "learning_rate": 1}],
)  # fmt: skip
ARRAYS = {"a/x.y": np.arange(6, dtype=np.float32).reshape(2, 3).T, "b": np.array(3)}


def test_checkpoints_come_back_and_old_ones_go(tmp_path):
    directory = TrainingDirectory(tmp_path / "run")
    directory.check_new()
    directory.create(CONFIG)
    for update in range(0, 50, 10):
        directory.write_checkpoint(update, ARRAYS, {"done": update}, 10)
    assert directory.checkpoints() == [20, 30, 40]
    arrays, record = directory.read_checkpoint(30)
    assert record == {"done": 30}
    for name, x in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], x, strict=True)
    directory.remove_after(20)
    assert directory.checkpoints() == [20]
    assert TrainConfig(**directory.read_settings()) == CONFIG


def test_checkpoints_of_interrupts_displace_no_regular_one(tmp_path):
    directory = TrainingDirectory(tmp_path)
    for update in (0, 10, 20, 21, 22, 23):
        directory.write_checkpoint(update, ARRAYS, {}, 10)
    assert directory.checkpoints() == [0, 10, 20, 23]
    assert directory.checkpoints(10) == [0, 10, 20]
    directory.write_checkpoint(30, ARRAYS, {}, 10)
    assert directory.checkpoints() == [10, 20, 30]


def test_settings_of_another_training_stay(tmp_path):
    """Of two that were started with one output, the second finds the first."""
    first, second = (TrainingDirectory(tmp_path / "run") for _ in range(2))
    second.check_new()
    first.create(CONFIG)
    with pytest.raises(OutputError, match="is a training already"):
        second.create(CONFIG.model_copy(update={"seed": 1}))
    assert TrainConfig(**first.read_settings()) == CONFIG


def test_foreign_directories(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/thesis.tex").write_text("all of it")
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    TrainingDirectory(tmp_path / "empty").check_new()
    for name in "full", "file":
        with pytest.raises(OutputError, match="is not an empty directory"):
            TrainingDirectory(tmp_path / name).check_new()
    with pytest.raises(OutputError, match="does not exist"):
        TrainingDirectory(tmp_path / "no/run").check_new()
    with pytest.raises(OutputError, match="not the directory of a training"):
        TrainingDirectory(tmp_path / "full").read_settings()
    assert sorted(x.name for x in tmp_path.iterdir()) == ["empty", "file", "full"]


def test_one_process_trains(tmp_path):
    directory = TrainingDirectory(tmp_path)
    with (
        directory.sole_writer(),
        pytest.raises(OutputError, match="Another process trains"),
        TrainingDirectory(tmp_path).sole_writer(),
    ):
        pass


def test_full_disk_keeps_the_last_checkpoint(tmp_path):
    with small_disk(tmp_path / "disk", "1m") as disk:
        directory = TrainingDirectory(disk / "run")
        directory.create(CONFIG)
        directory.write_checkpoint(1, ARRAYS, {}, 1)
        ballast = fill(disk)
        with pytest.raises(OutputError, match="the disk is full.*--resume"):
            directory.write_checkpoint(2, {"a": np.zeros(100_000)}, {}, 1)
        with pytest.raises(OutputError, match="the disk is full"):
            directory.write_metrics([{"update": i} for i in range(5000)])
        assert directory.checkpoints() == [1]
        ballast.unlink()
        directory.write_checkpoint(2, ARRAYS, {}, 1)
        assert directory.checkpoints() == [1, 2]
