"""One step of the model: learned physics, then fluid motion, then new noise."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli.dynamics import Dycore, State
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.physics.parameterization import Parameterization
from ngcm_cli.physics.random_fields import RandomFields, RandomState
from ngcm_cli.physics.scaling import Features
from ngcm_cli.physics.water_budget import Water, WaterBudget


class Step(eqx.Module):
    """Advances a state by one model step of one or more physics substeps.

    Attributes:
        parameterization: learned tendencies.
        dycore: integrates them together with the primitive equations.
        random_fields: noise of the parameterization; None for deterministic models.
        water_budget: fluxes and accumulations of water at the surface, or None.
        substeps: physics evaluations in one model step.
        interval: length of a substep, nondimensional.
        holds_mean_pressure: whether the global mean of ln pₛ stays as it was.
    """

    parameterization: Parameterization
    dycore: Dycore
    random_fields: RandomFields | None
    water_budget: WaterBudget | None
    substeps: int = eqx.field(static=True)
    interval: float = eqx.field(static=True)
    holds_mean_pressure: bool = eqx.field(static=True, default=False)

    def __call__(self, state: ModelState, forcing: dict[str, jax.Array]) -> ModelState:
        """Return the state one model step later, the forcing held constant."""
        if self.substeps == 1:
            return self.substep(state, forcing)
        return jax.lax.fori_loop(
            0, self.substeps, lambda _, x: self.substep(x, forcing), state
        )

    def substep(self, state: ModelState, forcing: dict[str, jax.Array]) -> ModelState:
        """Evaluate the physics once and integrate the dynamics under its tendency."""
        features = self.features(state, forcing)
        tendency = self.parameterization.tendency(features, state.state)
        water = None
        if self.water_budget is not None:
            assert state.water is not None
            fluxes = self.water_budget.fluxes(state.state, tendency, features, forcing)
            water = self.water_budget.add(state.water, fluxes)
        clock = state.substep + 1
        return ModelState(
            state=self.integrate_dynamics(state.state, tendency),
            memory=None if state.memory is None else state.state,
            random=self.next_random(state.random),
            water=water,
            substep=clock,
            # A product, not a sum: rounding must not accumulate.
            time=np.float32(self.interval) * clock.astype(jnp.float32),
        )

    def integrate_dynamics(self, state: State, tendency: State) -> State:
        """Return the modal state after the fluid motion under a constant tendency."""
        # The published FixGlobalMeanFilter does this after each substep of the
        # dynamical core. There π = ln pₛ acts through its gradient and Laplacian only,
        # in which the column l = 0 counts exactly nothing. So to undo its changes once,
        # before the learned physics sees them, gives the same bits.
        return self.with_held_mean(state, self.dycore(state, tendency))

    def with_held_mean(self, before: State, after: State) -> State:
        """Return a later state with the mean ln pₛ of an earlier one, if it is held."""
        if not self.holds_mean_pressure:
            return after
        mean = before.log_surface_pressure[..., 0]
        return eqx.tree_at(
            lambda x: x.log_surface_pressure,
            after,
            replace_fn=lambda x: x.at[..., 0].set(mean),
        )

    def features(self, state: ModelState, forcing: dict[str, jax.Array]) -> Features:
        """Return the features that the learned physics sees of a state."""
        noise = {}
        if self.random_fields is not None:
            noise = self.random_fields.nodal(state.random)
        return self.parameterization.features(
            state.state, state.memory, noise, forcing, state.time
        )

    def first_water(
        self, state: ModelState, forcing: dict[str, jax.Array]
    ) -> Water | None:
        """Return the fluxes at a new state, with accumulations of zero."""
        if self.water_budget is None:
            return None
        features = self.features(state, forcing)
        tendency = self.parameterization.tendency(features, state.state)
        return self.water_budget.start(
            self.water_budget.fluxes(state.state, tendency, features, forcing)
        )

    def first_random(self, key: jax.Array) -> RandomState:
        """Return random fields of a new state."""
        if self.random_fields is None:
            return RandomState(None, key, jnp.int32(0))
        return self.random_fields.sample(key)

    def next_random(self, random: RandomState) -> RandomState:
        """Return random fields one substep later."""
        if self.random_fields is None:
            return RandomState(None, random.key, random.step + 1)
        return self.random_fields.advance(random)
