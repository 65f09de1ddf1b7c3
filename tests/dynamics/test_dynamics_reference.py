"""Side by side with the reference's dynamical core, ``dinosaur``."""

import functools

import atmosphere
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS, assert_agrees, perturbed, rms
from atmosphere import still
from dinosaur_core import (
    K,
    assert_same,
    dinosaur,
    equations_of,
    implicit_terms,
    levels_of,
    specs,
)

from ngcm_cli import units
from ngcm_cli.dynamics import Dycore, SigmaLevels, State
from ngcm_cli.dynamics.sil3 import IMPLICIT_FRACTIONS
from ngcm_cli.dynamics.tendencies import explicit_tendencies
from ngcm_cli.spectral.filters import exponential_filter

LEVELS = SigmaLevels(8)


def explicit_of(core: Dycore):
    return lambda state: explicit_tendencies(
        state,
        core.harmonics,
        core.levels,
        np.array(core.reference_temperature, np.float32),
        core.orography.modal(core.harmonics.grid),
    )


FILTERS = (0.5, 3, 0.0), (15.0, 10, 0.4)  # of the bundled model: a, p, c


def reference_step(core: Dycore, step_size: float):
    equations = equations_of(core)
    grid = equations.coords.horizontal
    time_integration = dinosaur("time_integration")
    filters = [
        time_integration.exponential_step_filter(grid, a, 1.0, order, cutoff)
        for a, order, cutoff in FILTERS
    ]
    step = time_integration.imex_rk_sil3(equations, step_size)
    return time_integration.step_with_filters(step, filters)


@pytest.fixture(scope="module")
def core() -> Dycore:
    size = atmosphere.GRID.total_wavenumbers
    damping = np.stack([exponential_filter(size, *numbers) for numbers in FILTERS])
    temperature = atmosphere.temperatures(LEVELS)
    return atmosphere.dycore(LEVELS, temperature, atmosphere.mountains(), 1, damping)


@pytest.fixture(scope="module", params=[0, 1])
def weather(request, reference) -> tuple[str, State]:
    """A name and a random state."""
    name = f"weather {request.param}"
    leaves, structure = jax.tree.flatten(atmosphere.weather(LEVELS, request.param))
    leaves = [reference.given(f"{name}, {i}", x) for i, x in enumerate(leaves)]
    return name, jax.tree.unflatten(structure, leaves)


CONSTANTS = {
    "radius": 1.0,
    "angular_velocity": units.ANGULAR_VELOCITY,
    "g": units.GRAVITY,
    "R": units.GAS_CONSTANT,
    "R_vapor": units.VAPOR_GAS_CONSTANT,
    "kappa": units.KAPPA,
    "Cp": units.HEAT_CAPACITY,
    "Cp_vapor": units.VAPOR_HEAT_CAPACITY,
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants(reference, name):
    theirs = reference.number(name, lambda: getattr(specs(), name))
    assert theirs == pytest.approx(CONSTANTS[name], rel=1e-12)


@pytest.mark.parametrize("layers", [8, 32])
def test_levels(reference, layers):
    levels = SigmaLevels(layers)
    for ours, name in (
        (levels.boundaries, "boundaries"),
        (levels.centers, "centers"),
        (levels.thickness, "layer_thickness"),
    ):
        expected = reference(
            f"{name} of {layers}", lambda name=name: getattr(levels_of(levels), name)
        )
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("layers", [8, 32])
@pytest.mark.parametrize(
    "name, theirs",
    [
        ("integral", "sigma_integral"),
        ("cumulative_integral", "cumulative_sigma_integral"),
        ("vertical_advection", "centered_vertical_advection"),
    ],
)
def test_vertical_operators(reference, layers, name, theirs):
    levels = SigmaLevels(layers)
    random = np.random.default_rng(0)
    x = random.standard_normal((layers, 6, 4)).astype(np.float32)
    w = random.standard_normal((layers - 1, 6, 4)).astype(np.float32)
    inputs = (w, x) if name == "vertical_advection" else (x,)
    label = f"{name} in {layers} layers"

    def run(*inputs):
        function = getattr(dinosaur("sigma_coordinates"), theirs)
        return np.asarray(function(*inputs, levels_of(levels)))

    def sensitivity():
        noisy = (perturbed(y, i) for i, y in enumerate(inputs))
        return rms(run(*noisy) - run(*inputs))

    expected = reference(label, lambda: run(*inputs))
    tolerance = K * reference.number(f"sensitivity of {label}", sensitivity)
    ours = reference.sample(getattr(levels, name)(*inputs))
    assert_agrees(label, "1", ours, expected, tolerance)


@pytest.mark.parametrize("layers", [8, 32])
def test_vertical_matrices(reference, layers):
    levels = SigmaLevels(layers)
    temperature = np.array(atmosphere.temperatures(levels), np.float32)

    def weights(quantity, *numbers):
        module = dinosaur("primitive_equations")
        function = getattr(module, f"get_{quantity}_weights_sigma")
        return function(levels_of(levels), *numbers)

    size = layers**2
    geopotential = reference(
        f"geopotential of {layers}", lambda: weights("geopotential", specs().R), size
    )
    heating = reference(
        f"heating of {layers}",
        lambda: weights("temperature_implicit", temperature, specs().kappa),
        size,
    )
    # Theirs are formed in float32 where ours are in float64, element by element.
    scale = np.abs(geopotential).max()
    np.testing.assert_allclose(
        levels.geopotential_matrix, geopotential, rtol=4 * EPS, atol=EPS * scale
    )
    scale = np.abs(heating).max()
    np.testing.assert_allclose(
        levels.adiabatic_matrix(temperature), heating, rtol=4 * EPS, atol=EPS * scale
    )


TERMS = "explicit terms", "implicit terms", "implicit inverse", "substep"


def check(reference, label, term, core: Dycore, state: State, stage: int = 0):
    """One term of a core's equations, of a state."""
    step_size = core.solver.solver.step_size
    if term == "explicit terms":
        f, g = explicit_of(core), lambda: equations_of(core).explicit_terms
        assert_same(reference, f"{term}, {label}", f, g, state, " 2Ω")
    elif term == "implicit terms":
        f, g = implicit_terms(core), lambda: equations_of(core).implicit_terms
        assert_same(reference, f"{term}, {label}", f, g, state, " 2Ω")
    elif term == "implicit inverse":
        eta = step_size * IMPLICIT_FRACTIONS[stage]
        assert_same(
            reference,
            f"{term} {stage}, {label}",
            lambda y: core.solver.solver.solve(jnp.int32(stage), y),
            lambda: functools.partial(
                equations_of(core).implicit_inverse, step_size=eta
            ),
            state,
        )
    else:
        f, g = lambda y: core(y, still(y)), lambda: reference_step(core, step_size)
        assert_same(reference, f"{term}, {label}", f, g, state)


@pytest.mark.slow
@pytest.mark.parametrize("term", TERMS)
def test_a_random_state(reference, core, weather, term):
    label, state = weather
    for stage in range(3 if term == "implicit inverse" else 1):
        check(reference, label, term, core, state, stage)


@pytest.mark.reference
@pytest.mark.parametrize("term", TERMS)
def test_the_bundled_state(era5, term):
    """Live only: the state is too large to store."""
    core, state = era5
    check(Live(), "bundled", term, core, state, stage=1)


class Live:
    """The reference's numbers, none of them stored."""

    def __call__(self, name, compute):
        return np.asarray(compute())

    number = __call__

    def sample(self, x):
        return x
