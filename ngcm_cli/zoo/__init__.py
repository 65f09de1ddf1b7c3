"""The zoo: which models there are, where their weights are, how they are loaded.

``catalogue`` knows names and cards, ``loading`` goes from a name to a model. ``cache``
keeps fetched weights and pins them, with ``download`` and ``transport`` to get a file;
``published`` reads one, ``conversion`` rewrites it in our format. ``fingerprint`` tells
models apart, ``description`` puts one in words. The cards are data, in ``models/``;
file formats are in ``checkpoint``.
"""

from ngcm_cli.checkpoint.card import Card, PublishedCard
from ngcm_cli.zoo.catalogue import DEFAULT, bundled_folder, model_names
from ngcm_cli.zoo.conversion import convert
from ngcm_cli.zoo.loading import (
    fetch,
    find_card,
    is_here,
    load_model,
    open_model,
)

__all__ = [
    "DEFAULT",
    "Card",
    "PublishedCard",
    "bundled_folder",
    "convert",
    "fetch",
    "find_card",
    "is_here",
    "load_model",
    "model_names",
    "open_model",
]
