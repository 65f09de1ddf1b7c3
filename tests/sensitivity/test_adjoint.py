"""Gradients and singular vectors of the reduced model, against forecasts."""

import jax
import numpy as np
import pytest

import ngcm_cli
from ngcm_cli.gcm import Forcing
from ngcm_cli.gcm.singular_perturbation import perturb_along_vectors
from ngcm_cli.sensitivity.gradient import forecast_targets, gradients, with_change
from ngcm_cli.sensitivity.singular_vectors import (
    Propagator,
    find_singular_vectors,
    leading_vectors,
)
from ngcm_cli.sensitivity.target import make_targets, parse_target

STEPS = 2
AMPLITUDE = 0.5  # K
TARGETS = (
    "mean(t850, lat=30:60, lon=200:260)",
    "kinetic_energy(250:850, region=europe)",
)


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    """The programs run a few times only: machine code that is quick to make."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


class Problem:
    """Two targets of the reduced model after two hours."""

    def __init__(self, path):
        self.model = ngcm_cli.load_model(path)
        self.data = ngcm_cli.bundled_state(self.model)
        texts = [parse_target(text) for text in TARGETS]
        targets = make_targets(texts, self.model, {})
        self.functionals = [target.functional for target in targets]
        self.forcing = Forcing.constant(self.data.forcing)
        self.key = jax.random.key(0)

    def compute(self, function, change=None, functionals=None):
        change, fields = change or {}, self.data.fields
        return function(
            self.model,
            {name: x + change.get(name, 0) for name, x in fields.items()},
            with_change(self.forcing, change),
            self.data.time,
            self.key,
            functionals or self.functionals,
            STEPS,
        )


@pytest.fixture(scope="module")
def problem(reduced_model):
    return Problem(reduced_model)


@pytest.fixture(scope="module")
def found(problem):
    return problem.compute(gradients)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, share",
    [
        ("temperature", 0.02),
        ("v_component_of_wind", 0.02),
        ("specific_humidity", 0.02),
        ("sea_surface_temperature", 0.5),
    ],
)
def test_gradients_are_the_limit_of_finite_differences(problem, found, name, share):
    """To their second order and to the rounding of float32: of 1e-3 at most."""
    gradient = np.asarray(found.fields[name], np.float64)
    fields = problem.data.fields | problem.data.forcing
    sigma = fields[name].astype(np.float64).std((-2, -1), keepdims=True)
    # Along the gradient of each target there is much to see, whatever the noise.
    for i in range(len(problem.functionals)):
        along = sigma**2 * gradient[i]
        change = (share * along / np.abs(along / sigma).max()).astype(np.float32)
        after = problem.compute(forecast_targets, {name: change})
        before = problem.compute(forecast_targets, {name: -change})
        expected = 2 * np.vdot(gradient[i], np.float64(change))
        assert (after - before)[i] == pytest.approx(expected, rel=2e-3)
        if name == "sea_surface_temperature":  # two runs are enough
            break


@pytest.mark.slow
def test_several_targets_are_the_single_ones(problem, found):
    for i, functional in enumerate(problem.functionals):
        alone = problem.compute(gradients, functionals=[functional])
        np.testing.assert_array_equal(alone.values[0], found.values[i])
        for name, x in alone.fields.items():
            np.testing.assert_array_equal(x[0], found.fields[name][i], err_msg=name)
    exact = problem.compute(forecast_targets)
    np.testing.assert_allclose(exact, found.values, rtol=1e-6)


def test_leading_vectors_are_those_of_a_dense_decomposition():
    matrix = np.random.default_rng(0).standard_normal((60, 50))
    matrix *= 0.9 ** np.arange(50)
    values, vectors = leading_vectors(lambda x: matrix.T @ (matrix @ x), 50, 4, 0)
    _, expected, right = np.linalg.svd(matrix)
    np.testing.assert_allclose(values, expected[:4], rtol=1e-6)
    overlap = np.abs(np.sum(vectors * right[:4], 1))
    np.testing.assert_allclose(overlap, 1, rtol=1e-6)
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(4), atol=1e-10)
    assert (vectors.max(1) >= -vectors.min(1)).all()


@pytest.fixture(scope="module")
def propagator(problem):
    state = problem.model.encode(
        problem.data.fields, problem.forcing, problem.data.time, problem.key
    )
    return Propagator(problem.model, state, problem.forcing, STEPS)


@pytest.mark.slow
def test_the_adjoint_is_the_transpose_of_the_tangent(propagator):
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((2, propagator.size))
    forward, back = propagator.tangent(x), propagator.adjoint(y)
    scale = np.linalg.norm(forward) * np.linalg.norm(y)
    assert abs(forward @ y - x @ back) <= 1e-6 * scale


@pytest.mark.slow
def test_singular_vectors_grow_as_their_values_say(problem, propagator):
    count = 2
    vectors = find_singular_vectors(propagator, count)
    assert vectors.values[0] >= vectors.values[1] > 1
    # Energy on the grid, by the Gaussian weights of its latitudes.
    model = problem.model
    weights = np.asarray(model.grid.area_weights) / (4 * np.pi)
    mass = np.asarray(model.sigma_levels.thickness)[:, None, None] * weights

    def energy(fields, i, j):
        inner = lambda name: fields[name][i].astype(float) * fields[name][j]
        total = mass * (inner("u_component_of_wind") + inner("v_component_of_wind"))
        total += mass * 1004 / 270 * inner("temperature")
        total += mass * 2.5104e6**2 / (1004 * 270) * inner("specific_humidity")
        pressure = weights * 2 / 7 * 1004 * 270 * inner("log_surface_pressure")
        return (total.sum() + pressure.sum()) / 2

    for fields, expected in (
        (vectors.initial, np.eye(count)),
        (vectors.final, np.diag(vectors.values**2)),
    ):
        matrix = [[energy(fields, i, j) for j in range(count)] for i in range(count)]
        np.testing.assert_allclose(matrix, expected, atol=2e-3 * expected.max())

    state = problem.model.encode(
        problem.data.fields, problem.forcing, problem.data.time, problem.key
    )
    first = {name: x[:1] for name, x in vectors.initial.items()}
    moved = perturb_along_vectors(model, state, jax.random.key(3), first, AMPLITUDE)
    sizes = [
        np.linalg.norm(propagator.vector(jax.tree.map(lambda a, b: a - b, x, y)))
        for x, y in (
            (moved.state, state.state),
            (propagator.forecast(moved).state, propagator.forecast(state).state),
        )
    ]
    assert sizes[1] / sizes[0] == pytest.approx(vectors.values[0], rel=0.02)
