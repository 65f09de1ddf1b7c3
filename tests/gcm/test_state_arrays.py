"""States as named arrays: nothing is lost, and nothing foreign is taken."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gcm import bundled, published

from ngcm_cli.gcm import ModelState
from ngcm_cli.gcm.state_arrays import dimensions, from_arrays, to_arrays

TRACERS = (
    "specific_cloud_ice_water_content",
    "specific_cloud_liquid_water_content",
    "specific_humidity",
)
MODAL = (
    "vorticity",
    "divergence",
    "temperature_variation",
    "log_surface_pressure",
    *(f"tracers.{name}" for name in TRACERS),
)
ALWAYS = *MODAL, "random.key", "random.step", "substep", "time"
MEMORY = tuple(f"memory.{name}" for name in MODAL)
WATER = "water.fluxes.P_minus_E", "water.accumulated.P_minus_E"
SIZES = {
    "level": 32,
    "surface": 1,
    "m": 128,
    "total_wavenumber": 65,
    "longitude": 128,
    "latitude": 64,
    "field": 10,
    "word": 2,
    "realization": 3,
}


def shapes(model, members=None) -> ModelState:
    """Of a state of a model, without running it."""
    data = bundled.sample()

    def encode(key):
        return model.encode(data.fields, data.forcing, data.time, key)

    if members is None:
        return eqx.filter_eval_shape(encode, jax.random.key(0))
    keys = jax.random.split(jax.random.key(0), members)
    return eqx.filter_eval_shape(jax.vmap(encode), keys)


def noise(like: ModelState, seed: int = 0) -> dict[str, np.ndarray]:
    """Arrays of a state with every possible bit pattern in them, NaN among them."""
    draw = np.random.default_rng(seed)

    def bits(x):
        if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
            x = jax.eval_shape(jax.random.key_data, x)
        words = np.array(draw.integers(0, 2**32, x.shape, dtype=np.uint32))
        if x.dtype == np.float32 and words.size > 3:
            words.reshape(-1)[:3] = 0x7FC00001, 0xFFC12345, 0x80000000
        return words.view(x.dtype)

    name = functools.partial(jax.tree_util.keystr, simple=True, separator=".")
    leaves, _ = jax.tree.flatten_with_path(like)
    return {name(path).removeprefix("state."): bits(x) for path, x in leaves}


def assert_same_bits(ours, expected):
    assert list(ours) == list(expected)
    for name, x in expected.items():
        assert ours[name].dtype == x.dtype and ours[name].shape == x.shape, name
        assert ours[name].tobytes() == x.tobytes(), name


@pytest.fixture(scope="module")
def kinds(shared):
    """Shapes of states: stochastic, tracking water, deterministic with memory."""
    model = bundled.model()
    return {
        "stochastic": shapes(model),
        "water": shapes(model.with_water_budget()),
        "memory": shapes(published.zero_model(shared, "deterministic_2_8_deg")),
        "members": shapes(model.with_water_budget(), members=3),
    }


@pytest.mark.parametrize(
    "kind, names",
    [
        ("stochastic", {*ALWAYS, "random.fields"}),
        ("water", {*ALWAYS, "random.fields", *WATER}),
        ("memory", {*ALWAYS, *MEMORY}),
        ("members", {*ALWAYS, "random.fields", *WATER}),
    ],
)
def test_every_bit_survives(kinds, kind, names):
    arrays = noise(kinds[kind])
    assert set(arrays) == names
    state = from_arrays(kinds[kind], arrays)
    assert_same_bits(to_arrays(state), arrays)
    assert jax.tree.structure(state) == jax.tree.structure(kinds[kind])
    pairs = zip(jax.tree.leaves(state), jax.tree.leaves(kinds[kind]), strict=True)
    assert all(jax.typeof(x) == jax.typeof(y) for x, y in pairs)  # no new program
    batched = kind == "members"
    for name, x in arrays.items():
        expected = tuple(SIZES[axis] for axis in dimensions(name, batched))
        assert x.shape == expected, name


def test_keys_stay_keys_and_kinds_of_key_stay_apart(kinds):
    arrays = noise(kinds["members"])
    assert arrays["random.key"].dtype == np.uint32
    key = from_arrays(kinds["members"], arrays).random.key
    assert key.shape == (3,) and jax.random.key_impl(key) == "threefry2x32"
    other = jax.ShapeDtypeStruct((), jax.random.key(0, impl="rbg").dtype)
    like = eqx.tree_at(lambda s: s.random.key, kinds["stochastic"], other)
    state = from_arrays(like, noise(like))
    assert jax.random.key_impl(state.random.key) == "rbg"


def test_a_state_keeps_its_numbers_when_the_arrays_change(kinds):
    arrays = noise(kinds["stochastic"])
    state = from_arrays(kinds["stochastic"], arrays)
    before = arrays["vorticity"].tobytes()
    arrays["vorticity"][:] = 0
    assert to_arrays(state)["vorticity"].tobytes() == before


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda a: a.pop("time"), "'time' is missing"),
        (lambda a: a.update(rain=a["time"]), "'rain' is no part of a state"),
        (
            lambda a: a.update(divergence=a["divergence"][:31]),
            r"'divergence' is float32\[31, 128, 65\], not float32\[32, 128, 65\]",
        ),
        (
            lambda a: a.update(substep=a["substep"].astype(np.int64)),
            r"'substep' is int64\[\], not int32\[\]",
        ),
        (
            lambda a: a.update({"random.key": np.zeros(4, np.uint32)}),
            r"'random.key' is uint32\[4\], not uint32\[2\]",
        ),
    ],
)
def test_what_differs_is_named(kinds, change, message):
    arrays = noise(kinds["stochastic"])
    change(arrays)
    with pytest.raises(ValueError, match=message):
        from_arrays(kinds["stochastic"], arrays)


def test_a_state_of_another_model_is_refused(kinds):
    arrays = noise(kinds["water"])
    with pytest.raises(ValueError, match="'water.fluxes.P_minus_E' is no part"):
        from_arrays(kinds["stochastic"], arrays)
    with pytest.raises(ValueError, match="'random.fields' is no part"):
        from_arrays(kinds["memory"], arrays)


@pytest.mark.parametrize("name", ["rain", "water.rain", "memory.time", "water.fluxes"])
def test_unknown_names_have_no_dimensions(name):
    with pytest.raises(ValueError, match=f"a state has no array '{name}'"):
        dimensions(name)


@pytest.mark.slow
def test_a_run_goes_on_from_arrays_without_a_difference():
    model, forcing = bundled.model(), bundled.sample().forcing
    arrays = to_arrays(bundled.steps()[1])
    restored = from_arrays(shapes(model), arrays)
    bundled.assert_identical(restored, bundled.steps()[1])
    later = model.advance(restored, forcing, steps=1)
    bundled.assert_identical(later, bundled.steps()[2])
