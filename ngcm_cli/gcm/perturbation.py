"""Tiny random changes of a state, for repeating a run that became unstable."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ngcm_cli.dynamics import State
from ngcm_cli.gcm.model_state import ModelState


def relative_perturbation(
    state: ModelState, key: PRNGKeyArray, amplitude: float | Float[Array, ""]
) -> ModelState:
    """Return the state with noise in its prognostic variables.

    Every spectral coefficient of vorticity, divergence, temperature variation and
    tracers is multiplied by 1 + amplitude · N(0, 1), drawn for each by itself. Surface
    pressure, and so the mass of air, stays as it is; so do memory, random fields, the
    account of water and the clock. Weather forgets such a change within days or weeks,
    but takes another way: an instability of the numbers is left behind, and the climate
    is the same.

    Args:
        state: one member; map over several with ``jax.vmap``.
        key: another one gives other noise.
        amplitude: relative. About 1e-6 is ten spacings of float32 numbers and far below
            what any analysis knows of the atmosphere; 0 returns the same bits.
    """
    return dataclasses.replace(
        state, state=_perturbed(state.state, key, jnp.float32(amplitude))
    )


@jax.jit
def _perturbed(state: State, key: PRNGKeyArray, amplitude: jax.Array) -> State:
    leaves, structure = jax.tree.flatten(state)
    keys = jax.random.split(key, len(leaves))
    noisy = jax.tree.unflatten(
        structure,
        [
            x * (1 + amplitude * jax.random.normal(k, x.shape, jnp.float32))
            for k, x in zip(keys, leaves, strict=True)
        ],
    )
    return eqx.tree_at(
        lambda x: x.log_surface_pressure, noisy, state.log_surface_pressure
    )
