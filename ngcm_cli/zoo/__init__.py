"""The zoo: which models there are, where their weights are, how they are loaded.

`catalogue` lists names and cards, `loading` loads a model by name. `cache` keeps
fetched weights and pins them, with `download` and `http_session` to fetch a file;
`published` reads one, `conversion` writes it in the format of ngcm. `verify` checks a
model, `description` describes it. The cards are data, in ``models/``; file formats are
in ``checkpoint``.
"""

from ngcm_cli.checkpoint.card import Card, PublishedCard
from ngcm_cli.zoo.catalogue import DEFAULT, bundled_folder, model_names
from ngcm_cli.zoo.conversion import convert
from ngcm_cli.zoo.loading import fetch, find_card, is_here, load_model, open_model

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
