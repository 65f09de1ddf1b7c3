"""Cloud in the column, and the sun above it, for the CMIP export."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS, assert_agrees, rms
from diagnostics import reduced_states as small

from ngcm_cli.diagnostics import evaluate, mean_fluxes
from ngcm_cli.inputs.variables import CLOUDS

PATHS = "total_column_cloud_ice_water", "total_column_cloud_condensed_water"
SUN = "toa_incoming_shortwave_flux"
MINUTES = 1440  # of a day


def test_cloud_of_a_known_profile():
    """(pₛ/g) ∫ q dσ with 2e-5 σ² of ice and 5e-5 σ of liquid water."""
    sigma = small.sigma()
    state = small.atmosphere(ice=2e-5 * sigma**2, liquid=5e-5 * sigma)
    found = small.in_float64(evaluate(small.model(), state, None, PATHS))
    mass = small.PRESSURE / small.GRAVITY
    ice = mass * np.mean(2e-5 * sigma**2)
    expected = ice, ice + mass * np.mean(5e-5 * sigma)
    for name, x in zip(PATHS, expected, strict=True):
        np.testing.assert_allclose(found[name], x, rtol=32 * EPS, err_msg=name)


def test_cloud_of_weather_is_the_sum_over_its_levels():
    names = (*CLOUDS, "surface_pressure", *PATHS)
    found = evaluate(small.model(), small.weather(), None, names, "model")
    ice, liquid, pressure, *paths = small.in_float64(found).values()
    mass = pressure / small.GRAVITY
    expected = (mass * x.mean(0, keepdims=True) for x in (ice, ice + liquid))
    for name, x, y in zip(PATHS, paths, expected, strict=True):
        assert_agrees(name, "kg m-2", x, y, 16 * EPS * rms(y))


def after(day: float):
    """A state at the end of a day after 1979-01-01."""
    model = small.model()
    clock = round(day * MINUTES) // (model.step_seconds // model.step.substeps // 60)
    time = np.float32(model.step.interval) * np.float32(clock)
    return dataclasses.replace(
        small.around(small.atmosphere().state),
        substep=jnp.int32(clock),
        time=jnp.float32(time),
    )


def daily_insolation(day: float) -> np.ndarray:
    """The integral over a day, (latitude,) W m-2, of the model's orbit.

    (S/π)(h sin φ sin δ + cos φ cos δ sin h), with the hour angle h of sunset.
    """
    orbit = 2 * np.pi * day / 365.25
    declination = np.deg2rad(23.45) * np.sin(orbit - 79 * 2 * np.pi / 365.25)
    sun = 1361 + 47 * np.cos(orbit - 3 * 2 * np.pi / 365.25)
    latitude = small.model().grid.latitude
    sunset = np.arccos(np.clip(-np.tan(latitude) * np.tan(declination), -1, 1))
    rises = sunset * np.sin(latitude) * np.sin(declination)
    turns = np.cos(latitude) * np.cos(declination) * np.sin(sunset)
    return sun / np.pi * (rises + turns)


@pytest.mark.parametrize("day", [15, 172, 266, 12_000])
def test_the_mean_of_a_day_is_that_of_its_integral(day):
    model = small.model()
    steps = MINUTES * 60 // model.step_seconds
    found = np.asarray(mean_fluxes(model, after(day + 1), steps, (SUN,))[SUN])
    expected = daily_insolation(day + 0.5)[None, None]
    assert found.shape == (1, *model.grid.nodal_shape)
    assert np.abs(found - expected).max() < 3
    assert np.abs(found.mean(1) - expected[0]).max() < 0.2


def test_samples_every_six_hours_would_be_a_wave_around_the_globe():
    samples = [
        evaluate(small.model(), after(100 + i / 4), None, (SUN,))[SUN] for i in range(4)
    ]
    assert np.ptp(np.mean(samples, axis=0)[0], axis=0).max() > 50


def test_the_last_steps_are_those_before_the_state():
    model, state = small.model(), after(100)
    one = mean_fluxes(model, state, 1, (SUN,))[SUN]
    assert model.step.substeps == 1
    before = dataclasses.replace(
        state, time=np.float32(model.step.interval) * (state.substep - 1)
    )
    expected = evaluate(model, before, None, (SUN,))[SUN]
    np.testing.assert_allclose(one, expected, rtol=0, atol=1e-3)
