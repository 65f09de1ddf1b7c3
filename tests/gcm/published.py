"""The published configurations with zero weights: architecture, not numbers."""

import functools
import json
import pathlib

import numpy as np
import xarray as xr

from ngcm_cli.checkpoint.build import build
from ngcm_cli.checkpoint.published.reference import read_published
from ngcm_cli.checkpoint.published.translate import model_spec
from ngcm_cli.checkpoint.published.weights import from_published
from ngcm_cli.checkpoint.spec import ModelSpec
from ngcm_cli.checkpoint.weights import Weights
from ngcm_cli.gcm import NeuralGCM

DEMO = "demo"
PAPER = (
    "deterministic_2_8_deg",
    "stochastic_1_4_deg",
    "deterministic_1_4_deg",
    "deterministic_0_7_deg",
)
STATIC = "geopotential_at_surface", "land_sea_mask"
Params = dict[str, dict[str, np.ndarray]]


@functools.cache
def config_text(shared: pathlib.Path, name: str) -> str:
    folder = shared / "reference"
    if name == DEMO:
        return read_published(folder / "tl63_stochastic_mini_numpy.pkl").config
    return (folder / f"{name}.gin").read_text()


@functools.cache
def levels(shared: pathlib.Path) -> tuple[float, ...]:
    with xr.open_dataset(shared / "reference" / "static_2_8_deg.nc") as static:
        return tuple(map(float, static["level"]))


@functools.cache
def spec(shared: pathlib.Path, name: str) -> ModelSpec:
    return model_spec(config_text(shared, name), levels(shared))


def parameters(shared: pathlib.Path, name: str) -> tuple[Params, dict[str, np.ndarray]]:
    """Published parameters, all zero and without memory, and the static fields."""
    folder = shared / "reference"
    if name == DEMO:
        demo = read_published(folder / "tl63_stochastic_mini_numpy.pkl")
        return demo.params, {k: demo.static[k] for k in STATIC}
    manifest = json.loads((folder / f"{name}.params.json").read_text())
    zero = np.float32(0)
    params = {
        module: {leaf: np.broadcast_to(zero, shape) for leaf, shape in leaves.items()}
        for module, leaves in manifest["params"].items()
    }
    with xr.open_dataset(folder / manifest["static"]) as data:
        static = {k: data[k].transpose("longitude", "latitude").values for k in STATIC}
    return params, static


def arrays(shared: pathlib.Path, name: str) -> dict[str, np.ndarray]:
    """The same by their places in our model."""
    params, static = parameters(shared, name)
    return from_published(params, static, spec(shared, name))


def zero_model(shared: pathlib.Path, name: str) -> NeuralGCM:
    return build(name, spec(shared, name), Weights(arrays(shared, name)))
