"""The compiled programs of ``NeuralGCM.decode``, each of all that belongs together.

They are programs of their own and do not depend on the names asked for: fused
otherwise, a field rounds otherwise; and every choice would compile again.
"""

from collections.abc import Collection, Mapping
from typing import Any

import jax

from ngcm_cli.dynamics import Dycore
from ngcm_cli.gcm.decoder import Decoder
from ngcm_cli.gcm.fields import to_si
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.gcm.output_heads import OutputHead, Sea
from ngcm_cli.gcm.programs import output_jit
from ngcm_cli.gcm.surface_outputs import mean_rates, surface_fields
from ngcm_cli.physics.water_budget import Water
from ngcm_cli.spectral.transform import SphericalHarmonics

Fields = dict[str, jax.Array]


@output_jit
def decode_atmosphere(decoder: Decoder, state: ModelState) -> Fields:
    """Return fields on pressure levels in SI units."""
    return to_si(decoder(state.state, state.time))


@output_jit
def decode_surface(harmonics: SphericalHarmonics, dycore: Dycore, state: Any) -> Fields:
    """Return surface fields that follow from the state, in SI units."""
    return to_si(surface_fields(state.state, harmonics, dycore))


def decode_outputs(
    heads: Mapping[str, OutputHead],
    names: Collection[str],
    state: ModelState,
    sea: Sea | None,
) -> Fields:
    """Return further outputs in their units, with those that are computed together.

    Args:
        heads: all of the model.
        names: of those that are wanted.
        state: of the model.
        sea: at its time; None where none of the wanted see it.
    """
    fields: Fields = {}
    for sees_sea in (False, True):
        group = {n: head for n, head in heads.items() if head.sees_sea == sees_sea}
        if any(name in group for name in names):
            fields |= _decode_outputs(group, state, sea if sees_sea else None)
    return fields


@output_jit
def _decode_outputs(
    heads: Mapping[str, OutputHead], state: ModelState, sea: Sea | None
) -> Fields:
    return {name: head(state.state, state.time, sea) for name, head in heads.items()}


@output_jit
def mean_water_fluxes(water: Water, duration: jax.Array) -> Fields:
    """Return means of fluxes of water in SI units."""
    return to_si(mean_rates(water, duration))
