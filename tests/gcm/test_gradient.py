"""Derivatives of the whole model: encode, steps, decode; forward, reverse, by hand."""

import functools
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reduced_model import write_reduced_model

import ngcm_cli
from ngcm_cli import bundled_state, units
from ngcm_cli.checkpoint.parameters import partition
from ngcm_cli.gcm import Forcing

STEPS = 4
# The programs are run a few times only: machine code that is quick to make.
compiled = functools.partial(
    jax.jit, compiler_options={"xla_backend_optimization_level": 0}
)


def floats(dtype, tree):
    """The tree with its floating-point arrays in another precision."""
    cast = lambda x: jnp.asarray(x, dtype) if eqx.is_inexact_array_like(x) else x
    return jax.tree.map(cast, tree)


def dot(a, b):
    """Inner product of two trees, in float64."""
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return sum(np.vdot(np.float64(x), np.float64(y)) for x, y in pairs)


def norm(a):
    return np.sqrt(dot(a, a))


def directions(tree, seed):
    """A tree of noise of the size of the anomalies of each array."""
    rng = np.random.default_rng(seed)

    def one(x):
        x = np.asarray(x, np.float64)
        size = x.std() or np.abs(x).mean() or 1e-2
        return jnp.asarray(size * rng.standard_normal(x.shape))

    return jax.tree.map(one, tree)


class Problem:
    """A part of the model, or the whole, as a function of all that it depends on.

    The random fields are those of one key.
    """

    def __init__(self, model, data, dtype, part="whole"):
        self.part, self.data = part, data
        learned, self.constant = partition(floats(dtype, model))
        fields, forcing = (floats(dtype, dict(x)) for x in (data.fields, data.forcing))
        learned = eqx.filter(learned, eqx.is_array)
        self.static = eqx.filter(partition(model)[0], eqx.is_array, inverse=True)
        self.start = model.encode(
            data.fields, data.forcing, data.time, jax.random.key(0)
        )
        self.start = floats(dtype, self.start)
        self.x = {
            "whole": {"fields": fields, "forcing": forcing, "learned": learned},
            "encoder": {"fields": fields, "learned": learned},
            "step": {
                "state": self.start.state, "forcing": forcing, "learned": learned,
            },
            "decoder": {"state": self.start.state, "learned": learned},
        }[part]  # fmt: skip
        self.forward = compiled(self.outputs)
        self.jvp = compiled(lambda x, v: jax.jvp(self.outputs, (x,), (v,))[1])
        self.vjp = compiled(lambda x, w: jax.vjp(self.outputs, x)[1](w)[0])

    def outputs(self, x):
        model = eqx.combine(x["learned"], self.static, self.constant)
        state, forcing = self.start, x.get("forcing", self.data.forcing)
        if "fields" in x:
            key = jax.random.key(0)
            state = model.encode(x["fields"], forcing, self.data.time, key)
        else:
            state = eqx.tree_at(lambda s: s.state, state, x["state"])
        if self.part in ("step", "whole"):
            steps = STEPS if self.part == "whole" else 1
            state = model.advance(state, forcing, steps)
        if self.part in ("encoder", "step"):
            return jax.tree.map(lambda x, a: x / a.std(), state.state, self.start.state)
        fields = model.decode(state, model.output_variables)
        sizes = {k: np.asarray(self.data.fields[k]).std() for k in self.data.fields}
        return {k: x / sizes.get(k, 1e3) for k, x in fields.items()}


@pytest.fixture(scope="module")
def reduced(tmp_path_factory):
    model = ngcm_cli.load_model(write_reduced_model(tmp_path_factory.mktemp("reduced")))
    return model, bundled_state(model)


@pytest.fixture(scope="module")
def double(reduced):
    with jax.enable_x64(True):
        problem = Problem(*reduced, jnp.float64)
        y = problem.forward(problem.x)
        assert all(x.dtype == np.float64 for x in jax.tree.leaves(y))
        w = directions(y, 1)
        return problem, w, problem.vjp(problem.x, w)


@pytest.fixture
def in_double():
    with jax.enable_x64(True):
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("in_double")
def test_forward_and_reverse_agree(double):
    problem, w, gradient = double
    v = directions(problem.x, 3)  # 2 happens to be orthogonal to the gradient
    out = problem.jvp(problem.x, v)
    scale = norm(out) * norm(w)
    assert abs(dot(out, w) - dot(v, gradient)) <= 1e-12 * scale
    assert abs(dot(out, w)) > 1e-4 * scale


@pytest.mark.slow
@pytest.mark.usefixtures("in_double")
@pytest.mark.parametrize(
    "group, steps",
    [
        ("fields", (1e-5, 1e-6, 1e-7)),
        # Nearly linear: smaller steps show only rounding.
        ("forcing", (1e-2, 1e-3, 1e-4, 1e-5)),
        ("learned", (1e-4, 1e-5, 1e-6, 1e-7)),
    ],
)
def test_they_are_the_limit_of_finite_differences(double, group, steps):
    problem, w, gradient = double
    v = jax.tree.map(jnp.zeros_like, problem.x) | {
        group: directions(problem.x[group], 3)
    }
    expected = dot(v, gradient)

    def moved(h):
        return problem.forward(jax.tree.map(lambda x, d: x + h * d, problem.x, v))

    def error(h):
        change = jax.tree.map(lambda a, b: (a - b) / (2 * h), moved(h), moved(-h))
        return abs(dot(change, w) / expected - 1)

    errors = [error(h) for h in steps]
    assert min(errors) < 5e-6, errors
    # Of second order, until rounding is seen; of the forcing it is from the start.
    ratios = [fine / coarse for coarse, fine in itertools.pairwise(errors)]
    assert min(ratios) < 0.03 or errors[0] < 1e-6, errors


