"""The mean of ln pₛ, held: against the reference, and to the bit."""

import functools
import types

import equinox as eqx
import jax
import numpy as np
import pytest
import xarray as xr
from agreement import EPS, assert_agrees, perturbed, rms
from gcm import bundled, precipitation

from ngcm_cli.checkpoint.build import build
from ngcm_cli.checkpoint.published.reference import PublishedCheckpoint
from ngcm_cli.checkpoint.published.translate import model_spec
from ngcm_cli.checkpoint.published.weights import from_published
from ngcm_cli.checkpoint.weights import Weights

HELD = """
dycore/SequentialStepFilter.filter_modules = (
    @dycore/ExponentialFilter,
    @stability/ExponentialFilter,
    @surface_pressure/FixGlobalMeanFilter)
"""
STEPS = 3
COUNT = 4000  # coefficients of a variable that are stored


def mean(state):
    """The column l = 0 of ln pₛ."""
    return np.asarray(state.state.log_surface_pressure)[..., 0]


def others(state):
    """The variables of a state, without that column."""
    fields = bundled.by_name(state)
    fields["log_surface_pressure"] = fields["log_surface_pressure"][..., 1:]
    return fields


@pytest.fixture(scope="module")
def holding():
    return bundled.model().with_fixed_mean_pressure()


@pytest.fixture(scope="module")
def held(holding):
    """The encoded state and those after each step."""
    states = [bundled.encoded()]
    for _ in range(STEPS):
        states.append(holding.advance(states[-1], bundled.sample().forcing))
    return states


def test_it_is_a_switch(holding):
    assert not bundled.model().step.holds_mean_pressure
    assert holding.step.holds_mean_pressure
    assert holding.with_fixed_mean_pressure() is holding
    pairs = zip(jax.tree.leaves(holding), jax.tree.leaves(bundled.model()), strict=True)
    assert all(x is y for x, y in pairs)
    both = holding.with_water_budget()
    assert both.step.holds_mean_pressure and both.step.water_budget is not None
    assert (
        bundled.model().with_water_budget().with_fixed_mean_pressure().step == both.step
    )


@pytest.mark.slow
def test_the_mean_stays_as_it_is_to_the_bit(held):
    for state in held[1:]:
        np.testing.assert_array_equal(mean(state), mean(held[0]))
    drifting = [mean(state)[0, 0] for state in bundled.steps()[: STEPS + 1]]
    assert len(set(drifting)) == STEPS + 1  # where nobody holds it


@pytest.mark.slow
def test_one_step_changes_nothing_else(held):
    free = bundled.advanced()
    for name, x in others(held[1]).items():
        np.testing.assert_array_equal(x, others(free)[name])
    bundled.assert_identical(
        eqx.tree_at(lambda s: s.state.log_surface_pressure, held[1], 0.0),
        eqx.tree_at(lambda s: s.state.log_surface_pressure, free, 0.0),
    )


@pytest.mark.slow
def test_the_mean_acts_on_nothing_within_the_dynamical_core():
    """So that it is the same to hold it after each substep and after all of them."""
    core, state = bundled.model().step.dycore, bundled.encoded().state
    assert core.substeps > 1

    @eqx.filter_jit
    def run(core, state):
        still = jax.tree.map(lambda x: 0 * x, state)
        return core(state, still)

    def column(x):
        return x.at[..., 0].add(0.37)

    heavier = eqx.tree_at(lambda s: s.log_surface_pressure, state, replace_fn=column)
    one, other = (
        others(types.SimpleNamespace(state=run(core, x))) for x in (state, heavier)
    )
    for name, x in one.items():
        np.testing.assert_array_equal(x, other[name])


GIVEN = {"geopotential_at_surface": "m**2 s**-2", "land_sea_mask": "dimensionless"}


def configuration() -> tuple[PublishedCheckpoint, str]:
    """The published bundled model, and its configuration with the mean held."""
    checkpoint = precipitation.bundled_checkpoint()
    return checkpoint, checkpoint.config + HELD


@functools.cache
def their_states():
    """The reference's encoded state, and the one some steps later, by variable."""
    import neuralgcm

    checkpoint, text = configuration()
    static, grid = checkpoint.static, ("longitude", "latitude")
    dataset = xr.Dataset(
        {name: (grid, static[name], {"units": unit}) for name, unit in GIVEN.items()},
        coords={name: static[name] for name in (*grid, "level")},
    )
    theirs = neuralgcm.PressureLevelModel.from_checkpoint(
        {
            "model_config_str": text,
            "params": checkpoint.params,
            "aux_ds_dict": dataset.to_dict(),
        }
    )
    data, key = bundled.sample(), jax.random.key(0)
    clock = {"sim_time": theirs.datetime64_to_sim_time(np.array(data.time))}
    first = last = theirs.encode(data.fields | clock, data.forcing | clock, key)
    for _ in range(STEPS):
        last = theirs.advance(last, data.forcing | clock)
    states = [state.state.asdict() for state in (first, last)]
    return [dict(state) | state["tracers"] for state in states]


@pytest.mark.slow
def test_the_published_configuration_holds_it(holding):
    checkpoint, text = configuration()
    static = checkpoint.static
    spec = model_spec(text, tuple(static["level"].tolist()))
    arrays = from_published(checkpoint.params, {k: static[k] for k in GIVEN}, spec)
    assert eqx.tree_equal(build("held", spec, Weights(arrays)).step, holding.step)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the reference's own
def test_equal_to_the_reference(reference, holding, held):
    """Within ten times what noise of 1e-7 in the inputs does to our own answer."""
    data = bundled.sample()
    noisy = {name: perturbed(x, i) for i, (name, x) in enumerate(data.fields.items())}
    moved = holding.encode(noisy, data.forcing, data.time, jax.random.key(0))
    moved = others(holding.advance(moved, data.forcing, STEPS))

    def theirs(name):
        x = np.asarray(their_states()[-1][name])
        return x[..., 1:] if name == "log_surface_pressure" else x

    for name, x in others(held[-1]).items():
        expected = reference(name, lambda name=name: theirs(name), COUNT)
        ours, by = (reference.sample(y, COUNT) for y in (x, moved[name]))
        tolerance = 10 * max(rms(by - ours), EPS * rms(expected))
        assert_agrees(name, "1", ours, expected, tolerance)
    start, end = (
        reference(
            f"mean of ln p_s, {i}",
            lambda i=i: np.asarray(their_states()[i]["log_surface_pressure"])[..., 0],
        )
        for i in (0, 1)
    )
    np.testing.assert_array_equal(start, end)
    free = abs(mean(bundled.steps()[STEPS]) - mean(held[-1])).max()
    tolerance = 10 * EPS * abs(start).max()
    assert free > 2 * tolerance  # the test can tell
    np.testing.assert_allclose(mean(held[-1]), end, rtol=0, atol=tolerance)
