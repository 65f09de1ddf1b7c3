"""Models by name or path: find the card, check the weights, build the model."""

import difflib
import importlib.resources
import pathlib
from typing import TYPE_CHECKING

from ngcm_cli.checkpoint.native import Card, WeightsFile, read_card, read_weights
from ngcm_cli.errors import CheckpointError

if TYPE_CHECKING:
    import numpy as np

    from ngcm_cli.gcm.model import NeuralGCM

DEFAULT = "tl63_stochastic_mini"
"""The bundled model."""

_STATIC = "geopotential_at_surface", "land_sea_mask"


def bundled_folder() -> pathlib.Path:
    """The folder of cards, weights and sample data that comes with the package."""
    return pathlib.Path(str(importlib.resources.files("ngcm_cli.models")))


def model_names() -> list[str]:
    """Names of the models that can be loaded by name."""
    return sorted(path.stem for path in bundled_folder().glob("*.yaml"))


def find_card(name_or_path: str) -> Card:
    """The card of a model.

    Args:
        name_or_path: a name of the zoo; the path of a card, or of the folder that holds
            one; or the path of a published checkpoint (``.pkl``).

    Raises:
        CheckpointError: there is no such model, or its files are not usable.
    """
    if pathlib.Path(name_or_path).suffix == ".pkl":
        return _published(pathlib.Path(name_or_path))[0]
    return read_card(_card_path(name_or_path))


def open_model(name_or_path: str) -> "tuple[Card, NeuralGCM]":
    """The card of a model, and the model.

    Args:
        name_or_path: as for ``find_card``.

    Raises:
        CheckpointError: there is no such model, or its files are not usable.
    """
    from ngcm_cli.checkpoint.build import build
    from ngcm_cli.checkpoint.weights import Weights

    path = pathlib.Path(name_or_path)
    if path.suffix == ".pkl":
        card, arrays = _published(path)
    else:
        path = _card_path(name_or_path)
        card = read_card(path)
        arrays = read_weights(card, path.parent)
    return card, build(card.name, card.spec, Weights(arrays))


def load_model(name_or_path: str = DEFAULT) -> "NeuralGCM":
    """Load a model.

    Args:
        name_or_path: as for ``find_card``.

    Raises:
        CheckpointError: there is no such model, or its files are not usable.

    Example:
        >>> import ngcm_cli
        >>> model = ngcm_cli.load_model("tl63_stochastic_mini")
        >>> model.grid.nodal_shape
        (128, 64)
    """
    return open_model(name_or_path)[1]


def _card_path(name_or_path: str) -> pathlib.Path:
    path = pathlib.Path(name_or_path)
    if name_or_path in model_names():
        return bundled_folder() / f"{name_or_path}.yaml"
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return path
    if name_or_path and path.is_dir():
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


def _published(path: pathlib.Path) -> "tuple[Card, dict[str, np.ndarray]]":
    """Card and arrays of a published checkpoint."""
    from ngcm_cli.checkpoint.reference import read_published
    from ngcm_cli.checkpoint.translate import model_spec
    from ngcm_cli.checkpoint.weights import from_published

    published = read_published(path)
    spec = model_spec(published.config, tuple(published.static["level"].tolist()))
    static = {name: published.static[name] for name in _STATIC}
    arrays = from_published(published.params, static, spec.physics.surface.land is None)
    card = Card(
        format=1,
        name=path.stem,
        summary="A published NeuralGCM checkpoint",
        paper="https://doi.org/10.1038/s41586-024-07744-y",
        source=path.name,
        licence="as published with the checkpoint",
        parameters=sum(
            x.size for leaves in published.params.values() for x in leaves.values()
        ),
        stochastic=spec.random_fields is not None,
        stable_for="not stated",
        weights=WeightsFile(
            file=path.name, sha256=published.sha256, bytes=published.bytes
        ),
        spec=spec,
    )
    return card, arrays
