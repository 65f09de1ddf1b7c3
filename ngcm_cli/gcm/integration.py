"""Many model steps as one program, with a forcing that changes in time."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Int

from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.gcm.repeat import repeat
from ngcm_cli.gcm.step import Step


def integrate(
    step: Step,
    state: ModelState,
    forcing: Forcing,
    steps: int | Int[Array, ""],
    substep_minutes: int,
) -> ModelState:
    """Return the state a number of model steps later.

    Where JAX traces an argument (``grad``, ``jvp``, ``vmap``, ``jit``) and ``steps`` is
    a Python integer, the steps are the nested scans of `repeat`, differentiable forward
    and in reverse. Otherwise they are a loop of unknown length, compiled once for all
    numbers of steps, which JAX can differentiate in forward mode only. The two may
    differ in the last bit.

    Args:
        step: one model step.
        state: where to start.
        forcing: every step selects from it by its time; with nudging, that acts after
            each step.
        steps: number of steps, zero or more.
        substep_minutes: length of a physics substep, minutes.
    """
    if isinstance(steps, int) and any(
        isinstance(x, Tracer) for x in jax.tree.leaves((step, state, forcing))
    ):
        return _repeated(step, state, forcing, steps, substep_minutes)
    return _looped(step, state, forcing, jnp.int32(steps), substep_minutes)


def minutes(substep: Int[Array, ""], substep_minutes: int) -> Int[Array, ""]:
    """Return whole minutes since 1979-01-01T00 UTC on the model's clock."""
    # Not the length in seconds: 32 bits hold four thousand years of minutes.
    return substep * substep_minutes


@eqx.filter_jit
def _looped(step: Step, state: Any, forcing: Forcing, steps: Any, length: int):
    one = _with_forcing(step, forcing, length)
    return jax.lax.fori_loop(0, steps, lambda _, x: one(x), state)


@eqx.filter_jit
def _repeated(step: Step, state: Any, forcing: Forcing, steps: int, length: int):
    return repeat(_with_forcing(step, forcing, length), state, steps)


def _with_forcing(step: Step, forcing: Forcing, length: int):
    def one(state: ModelState) -> ModelState:
        after = step(state, forcing.select(minutes(state.substep, length)))
        if forcing.nudging is None:
            return after
        nudged = forcing.nudging(after.state, minutes(after.substep, length))
        nudged = step.with_held_mean(after.state, nudged)
        return dataclasses.replace(after, state=nudged)

    return one
