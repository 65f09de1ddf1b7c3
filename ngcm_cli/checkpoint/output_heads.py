"""Further outputs of a model from their specification, and new ones."""

from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import pydantic

from ngcm_cli.checkpoint import spec as specs
from ngcm_cli.checkpoint.networks import (
    LOCATION_TIME,
    POSITION,
    level_channels,
    normalization,
    tower,
)
from ngcm_cli.checkpoint.seeded_weights import drawn
from ngcm_cli.checkpoint.weights import Weights
from ngcm_cli.errors import CheckpointError, ConfigError
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.output_heads import OutputAttributes, OutputHead
from ngcm_cli.physics.features import LocationTimeFeatures
from ngcm_cli.physics.parameterization import STATE_FIELDS
from ngcm_cli.spectral.transform import SphericalHarmonics


def output_head(
    weights: Weights,
    place: str,
    spec: specs.OutputHeadSpec,
    model: specs.ModelSpec,
    harmonics: SphericalHarmonics,
    ground: Mapping[str, jax.Array],
) -> OutputHead:
    """Return a further output at a place of the model.

    Args:
        weights: give its learned parameters.
        place: beginning of their names.
        spec: of the output.
        model: specification of the model.
        harmonics: transforms of the model's grid.
        ground: constant features of the ground.

    Raises:
        CheckpointError: the model has no such features, or no scale for one of them.
    """
    if unknown := [name for name in spec.fields if name not in STATE_FIELDS]:
        raise CheckpointError(
            f"{place} has the field '{unknown[0]}', which states do not have.",
            f"Use {', '.join(STATE_FIELDS)}.",
        )
    grid = harmonics.grid
    shape = (spec.position_fields, *grid.nodal_shape)
    position = weights.take(f"{place}.surroundings.position", shape)
    names = ["u", "v", *spec.fields]
    scales = model.state_scales
    if scales.humidity_profile is not None:
        profile = scales.humidity_profile[-spec.levels :]
        scales = scales.model_copy(update={"humidity_profile": profile})
    few = model.model_copy(update={"sigma_layers": spec.levels})
    channels = level_channels(names, few) + len(LOCATION_TIME) + spec.position_fields
    return OutputHead(
        attributes=OutputAttributes(
            units=spec.units,
            long_name=spec.long_name,
            standard_name=spec.standard_name,
            cell_methods=spec.cell_methods,
            comment=spec.comment,
            aliases=spec.aliases,
            cmip=spec.cmip,
        ),
        harmonics=harmonics,
        location_time=LocationTimeFeatures(grid, dict(ground), position),
        fields=spec.fields,
        levels=spec.levels,
        normalization=normalization(
            scales, [*names, *LOCATION_TIME, POSITION], profile=True
        ),
        tower=tower(weights, f"{place}.tower", spec.tower, channels, 1),
        shift=spec.shift,
        scale=spec.scale,
        minimum=spec.minimum,
    )


def add_output(
    model: NeuralGCM,
    spec: specs.ModelSpec,
    name: str,
    output: specs.OutputHeadSpec,
    seed: int,
) -> tuple[NeuralGCM, specs.ModelSpec]:
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
        ConfigError: the model has this output already, or the specification does not
            fit it.
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
    if name in model.with_water_budget().output_variables:
        raise ConfigError(
            f"{model.name} has an output '{name}' already.", "Give another name."
        )
    content = spec.model_dump()
    content["outputs"] = {**content.get("outputs", {}), name: output.model_dump()}
    try:
        spec = specs.ModelSpec.model_validate(content)
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
    added = {**model.outputs, name: head}
    return eqx.tree_at(lambda x: x.outputs, model, added), spec


class _SeededWeights(Weights):
    """Weights that are drawn when they are taken."""

    def __init__(self, seed: int):
        super().__init__({})
        self._seed = seed

    def take(self, name: str, shape: tuple[int, ...]) -> jax.Array:
        return jnp.asarray(drawn(name, shape, self._seed))
