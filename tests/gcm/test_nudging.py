"""Nudging against its analytic solution, and in a model whose steps it follows."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from diagnostics import reduced_states as small

from ngcm_cli import units
from ngcm_cli.diagnostics import evaluate
from ngcm_cli.diagnostics.tendencies import NUDGING
from ngcm_cli.dynamics import State
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.nudging import Nudging, relaxed_part

HOUR = np.timedelta64(3600, "s")
START = units.REFERENCE_TIME + 15 * HOUR
ALL = (
    *("u_component_of_wind", "v_component_of_wind", "temperature"),
    *("specific_humidity", "surface_pressure"),
)


def noise(seed) -> State:
    """A state of numbers of order one, in spectral space."""
    draw, shape = np.random.default_rng(seed), (3, 9, 5)
    field = lambda n: jnp.asarray(draw.normal(size=(n, *shape[1:])), jnp.float32)  # noqa: E731
    names = ("specific_cloud_liquid_water_content", "specific_humidity")
    tracers = {name: field(3) for name in names}
    return State(field(3), field(3), field(3), field(1), tracers)


def toward(states, variables=ALL, steps=6.0, wavenumber=None, spacing=3, more=1):
    """Nudging to states some hours apart."""
    times = START + spacing * HOUR * np.arange(len(states))
    parts = [relaxed_part(state, variables, wavenumber) for state in states]
    return Nudging.toward(times, parts, steps, variables, more)


def at(hours):
    return jnp.int32(60 * (15 + hours))


def leaves(state):
    return [np.asarray(x, np.float64) for x in jax.tree.leaves(state)]


def test_departures_decay_exponentially():
    reference, state = noise(0), noise(1)
    nudging, begin = toward([reference], steps=6.0), state
    for _ in range(9):
        state = nudging(state, at(0))
    for x, x0, ref in zip(*map(leaves, (state, begin, reference)), strict=True):
        if x is not None and x.shape[0]:
            exact = ref + (x0 - ref) * np.exp(-9 / 6)
            is_free = np.array_equal(x, x0)
            assert is_free or abs(x - exact).max() < 2e-6
    free = [
        np.array_equal(x, y) for x, y in zip(leaves(state), leaves(begin), strict=1)
    ]
    assert sum(free) == 1  # cloud water


def test_the_reference_is_linear_in_time():
    first, last, state = noise(0), noise(1), noise(2)
    nudging = toward([first, last], steps=1e-3, spacing=3, more=4)  # at once
    for hours, share in ((-2, 0), (0, 0), (1, 1 / 3), (2, 2 / 3), (3, 1), (30, 1)):
        found = relaxed_part(nudging(state, at(hours)), ALL)
        ends = zip(relaxed_part(first, ALL), relaxed_part(last, ALL), strict=True)
        for x, (a, b) in zip(found, ends, strict=True):
            np.testing.assert_allclose(x, a + share * (b - a), rtol=0, atol=1e-6)


def test_what_is_not_named_keeps_its_bits():
    state = noise(1)
    nudged = toward([noise(0)], ("temperature",), wavenumber=2)(state, at(0))
    np.testing.assert_array_equal(
        nudged.temperature_variation[..., 3:], state.temperature_variation[..., 3:]
    )
    assert (nudged.temperature_variation != state.temperature_variation)[..., :3].all()
    same = dataclasses.replace(
        nudged, temperature_variation=state.temperature_variation
    )
    for x, y in zip(leaves(same), leaves(state), strict=True):
        np.testing.assert_array_equal(x, y)


def test_the_reference_itself_stays():
    state = noise(1)
    nudged = toward([state, noise(2)])(state, at(0))
    for x, y in zip(leaves(nudged), leaves(state), strict=True):
        np.testing.assert_array_equal(x, y)


def test_the_last_change_follows_from_the_state():
    nudging, state = toward([noise(0)], steps=1.0), noise(1)
    nudged = nudging(state, at(0))
    change = nudging.last_change(nudged, at(0))
    for x, y, d in zip(*map(leaves, (nudged, state, change)), strict=True):
        np.testing.assert_allclose(d, x - y, rtol=0, atol=2e-6)


@pytest.fixture(scope="module")
def run():
    """The reduced model, its sea without nudging, and three states of two days."""
    model, forcing = small.model(), Forcing.constant(small.forcing())
    begin = small.real()
    return model, forcing, begin, model.advance(begin, forcing, 6)


def nudged_to(run, state, variables=ALL[:3], steps=2.0):
    model, forcing, _, end = run
    time = units.REFERENCE_TIME + int(
        end.substep
    ) * model.substep_minutes * np.timedelta64(60, "s")
    part = relaxed_part(state.state, variables)
    nudging = Nudging.toward(np.array([time]), [part], steps, variables)
    return dataclasses.replace(forcing, nudging=nudging)


@pytest.mark.slow
def test_a_step_of_the_model_comes_first(run):
    model, forcing, begin, _ = run
    nudged = nudged_to(run, begin)
    after = model.advance(begin, forcing, 1)
    expected = nudged.nudging(after.state, jnp.int32(0))
    found = model.advance(begin, nudged, 1)
    for x, y in zip(leaves(found.state), leaves(expected), strict=True):
        np.testing.assert_allclose(x, y, rtol=0, atol=1e-6 * abs(y).max())
    assert int(found.substep) == int(after.substep)


@pytest.mark.slow
def test_a_nudged_run_stays_closer(run):
    """Six steps with τ of two: what changes by itself is held near the reference."""
    model, _, begin, free = run
    held = model.advance(begin, nudged_to(run, begin), 6)

    def distance(state, name):
        x, y = (getattr(s.state, name) for s in (state, begin))
        return float(jnp.sqrt(((x - y) ** 2).mean()))

    for name in ("vorticity", "divergence", "temperature_variation"):
        assert distance(held, name) < 0.6 * distance(free, name), name


@pytest.mark.slow
def test_the_mean_pressure_that_is_held_stays(run):
    model, _, begin, end = run
    nudged = nudged_to(run, end, ("surface_pressure",), steps=1.0)
    before = begin.state.log_surface_pressure
    assert (end.state.log_surface_pressure != before)[..., 0].any()
    after = model.with_fixed_mean_pressure().advance(begin, nudged, 1)
    is_same = np.asarray(after.state.log_surface_pressure == before)
    assert is_same[..., 0].all() and not is_same[..., 1:].all()


@pytest.mark.slow
def test_tendencies_are_what_nudging_added(run):
    model, forcing, begin, _ = run
    nudged = nudged_to(run, begin)
    after, free = (model.advance(begin, x, 1) for x in (nudged, forcing))
    found = evaluate(model, after, nudged, tuple(NUDGING), "model")
    names = tuple(NUDGING.values())
    with_, without = (evaluate(model, x, None, names, "model") for x in (after, free))
    for tendency, name in NUDGING.items():
        change = (with_[name] - without[name]) / model.step_seconds
        scale = float(abs(change).max())
        if name == "specific_humidity":
            assert scale == 0 and not found[tendency].any()
            continue
        assert scale > 0
        np.testing.assert_allclose(found[tendency], change, rtol=0, atol=2e-3 * scale)
    with pytest.raises(ValueError, match="nudged runs only"):
        evaluate(model, after, forcing, tuple(NUDGING), "model")
