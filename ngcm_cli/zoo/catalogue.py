"""What models there are: names and cards."""

import difflib
import importlib.resources
import os
import pathlib

from ngcm_cli.checkpoint.card import Card, PublishedCard, read_card
from ngcm_cli.errors import CheckpointError

DEFAULT = "tl63_stochastic_mini"
"""The bundled model."""


def bundled_folder() -> pathlib.Path:
    """The folder of cards, weights and sample data that comes with the package."""
    return pathlib.Path(str(importlib.resources.files("ngcm_cli.models")))


def model_names() -> list[str]:
    """Names of the models that can be loaded by name."""
    return sorted(path.stem for path in bundled_folder().glob("*.yaml"))


def card_path(name_or_path: str) -> pathlib.Path:
    """Where the card of a model is.

    Args:
        name_or_path: a name of the zoo; the path of a card, or of the folder that holds
            one.

    Raises:
        CheckpointError: there is no such model.
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
    near = difflib.get_close_matches(name_or_path, model_names(), 1)
    guess = f"Did you mean {near[0]}? " if near else ""
    raise CheckpointError(
        f"There is no model '{name_or_path}'.",
        f"{guess}Known models: {', '.join(model_names())}; or give the path of a model "
        "card (.yaml) or of a published checkpoint (.pkl).",
    )


def written_card(name_or_path: str) -> Card | PublishedCard:
    """The card of a model as it is written, without a look at its weights.

    Args:
        name_or_path: as for ``card_path``.

    Raises:
        CheckpointError: there is no such model, or its card is wrong.
    """
    return read_card(card_path(name_or_path))
