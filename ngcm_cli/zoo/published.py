"""Published checkpoints: from the file to a complete card and named arrays."""

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

DESCRIBED = "summary", "predicts", "paper", "source", "licence", "stable_for"
"""What a checkpoint does not say of itself."""


def read_checkpoint(
    path: pathlib.Path,
    described: PublishedCard | None = None,
    sha256: str | None = None,
) -> "tuple[Card, dict[str, np.ndarray]]":
    """Read a published checkpoint.

    Args:
        path: of the file; nothing in it is executed.
        described: its card, if there is one; what both say must agree.
        sha256: of the file, where it has just been computed.

    Returns:
        Its complete card, the architecture in it, and its arrays by place.

    Raises:
        CheckpointError: it is not a published model, or not the one described.
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
    if described is not None:
        texts = {key: getattr(described, key) for key in DESCRIBED}
    card = Card.model_validate(
        {
            "format": 1,
            "name": clean_name(path.stem) if described is None else described.name,
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
    if described is not None:
        _check_assertions(path, card, described)
    return card, arrays


def clean_name(name: str) -> str:
    """A name such as browsers give, ``model (1)``, as a card can have it."""
    return (re.sub(r"[^A-Za-z0-9_.-]+", "_", name).lstrip("_.-") or "checkpoint")[:100]


def _check_assertions(path: pathlib.Path, card: Card, described: PublishedCard) -> None:
    """The checkpoint defines, the card describes: they must not contradict."""
    for key in "grid", "parameters", "stochastic":
        found, said = getattr(card, key), getattr(described, key)
        if found == said:
            continue
        if key in described.unconfirmed:
            log.info(f"{card.name} has {key}: {found}; reported was {said}.")
            continue
        raise CheckpointError(
            f"The checkpoint {path} has {key}: {found}; "
            f"the card of {described.name} says {said}.",
            "It is the file of another model; fetch or name the right one.",
        )
