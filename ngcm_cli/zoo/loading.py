"""Loading a model by name or path: its card, its weights, its network."""

import pathlib
from typing import TYPE_CHECKING

from ngcm_cli.checkpoint import card as card_file
from ngcm_cli.checkpoint.card import Card, PublishedCard
from ngcm_cli.checkpoint.native import read_weights
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.zoo import cache
from ngcm_cli.zoo.catalogue import DEFAULT, card_path, read_card
from ngcm_cli.zoo.pin import read_pin
from ngcm_cli.zoo.published import read_checkpoint

if TYPE_CHECKING:
    import numpy as np

    from ngcm_cli.gcm.model import NeuralGCM


def find_card(name_or_path: str) -> Card | PublishedCard:
    """Return the card of a model.

    Args:
        name_or_path: Name of a model; path of a card, or of a folder with one card; or
            path of a published checkpoint (``.pkl``), which must be read for its card.

    Raises:
        CheckpointError: There is no such model, or its files are not usable.
    """
    if pathlib.Path(name_or_path).suffix == ".pkl":
        return read_checkpoint(pathlib.Path(name_or_path))[0]
    return read_card(name_or_path)


def resolve_card(name_or_path: str) -> Card | PublishedCard:
    """Return the card of a model, named as for `find_card`, with its architecture.

    A published model that has not been fetched has a card without architecture.

    Raises:
        CheckpointError: There is no such model, or its files are not usable.
    """
    card = find_card(name_or_path)
    if isinstance(card, PublishedCard) and cache.is_here(card):
        return read_checkpoint(cache.fetch(card, offline=True), card)[0]
    return card


def fetch(
    name_or_path: str, *, offline: bool = False, progress: ByteProgress = no_progress
) -> pathlib.Path:
    """Return the path of a model's weights, fetched if they are not here yet.

    Args:
        name_or_path: As for ``find_card``.
        offline: Refuse to use the network.
        progress: Called with the bytes received so far and those of the whole file, or
            None if that is unknown.

    Raises:
        CheckpointError: They are not available, or differ from those that the card or
            the lock file states.
    """
    path = pathlib.Path(name_or_path)
    if path.suffix == ".pkl":
        return path
    path = card_path(name_or_path)
    card = card_file.read_card(path)
    if isinstance(card, PublishedCard):
        return cache.fetch(card, offline=offline, progress=progress)
    return path.parent / card.weights.file


def is_here(name_or_path: str) -> bool:
    """Return whether a model, named as for `find_card`, can be loaded offline.

    Raises:
        CheckpointError: There is no such model, or its card is invalid.
    """
    if pathlib.Path(name_or_path).suffix == ".pkl":
        return True
    card = read_card(name_or_path)
    return not isinstance(card, PublishedCard) or cache.is_here(card)


def read_model(
    name_or_path: str, *, offline: bool = False, progress: ByteProgress = no_progress
) -> "tuple[Card, dict[str, np.ndarray]]":
    """Return the complete card of a model and its arrays; arguments as for `fetch`.

    Raises:
        CheckpointError: There is no such model, or its files are not usable.
    """
    path = pathlib.Path(name_or_path)
    if path.suffix == ".pkl":
        return read_checkpoint(path)
    path = card_path(name_or_path)
    card = card_file.read_card(path)
    if isinstance(card, PublishedCard):
        weights = cache.fetch(card, offline=offline, progress=progress)
        pin = read_pin(card)  # the file was just compared with it
        return read_checkpoint(weights, card, pin.sha256 if pin else None)
    return card, read_weights(card, path.parent)


def open_model(
    name_or_path: str,
    *,
    precision: str = "published",
    offline: bool = False,
    progress: ByteProgress = no_progress,
) -> "tuple[Card, NeuralGCM]":
    """Load a model with its complete card; other arguments as for `fetch`.

    Args:
        name_or_path: As for ``find_card``.
        precision: Of its matrix products, as for `load_model`.
        offline: As for ``fetch``.
        progress: As for ``fetch``.

    Raises:
        ConfigError: JAX has no device, or none that computes in this precision.
        CheckpointError: There is no such model, or its files are not usable.
    """
    from ngcm_cli.checkpoint.build import build
    from ngcm_cli.checkpoint.weights import Weights
    from ngcm_cli.gcm.precision import find_precisions
    from ngcm_cli.io.devices import check_devices

    check_devices()
    find_precisions(precision)  # before anything is downloaded
    card, arrays = read_model(name_or_path, offline=offline, progress=progress)
    return card, build(card.name, card.spec, Weights(arrays), precision)


def load_model(
    name_or_path: str = DEFAULT, *, precision: str = "published", offline: bool = False
) -> "NeuralGCM":
    """Load a model; published weights are fetched on first use.

    Args:
        name_or_path: As for ``find_card``.
        precision: Of its matrix products: ``published``, as they were trained or
            better; ``float32``, everything; or ``fast``.
        offline: As for ``fetch``.

    Raises:
        ConfigError: There is no such precision on this device.
        CheckpointError: There is no such model, or its files are not usable.

    Example:
        >>> import ngcm_cli
        >>> model = ngcm_cli.load_model("tl63_stochastic_mini")
        >>> model.grid.nodal_shape
        (128, 64)
    """
    return open_model(name_or_path, precision=precision, offline=offline)[1]
