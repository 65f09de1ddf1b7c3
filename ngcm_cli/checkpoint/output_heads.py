"""Further outputs of a model from their specification."""

from collections.abc import Mapping

import jax

from ngcm_cli.checkpoint import spec as specs
from ngcm_cli.checkpoint.networks import (
    LOCATION_TIME,
    POSITION,
    level_channels,
    normalization,
    tower,
)
from ngcm_cli.checkpoint.weights import Weights
from ngcm_cli.errors import CheckpointError
from ngcm_cli.gcm.fields import FORCING
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
    sea = FORCING if spec.sees_sea else ()
    channels = level_channels(names, few) + len(LOCATION_TIME) + spec.position_fields
    channels += len(sea)
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
        sees_sea=spec.sees_sea,
        normalization=normalization(
            scales, [*names, *LOCATION_TIME, POSITION, *sea], profile=True
        ),
        tower=tower(weights, f"{place}.tower", spec.tower, channels, 1),
        shift=spec.shift,
        scale=spec.scale,
        minimum=spec.minimum,
    )
