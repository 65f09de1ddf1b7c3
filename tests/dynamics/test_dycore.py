import dataclasses

import atmosphere
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS, assert_agrees, rms
from atmosphere import (
    GRID,
    HARMONICS,
    UNITS,
    dycore,
    mean_and_eddies,
    still,
    variables,
)

from ngcm_cli import units
from ngcm_cli.dynamics import SigmaLevels, State
from ngcm_cli.spectral.filters import change_truncation, exponential_filter
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.operators import velocity

LEVELS = SigmaLevels(8)
TEMPERATURE = atmosphere.temperatures(LEVELS)
DAY = 72  # substeps of 20 minutes


@eqx.filter_jit
def run(core, state, tendency):
    return core(state, tendency)


def rounded(state: State, seed: int) -> State:
    """The state with its nodal values rounded elsewise: by 1e-7 of their size."""
    random = np.random.default_rng(seed)

    def elsewise(x):
        f = np.asarray(HARMONICS.to_nodal(x))
        noise = 1e-7 * rms(f) * random.standard_normal(f.shape)
        return x + atmosphere.modal(noise)

    return jax.tree.map(elsewise, state)


def assert_stays(core, state: State) -> None:
    """After a day the state is the same but for rounding, in every variable.

    Rounding strikes once a substep, at random: √72 ≈ 8.5 times what one rounding of
    the initial state does to the state a day later (measured here), at most 10 times.
    Sums in float32 round the coefficients themselves as often.
    """
    after = run(core, state, still(state))
    moved = run(core, rounded(state, 0), still(state))
    for name, before in variables(state).items():
        for part, expected in mean_and_eddies(before).items():
            ours = mean_and_eddies(variables(after)[name])[part]
            sensitivity = rms(mean_and_eddies(variables(moved)[name])[part] - ours)
            tolerance = 10 * (sensitivity + EPS * rms(expected))
            assert_agrees(f"{part} {name}", UNITS[name], ours, expected, tolerance)


def test_an_atmosphere_at_rest_stays_at_rest():
    ground = atmosphere.flat()
    state = atmosphere.isothermal_at_rest(LEVELS, 280.0, TEMPERATURE, ground)
    after = run(dycore(LEVELS, TEMPERATURE, ground, DAY), state, still(state))
    for name, expected in variables(state).items():
        # Over flat ground every term is zero, not merely small.
        np.testing.assert_allclose(variables(after)[name], expected, rtol=4 * EPS)


def test_an_atmosphere_at_rest_over_mountains_stays_at_rest():
    ground = atmosphere.mountains()
    state = atmosphere.isothermal_at_rest(LEVELS, 280.0, TEMPERATURE, ground)
    assert_stays(dycore(LEVELS, TEMPERATURE, ground, DAY), state)


def test_solid_body_rotation_is_steady():
    state = atmosphere.solid_body_rotation(LEVELS, 280.0, TEMPERATURE, 20.0)
    assert_stays(dycore(LEVELS, TEMPERATURE, atmosphere.flat(), DAY), state)


def rms_wind(vorticity, divergence) -> float:
    """Over the sphere and the levels, m/s."""
    wind = velocity(vorticity, divergence, HARMONICS)
    square = np.square(np.asarray(wind, np.float64)).sum(axis=0)
    weights = GRID.area_weights / (4 * np.pi)
    mean = np.mean(np.sum(square * weights, axis=(-2, -1)))
    return float(np.sqrt(mean) / units.METER_PER_SECOND)


