"""Train a model further on data of its own making, and see its loss fall.

    python examples/05_train.py [MODEL] [UPDATES]

An identical twin: a forecast of the model is taken for the truth, all weights are
perturbed by five per cent, and training from there must recover the loss. Compiling
takes longer than all updates; replace the data with a year of analyses to train in
earnest.
"""

import csv
import pathlib
import sys

import numpy as np

import ngcm_cli
from ngcm_cli.checkpoint.native import write_native
from ngcm_cli.zoo.loading import read_model

model = sys.argv[1] if len(sys.argv) > 1 else "tl63_stochastic_mini"
updates = int(sys.argv[2]) if len(sys.argv) > 2 else 60

ngcm_cli.forecast(
    model=model, lead="36h", every="1h", sst="climatology", clip_humidity=True,
    output="truth.zarr",
)  # fmt: skip

card, arrays = read_model(model)
rng = np.random.default_rng(0)
perturbed = {
    name: x
    if name.startswith("static.")
    else np.float32(x * (1 + 0.05 * rng.standard_normal(x.shape)))
    for name, x in sorted(arrays.items())  # read in no certain order
}
folder = pathlib.Path("perturbed")
folder.mkdir(exist_ok=True)
description = {
    "name": "perturbed",
    "summary": f"{card.name} with weights perturbed by five per cent",
    "paper": card.paper,
    "source": card.source,
    "licence": card.licence,
    "stable_for": "not known",
}
write_native(folder, description, card.spec, perturbed)

stage = {"rollout": "2h", "every": "1h", "updates": updates, "learning_rate": 1e-3}
trained = ngcm_cli.train(
    model=str(folder),
    data="truth.zarr",
    train="1959-01-02T00/1959-01-03T04/1h",
    held_out="1959-01-03T05/1959-01-03T12/1h",
    sst="climatology",
    stages=[stage | {"schedule": "cosine", "batch": 2}],
    average_over=10,
    evaluate_every=max(updates // 3, 1),
    output="trained",
)

with (trained.parent / "metrics.csv").open() as file:
    for row in csv.DictReader(file):
        if row["kind"] == "held_out":
            print(f"after {row['update']:>4} updates: loss {float(row['loss']):.4g}")
print(f"{trained} is the trained model.")
