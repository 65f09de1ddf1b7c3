"""What a restart and the run that goes on from it must have in common."""

import hashlib
from typing import Any

from ngcm_cli.climate.plan import ClimatePlan
from ngcm_cli.config import AmipConfig
from ngcm_cli.origin import anywhere
from ngcm_cli.zoo import Card


def identity(plan: ClimatePlan) -> dict[str, Any]:
    """Weights, architecture, sea and settings of a run, as a restart keeps them."""
    card = plan.card
    spec = card.spec.model_dump_json() if isinstance(card, Card) else ""
    settings, changeable = anywhere(plan.config), AmipConfig.changeable
    return {
        "weights_sha256": card.weights.sha256,
        "spec_sha256": hashlib.sha256(spec.encode()).hexdigest(),
        "sea_sha256": plan.sea.sha256,
        "config": {n: x for n, x in settings.items() if n not in changeable},
    }
