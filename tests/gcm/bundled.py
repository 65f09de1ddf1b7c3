"""The bundled model, its sample and states made from them: each made once a session."""

import functools

import equinox as eqx
import jax
import numpy as np
from compiled_programs import compiled_once

import ngcm_cli
from ngcm_cli import bundled_state
from ngcm_cli.forcing.run_inputs import RunInputs
from ngcm_cli.gcm import ModelState, NeuralGCM


@functools.cache
def model() -> NeuralGCM:
    return ngcm_cli.load_model()


@functools.cache
def sample() -> RunInputs:
    """The bundled ERA5 state, regridded conservatively to the model's grid."""
    return bundled_state(model())


@functools.cache
@compiled_once
def encoded(seed: int = 0) -> ModelState:
    data = sample()
    state = model().encode(data.fields, data.forcing, data.time, jax.random.key(seed))
    jax.block_until_ready(model().decode(state))  # compiled for all processes
    return state


@functools.cache
@compiled_once
def advanced(seed: int = 0) -> ModelState:
    """One step later."""
    return model().advance(encoded(seed), sample().forcing, steps=1)


@functools.cache
@compiled_once
def steps() -> list[ModelState]:
    """The encoded state and those after each of six single steps."""
    states = [encoded(), advanced()]
    while len(states) <= 6:
        states.append(model().advance(states[-1], sample().forcing, steps=1))
    return states


def by_name(state: ModelState) -> dict[str, np.ndarray]:
    """The modal variables of a state, tracers among them."""
    fields = {k: v for k, v in vars(state.state).items() if k != "tracers"}
    fields |= state.state.tracers
    return {name: np.asarray(x) for name, x in fields.items()}


def on_host(state: ModelState) -> list[np.ndarray]:
    """All that a state holds, its random key as numbers."""
    data = eqx.tree_at(
        lambda s: s.random.key, state, jax.random.key_data(state.random.key)
    )
    return [np.asarray(x) for x in jax.tree.leaves(data)]


def assert_identical(ours: ModelState, expected: ModelState) -> None:
    """Fail unless two states are equal bit by bit."""
    for x, y in zip(on_host(ours), on_host(expected), strict=True):
        np.testing.assert_array_equal(x, y)