@pytest.mark.slow
def test_the_flow_of_jablonowski_and_williamson_is_steady():
    """It balances in the continuum; the sigma levels integrate it to second order.

    Geopotential at the layer centres errs by what the sums over layers leave of
    ∫ T d ln σ. The flow adjusts to that error within the day: its wind drifts by the
    geostrophic wind of the error, which falls by 4 when the levels double, and by the
    gravity waves of the adjustment, about as strong: together less than twice that.
    """
    drift, imbalance = [], []
    for layers in 16, 32:
        levels = SigmaLevels(layers)
        state, temperature, ground = atmosphere.jablonowski_williamson(levels)
        after = run(dycore(levels, temperature, ground, DAY), state, still(state))
        drift.append(
            rms_wind(
                after.vorticity - state.vorticity, after.divergence - state.divergence
            )
        )
        imbalance.append(geostrophic_error(levels, state))
        pressure = np.exp(HARMONICS.to_nodal(after.log_surface_pressure))
        # Surface pressure follows as p ΔΦ/RT, with ΔΦ = f Δu across a jet of a/4.
        error = imbalance[-1] * units.METER_PER_SECOND / (units.GAS_CONSTANT * 288)
        tolerance = error * 1000 / 4
        expected = np.full_like(pressure, 1000)
        hectopascal = pressure / units.HECTOPASCAL
        assert_agrees("surface pressure", "hPa", hectopascal, expected, tolerance)
    assert np.all(drift < 2 * np.array(imbalance)), (drift, imbalance)
    assert drift[0] / drift[1] > 3.5, drift


def geostrophic_error(levels: SigmaLevels, state: State) -> float:
    """RMS wind in m/s that balances the error of the discretised geopotential."""
    fine = SigmaLevels(32 * levels.layers)
    exact, _, _ = atmosphere.jablonowski_williamson(fine)
    heights = [
        np.asarray(x.geopotential(HARMONICS.to_nodal(y.temperature_variation)))
        for x, y in ((levels, state), (fine, exact))
    ]
    # A layer centre lies between two of the fine ones.
    middle = 32 * np.arange(levels.layers) + 16
    error = heights[0] - (heights[1][middle - 1] + heights[1][middle]) / 2
    gradient = np.gradient(error, GRID.latitude, axis=-1)
    return rms(gradient) / units.METER_PER_SECOND  # f = 2Ω sin φ, of order 2Ω


@pytest.mark.slow
def test_substeps_and_filters_follow_each_other():
    state = atmosphere.weather(LEVELS)
    ground = atmosphere.mountains()
    random = np.random.default_rng(0)
    tendency = jax.tree.map(
        lambda x: x * jnp.float32(0.01 * random.standard_normal()), state
    )
    damping = np.stack([exponential_filter(22, 0.5, 3), np.linspace(1, 0.5, 22)])
    many = dycore(LEVELS, TEMPERATURE, ground, 3, damping)
    undamped = dycore(LEVELS, TEMPERATURE, ground, 1)
    expected = state
    for _ in range(3):
        expected = run(undamped, expected, tendency)
        expected = jax.tree.map(lambda x: x * damping[0] * damping[1], expected)
    ours = run(many, state, tendency)
    moved = run(many, rounded(state, 1), tendency)
    for name, value in variables(expected).items():
        tolerance = 3 * rms(np.asarray(variables(moved)[name]) - variables(ours)[name])
        assert_agrees(name, UNITS[name], variables(ours)[name], value, tolerance)


def test_a_constant_tendency_is_integrated():
    """At rest, a tracer and a warming of the whole sphere grow linearly with time."""
    ground = atmosphere.flat()
    state = atmosphere.isothermal_at_rest(LEVELS, 280.0, TEMPERATURE, ground)
    tendency = still(state)
    name = "specific_cloud_ice_water_content"
    rate = atmosphere.constant(np.arange(8) * 1e-6)
    tendency = dataclasses.replace(
        tendency,
        temperature_variation=1e4 * rate,
        tracers={**tendency.tracers, name: rate},
    )
    after = run(dycore(LEVELS, TEMPERATURE, ground, 3), state, tendency)
    hour = units.HOUR
    # Three substeps, each a sum of four numbers.
    expected = hour * rate
    assert_agrees(
        name, "kg/kg", after.tracers[name], expected, 12 * EPS * rms(expected)
    )
    expected = state.temperature_variation + hour * 1e4 * rate
    ours = after.temperature_variation
    assert_agrees("temperature", "K", ours, expected, 12 * EPS * rms(expected))


