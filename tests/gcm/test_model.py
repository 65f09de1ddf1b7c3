import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import assert_agrees, perturbed, rms
from gcm import bundled
from gcm.bundled import assert_identical, by_name
from gcm.compilations import compilations

from ngcm_cli import units
from ngcm_cli.gcm import Forcing
from ngcm_cli.gcm.fields import ATMOSPHERE, FORCING, SURFACE, from_si, to_si

INIT = np.datetime64("1959-01-02T00", "s")
HOUR = np.timedelta64(1, "h")
# One step of the bundled model compiles for 20 s and takes 1.


@pytest.fixture(scope="module")
def model():
    return bundled.model()


@pytest.fixture(scope="module")
def forcing():
    return bundled.sample().forcing


def advance(steps, state=None):
    state = bundled.encoded() if state is None else state
    return bundled.model().advance(state, bundled.sample().forcing, steps)


def test_units_at_the_boundary_are_inverse():
    fields = {name: jnp.full((2, 3, 4), 7.0) for name in ATMOSPHERE}
    inside = from_si(fields)
    assert {"t", "u", "v", "z"} < set(inside)
    for name, x in to_si(inside).items():
        np.testing.assert_allclose(x, fields[name], rtol=3e-7)
    assert set(to_si(inside)) == set(ATMOSPHERE)


def test_what_it_is(model):
    assert model.name == "tl63_stochastic_mini"
    assert model.grid.nodal_shape == (128, 64)
    assert len(model.levels) == 37 and model.levels[-1] == 1000
    assert model.time_step == np.timedelta64(3600, "s")
    assert model.stochastic
    assert model.input_variables == model.default_outputs == ATMOSPHERE
    assert model.output_variables == ATMOSPHERE + SURFACE
    assert model.forcing_variables == FORCING


@pytest.mark.parametrize(
    "time, steps",
    [("1979-01-01T00", 0), ("1979-01-02T00", 24), ("1959-01-02T00", -175_296)],
)
def test_the_clock_counts_steps(model, time, steps):
    assert model.substeps_since_reference(np.datetime64(time, "s")) == steps
    assert model.substeps_since_reference(np.datetime64(time, "ns")) == steps


def test_a_time_between_steps_is_refused(model, forcing):
    fields = bundled.sample().fields
    with pytest.raises(ValueError, match="1959-01-02T00:30:00 is not a whole number"):
        model.encode(fields, forcing, INIT + np.timedelta64(30, "m"), jax.random.key(0))


def test_a_stochastic_model_needs_a_key(model, forcing):
    with pytest.raises(ValueError, match="tl63_stochastic_mini is stochastic"):
        model.encode(bundled.sample().fields, forcing, INIT)


@pytest.mark.slow
def test_the_clock_of_a_state():
    state = bundled.encoded()
    assert int(state.substep) == -175_296
    assert state.time.dtype == np.float32
    assert float(state.time) == np.float32(-92034.607104)
    later = bundled.steps()[6]
    assert int(later.substep) == -175_290
    step = np.float32(0.525024)  # one hour in units of 1/(2Ω)
    assert float(later.time) == step * np.float32(-175_290)
    assert abs(units.HOUR - 0.525024) < 1e-9


@pytest.mark.slow
def test_rounding_of_the_clock_does_not_accumulate():
    far = eqx.tree_at(lambda s: s.substep, bundled.encoded(), jnp.int32(2**24 - 2))
    later = advance(1, far)
    assert int(later.substep) == 2**24 - 1
    assert float(later.time) == np.float32(0.525024) * np.float32(2**24 - 1)


@pytest.mark.slow
def test_six_steps_are_six_times_one_step():
    assert_identical(advance(6), bundled.steps()[6])


@pytest.mark.slow
def test_no_steps_change_nothing():
    assert_identical(advance(0), bundled.encoded())


@pytest.mark.slow
def test_nothing_compiles_again(model, forcing):
    data = bundled.sample()
    state = model.encode(data.fields, forcing, data.time, jax.random.key(7))
    later = model.advance(state, forcing)
    jax.block_until_ready(model.decode(later))
    warm = {name: x + np.float32(1e-3) for name, x in data.fields.items()}
    cold = {name: x * np.float32(0.99) for name, x in forcing.items()}
    next_key = jax.random.key(11)
    with compilations() as seen:
        states = [model.advance(state, forcing, n) for n in (0, 2)]
        states.append(model.advance(later, cold))
        encoded = model.encode(warm, forcing, data.time + 5 * HOUR, next_key)
        states.append(model.advance(encoded, forcing))
        jax.block_until_ready([model.decode(x) for x in states])
    assert seen == []


@pytest.mark.slow
def test_a_compilation_is_noticed():
    with compilations() as seen:
        jax.jit(lambda x: x * 3 + 1)(jnp.ones(7)).block_until_ready()
    assert seen


