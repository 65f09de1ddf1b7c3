"""Gradients of targets of the reduced model, against forecasts."""

import jax
import numpy as np
import pytest

import ngcm_cli
from ngcm_cli.gcm import Forcing
from ngcm_cli.sensitivity.gradient import forecast_targets, gradients, with_change
from ngcm_cli.sensitivity.target import make_targets, parse_target

STEPS = 2
TARGETS = (
    "mean(t1000, lat=-30:30)",
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
    "name, target, share, tolerance",
    [
        ("temperature", 0, 0.02, 1e-3),
        ("v_component_of_wind", 1, 0.02, 1e-3),
        ("specific_humidity", 1, 0.02, 1e-3),
        # Its effect is small, and the rounding of float32 is not.
        ("sea_surface_temperature", 0, 0.1, 5e-3),
    ],
)
def test_gradients_are_the_limit_of_finite_differences(
    problem, found, name, target, share, tolerance
):
    gradient = np.asarray(found.fields[name][target], np.float64)
    fields = problem.data.fields | problem.data.forcing
    sigma = fields[name].astype(np.float64).std((-2, -1), keepdims=True)
    along = sigma**2 * gradient  # where there is much to see, whatever the rounding
    change = (share * along / np.abs(along / sigma).max()).astype(np.float32)
    after = problem.compute(forecast_targets, {name: change})
    before = problem.compute(forecast_targets, {name: -change})
    expected = 2 * np.vdot(gradient, np.float64(change))
    assert (after - before)[target] == pytest.approx(expected, rel=tolerance)


@pytest.mark.slow
def test_several_targets_are_the_single_ones(problem, found):
    alone = problem.compute(gradients, functionals=problem.functionals[1:])
    np.testing.assert_array_equal(alone.values[0], found.values[1])
    for name, x in alone.fields.items():
        np.testing.assert_array_equal(x[0], found.fields[name][1], err_msg=name)
    exact = problem.compute(forecast_targets)
    # Their sums are in float32: 2.3e-6 was measured.
    np.testing.assert_allclose(exact, found.values, rtol=1e-5)
