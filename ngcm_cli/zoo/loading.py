"""From a name or a path to a model: card, weights, network."""

import pathlib
from typing import TYPE_CHECKING

from ngcm_cli.checkpoint.card import Card, PublishedCard, read_card
from ngcm_cli.checkpoint.native import read_weights
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.zoo import cache
from ngcm_cli.zoo.catalogue import DEFAULT, card_path, written_card
from ngcm_cli.zoo.published import read_checkpoint

if TYPE_CHECKING:
    import numpy as np

    from ngcm_cli.gcm.model import NeuralGCM


def find_card(name_or_path: str) -> Card | PublishedCard:
    """The card of a model; its weights are not read.

    Args:
        name_or_path: a name of the zoo; the path of a card, or of the folder that holds
            one; or the path of a published checkpoint (``.pkl``), which has to be read
            for its card.

    Raises:
        CheckpointError: there is no such model, or its files are not usable.
    """
    if pathlib.Path(name_or_path).suffix == ".pkl":
        return read_checkpoint(pathlib.Path(name_or_path))[0]
    return written_card(name_or_path)


def complete_card(name_or_path: str) -> Card | PublishedCard:
    """The card of a model with its architecture, wherever that is on this computer.

    Args:
        name_or_path: as for ``find_card``.

    Returns:
        The card as written, if the model is a published one that has not been fetched.

    Raises:
        CheckpointError: there is no such model, or its files are not usable.
    """
    card = find_card(name_or_path)
    if isinstance(card, PublishedCard) and cache.is_here(card):
        return read_checkpoint(cache.fetch(card, offline=True), card)[0]
    return card


def fetch(
    name_or_path: str,
    *,
    offline: bool = False,
    progress: ByteProgress = no_progress,
) -> pathlib.Path:
    """The weights of a model, which are fetched if they are not here.

    Args:
        name_or_path: as for ``find_card``.
        offline: use no network; weights that are not here are an error.
        progress: called with the bytes that are here, and with those of the whole file
            or None, again and again while weights are fetched.

    Returns:
        The path of the weights, which are those that the card or the first use pinned.

    Raises:
        CheckpointError: they cannot be had, or are not those that they should be.
    """
    path = pathlib.Path(name_or_path)
    if path.suffix == ".pkl":
        return path
    path = card_path(name_or_path)
    card = read_card(path)
    if isinstance(card, PublishedCard):
        return cache.fetch(card, offline=offline, progress=progress)
    return path.parent / card.weights.file


def is_here(name_or_path: str) -> bool:
    """Whether a model needs no download.

    Args:
        name_or_path: as for ``find_card``.

    Raises:
        CheckpointError: there is no such model, or its card is wrong.
    """
    if pathlib.Path(name_or_path).suffix == ".pkl":
        return True
    card = written_card(name_or_path)
    return not isinstance(card, PublishedCard) or cache.is_here(card)


def read_model(
    name_or_path: str,
    *,
    offline: bool = False,
    progress: ByteProgress = no_progress,
) -> "tuple[Card, dict[str, np.ndarray]]":
    """The complete card of a model, architecture included, and its arrays by place.

    Args:
        name_or_path: as for ``find_card``.
        offline: as for ``fetch``.
        progress: as for ``fetch``.

    Raises:
        CheckpointError: there is no such model, or its files are not usable.
    """
    path = pathlib.Path(name_or_path)
    if path.suffix == ".pkl":
        return read_checkpoint(path)
    path = card_path(name_or_path)
    card = read_card(path)
    if isinstance(card, PublishedCard):
        weights = cache.fetch(card, offline=offline, progress=progress)
        pin = cache.read_pin(card)  # against which the file was hashed just now
        return read_checkpoint(weights, card, pin.sha256 if pin else None)
    return card, read_weights(card, path.parent)


def open_model(
    name_or_path: str,
    *,
    offline: bool = False,
    progress: ByteProgress = no_progress,
) -> "tuple[Card, NeuralGCM]":
    """The complete card of a model, and the model.

    Args:
        name_or_path: as for ``find_card``.
        offline: as for ``fetch``.
        progress: as for ``fetch``.

    Raises:
        CheckpointError: there is no such model, or its files are not usable.
    """
    from ngcm_cli.checkpoint.build import build
    from ngcm_cli.checkpoint.weights import Weights

    card, arrays = read_model(name_or_path, offline=offline, progress=progress)
    return card, build(card.name, card.spec, Weights(arrays))


def load_model(name_or_path: str = DEFAULT, *, offline: bool = False) -> "NeuralGCM":
    """Load a model; published weights are fetched on first use.

    Args:
        name_or_path: as for ``find_card``.
        offline: as for ``fetch``.

    Raises:
        CheckpointError: there is no such model, or its files are not usable.

    Example:
        >>> import ngcm_cli
        >>> model = ngcm_cli.load_model("tl63_stochastic_mini")
        >>> model.grid.nodal_shape
        (128, 64)
    """
    return open_model(name_or_path, offline=offline)[1]
