"""The models that have a name, and their cards."""

import difflib
import importlib.resources
import os
import pathlib

from ngcm_cli.checkpoint import card as card_file
from ngcm_cli.checkpoint.card import Card, PublishedCard
from ngcm_cli.errors import CheckpointError

DEFAULT = "tl63_stochastic_mini"
"""Name of the bundled model."""


def bundled_folder() -> pathlib.Path:
    """Return the folder of cards, weights and data that come with the package."""
    return pathlib.Path(str(importlib.resources.files("ngcm_cli.models")))


def model_names() -> list[str]:
    """Return the names of the models that can be loaded by name."""
    return sorted(path.stem for path in bundled_folder().glob("*.yaml"))


def card_path(name_or_path: str) -> pathlib.Path:
    """Return the path of a card by name or path, of it or of a folder with one card.

    Raises:
        CheckpointError: There is no such model.
    """
    path = pathlib.Path(name_or_path)
    if name_or_path in model_names():
        return bundled_folder() / f"{name_or_path}.yaml"
    if path.suffix in (".yaml", ".yml") and os.path.isfile(path):
        return path
    if name_or_path and os.path.isdir(path):
        cards = sorted(path.glob("*.yaml"))
        if len(cards) == 1:
            return cards[0]
        found = f"{len(cards)} model cards" if cards else "no model card"
        raise CheckpointError(
            f"The folder {path} holds {found}.",
            "Name the card itself, a file that ends in .yaml.",
        )
    similar = difflib.get_close_matches(name_or_path, model_names(), 1)
    guess = f"Did you mean {similar[0]}? " if similar else ""
    raise CheckpointError(
        f"There is no model '{name_or_path}'.",
        f"{guess}Known models: {', '.join(model_names())}; or give the path of a model "
        "card (.yaml) or of a published checkpoint (.pkl).",
    )


def read_card(name_or_path: str) -> Card | PublishedCard:
    """Return the card of a model, as `card_path` finds it; its weights are not read.

    Raises:
        CheckpointError: There is no such model, or its card is invalid.
    """
    return card_file.read_card(card_path(name_or_path))
