"""What a restart and the run that goes on from it must have in common."""

import hashlib
import os
from typing import Any

from ngcm_cli.climate.plan import ClimatePlan
from ngcm_cli.config import AmipConfig
from ngcm_cli.data.places import is_far
from ngcm_cli.zoo import Card, model_names


def identity(plan: ClimatePlan) -> dict[str, Any]:
    """Weights, architecture, sea and settings of a run, as a restart keeps them."""
    card = plan.card
    spec = card.spec.model_dump_json() if isinstance(card, Card) else ""
    changeable = AmipConfig.changeable
    return {
        "weights_sha256": card.weights.sha256,
        "spec_sha256": hashlib.sha256(spec.encode()).hexdigest(),
        "sea_sha256": plan.sea.sha256,
        "config": {n: x for n, x in settings(plan).items() if n not in changeable},
    }


def settings(plan: ClimatePlan) -> dict[str, str]:
    """All settings but the folder, with paths that are good from anywhere."""
    words = plan.config.words(defaults=True)
    words.pop("output", None)
    if words["model"] not in model_names():
        words["model"] = os.path.abspath(words["model"])
    for name in ("data", "sst_data"):  # also patterns of files
        if name in words and not is_far(words[name]):
            words[name] = os.path.abspath(words[name])
    return words
