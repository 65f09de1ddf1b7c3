"""Tendencies against the change in a short time and against the water that falls."""

import dataclasses

import equinox as eqx
import jax
import numpy as np
import pytest
from agreement import EPS, assert_agrees, rms
from diagnostics import reduced_states as small

from ngcm_cli import units
from ngcm_cli.diagnostics import DIAGNOSTICS, evaluate
from ngcm_cli.dynamics.state import TRACERS
from ngcm_cli.gcm.fields import ATMOSPHERE
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.spectral.filters import change_truncation

CHANGING = tuple(name for name in ATMOSPHERE if name != "geopotential")


def tendencies(state, process, forcing=None, model=None):
    """On the sigma levels, by the names of the fields."""
    names = tuple(f"{name}_tendency_due_to_{process}" for name in CHANGING)
    found = evaluate(model or small.model(), state, forcing, names, "model")
    return dict(zip(CHANGING, small.in_float64(found).values(), strict=True))


def fields(state):
    return small.in_float64(evaluate(small.model(), state, None, CHANGING, "model"))


def resolved(state):
    """The state on the scales that the dynamical core resolves."""
    prognostic, shape = (
        state.state,
        small.model().step.dycore.harmonics.grid.modal_shape,
    )

    def cut(x):
        row, column = (
            np.arange(n) < m for n, m in zip(x.shape[-2:], shape, strict=True)
        )
        last = np.arange(x.shape[-1]) < shape[1] - 1  # which it clips
        return x * (row[:, None] & column & last)

    return dataclasses.replace(state, state=jax.tree.map(cut, prognostic))


@pytest.fixture(scope="module")
def state():
    return resolved(small.real())


@eqx.filter_jit
def learned_tendency(model, state, forcing):
    """Modal, as a step applies it."""
    features = model.step.features(state, forcing)
    return model.step.parameterization.tendency(features, state.state)


@pytest.mark.slow
def test_both_are_the_change_in_a_short_time(state):
    """Physics + dynamics = (advance(dt) − state)/dt, to the order of the scheme."""
    physics = tendencies(state, "physics", small.forcing())
    dynamics = tendencies(state, "dynamics")
    learned = learned_tendency(small.model(), state, small.forcing())
    before = fields(state)

    def change(seconds):
        after = fields(small.dynamical_step(state, seconds, learned))
        return {name: (after[name] - x) / seconds for name, x in before.items()}

    short, long = change(240), change(480)
    for name in CHANGING:
        whole = physics[name] + dynamics[name]
        error = rms(short[name] - whole), rms(long[name] - whole)
        # The first order in time, and when that is removed, the second and rounding.
        assert 1.8 < error[1] / error[0] < 2.2, (name, error)
        extrapolated = 2 * short[name] - long[name]
        unit = DIAGNOSTICS[f"{name}_tendency_due_to_physics"].units
        assert_agrees(name, unit, extrapolated, whole, 0.01 * rms(whole))


@pytest.mark.slow
def test_the_physics_is_that_of_the_next_step():
    """What it takes out of a column falls in that step: P − E = −(pₛ/g) ∫ q̇ dσ.

    Under a forcing that changes in time, so that another time would be another physics.
    """
    model, state = small.model().with_water_budget(), small.real(water=True)
    forcing = changing_forcing(state)
    later = model.advance(state, forcing, steps=1)
    fallen = small.in_float64(evaluate(model, later, None, ("P_minus_E_rate",)))
    found = tendencies(state, "physics", forcing, model)
    water = sum(found[name] for name in TRACERS)
    pressure = evaluate(model, state, None, ("surface_pressure",))["surface_pressure"]
    expected = -np.asarray(pressure, np.float64) / small.GRAVITY * water.mean(0)
    # Products on the grid here, of the column's sum there.
    tolerance = 1e-4 * rms(expected)
    name = "P_minus_E_rate"
    assert_agrees(name, "kg m-2 s-1", fallen[name], expected, tolerance)
    elsewhen = dataclasses.replace(state, substep=state.substep + 6)
    other = tendencies(elsewhen, "physics", forcing, model)
    assert rms(sum(other[n] for n in TRACERS) - water) > 1e-3 * rms(water)


def changing_forcing(state):
    """The sea warms by 1 K an hour around the time of a state."""
    now = units.REFERENCE_TIME + int(state.substep) * small.model().time_step
    hours = np.arange(-4, 12)
    sea = small.forcing()
    warmer = np.float32(hours)[:, None, None, None]
    return Forcing.at_times(
        now + hours * np.timedelta64(1, "h"),
        {
            "sea_surface_temperature": np.asarray(sea["sea_surface_temperature"])
            + warmer,
            "sea_ice_cover": np.asarray(sea["sea_ice_cover"]) + 0 * warmer,
        },
    )


def test_an_atmosphere_at_rest_has_no_dynamics():
    """Isothermal, dry and in balance with the orography of the dynamical core."""
    model, temperature = small.model(), 250.0
    dycore = model.step.dycore
    height = dycore.orography.modal(dycore.harmonics.grid)
    # The dynamical core clips the highest total wavenumber of what it is forced by.
    height = height * (np.arange(height.shape[-1]) < height.shape[-1] - 1)
    height = change_truncation(height, model.grid.modal_shape)
    rest = small.atmosphere(temperature=temperature)
    slope = units.GRAVITY / (units.GAS_CONSTANT * temperature)
    pressure = rest.state.log_surface_pressure - slope * height
    rest = small.with_prognostic(rest, log_surface_pressure=pressure)
    found = tendencies(rest, "dynamics")
    flat = tendencies(small.atmosphere(temperature=temperature), "dynamics")
    # Geopotential and pressure cancel but for their rounding, at wavenumber 16.
    geopotential = rms(1004 * 2 / 7 * temperature * np.log(small.sigma()))
    rounding = 4 * EPS * geopotential * 16 / small.RADIUS
    for name in "u_component_of_wind", "v_component_of_wind":
        assert rms(found[name]) < rounding, name
        # Without the slope of the pressure the ground would push.
        assert rms(flat[name]) > 1000 * rounding, name
