"""The learned parameters of a model: told apart from its tables, and by name.

Names are those of the native weights file, such as ``decoder.surroundings.position``.
"""

from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli.errors import CheckpointError
from ngcm_cli.gcm.model import NeuralGCM

LEARNED = frozenset(
    {
        *("weight", "bias"),  # of linear layers and of convolutions
        "vector",  # of a uniform embedding of the surface
        "position",  # learned fields of position
        "correction",  # of orography
        *("raw_times", "raw_lengths"),  # of random fields
    }
)
"""Names of the attributes that hold learned parameters; all other arrays are tables."""

# Where the attribute of a module is called otherwise than in the weights file.
_FILE_NAMES = {
    "location_time.position": "surroundings.position",
    "step.water_budget.network.position": (
        "step.water_budget.network.surroundings.position"
    ),
}


def partition(model: NeuralGCM) -> tuple[NeuralGCM, NeuralGCM]:
    """Return (learned, constant): the model without the one and without the other.

    What is absent is None; ``eqx.combine(learned, constant)`` is the model again. To
    differentiate with respect to the published parameters alone:

        learned, constant = partition(model)
        gradient = eqx.filter_grad(lambda x: loss(eqx.combine(x, constant)))(learned)
    """
    is_learned = jax.tree.map_with_path(
        lambda path, x: eqx.is_array(x) and _attribute(path) in LEARNED, model
    )
    return eqx.partition(model, is_learned)


def parameter_count(model: NeuralGCM) -> int:
    """Return the number of learned parameters."""
    return sum(x.size for x in jax.tree.leaves(partition(model)[0]))


def named_arrays(model: NeuralGCM) -> dict[str, np.ndarray]:
    """Return the learned parameters on the host, by their names in the weights file.

    Together with the static fields of the file that the model is from, they make the
    same model again: ``build(name, spec, Weights(static | named_arrays(model)))``.
    """
    leaves = jax.tree.leaves_with_path(partition(model)[0])
    return {_file_name(path): np.asarray(x) for path, x in leaves}


def with_arrays(model: NeuralGCM, arrays: Mapping[str, np.ndarray]) -> NeuralGCM:
    """Return the model with other learned parameters: the inverse of ``named_arrays``.

    Raises:
        CheckpointError: an array is missing, unknown or of another shape; the message
            names the first.
    """
    learned, constant = partition(model)
    expected = {_file_name(path): x for path, x in jax.tree.leaves_with_path(learned)}
    faults = [f"{name} is missing" for name in expected if name not in arrays]
    faults += [f"{name} is not used" for name in arrays if name not in expected]
    faults += [
        f"{name} has shape {arrays[name].shape}, not {x.shape}"
        for name, x in expected.items()
        if name in arrays and arrays[name].shape != x.shape
    ]
    if faults:
        raise CheckpointError(
            f"The parameters do not fit the model: {faults[0]}.",
            "Use parameters of this model.",
        )
    leaves = [jnp.asarray(arrays[name], x.dtype) for name, x in expected.items()]
    learned = jax.tree.unflatten(jax.tree.structure(learned), leaves)
    return eqx.combine(learned, constant)


def _attribute(path: tuple) -> str:
    return path[-1].name if isinstance(path[-1], jax.tree_util.GetAttrKey) else ""


def _file_name(path: tuple) -> str:
    name = jax.tree_util.keystr(path, simple=True, separator=".")
    for ours, stored in _FILE_NAMES.items():
        name = name.removesuffix(ours) + stored if name.endswith(ours) else name
    return name
