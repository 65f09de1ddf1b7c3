"""A stochastic model trained by the CRPS of two members, with AdamW, to the end."""

import numpy as np
import pytest
import small_training
from command_line import ngcm
from reduced_model import write_reduced_model

from ngcm_cli.checkpoint.card import read_card
from ngcm_cli.checkpoint.native import read_weights
from ngcm_cli.training.loss_settings import TERMS
from ngcm_cli.training.training_directory import TrainingDirectory

CRPS = "crps_grid", "crps_spectral"
LOSS = {name: "1" if name in CRPS else "0" for name in TERMS if name != "outputs"}
STAGE = {"rollout": "6h", "updates": 12, "learning_rate": "1e-3"}
STAGE |= {"schedule": "cosine", "parameters": "decoder"}


@pytest.mark.long
def test_crps_falls(tmp_path):
    (tmp_path / "model").mkdir()
    card = read_card(write_reduced_model(tmp_path / "model"))
    small_training.write_data(tmp_path / "data.nc", card.spec.pressure_levels)
    small_training.write_settings(
        tmp_path, stages=[STAGE], loss=LOSS, optimizer="adamw", evaluate_every=12
    )
    done = ngcm("train", "--config", "train.yaml", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = TrainingDirectory(tmp_path / "out").read_metrics()
    for row in rows:
        terms = sum(float(row[name]) for name in CRPS)
        assert float(row["loss"]) == pytest.approx(terms, rel=1e-5)
    before, after = (float(x["loss"]) for x in rows if x["kind"] == "held_out")
    assert after < 0.9 * before
    trained = read_card(tmp_path / "out/model/tl15_reduced_trained.yaml")
    assert trained.stochastic
    weights = read_weights(trained, tmp_path / "out/model")
    for name, x in read_weights(card, tmp_path / "model").items():
        changed = not np.array_equal(weights[name], x)
        assert changed == name.startswith("decoder."), name
