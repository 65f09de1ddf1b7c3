"""Our own format: a card in YAML and the weights in safetensors, side by side.

The card says what the model is and, in its ``spec``, how it is built; the weights file
holds every learned parameter and static field by its place in the model. Neither can
execute anything.
"""

import hashlib
import pathlib
from typing import Annotated, Literal

import numpy as np
import pydantic
import safetensors
import safetensors.numpy
import yaml

from ngcm_cli.checkpoint.spec import ModelSpec
from ngcm_cli.errors import CheckpointError

_FILE_NAME = pydantic.Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
_HINT = "The file is damaged or of another version; get it again."


class WeightsFile(pydantic.BaseModel):
    """Where a model's weights are, and what they must be.

    Attributes:
        file: name, beside the card.
        sha256: of the whole file.
        bytes: its size.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    file: Annotated[str, _FILE_NAME]
    sha256: str
    bytes: int


class Card(pydantic.BaseModel):
    """What people should know of a model, and how to build it.

    Attributes:
        format: version of this format.
        name: by which it is called on the command line.
        summary: one line.
        paper: where it is described.
        source: where the weights come from.
        licence: SPDX identifier.
        parameters: number of learned parameters; checked against the weights.
        stochastic: whether it has random fields; checked against the specification.
        stable_for: how long runs are known to stay stable.
        weights: the weights file.
        spec: the architecture.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    format: Literal[1]
    name: Annotated[str, _FILE_NAME]
    summary: str
    paper: str
    source: str
    licence: str
    parameters: int
    stochastic: bool
    stable_for: str
    weights: WeightsFile
    spec: ModelSpec


def read_card(path: pathlib.Path) -> Card:
    """Read and check a card.

    Raises:
        CheckpointError: it is missing, not YAML, or has wrong or unknown keys.
    """
    try:
        card = Card.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except OSError as error:
        raise CheckpointError(
            f"The model card {path} cannot be read: {error.strerror}.", _HINT
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise CheckpointError(f"The model card {path} is not YAML.", _HINT) from None
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "card"
        raise CheckpointError(
            f"The model card {path} is wrong at {key}: {first['msg']}.",
            "Correct it there, or get the card again.",
        ) from None
    if card.stochastic != (card.spec.random_fields is not None):
        raise CheckpointError(
            f"The model card {path} says stochastic: {str(card.stochastic).lower()}, "
            "its specification says otherwise.",
            "Correct one of them, or get the card again.",
        )
    return card


def read_weights(card: Card, folder: pathlib.Path) -> dict[str, np.ndarray]:
    """Read the weights of a card, checked against its hash and number of parameters.

    Raises:
        CheckpointError: they are missing, changed or not those of the card.
    """
    path = folder / card.weights.file
    try:
        data = path.read_bytes()
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
    digest = hashlib.sha256(data).hexdigest()
    if digest != card.weights.sha256:
        raise CheckpointError(
            f"The weights {path} are not those of the card of {card.name}: "
            f"SHA-256 {digest[:12]}…, not {card.weights.sha256[:12]}….",
            _HINT,
        )
    try:
        arrays = safetensors.numpy.load(data)
    except safetensors.SafetensorError as error:
        raise CheckpointError(
            f"The weights {path} are not safetensors: {error}.", _HINT
        ) from None
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
    description: dict[str, str],
    spec: ModelSpec,
    arrays: dict[str, np.ndarray],
) -> Card:
    """Write a model's card and weights.

    Args:
        folder: where; it must exist.
        description: ``name``, ``summary``, ``paper``, ``source``, ``licence`` and
            ``stable_for`` of the card.
        spec: the architecture.
        arrays: all parameters and static fields by place.

    Returns:
        The card that was written, as ``NAME.yaml`` beside ``NAME.safetensors``.
    """
    name = description["name"]
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
    _write(folder / weights.file, data)
    text = yaml.dump(
        card.model_dump(mode="json"),
        Dumper=_Dumper,
        sort_keys=False,
        width=88,
        allow_unicode=True,
    )
    _write(folder / f"{name}.yaml", text.encode())
    return card


def _count(arrays: dict[str, np.ndarray]) -> int:
    return sum(x.size for name, x in arrays.items() if not name.startswith("static."))


def _write(path: pathlib.Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.replace(path)


class _Dumper(yaml.SafeDumper):
    """Block style for mappings, one line for lists of numbers or names."""


def _represent_list(dumper: yaml.SafeDumper, items: list) -> yaml.Node:
    nested = any(isinstance(x, list | dict) for x in items)
    return dumper.represent_sequence(
        "tag:yaml.org,2002:seq", items, flow_style=not nested
    )


_Dumper.add_representer(list, _represent_list)
