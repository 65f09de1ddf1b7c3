"""The model that a training gives: weights, and a card that says how they were made."""

import math

import equinox as eqx

from ngcm_cli.checkpoint.card import TrainingRecord
from ngcm_cli.checkpoint.parameters import named_arrays
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.inputs.sources.location import redacted, resolve_location
from ngcm_cli.training.setup import Training
from ngcm_cli.training.training_directory import TrainingDirectory

_INHERITED = "predicts", "paper", "licence"


def write_result(
    training: Training,
    directory: TrainingDirectory,
    learned: NeuralGCM,
    updates: int,
    held_out_loss: float,
) -> None:
    """Write the trained model in its directory, in place of an earlier one.

    The licence is that of the model that was trained: weights that were made from
    published ones are theirs to share alike.

    Args:
        training: that gave it.
        directory: of the training.
        learned: the learned parameters.
        updates: number of updates.
        held_out_loss: by which they were chosen.
    """
    config, card = training.config, training.card
    is_new = config.initialize is not None
    model = eqx.combine(learned, training.model)
    settings = config.as_run_file()
    for part in (settings, *settings.get("outputs", {}).values()):
        for name in {"data", "sst_data", "truth"} & part.keys():
            part[name] = redacted(part[name])
    record = TrainingRecord(
        parent=card.name,
        parent_sha256=card.weights.sha256,
        initialized=is_new,
        data=redacted(resolve_location(config.data)),
        updates=updates,
        held_out_loss=held_out_loss if math.isfinite(held_out_loss) else None,
        settings=settings,
    )
    how = "anew" if is_new else "further"
    added = f" with {', '.join(config.outputs)}" if config.outputs else ""
    made = "Architecture" if is_new else "Weights"
    description = {
        **{name: getattr(card, name) for name in _INHERITED},
        "name": model.name,
        "summary": f"{card.name}{added}, trained {how} with ngcm",
        "source": f"{made} of {card.name} ({card.source}), trained with ngcm train",
        "stable_for": "not known",
        "training": record.model_dump(),
    }
    arrays = named_arrays(model) | training.static
    directory.write_model(description, training.spec, arrays)