@pytest.mark.slow
def test_a_substep_conserves_mass():
    """Mean surface pressure, not its logarithm, is what the equations conserve.

    In space they do so up to truncation (see test_tendencies.py); in time a substep of
    a second-order scheme errs by its cube, as mass is no linear function of ln pₛ.
    """
    state = atmosphere.weather(LEVELS)
    ground = atmosphere.mountains()
    change = {}
    for minutes in 5.0, 20.0:
        core = dycore(LEVELS, TEMPERATURE, ground, 1, minutes=minutes)
        after = run(core, state, still(state))
        change[minutes] = atmosphere.mass(after) / atmosphere.mass(state) - 1
        local = HARMONICS.to_nodal(
            after.log_surface_pressure - state.log_surface_pressure
        )
        # Were the mean of ln pₛ conserved, mass would change by half its variance.
        assert abs(change[minutes]) < rms(local) ** 2 / 4
    # The logarithm is 1.8, which float32 rounds to EPS of that, before and after.
    rounding = 2 * EPS * np.log(atmosphere.PRESSURE)
    assert abs(change[5.0]) < abs(change[20.0]) / 4**3 + rounding


def test_a_constant_tracer_stays_constant():
    state = atmosphere.weather(LEVELS)
    name = "specific_cloud_ice_water_content"
    constant = jnp.asarray(atmosphere.constant(np.full(8, 3e-4)))
    state = dataclasses.replace(state, tracers={**state.tracers, name: constant})
    core = dycore(LEVELS, TEMPERATURE, atmosphere.mountains(), 3)
    after = run(core, state, still(state)).tracers[name]
    # Rounding of the flux and of its derivative: 8 EPS q u l sec φ in an hour, see
    # test_tendencies.py, here with u of 20 m/s, l of 20 and an average sec φ of 2.
    noise = 8 * EPS * 3e-4 * 20 * units.METER_PER_SECOND * 20 * 2 * units.HOUR
    nodal = HARMONICS.to_nodal(after)
    assert_agrees(name, "kg/kg", nodal, np.full_like(nodal, 3e-4), noise)


@pytest.mark.slow
def test_states_of_the_model_come_and_go_in_its_truncation():
    large = Grid.linear(23)
    assert large.modal_shape > GRID.modal_shape
    small = atmosphere.weather(LEVELS)
    state = jax.tree.map(lambda x: change_truncation(x, large.modal_shape), small)
    state = jax.tree.map(lambda x: x.at[..., -1].set(1e-3), state)
    core = dycore(LEVELS, TEMPERATURE, atmosphere.mountains(), 1)
    ours = run(core, state, still(state))
    expected = run(core, small, still(small))
    for name, value in variables(expected).items():
        grown = np.array(variables(ours)[name])
        assert grown.shape[1:] == large.modal_shape
        kept = grown[:, : GRID.modal_shape[0], : GRID.modal_shape[1]]
        assert_agrees(name, UNITS[name], kept, value, 4 * EPS * rms(value))
        kept[...] = 0
        assert np.all(grown == 0)


@pytest.mark.slow
def test_it_compiles_once():
    calls = []

    @eqx.filter_jit
    def step(core, state):
        calls.append(state)
        return core(state, still(state))

    core = dycore(LEVELS, TEMPERATURE, atmosphere.mountains(), 1)
    step(core, atmosphere.weather(LEVELS))
    step(core, atmosphere.weather(LEVELS, seed=1))
    other = dycore(SigmaLevels(8), TEMPERATURE, atmosphere.flat(), 1)
    step(other, atmosphere.weather(LEVELS))
    assert len(calls) == 1


@pytest.mark.slow
def test_members_step_alike():
    core = dycore(LEVELS, TEMPERATURE, atmosphere.mountains(), 2)
    states = [atmosphere.weather(LEVELS, seed) for seed in (0, 1)]
    both = jax.tree.map(lambda *x: jnp.stack(x), *states)
    mapped = eqx.filter_jit(eqx.filter_vmap(run, in_axes=(None, 0, 0)))(
        core, both, still(both)
    )
    for member, state in enumerate(states):
        after = variables(run(core, state, still(state)))
        moved = variables(run(core, rounded(state, 2), still(state)))
        for name, expected in after.items():
            tolerance = 3 * rms(np.asarray(moved[name]) - expected)
            ours = variables(mapped)[name][member]
            assert_agrees(name, UNITS[name], ours, expected, tolerance)
