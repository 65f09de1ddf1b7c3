"""What a restart and the run that goes on from it must have in common."""

import functools
import hashlib
import os
from typing import Any

import numpy as np

from ngcm_cli.climate.plan import ClimatePlan
from ngcm_cli.config import AmipConfig
from ngcm_cli.data.places import is_far
from ngcm_cli.zoo import Card, model_names


@functools.lru_cache(maxsize=1)  # every restart asks, and the sea may be large
def identity(plan: ClimatePlan) -> dict[str, Any]:
    """Weights, architecture, sea and settings of a run, as a restart keeps them."""
    card, sea = plan.card, plan.sea
    spec = card.spec.model_dump_json() if isinstance(card, Card) else ""
    warming = np.asarray(sea.warming, np.float32)
    fields = (sea.fields[name] for name in sorted(sea.fields))
    changeable = AmipConfig.changeable
    return {
        "weights_sha256": card.weights.sha256,
        "spec_sha256": _digest(spec.encode()),
        "sea_sha256": _digest(*(x.tobytes() for x in (sea.times, *fields, warming))),
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


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
