"""Side by side with the reference's dynamical core, ``dinosaur``, where installed.

Agreement is measured against the reference's own sensitivity: the RMS by which its
answer moves when its inputs are perturbed by 1e-7, rounding to float32.
"""

import atmosphere
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS, assert_agrees, perturbed, rms
from atmosphere import UNITS, mean_and_eddies, still, variables

from ngcm_cli import units
from ngcm_cli.dynamics import Dycore, SigmaLevels, State
from ngcm_cli.dynamics.implicit import implicit_tendencies
from ngcm_cli.dynamics.sil3 import IMPLICIT_FRACTIONS
from ngcm_cli.dynamics.tendencies import explicit_tendencies
from ngcm_cli.spectral.filters import exponential_filter

reference = pytest.importorskip("dinosaur.primitive_equations")
coordinates = pytest.importorskip("dinosaur.coordinate_systems")
scales = pytest.importorskip("dinosaur.scales")
sigma = pytest.importorskip("dinosaur.sigma_coordinates")
spherical = pytest.importorskip("dinosaur.spherical_harmonic")
time_integration = pytest.importorskip("dinosaur.time_integration")
reference_units = pytest.importorskip("dinosaur.units")

K = 3  # two implementations of one specification agree within 3 times the sensitivity

SPECS = reference_units.SimUnits.from_si(scale=scales.ATMOSPHERIC_SCALE)
LEVELS = SigmaLevels(8)


def grid_of(grid):
    return spherical.Grid(
        longitude_wavenumbers=grid.longitude_wavenumbers,
        total_wavenumbers=grid.total_wavenumbers,
        longitude_nodes=grid.longitude_nodes,
        latitude_nodes=grid.latitude_nodes,
        spherical_harmonics_impl=spherical.RealSphericalHarmonicsWithZeroImag,
    )


def equations_of(core: Dycore):
    """The reference's equations for the grid, levels and ground of a core of ours."""
    grid = core.harmonics.grid
    return reference.MoistPrimitiveEquationsWithCloudMoisture(
        np.array(core.reference_temperature, np.float32),
        core.orography.modal(grid),
        coordinates.CoordinateSystem(
            grid_of(grid), sigma.SigmaCoordinates.equidistant(core.levels.layers)
        ),
        SPECS,
    )


def theirs(state: State):
    return reference.State(**vars(state))


def ours(state) -> State:
    return State(**{name: getattr(state, name) for name in State.__annotations__})


def assert_same(f, g, state: State, unit: str = "", k: float = K) -> None:
    """f, ours, and g, the reference's, map the state to the same state."""
    g = jax.jit(g)
    expected = ours(g(theirs(state)))
    leaves, structure = jax.tree.flatten(state)
    leaves = [perturbed(x, seed) for seed, x in enumerate(leaves)]
    moved = ours(g(theirs(jax.tree.unflatten(structure, leaves))))
    result = variables(eqx.filter_jit(f)(state))
    for name, value in variables(expected).items():
        right = mean_and_eddies(value)
        left = mean_and_eddies(result[name])
        by = mean_and_eddies(variables(moved)[name])
        sensitivity = {part: rms(by[part] - right[part]) for part in right}
        # A mean is one number a level: too few to draw noise from. It is rounded
        # itself, and transforms spread rounding evenly over all coefficients.
        sensitivity["mean"] += EPS * rms(right["mean"])
        sensitivity["mean"] += sensitivity["eddies"] / atmosphere.ONE
        for part, expected_part in right.items():
            label, tolerance = f"{part} {name}", k * sensitivity[part]
            of = f"{UNITS[name]}{unit}"
            assert_agrees(label, of, left[part], expected_part, tolerance)


def explicit_of(core: Dycore):
    return lambda state: explicit_tendencies(
        state,
        core.harmonics,
        core.levels,
        np.array(core.reference_temperature, np.float32),
        core.orography.modal(core.harmonics.grid),
    )


def implicit_of(core: Dycore):
    temperature = np.array(core.reference_temperature, np.float32)
    return lambda state: implicit_tendencies(state, core.levels, temperature)


FILTERS = (0.5, 3, 0.0), (15.0, 10, 0.4)  # of the bundled model: a, p, c


