"""Everything a model carries from one step to the next."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ngcm_cli.dynamics import State
from ngcm_cli.physics.random_fields import RandomState
from ngcm_cli.physics.water_budget import Water


class ModelState(eqx.Module):
    """State of the model between two steps: the whole of it, for an exact restart.

    Attributes:
        state: modal prognostic variables.
        memory: modal prognostic variables of the previous step, or None.
        random: random fields and their key.
        water: fluxes of water at the surface; None where the model does not track them.
        substep: whole physics substeps since 1979-01-01T00 UTC; the clock.
        time: the same instant in nondimensional float32, as the networks see it.
    """

    state: State
    memory: State | None
    random: RandomState
    water: Water | None
    substep: Int[Array, ""]
    time: Float[Array, ""]

    def reset_accumulations(self) -> "ModelState":
        """Return the state with its accumulated water set to zero.

        A state of a model that does not track water is returned unchanged.
        """
        if self.water is None:
            return self
        zero = jax.tree.map(jnp.zeros_like, self.water.accumulated)
        return dataclasses.replace(
            self, water=dataclasses.replace(self.water, accumulated=zero)
        )
