"""Random weights for an architecture, to begin a training with."""

import math
from collections.abc import Mapping

import numpy as np

from ngcm_cli.checkpoint.weights import STATIC

_SPREAD = 0.8796  # standard deviation of a standard normal truncated at two


def seeded_weights(
    arrays: Mapping[str, np.ndarray], seed: int
) -> dict[str, np.ndarray]:
    """Return other values for the learned parameters; static fields are kept.

    They are those of `drawn`.

    Args:
        arrays: of a model, by their names in the weights file.
        seed: equal seeds give equal weights.
    """
    return {
        name: x
        if name.startswith(STATIC)
        else drawn(name, x.shape, seed).astype(x.dtype)
        for name, x in arrays.items()
    }


def drawn(name: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Return random values of one learned parameter, float32.

    Weights of layers, embeddings and fields of position are drawn from a normal
    distribution truncated at two standard deviations, with variance 1 / fan-in for
    layers (LeCun et al. 1998, Efficient BackProp) and 0.01 for the others. Biases,
    corrections of orography, and logits of the scales of random fields begin with zero.

    Args:
        name: in the weights file; what is drawn does not depend on other parameters.
        shape: of the parameter.
        seed: equal seeds give equal values.
    """
    kind = name.rpartition(".")[2]
    if kind in ("bias", "correction", "raw_times", "raw_lengths"):
        return np.zeros(shape, np.float32)
    deviation = 1 / math.sqrt(math.prod(shape[1:])) if kind == "weight" else 0.1
    rng = np.random.default_rng([seed, *name.encode()])
    x = rng.standard_normal(shape)
    while (beyond := np.abs(x) > 2).any():
        x[beyond] = rng.standard_normal(int(beyond.sum()))
    return (deviation / _SPREAD * x).astype(np.float32)
