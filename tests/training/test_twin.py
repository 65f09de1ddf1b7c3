"""An identical twin: data made by a model, weights perturbed, and trained back."""

import contextlib
import os

import equinox as eqx
import numpy as np
import pytest
from reduced_model import write_reduced_model

import ngcm_cli
from ngcm_cli.checkpoint.card import read_card
from ngcm_cli.checkpoint.native import read_weights, write_native
from ngcm_cli.checkpoint.parameters import partition
from ngcm_cli.config.train import TrainConfig
from ngcm_cli.training.setup import set_up
from ngcm_cli.training.trainer import Record, Trainer
from ngcm_cli.training.training_directory import TrainingDirectory

# As the bundled model has it: the reduced one is calmed to stay stable for months, and
# the wind over land that its physics makes is what data are checked for.
PHYSICS = "step.parameterization.tower.decode.layers.0.weight"


def write_twins(folder):
    """Write the true model, and one whose weights are perturbed by five per cent."""
    card = read_card(write_reduced_model(folder, stochastic=False))
    arrays = read_weights(card, folder)
    arrays[PHYSICS] *= np.float32(10)
    rng = np.random.default_rng(0)
    perturbed = {
        name: x
        if name.startswith("static.")
        else np.float32(x * (1 + 0.05 * rng.standard_normal(x.shape)))
        for name, x in arrays.items()
    }
    for name, weights in ("truth", arrays), ("perturbed", perturbed):
        (folder / name).mkdir()
        texts = {"summary": name, "paper": card.paper, "source": card.source}
        texts |= {"name": name, "licence": card.licence, "stable_for": "not known"}
        write_native(folder / name, texts, card.spec, weights)


@pytest.mark.slow
def test_training_recovers_what_a_perturbation_lost(tmp_path, monkeypatch):
    """At least half of the loss beyond that of the true weights, on held-out times.

    Measured: 92.7 perturbed, 70.8 true (decoding and encoding loses something), and 7.9
    after 20 updates of two forecasts.
    """
    monkeypatch.chdir(tmp_path)
    write_twins(tmp_path)
    ngcm_cli.forecast(
        model="truth", lead="30h", every="1h", sst="climatology", output="data.zarr",
        clip_humidity=True,
    )  # fmt: skip
    config = TrainConfig(
        model="perturbed", data="data.zarr", sst="climatology",
        train="1959-01-02T00/1959-01-03T01/1h", output="out",
        held_out="1959-01-03T02/1959-01-03T06/1h", average_over=4,
        evaluate_every=12, evaluation_starts=4,
        stages=[{"rollout": "1h", "every": "1h", "updates": 12}
                | {"learning_rate": "2e-3"}],
    )  # fmt: skip
    with contextlib.ExitStack() as stack:
        training = set_up(config, stack)
        training.compile()
        directory = TrainingDirectory(config.output)
        directory.create(config)
        trainer = Trainer(training, directory)
        programs = training.programs[0]
        truth, _ = partition(ngcm_cli.load_model("truth"))
        truth = eqx.combine(truth, training.initial_state().learned)
        for _ in trainer.progress():
            pass
        rows = directory.read_metrics()
        held_out = [float(x["loss"]) for x in rows if x["kind"] == "held_out"]
        judge = Trainer(training, directory)
        judge._now = programs.begin(truth), Record(best_loss=0.0)  # writes no model
        judge._evaluate()
        true = float(judge._rows[0, "held_out"]["loss"])
    before, after = held_out[0], held_out[-1]
    assert true < before
    assert before - after >= 0.5 * (before - true)
    assert os.path.exists("out/model/perturbed_trained.yaml")