@pytest.mark.slow
def test_a_run_restarts_exactly_from_arrays():
    state = bundled.steps()[2]
    leaves, structure = jax.tree.flatten(
        eqx.tree_at(
            lambda s: s.random.key, state, jax.random.key_data(state.random.key)
        )
    )
    stored = [np.array(x) for x in leaves]
    restored = jax.tree.unflatten(structure, stored)
    restored = eqx.tree_at(
        lambda s: s.random.key, restored, jax.random.wrap_key_data(restored.random.key)
    )
    assert_identical(restored, state)
    assert_identical(advance(2, restored), bundled.steps()[4])


@pytest.mark.slow
def test_a_field_is_the_same_bits_whatever_else_is_decoded(model):
    state = bundled.encoded()
    together = model.decode(state, model.output_variables)
    assert tuple(together) == model.output_variables
    default = model.decode(state)
    assert tuple(default) == ATMOSPHERE
    some = ("surface_pressure", "geopotential")
    for chosen in (default, model.decode(state, some)):
        for name, x in chosen.items():
            assert x.shape == (1 if name in SURFACE else 37, 128, 64)
            np.testing.assert_array_equal(x, together[name])


@pytest.mark.slow
def test_surface_fields_alone_do_without_the_network(model):
    class Broken(eqx.Module):
        def __call__(self, features):
            raise AssertionError("the network runs")

    idle = eqx.tree_at(lambda m: m.decoder.tower, model, Broken())
    fields = idle.decode(bundled.encoded(), SURFACE)
    expected = model.decode(bundled.encoded(), SURFACE)
    for name in SURFACE:
        np.testing.assert_array_equal(fields[name], expected[name])
    with pytest.raises(AssertionError, match="the network runs"):
        idle.decode(bundled.encoded(), (*SURFACE, "temperature"))


def test_a_field_that_is_not_predicted_is_refused(model):
    with pytest.raises(ValueError, match="_mini does not predict 'cape'"):
        model.decode(None, ("temperature", "cape"))


@pytest.mark.slow
def test_seeds_tell_runs_apart(model, forcing):
    data = bundled.sample()
    again = model.encode(data.fields, forcing, data.time, jax.random.key(0))
    assert_identical(again, bundled.encoded(0))
    assert_identical(advance(1, again), bundled.advanced(0))
    one, other = by_name(bundled.advanced(0)), by_name(bundled.advanced(1))
    for name in one:
        assert rms(one[name] - other[name]) > 1e-4 * rms(one[name]), name


@pytest.mark.slow
def test_members_side_by_side_are_members_one_by_one(model, forcing):
    data = bundled.sample()

    @eqx.filter_jit
    def run(fields, keys):
        def member(key):
            state = model.encode(fields, forcing, data.time, key)
            return model.advance(state, forcing)

        return jax.vmap(member)(keys)

    together = run(data.fields, jnp.stack([jax.random.key(0), jax.random.key(1)]))
    noisy = {name: perturbed(x) for name, x in data.fields.items()}
    moved = model.encode(noisy, forcing, data.time, jax.random.key(0))
    moved = by_name(model.advance(moved, forcing))
    for seed in 0, 1:
        alone = bundled.advanced(seed)
        member = jax.tree.map(lambda x, i=seed: x[i], together)
        ours, expected = by_name(member), by_name(alone)
        for name, field in expected.items():
            sensitivity = rms(moved[name] - by_name(bundled.advanced(0))[name])
            assert_agrees(name, "1", ours[name], field, 10 * sensitivity)
        key = jax.random.key_data(alone.random.key)
        np.testing.assert_array_equal(jax.random.key_data(member.random.key), key)


@pytest.mark.slow
def test_a_forcing_in_time_is_selected_at_every_step(model, forcing):
    warmer = {k: x + np.float32(2 * ("temperature" in k)) for k, x in forcing.items()}
    times = bundled.sample().time + np.array([0, 1, 2]) * HOUR
    stacked = {k: np.stack([forcing[k], warmer[k], forcing[k]]) for k in forcing}
    in_time = Forcing.at_times(times, stacked)
    ours = model.advance(bundled.encoded(), in_time, steps=3)
    expected = model.advance(bundled.steps()[1], warmer)
    expected = model.advance(expected, forcing)
    noisy = {name: perturbed(x) for name, x in bundled.sample().fields.items()}
    moved = model.encode(noisy, forcing, bundled.sample().time, jax.random.key(0))
    moved = by_name(advance(1, moved))
    for name, field in by_name(expected).items():
        sensitivity = rms(moved[name] - by_name(bundled.advanced(0))[name])
        assert_agrees(name, "1", by_name(ours)[name], field, 10 * sensitivity)
    unforced = by_name(bundled.steps()[3])["temperature_variation"]
    assert rms(unforced - by_name(ours)["temperature_variation"]) > 1e-4
