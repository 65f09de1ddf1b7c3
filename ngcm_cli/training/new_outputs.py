"""New outputs of a model, to be trained: their names, and their first weights."""

from collections.abc import Iterator

import equinox as eqx
import jax
import jax.numpy as jnp
import pydantic

from ngcm_cli.checkpoint.output_heads import output_head
from ngcm_cli.checkpoint.seeded_weights import drawn
from ngcm_cli.checkpoint.spec import ModelSpec, OutputHeadSpec
from ngcm_cli.checkpoint.weights import Weights
from ngcm_cli.diagnostics import DIAGNOSTICS, diagnostics_of
from ngcm_cli.diagnostics.diagnostic import Diagnostic
from ngcm_cli.errors import ConfigError
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.physics.towers import with_precision


def add_output(
    model: NeuralGCM, spec: ModelSpec, name: str, output: OutputHeadSpec, seed: int
) -> tuple[NeuralGCM, ModelSpec]:
    """Return a model with a further output, and its specification.

    Its network begins with random weights, to be trained on given truth; everything
    else of the model, and so every other output, keeps its bits.

    Args:
        model: to be added to; it is not changed.
        spec: its specification, as on its card.
        name: of the output, as ``--variables`` will name it.
        output: specification of the output.
        seed: of the random weights, see `checkpoint.seeded_weights.drawn`.

    Raises:
        ConfigError: an output variable has this name or one of the aliases already, or
            the specification does not fit the model.
        CheckpointError: the model has no such features, or no scale for one of them.

    Example:
        >>> card, model = open_model("tl63_stochastic_mini")
        >>> warmth = OutputHeadSpec(
        ...     units="K", long_name="2 metre temperature", shift=280, scale=20
        ... )
        >>> model, spec = add_output(
        ...     model, card.spec, "2m_temperature", warmth, seed=0
        ... )
    """
    _check_names(model, name, output)
    content = spec.model_dump()
    content["outputs"] = {**content.get("outputs", {}), name: output.model_dump()}
    try:
        spec = ModelSpec.model_validate(content)
    except pydantic.ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise ConfigError(
            f"The output '{name}' does not fit {model.name}: {reason}.", "Change it."
        ) from None
    ground = model.encoder.location_time.ground
    weights = _SeededWeights(seed)
    head = output_head(
        weights, f"outputs.{name}", output, spec, model.harmonics, ground
    )
    head = with_precision(head, model.decoder.tower.encode.layers[0].precision)
    added = {**model.outputs, name: head}
    return eqx.tree_at(lambda x: x.outputs, model, added), spec


class _SeededWeights(Weights):
    """Weights that are drawn when they are taken."""

    def __init__(self, seed: int):
        super().__init__({})
        self._seed = seed

    def take(self, name: str, shape: tuple[int, ...]) -> jax.Array:
        return jnp.asarray(drawn(name, shape, self._seed))


def _check_names(model: NeuralGCM, name: str, output: OutputHeadSpec) -> None:
    """Refuse names by which users ask for another output variable of any model."""
    taken = {
        other.lower(): known
        for known, diagnostic in diagnostics_of(model).items()
        for other in _names(known, diagnostic)
    }
    for own in (name, *output.aliases, output.cmip):
        if (known := taken.get(own.lower())) is not None:
            whose = model.name if known in model.outputs else "ngcm"
            also = "" if own == known else f", for {known}"
            raise ConfigError(
                f"{whose} has an output '{own}' already{also}.",
                f"Give another {'name' if own == name else 'alias or CMIP name'}.",
            )


def _names(known: str, diagnostic: Diagnostic) -> Iterator[str]:
    """Yield the names of an output variable that are its alone."""
    yield known
    yield from diagnostic.aliases
    if diagnostic.cmip_name:
        yield diagnostic.cmip_name
    if known in DIAGNOSTICS and diagnostic.standard_name:
        yield diagnostic.standard_name
