"""A training that takes seconds: the reduced model, noise as data, a plain loss."""

import pathlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
import yaml
from reduced_model import write_reduced_model
from small_analysis import build_analysis

from ngcm_cli.checkpoint.card import read_card
from ngcm_cli.checkpoint.parameters import partition
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.training import update

GRID = Grid.linear(15)
START = np.datetime64("2020-08-20T00")
SETTINGS = {
    "model": "model/tl15_reduced.yaml",
    "data": "data.nc",
    "train": "2020-08-20T00/2020-08-21T18/6h",
    "held_out": "2020-08-22T00/2020-08-22T18/6h",
    "evaluate_every": 4,
    "evaluation_starts": 2,
    "checkpoint_every": 4,
    "average_over": 4,
    "output": "out",
    "stages": [
        {
            "rollout": "6h",
            "updates": 10,
            "learning_rate": "1e-2",
            "schedule": "cosine",
            "warm_up": 2,
            "batch": 2,
            "parameters": "decoder",
        },
        {"rollout": "12h", "updates": 6, "learning_rate": "1e-3", "batch": 1}
        | {"parameters": "decoder.tower.encode.*"},
    ],
}


def plain_loss(model, examples, keys, scales, settings, steps_between):
    """Mean square of the decoder's parameters minus a number from data and keys."""
    learned = jax.tree.leaves(partition(model)[0].decoder)
    noise = jax.vmap(lambda key: jax.random.normal(key, ()))(keys)
    target = jnp.mean(examples.fields["temperature"]) / 1e4 + 0.1 * jnp.mean(noise)
    squares = [jnp.mean((x - target) ** 2) for x in learned]
    total = sum(squares) / len(squares)
    return total, {"data": total}


def write_files(folder: pathlib.Path) -> None:
    """Write the model, the data and the run file of a training into a folder."""
    (folder / "model").mkdir()
    card = read_card(write_reduced_model(folder / "model", stochastic=False))
    write_data(folder / "data.nc", card.spec.pressure_levels)
    write_settings(folder)


def write_data(path: pathlib.Path, levels, **changes) -> None:
    times = START + np.arange(12) * np.timedelta64(6, "h")
    longitude, latitude = np.rad2deg(GRID.longitude), np.rad2deg(GRID.latitude)
    data: xr.Dataset = build_analysis(longitude, latitude, times, levels)
    data.to_netcdf(path)


def write_settings(folder: pathlib.Path, **changes) -> None:
    (folder / "train.yaml").write_text(yaml.safe_dump(SETTINGS | changes))


if __name__ == "__main__":  # ngcm with the plain loss, as a process to be killed
    update.batch_loss = plain_loss
    from ngcm_cli.cli import main

    sys.argv[0] = "ngcm"
    main()
