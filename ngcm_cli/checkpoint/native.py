"""Our own format: a card in YAML and the weights in safetensors, side by side.

The card says what the model is and, in its ``spec``, how it is built; the weights file
holds every learned parameter and static field by its place in the model. Neither can
execute anything.
"""

import concurrent.futures
import hashlib
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from ngcm_cli.checkpoint.card import LARGEST_WEIGHTS, Card, WeightsFile, as_yaml
from ngcm_cli.checkpoint.spec import ModelSpec
from ngcm_cli.errors import CheckpointError
from ngcm_cli.io.atomic import atomic_file
from ngcm_cli.io.bounded_file import read_bounded

_HINT = "The file is damaged or of another version; get it again."


def read_weights(card: Card, folder: pathlib.Path) -> dict[str, np.ndarray]:
    """Read the weights of a card, checked against its hash and number of parameters.

    Raises:
        CheckpointError: they are missing, changed or not those of the card.
    """
    path = folder / card.weights.file
    try:
        data = read_bounded(path, LARGEST_WEIGHTS)
    except OSError as error:
        raise CheckpointError(
            f"The weights {path} of {card.name} cannot be read: {error.strerror}.",
            "Put the weights file beside its card.",
        ) from None
    if len(data) != card.weights.bytes:
        raise CheckpointError(
            f"The weights {path} have {len(data)} bytes, the card of {card.name} says "
            f"{card.weights.bytes}.",
            _HINT,
        )
    # Hashing takes longer than all the rest, so the rest is done meanwhile.
    with concurrent.futures.ThreadPoolExecutor(1) as aside:
        hashing = aside.submit(hashlib.sha256, data)
        try:
            arrays, fault = safetensors.numpy.load(data), None
        # Of types and dimensions that NumPy does not have, too.
        except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
            arrays, fault = {}, error
        digest = hashing.result().hexdigest()
    if digest != card.weights.sha256:
        raise CheckpointError(
            f"The weights {path} are not those of the card of {card.name}: "
            f"SHA-256 {digest[:12]}…, not {card.weights.sha256[:12]}….",
            _HINT,
        )
    if fault is not None:
        raise CheckpointError(
            f"The weights {path} are not safetensors that can be used: {fault}.", _HINT
        )
    count = _count(arrays)
    if count != card.parameters:
        raise CheckpointError(
            f"The weights {path} have {count} parameters, the card of {card.name} says "
            f"{card.parameters}.",
            _HINT,
        )
    return arrays


def write_native(
    folder: pathlib.Path,
    description: Mapping[str, Any],
    spec: ModelSpec,
    arrays: dict[str, np.ndarray],
) -> Card:
    """Write a model's card and weights.

    Args:
        folder: where; it must exist.
        description: ``name``, ``summary``, ``paper``, ``source``, ``licence``,
            ``stable_for`` and, if known, ``predicts`` and ``training`` of the card.
        spec: the architecture.
        arrays: all parameters and static fields by place.

    Returns:
        The card that was written, as ``NAME.yaml`` beside ``NAME.safetensors``.
    """
    name = str(description["name"])
    # safetensors writes the memory as it lies, so that must be in order.
    ordered = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    data = safetensors.numpy.save(ordered)
    weights = WeightsFile(
        file=f"{name}.safetensors",
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
    )
    card = Card.model_validate(
        {
            "format": 1,
            **description,
            "parameters": _count(arrays),
            "stochastic": spec.random_fields is not None,
            "weights": weights,
            "spec": spec,
        }
    )
    _write(folder / weights.file, data)  # first: a card that is there has its weights
    content = card.model_dump(mode="json")
    for unstated in [key for key, value in content.items() if value is None]:
        del content[unstated]
    _write(folder / f"{name}.yaml", as_yaml(content).encode())
    return card


def _count(arrays: dict[str, np.ndarray]) -> int:
    return sum(x.size for name, x in arrays.items() if not name.startswith("static."))


def _write(path: pathlib.Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    with atomic_file(path) as file:
        file.write(data)
