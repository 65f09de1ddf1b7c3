"""Dry air, on equal and unequal levels, side by side with the reference's core."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dinosaur_core import (
    assert_same,
    coordinates_of,
    dinosaur,
    equations_of,
    implicit_terms,
    specs,
)

from ngcm_cli.dynamics import SigmaLevels, State
from ngcm_cli.dynamics.tendencies import explicit_tendencies
from ngcm_cli.idealized.case import Resolution
from ngcm_cli.idealized.cases import CASES
from ngcm_cli.idealized.primitive import PrimitiveEquations

LEVELS = {
    "equal": SigmaLevels(8),
    "unequal": SigmaLevels.between([0, 0.02, 0.06, 0.15, 0.3, 0.5, 0.75, 0.93, 1]),
}
STEP = 1800


@functools.cache
def model_of(case: str, levels: str) -> PrimitiveEquations:
    """A case, six hours old: with divergence, and away from its symmetry."""
    model = CASES[case].build(Resolution(21, LEVELS[levels], STEP))
    assert isinstance(model, PrimitiveEquations)
    return model


@pytest.fixture(scope="module", params=LEVELS)
def wave(request, reference) -> tuple[str, PrimitiveEquations, State]:
    """A name, the model of the baroclinic wave, and a state of a wave that has grown.

    The perturbation is a hundred times that of the paper.
    """
    name, model = f"wave, {request.param}", model_of("baroclinic-wave", request.param)
    steady = model_of("steady-state", request.param).initial
    state = jax.tree.map(lambda a, b: b + 100 * (a - b), model.initial, steady)
    for _ in range(2):
        state = jax.jit(lambda model, y: model.step(y))(model, state)
    leaves, structure = jax.tree.flatten(state)
    leaves = [reference.given(f"{name}, {i}", x) for i, x in enumerate(leaves)]
    return name, model, jax.tree.unflatten(structure, leaves)


def dry(model: PrimitiveEquations):
    return equations_of(model.dycore, "PrimitiveEquations")


def temperature(model: PrimitiveEquations) -> np.ndarray:
    return np.array(model.dycore.reference_temperature, np.float32)


def test_explicit_tendencies(reference, wave):
    name, model, state = wave
    core = model.dycore
    assert_same(
        reference,
        f"explicit, {name}",
        lambda y: explicit_tendencies(
            y,
            core.harmonics,
            core.levels,
            temperature(model),
            core.orography.modal(core.harmonics.grid),
        ),
        lambda: dry(model).explicit_terms,
        state,
    )


def test_implicit_tendencies(reference, wave):
    name, model, state = wave
    assert_same(
        reference,
        f"implicit, {name}",
        implicit_terms(model.dycore),
        lambda: dry(model).implicit_terms,
        state,
    )


@pytest.mark.parametrize("steps", [1, 48], ids=["step", "day"])
def test_time_steps(reference, wave, steps):
    """Without diffusion, which the reference does otherwise."""
    name, model, state = wave
    core = model.dycore

    def ours(state: State) -> State:
        terms = core.terms(lambda y, args: jax.tree.map(jnp.zeros_like, y))
        step = lambda i, y: core.solver.step(  # noqa: E731
            terms, 0.0, core.step_size, y, None, None, made_jump=False
        )[0]
        return jax.lax.fori_loop(0, steps, step, state)

    def theirs():
        integration = dinosaur("time_integration")
        step = integration.imex_rk_sil3(dry(model), core.step_size)
        return integration.repeated(step, steps)

    assert_same(reference, f"{steps} steps, {name}", ours, theirs, state)


def test_held_suarez_forcing(reference, wave):
    """Without the highest wavenumber, which ours clips."""
    name, wave_model, state = wave
    levels = name.removeprefix("wave, ")
    model = model_of("held-suarez", levels)
    assert model.forcing is not None and model.sigma_levels == wave_model.sigma_levels

    def theirs():
        forcing = dinosaur("held_suarez").HeldSuarezForcingSigma(
            coordinates_of(model.dycore), specs(), temperature(model)
        )
        clip = coordinates_of(model.dycore).horizontal.clip_wavenumbers
        return lambda state: clip(forcing.explicit_terms(state))

    assert_same(reference, f"forcing, {name}", model.forcing, theirs, state)
