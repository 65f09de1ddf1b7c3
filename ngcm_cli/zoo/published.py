"""Reading a published checkpoint as a complete card and named arrays."""

import logging
import pathlib
import re
from typing import TYPE_CHECKING

from ngcm_cli.checkpoint.card import Card, PublishedCard, WeightsFile
from ngcm_cli.errors import CheckpointError

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger(__name__)

_STATIC = "geopotential_at_surface", "land_sea_mask"

DESCRIPTION_KEYS = "summary", "predicts", "paper", "source", "licence", "stable_for"
DESCRIPTION_KEYS += ("published_forecasts",)
"""Keys of a card that a checkpoint does not contain."""


def read_checkpoint(
    path: pathlib.Path, listed: PublishedCard | None = None, sha256: str | None = None
) -> "tuple[Card, dict[str, np.ndarray]]":
    """Read a published checkpoint as its complete card, and the arrays by name.

    Nothing in the file is executed. It must agree with the card listed, if there is
    one; its SHA-256 is computed unless given.

    Raises:
        CheckpointError: It is not a published model, or not that of the card.
    """
    from ngcm_cli.checkpoint.published.reference import read_published
    from ngcm_cli.checkpoint.published.translate import model_spec
    from ngcm_cli.checkpoint.published.weights import from_published

    published = read_published(path, sha256)
    spec = model_spec(published.config, tuple(published.static["level"].tolist()))
    static = {name: published.static[name] for name in _STATIC}
    arrays = from_published(published.params, static, spec)
    texts: dict[str, str | None] = {
        "summary": "A published NeuralGCM checkpoint",
        "paper": "https://doi.org/10.1038/s41586-024-07744-y",
        "source": clean_name(path.name),
        "licence": "as published with the checkpoint",
        "stable_for": "not stated",
    }
    if listed is not None:
        texts = {key: getattr(listed, key) for key in DESCRIPTION_KEYS}
    card = Card.model_validate(
        {
            "format": 1,
            "name": clean_name(path.stem) if listed is None else listed.name,
            **texts,
            "parameters": sum(
                x.size for leaves in published.params.values() for x in leaves.values()
            ),
            "stochastic": spec.random_fields is not None,
            "weights": WeightsFile(
                file=clean_name(path.name),
                sha256=published.sha256,
                bytes=published.bytes,
            ),
            "spec": spec,
        }
    )
    if listed is not None:
        _check_assertions(path, card, listed)
    return card, arrays


def clean_name(name: str) -> str:
    """Return a file name, such as ``model (1)`` of a browser, as a valid model name."""
    return (re.sub(r"[^A-Za-z0-9_.-]+", "_", name).lstrip("_.-") or "checkpoint")[:100]


def _check_assertions(path: pathlib.Path, card: Card, listed: PublishedCard) -> None:
    """Refuse a card that contradicts its checkpoint."""
    for key in "grid", "parameters", "stochastic":
        found, stated = getattr(card, key), getattr(listed, key)
        if found == stated:
            continue
        if key in listed.unconfirmed:
            log.info(f"{card.name} has {key}: {found}; reported was {stated}.")
            continue
        raise CheckpointError(
            f"The checkpoint {path} has {key}: {found}; "
            f"the card of {listed.name} says {stated}.",
            "It is the file of another model; fetch or name the right one.",
        )
