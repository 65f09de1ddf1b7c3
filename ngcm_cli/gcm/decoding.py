"""The compiled programs of ``NeuralGCM.decode``, each of all that belongs together.

They are programs of their own and do not depend on the names asked for: fused
otherwise, a field rounds otherwise; and every choice would compile again.
"""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax

from ngcm_cli.dynamics import Dycore
from ngcm_cli.gcm.decoder import Decoder
from ngcm_cli.gcm.fields import to_si
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.gcm.output_heads import OutputHead
from ngcm_cli.gcm.surface_outputs import mean_rates, surface_fields
from ngcm_cli.physics.water_budget import Water
from ngcm_cli.spectral.transform import SphericalHarmonics

Fields = dict[str, jax.Array]


@eqx.filter_jit
def decode_atmosphere(decoder: Decoder, state: ModelState) -> Fields:
    """Return fields on pressure levels in SI units."""
    return to_si(decoder(state.state, state.time))


@eqx.filter_jit
def decode_surface(harmonics: SphericalHarmonics, dycore: Dycore, state: Any) -> Fields:
    """Return surface fields that follow from the state, in SI units."""
    return to_si(surface_fields(state.state, harmonics, dycore))


@eqx.filter_jit
def decode_outputs(heads: Mapping[str, OutputHead], state: ModelState) -> Fields:
    """Return further outputs in their units."""
    return {name: head(state.state, state.time) for name, head in heads.items()}


@jax.jit
def mean_water_fluxes(water: Water, duration: jax.Array) -> Fields:
    """Return means of fluxes of water in SI units."""
    return to_si(mean_rates(water, duration))