@pytest.mark.slow
def test_no_gradient_is_zero_or_not_a_number(double):
    problem, _, gradient = double
    for name, x in gradient["fields"].items():
        assert np.isfinite(x).all(), name
        assert (np.abs(x).max((1, 2)) > 0).all(), name
    model = eqx.combine(gradient["learned"], problem.static, problem.constant)
    for path, x in jax.tree.leaves_with_path(eqx.filter(model, eqx.is_array)):
        assert np.isfinite(x).all(), path
    for path, x in jax.tree.leaves_with_path(gradient["learned"]):
        assert np.abs(x).max() > 0, path
    sea = np.asarray(problem.constant.step.parameterization.surface.land_fraction) < 1
    open_water = sea & (np.asarray(problem.x["forcing"]["sea_ice_cover"]) < 1)
    where = {"sea_ice_cover": sea, "sea_surface_temperature": open_water}
    for name, x in gradient["forcing"].items():
        assert np.isfinite(x).all(), name
        assert (np.asarray(x)[where[name]] != 0).all(), name


PARTS = "encoder", "step", "decoder"


@pytest.mark.slow
@pytest.mark.usefixtures("in_double")
@pytest.mark.parametrize("part", PARTS)
def test_each_part_has_the_derivative_of_its_taylor_series(reduced, part):
    problem = Problem(*reduced, jnp.float64, part)
    start = problem.forward(problem.x)
    w = directions(start, 1)
    gradient = problem.vjp(problem.x, w)
    v = directions(problem.x, 3)
    out = problem.jvp(problem.x, v)
    assert abs(dot(out, w) - dot(v, gradient)) <= 1e-12 * norm(out) * norm(w)

    # What is beyond the derivative falls with the square of a step.
    slope = dot(v, gradient)

    def remainder(h):
        moved = problem.forward(jax.tree.map(lambda x, d: x + h * d, problem.x, v))
        change = jax.tree.map(jnp.subtract, moved, start)
        return abs(dot(change, w) - h * slope)

    # Larger ones move levels past one another, where the interpolation has kinks.
    found = [remainder(h) for h in (1e-3, 1e-4, 1e-5, 1e-6)]
    order = np.log10(found[0] / found[-1]) / 3
    assert 1.9 < order < 2.3, (order, found)


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_each_part_agrees_in_single_precision(reduced, part):
    problem = Problem(*reduced, jnp.float32, part)
    v = floats(jnp.float32, directions(problem.x, 1))
    out = problem.jvp(problem.x, v)
    w = floats(jnp.float32, directions(out, 2))
    gradient = problem.vjp(problem.x, w)
    assert abs(dot(out, w) - dot(v, gradient)) <= 1e-5 * norm(out) * norm(w)


@pytest.mark.slow
def test_few_states_are_kept_for_the_way_back(reduced):
    """About as many as the square root of the steps: those between segments.

    What each segment keeps while it is repeated is tested with `repeat` itself.
    """
    model, data = reduced
    start = model.encode(data.fields, data.forcing, data.time, jax.random.key(0))

    def kept(steps):
        def after(modal):
            state = eqx.tree_at(lambda s: s.state, start, modal)
            return model.advance(state, data.forcing, steps).state

        backward = jax.eval_shape(lambda x: jax.vjp(after, x)[1], start.state)
        return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(backward))

    one = sum(x.nbytes for x in jax.tree.leaves(start))
    # 12 and 6 segments; all states would be 72, and what is computed in a step more.
    assert (kept(96) - kept(24)) / one == pytest.approx(6, abs=0.5)


def test_a_forcing_on_its_bounds_has_the_whole_gradient():
    times = units.REFERENCE_TIME + np.array([0, 60]) * np.timedelta64(1, "m")
    ice = np.array([0, 0.5, 1], np.float32).reshape(1, 1, 3)

    def mean(ice):
        fields = {"sea_ice_cover": ice, "sea_surface_temperature": 290 + ice}
        forcing = Forcing.at_times(times, {k: np.zeros((2, 1, 1, 3)) for k in fields})
        forcing = eqx.tree_at(lambda f: f.fields, forcing, fields)
        return forcing.select(jnp.int32(15))["sea_ice_cover"].sum()

    gradient = jax.grad(mean)(jnp.stack([ice, ice]))
    np.testing.assert_array_equal(gradient[0], np.full((1, 1, 3), 0.75))
    np.testing.assert_array_equal(gradient[1], np.full((1, 1, 3), 0.25))
    beyond = jax.grad(mean)(jnp.stack([ice, ice]) * 3 - 1)
    assert beyond[0].ravel().tolist() == [0, 0.75, 0]
