"""The published checkpoint file: its configuration, weights and static fields.

A published model is one pickle of NumPy or old JAX arrays, plain containers, strings
and numbers. It is decoded as data (``pickle_stream``) and checked: what comes out has
the types, shapes and finite numbers that it says it has.
"""

import dataclasses
import hashlib
import os
import pathlib
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from ngcm_cli.checkpoint.card import LARGEST_WEIGHTS
from ngcm_cli.checkpoint.published.pickle_stream import Array, Refusal, decode
from ngcm_cli.errors import CheckpointError
from ngcm_cli.io.bounded_file import read_bounded

_HINT = (
    "Use a NeuralGCM v1 checkpoint as published, downloaded again if need be; "
    "open no file of unknown origin with other tools."
)
_LONGEST_CONFIG = 2**20  # characters; the longest published one has 0.1 million
_MOST_POINTS = 2**22  # of a horizontal grid; the finest published one has 2**17


_Kind = TypeVar("_Kind")


@dataclasses.dataclass(frozen=True)
class PublishedCheckpoint:
    """What a published file holds.

    Attributes:
        config: gin text that describes the model.
        params: weights by module path and parameter name.
        static: ``longitude``, ``latitude`` in degrees and ``level`` in hPa, ascending;
            ``geopotential_at_surface`` in m² s⁻² and ``land_sea_mask`` in 0 … 1, both
            (longitude, latitude).
        sha256: of the whole file.
        bytes: its size.
    """

    config: str
    params: dict[str, dict[str, np.ndarray]]
    static: dict[str, np.ndarray]
    sha256: str
    bytes: int


def read_published(
    path: str | pathlib.Path, sha256: str | None = None
) -> PublishedCheckpoint:
    """Read a published checkpoint; nothing in the file is executed.

    Args:
        path: of the file.
        sha256: of the file, where it has just been computed.

    Raises:
        CheckpointError: the file is absent, damaged, hostile or not a published model.
    """
    path = pathlib.Path(path)
    data = _read_bytes(path)
    try:
        content = decode(data)
        if not isinstance(content, dict):
            raise Refusal("holds no dictionary, so no published model")
        config = _entry(content, "model_config_str", str)
        if len(config) > _LONGEST_CONFIG:
            raise Refusal("has a configuration longer than any published model")
        params = _params(_entry(content, "params", dict))
        static = _static(_entry(content, "aux_ds_dict", dict))
    except Refusal as refusal:
        raise CheckpointError(f"The checkpoint {path} {refusal}.", _HINT) from None
    digest = sha256 or hashlib.sha256(data).hexdigest()
    return PublishedCheckpoint(config, params, static, digest, len(data))


def _read_bytes(path: pathlib.Path) -> bytes:
    if not os.path.exists(path):
        raise CheckpointError(f"There is no checkpoint at {path}.", "Check the path.")
    try:
        return read_bounded(path, LARGEST_WEIGHTS)
    except OSError as error:
        raise CheckpointError(
            f"The checkpoint {path} cannot be read: {error.strerror}.",
            "Name a checkpoint file; check its permissions and the disk.",
        ) from None


def _entry(mapping: Mapping[str, Any], key: str, kind: type[_Kind]) -> _Kind:
    if key not in mapping:
        raise Refusal(f"has no {key!r}, so it is not a published model")
    value = mapping[key]
    if not isinstance(value, kind):
        raise Refusal(f"has a {key!r} that is not a {kind.__name__}")
    return value


def _params(modules: dict[str, Any]) -> dict[str, dict[str, np.ndarray]]:
    if not modules:
        raise Refusal("has no weights")
    params = {}
    for module in modules:
        weights = _entry(modules, module, dict)
        params[module] = {name: _weight(module, name, weights) for name in weights}
    return params


def _weight(module: str, name: str, weights: dict[str, Any]) -> np.ndarray:
    where = f"{name!r} of {module!r}"
    weight = weights[name]
    if not isinstance(weight, Array) or weight.value is None:
        raise Refusal(f"has a weight {where} that is not an array")
    if weight.value.dtype.kind != "f":
        raise Refusal(f"has a weight {where} of type {weight.value.dtype}")
    if not np.isfinite(weight.value).all():
        raise Refusal(f"has a weight {where} that is not finite")
    return weight.value


def _static(dataset: dict[str, Any]) -> dict[str, np.ndarray]:
    coordinates = _entry(dataset, "coords", dict)
    static = {
        name: _coordinate(name, coordinates)
        for name in ("longitude", "latitude", "level")
    }
    shape = (static["longitude"].size, static["latitude"].size)
    if shape[0] * shape[1] > _MOST_POINTS:
        raise Refusal(f"claims a grid of {shape[0]} × {shape[1]} points")
    fields = _entry(dataset, "data_vars", dict)
    for name in ("geopotential_at_surface", "land_sea_mask"):
        static[name] = _field(name, fields, shape)
    return static


def _coordinate(name: str, coordinates: dict[str, Any]) -> np.ndarray:
    values = _numbers(_entry(_entry(coordinates, name, dict), "data", object), name)
    lowest, highest = {"longitude": (0, 360), "latitude": (-90, 90)}.get(
        name, (0, np.inf)
    )
    if values.ndim != 1 or values.size < 2 or not (np.diff(values) > 0).all():
        raise Refusal(f"has a {name!r} that does not ascend")
    if values[0] < lowest or values[-1] > highest:
        raise Refusal(f"has a {name!r} outside {lowest} … {highest}")
    return values


def _field(name: str, fields: dict[str, Any], shape: tuple[int, int]) -> np.ndarray:
    """Return a horizontal field, transposed by the names of its dimensions."""
    field = _entry(fields, name, dict)
    match _entry(field, "dims", object):
        case ("longitude", "latitude"):
            stored = shape
        case ("latitude", "longitude"):
            stored = shape[::-1]
        case _:
            raise Refusal(f"has a {name!r} that is not on longitude and latitude")
    data = _entry(field, "data", object)
    if isinstance(data, list):
        rows = [row for row in data if isinstance(row, list) and len(row) == stored[1]]
        if len(rows) != len(data) or len(rows) != stored[0]:
            raise Refusal(f"has a {name!r} that does not fill its grid")
        values = np.stack([_numbers(row, name) for row in rows])
    else:
        values = _numbers(data, name)
    if values.shape != stored:
        raise Refusal(f"has a {name!r} that does not fill its grid")
    return np.ascontiguousarray(values if stored is shape else values.T)


def _numbers(data: Any, name: str) -> np.ndarray:
    """Return finite floating-point numbers of an array or a list of numbers."""
    if isinstance(data, list) and all(type(value) in (int, float) for value in data):
        values = np.array(data, np.float64)
    elif isinstance(data, Array) and data.value is not None:
        values = data.value
        values = values if values.dtype.kind == "f" else values.astype(np.float64)
    else:
        raise Refusal(f"has a {name!r} that is not numbers")
    if not np.isfinite(values).all():
        raise Refusal(f"has a {name!r} that is not finite")
    return values
