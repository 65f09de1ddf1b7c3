"""Perturbations of initial states along singular vectors."""

import dataclasses
from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ngcm_cli import units
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.spectral.operators import vorticity_divergence

# Of the total energy, as in Ehrendorfer and Errico (1995).
REFERENCE_TEMPERATURE = 270.0  # Tᵣ, K
LATENT_HEAT = 2.5104e6  # L, J kg-1
HEAT_CAPACITY = 1004.0  # cₚ, J kg-1 K-1

_WIND = REFERENCE_TEMPERATURE / HEAT_CAPACITY  # K2 per m2 s-2
_VAPOUR = LATENT_HEAT / HEAT_CAPACITY  # K

Vectors = Mapping[str, Float[Array | np.ndarray, "vector level longitude latitude"]]


def perturb_along_vectors(
    model: NeuralGCM,
    state: ModelState,
    key: PRNGKeyArray,
    vectors: Vectors,
    amplitude: float,
) -> ModelState:
    """Add singular vectors with random coefficients to a state.

    x' = Σₖ cₖ A vₖ / maxₖ, with independent standard normal cₖ, where maxₖ is the
    largest root of T² + (Tᵣ/cₚ)(u² + v²) + (L/cₚ)² q² of vₖ anywhere: its local energy
    as a temperature. Alone, a vector has there the energy of the amplitude A (after
    Leutbecher and Palmer 2008, J. Comput. Phys. 227, 3515, section 4, with an
    amplitude for all in place of estimated errors). Neither wind nor humidity can so
    be large where a vector has little temperature.

    Args:
        model: of the state.
        state: one member; map over several with ``jax.vmap``.
        key: another one gives other coefficients.
        vectors: temperature, wind, specific humidity and log surface pressure by their
            ERA5 names, in SI units.
        amplitude: K.
    """
    return dataclasses.replace(
        state, state=_perturbed(model, state, key, dict(vectors), amplitude)
    )


@eqx.filter_jit
def _perturbed(model, state: ModelState, key, vectors, amplitude):
    squares = (
        vectors["temperature"] ** 2
        + vectors["u_component_of_wind"] ** 2 * _WIND
        + vectors["v_component_of_wind"] ** 2 * _WIND
        + (vectors["specific_humidity"] * _VAPOUR) ** 2
    )
    scale = amplitude / jnp.sqrt(squares.max((1, 2, 3)))
    coefficients = scale * jax.random.normal(key, scale.shape, jnp.float32)
    change = {
        name: jnp.einsum("v,vkij->kij", coefficients, x, precision="highest")
        for name, x in vectors.items()
    }
    u, v = (change[f"{c}_component_of_wind"] * units.METER_PER_SECOND for c in "uv")
    vorticity, divergence = vorticity_divergence(u, v, model.harmonics)
    to_modal, before = model.harmonics.to_modal, state.state
    vapour = "specific_humidity"
    return dataclasses.replace(
        before,
        vorticity=before.vorticity + vorticity,
        divergence=before.divergence + divergence,
        temperature_variation=before.temperature_variation
        + to_modal(change["temperature"]),
        log_surface_pressure=before.log_surface_pressure
        + to_modal(change["log_surface_pressure"]),
        tracers=before.tracers
        | {vapour: before.tracers[vapour] + to_modal(change[vapour])},
    )
