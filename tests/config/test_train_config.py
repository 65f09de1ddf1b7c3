"""Settings of a training: what is refused, and that they survive their run file."""

import pathlib

import numpy as np
import pytest

from ngcm_cli.config.run_file import format_run_file, read_run_file
from ngcm_cli.config.train import NESTED, Stage, TrainConfig
from ngcm_cli.errors import ConfigError

STAGE = {"rollout": "12h", "every": "6h", "updates": "10", "learning_rate": "1e-3"}
GIVEN = {
    "data": "era5.zarr",
    "train": "2018-01-01/2018-01-31/6h",
    "held_out": "2019-01-01/2019-01-05/6h",
    "stages": [STAGE],
}


def refused(**changes) -> str:
    given = {name: x for name, x in (GIVEN | changes).items() if x is not None}
    with pytest.raises(ConfigError) as error:
        TrainConfig(**given)
    return str(error.value)


def test_stages_follow_each_other():
    config = TrainConfig(**GIVEN | {"stages": [STAGE, STAGE | {"updates": 5}]})
    assert config.updates == 15
    places = [config.locate(update) for update in (0, 9, 10, 14, 15)]
    assert places == [(0, 0), (0, 9), (1, 0), (1, 4), (1, 4)]
    assert list(config.stages[0].leads) == [np.timedelta64(h, "h") for h in (6, 12)]


def test_run_file_holds_all_settings(tmp_path):
    """Gaps in times, several stages, loss settings: read again, nothing is lost."""
    stages = [STAGE | {"loss": {"grid": "1"}}, STAGE | {"parameters": "decoder,step.*"}]
    times = "2018-01-01/2018-03-31/6h,2018-06-01,2018-07-01/2018-07-02/12h"
    given = GIVEN | {"stages": stages, "train": times, "loss": {"bias": "0"}}
    config = TrainConfig(**given, seed="7")
    path = tmp_path / "train.yaml"
    path.write_text(format_run_file(config.as_run_file(), "settings"))
    assert len(path.read_text()) < 1000  # ranges, not thousands of times
    again = TrainConfig(**read_run_file(path, TrainConfig.model_fields, NESTED))
    assert again == config
    host = TrainConfig(**given, seed="7", coordinator="a:1", process="0/2")
    assert host.as_run_file() == config.as_run_file()  # resumed by any host


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": None}, "data is not given"),
        ({"stages": None}, "stages: [{"),
        ({"stages": []}, "no stages"),
        ({"stages": ["fast"]}, "Stage 1 is not"),
        ({"stages": [STAGE, {"rollout": "6h"}]}, "Stage 2 has no updates"),
        ({"stages": [STAGE | {"rollout": "7h"}]}, "7h is not a multiple of every 6h"),
        ({"stages": [STAGE | {"rollout": "0h"}]}, "not a multiple"),
        ({"stages": [STAGE | {"learning_rate": "-1"}]}, "'-1' is not a positive"),
        ({"stages": [STAGE | {"learning_rate": "nan"}]}, "not a positive number"),
        ({"stages": [STAGE | {"lerning_rate": "1"}]}, "Did you mean 'learning_rate'"),
        ({"stages": [STAGE | {"warm_up": "11"}]}, "warm_up 11 is longer"),
        ({"stages": [STAGE | {"schedule": "cosin"}]}, "'cosine'"),
        ({"stages": [STAGE | {"parameters": ""}]}, "parameters is empty"),
        ({"stages": [STAGE | {"loss": "low"}]}, "loss"),
        ({"held_out": "2018-01-31/2018-02-02/6h"}, "the first 2018-01-31T00"),
        ({"model": "a", "initialize": "b"}, "both given"),
        ({"weight_decay": "0.1"}, "AdamW"),
        ({"weight_decay": "none", "optimizer": "adamw"}, "not a positive number"),
        ({"name": "../x"}, "not a valid name"),
        ({"patence": "3"}, "'patience'"),
    ],
)
def test_wrong_settings(changes, words):
    assert words in refused(**changes)


def test_run_file_of_the_examples():
    path = pathlib.Path(__file__).parents[2] / "examples/train.yaml"
    config = TrainConfig(**read_run_file(path, TrainConfig.model_fields, NESTED))
    assert config.updates == 3000 and len(config.train) == 1460
    path = path.with_name("train_output.yaml")
    config = TrainConfig(**read_run_file(path, TrainConfig.model_fields, NESTED))
    assert config.outputs["2m_temperature"].aliases == ("t2m",)
    assert config.stages[0].parameters == ("outputs",)


def test_a_stage_knows_its_keys_with_dashes():
    stage = TrainConfig(**GIVEN | {"stages": [STAGE | {"warm-up": "3"}]}).stages[0]
    assert stage == Stage(**STAGE, warm_up=3)