def reference_step(core: Dycore, step_size: float):
    equations = equations_of(core)
    grid = equations.coords.horizontal
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
def state(request) -> State:
    return atmosphere.weather(LEVELS, request.param)


def test_constants():
    for name, value in {
        "radius": 1.0,
        "angular_velocity": units.ANGULAR_VELOCITY,
        "g": units.GRAVITY,
        "R": units.GAS_CONSTANT,
        "R_vapor": units.VAPOR_GAS_CONSTANT,
        "kappa": units.KAPPA,
        "Cp": units.HEAT_CAPACITY,
        "Cp_vapor": units.VAPOR_HEAT_CAPACITY,
    }.items():
        assert getattr(SPECS, name) == pytest.approx(value, rel=1e-12), name


@pytest.mark.parametrize("layers", [8, 32])
def test_levels(layers):
    levels = SigmaLevels(layers)
    their_levels = sigma.SigmaCoordinates.equidistant(layers)
    np.testing.assert_array_equal(levels.boundaries, their_levels.boundaries)
    np.testing.assert_array_equal(levels.centers, their_levels.centers)
    np.testing.assert_array_equal(levels.thickness, their_levels.layer_thickness)
    random = np.random.default_rng(0)
    x = random.standard_normal((layers, 6, 4)).astype(np.float32)
    w = random.standard_normal((layers - 1, 6, 4)).astype(np.float32)
    for name, unit, left, right, *inputs in (
        ("∫", "1", levels.integral, sigma.sigma_integral, x),
        ("∫ to σ", "1", levels.cumulative_integral, sigma.cumulative_sigma_integral, x),
        (
            "−σ̇ ∂x/∂σ",
            "1",
            levels.vertical_advection,
            sigma.centered_vertical_advection,
            w,
            x,
        ),
    ):
        expected = np.asarray(right(*inputs, their_levels))
        moved = right(*(perturbed(y, i) for i, y in enumerate(inputs)), their_levels)
        tolerance = K * rms(np.asarray(moved) - expected)
        assert_agrees(name, unit, left(*inputs), expected, tolerance)


@pytest.mark.parametrize("layers", [8, 32])
def test_vertical_matrices(layers):
    levels = SigmaLevels(layers)
    their_levels = sigma.SigmaCoordinates.equidistant(layers)
    temperature = np.array(atmosphere.temperatures(levels), np.float32)
    geopotential = reference.get_geopotential_weights_sigma(their_levels, SPECS.R)
    heating = reference.get_temperature_implicit_weights_sigma(
        their_levels, temperature, SPECS.kappa
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


@pytest.mark.slow
def test_explicit_terms(core, state):
    assert_same(explicit_of(core), equations_of(core).explicit_terms, state, " 2Ω")


def test_implicit_terms(core, state):
    assert_same(implicit_of(core), equations_of(core).implicit_terms, state, " 2Ω")


@pytest.mark.parametrize("stage", range(3))
def test_implicit_inverse(core, state, stage):
    solver = core.solver.solver
    eta = solver.step_size * IMPLICIT_FRACTIONS[stage]
    equations = equations_of(core)
    assert_same(
        lambda y: solver.solve(jnp.int32(stage), y),
        lambda y: equations.implicit_inverse(y, eta),
        state,
    )


@pytest.mark.slow
def test_a_filtered_substep(core, state):
    step_size = core.solver.solver.step_size
    assert_same(lambda y: core(y, still(y)), reference_step(core, step_size), state)


@pytest.mark.slow
@pytest.mark.parametrize(
    "term", ["explicit terms", "implicit terms", "implicit inverse", "substep"]
)
def test_the_bundled_state(era5, term):
    core, state = era5
    equations = equations_of(core)
    step_size = core.solver.solver.step_size
    if term == "explicit terms":
        assert_same(explicit_of(core), equations.explicit_terms, state, " 2Ω")
    elif term == "implicit terms":
        assert_same(implicit_of(core), equations.implicit_terms, state, " 2Ω")
    elif term == "implicit inverse":
        assert_same(
            lambda y: core.solver.solver.solve(jnp.int32(1), y),
            lambda y: equations.implicit_inverse(y, step_size / 3),
            state,
        )
    else:
        assert_same(lambda y: core(y, still(y)), reference_step(core, step_size), state)
