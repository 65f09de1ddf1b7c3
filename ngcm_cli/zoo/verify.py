"""Verification of a model's files against its card, and of one step of it."""

import dataclasses
import hashlib
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import jax
import numpy as np

from ngcm_cli.checkpoint.build import build
from ngcm_cli.checkpoint.card import (
    PRINTED_VALUES,
    Card,
    FieldPrint,
    Fingerprint,
    PublishedCard,
)
from ngcm_cli.checkpoint.weights import Weights
from ngcm_cli.errors import CheckpointError
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.io.devices import check_devices
from ngcm_cli.io.progress import format_size
from ngcm_cli.zoo import cache
from ngcm_cli.zoo.catalogue import card_path, read_card
from ngcm_cli.zoo.loading import read_model
from ngcm_cli.zoo.pin import weights_path


@dataclasses.dataclass(frozen=True)
class Check:
    """One check of a model; without anything to compare with it has not ``passed``."""

    name: str
    passed: bool | None
    detail: str


class _InitialConditions(Protocol):
    """What a model starts from; `forcing.run_inputs.RunInputs` is of this form."""

    @property
    def time(self) -> np.datetime64: ...
    @property
    def fields(self) -> Mapping[str, np.ndarray]: ...
    @property
    def forcing(self) -> Mapping[str, np.ndarray]: ...


def verify(
    name_or_path: str, read_sample: Callable[[NeuralGCM], _InitialConditions]
) -> Iterator[Check]:
    """Verify a model's files, weights and first step; nothing is downloaded.

    ``read_sample`` returns the bundled analysis on the grid and levels of a model. One
    step is run in float32, which takes the time to compile it. The first check that
    fails is the last.

    Raises:
        CheckpointError: There is no such model, it is not fetched, or its card is
            invalid.
    """
    for check in _checks(name_or_path, read_sample):
        yield check
        if check.passed is False:
            return


def one_step(
    model: NeuralGCM, initial: _InitialConditions, seed: int = 0
) -> dict[str, np.ndarray]:
    """Return the decoded fields one model step after the initial time."""
    key = jax.random.key(seed)
    state = model.encode(initial.fields, initial.forcing, initial.time, key)
    state = model.advance(state, initial.forcing, steps=1)
    decoded = model.decode(state, forcing=initial.forcing)
    return {name: np.asarray(x) for name, x in decoded.items()}


def _checks(
    name_or_path: str, read_sample: Callable[[NeuralGCM], _InitialConditions]
) -> Iterator[Check]:
    card, path = _find_files(name_or_path)
    if isinstance(card, PublishedCard) and not os.path.isfile(path):
        raise CheckpointError(
            f"{card.name} is not fetched: there is nothing to verify yet.",
            f"Fetch it with `ngcm models fetch {name_or_path}`.",
        )
    check_devices()
    yield Check("file", os.path.isfile(path), str(path))
    yield from _check_file(card, path)
    try:
        complete, arrays = read_model(name_or_path, offline=True)
    except CheckpointError as error:
        yield Check("contents", False, error.message)
        return
    count = sum(x.size for k, x in arrays.items() if not k.startswith("static."))
    yield Check("parameters", count == complete.parameters, f"{count}")
    bad = [name for name, x in arrays.items() if not np.isfinite(x).all()]
    found = ", ".join(bad[:5]) or f"{len(arrays)} arrays"
    yield Check("finite weights", not bad, found)
    try:
        weights = Weights(arrays)
        model = build(complete.name, complete.spec, weights, precision="float32")
    except CheckpointError as error:
        yield Check("every weight is used", False, error.message)
        return
    yield Check("every weight is used", True, "each used once, none missing")
    fields = one_step(model, read_sample(model))
    bad = [name for name, x in fields.items() if not np.isfinite(x).all()]
    found = ", ".join(bad) or f"{len(fields)} variables after one step"
    yield Check("finite outputs", not bad, found)
    yield _check_fingerprint(complete.fingerprint, fields)


def _find_files(name_or_path: str) -> tuple[Card | PublishedCard | None, pathlib.Path]:
    """Return the card of a model, if it has one, and the path of its weights."""
    path = pathlib.Path(name_or_path)
    if path.suffix == ".pkl":
        return None, path
    card = read_card(name_or_path)
    if isinstance(card, PublishedCard):
        return card, weights_path(card)
    return card, card_path(name_or_path).parent / card.weights.file


def _check_file(
    card: Card | PublishedCard | None, path: pathlib.Path
) -> Iterator[Check]:
    """Compare size and hash with those of the card, or with those pinned."""
    if isinstance(card, PublishedCard):
        try:
            pin = cache.check(card)
        except CheckpointError as error:
            yield Check("size and SHA-256", False, error.message)
            return
        size, sha256, since = pin.bytes, pin.sha256, f"as pinned on {pin.date}"
        yield Check("size", True, f"{size} bytes, {since}")
        yield Check("SHA-256", True, f"{sha256[:12]}…, {since}")
        return
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        yield Check("size and SHA-256", False, f"cannot be read: {error.strerror}")
        return
    if card is None:
        yield Check("size", None, f"{size} bytes, {format_size(size)}")
        yield Check("SHA-256", None, f"{sha256}, nothing to compare with")
        return
    stated = card.weights
    found = f"{size} bytes, the card says {stated.bytes}"
    yield Check("size", size == stated.bytes, found)
    found = f"{sha256[:12]}…, the card says {stated.sha256[:12]}…"
    yield Check("SHA-256", sha256 == stated.sha256, found)


def _check_fingerprint(
    fingerprint: Fingerprint | None, fields: dict[str, np.ndarray]
) -> Check:
    name = "one-step fingerprint"
    if fingerprint is None:
        return Check(name, None, "the card has none")
    tolerance = fingerprint.tolerance
    found = deviation(fields, fingerprint.variables)
    text = f"differs by {found:.1e} of the standard deviation, {tolerance:.1e} allowed"
    return Check(name, found <= tolerance, text)


def field_prints(fields: dict[str, np.ndarray]) -> dict[str, FieldPrint]:
    """Return the numbers that a card keeps of each field."""
    prints = {name: _numbers(x) for name, x in fields.items()}
    return {
        name: FieldPrint(std=x[0], values=tuple(x[1:])) for name, x in prints.items()
    }


def deviation(fields: dict[str, np.ndarray], kept: dict[str, FieldPrint]) -> float:
    """Return the largest difference of one step from the numbers of a card.

    It is in standard deviations of the field; infinite if a variable is missing or new,
    NaN if a field contains NaN.
    """
    if fields.keys() != kept.keys():
        return float("inf")
    differences = [
        np.abs(np.subtract(_numbers(fields[name]), (stored.std, *stored.values)))
        / stored.std
        for name, stored in kept.items()
    ]
    return float(np.max(differences))


def _numbers(x: np.ndarray) -> list[float]:
    """Return the standard deviation, and values spread evenly over the field."""
    count = PRINTED_VALUES
    indices = (2 * np.arange(count) + 1) * x.size // (2 * count)
    values = x.reshape(-1)[indices].astype(np.float64)
    return [float(np.std(x, dtype=np.float64)), *values.tolist()]
