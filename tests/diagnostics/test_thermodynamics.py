"""Humidity and potential temperature against published and independent values."""

import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS
from diagnostics import reduced_states as small

from ngcm_cli.diagnostics import evaluate
from ngcm_cli.diagnostics.thermodynamics import (
    potential_temperature,
    relative_humidity,
)
from ngcm_cli.inputs.humidity import saturation_vapour_pressure


def saturation(celsius):
    kelvin = jnp.asarray(np.float64(celsius) + 273.15, jnp.float32)
    return np.asarray(saturation_vapour_pressure(kelvin), np.float64)


# Over water: World Meteorological Organization (2018), Guide to Instruments and Methods
# of Observation, annex 4.B; over ice likewise.
@pytest.mark.parametrize(
    "celsius, pascal",
    [(40, 7384.0), (30, 4246.0), (20, 2339.0), (10, 1228.0), (0, 611.2)],
)
def test_over_water(celsius, pascal):
    np.testing.assert_allclose(saturation(celsius), pascal, rtol=2e-3)


@pytest.mark.parametrize("celsius, pascal", [(-30, 38.0), (-40, 12.84), (-60, 1.081)])
def test_over_ice(celsius, pascal):
    np.testing.assert_allclose(saturation(celsius), pascal, rtol=5e-3)


def test_a_mixture_in_between():
    """In the middle a quarter counts as water: 165.3 Pa over it, 143.6 Pa over ice."""
    kelvin = (273.16 + 250.16) / 2
    water = 611.21 * np.exp(17.502 * (kelvin - 273.16) / (kelvin - 32.19))
    ice = 611.21 * np.exp(22.587 * (kelvin - 273.16) / (kelvin + 0.7))
    found = saturation(kelvin - 273.15)
    np.testing.assert_allclose(found, 0.25 * water + 0.75 * ice, rtol=16 * EPS)
    assert ice < found < water


def test_saturation_is_continuous_and_grows():
    values = saturation(np.arange(-90, 50, 0.05))
    growth = np.diff(values) / values[1:] / 0.05
    assert growth.min() > 0.03 and growth.max() < 0.2


def test_no_temperature_breaks_it():
    values = saturation(np.linspace(-273.15, 2000, 1001))
    assert np.isfinite(values).all()


@pytest.mark.parametrize("kelvin", [220.0, 262.0, 300.0])
@pytest.mark.parametrize("pascal", [20_000.0, 85_000.0])
def test_saturated_air_has_a_relative_humidity_of_one(kelvin, pascal):
    """Vapour of that pressure, by Dalton's law: q = ε e/(p − (1 − ε) e)."""
    e = saturation(kelvin - 273.15)
    epsilon = (1004 * 2 / 7) / 461.0
    q = epsilon * e / (pascal - (1 - epsilon) * e)
    fields = {
        "temperature": jnp.float32(kelvin),
        "specific_humidity": jnp.float32(q),
    }
    found = relative_humidity(fields, jnp.float32(pascal))["relative_humidity"]
    # The exponent of −20 multiplies the rounding of temperature.
    np.testing.assert_allclose(found, 1, rtol=64 * EPS)


def test_potential_temperature():
    fields = {"temperature": jnp.float32([250.0, 288.0])}
    found = potential_temperature(fields, jnp.float32([5e4, 1e5]))
    # 250 K at 500 hPa and κ = 2/7: 250 × 2^(2/7).
    expected = [304.7534, 288.0]
    np.testing.assert_allclose(found["potential_temperature"], expected, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("levels", ["pressure", "model"])
def test_they_belong_to_the_fields_and_pressure_of_their_levels(levels):
    inputs = "temperature", "specific_humidity", "surface_pressure"
    names = "relative_humidity", "potential_temperature"
    found = small.in_float64(
        evaluate(small.model(), small.real(), None, (*names, *inputs), levels)
    )
    t, q, surface = (found[name] for name in inputs)
    if levels == "pressure":
        pressure = 100.0 * np.array(small.model().levels)[:, None, None]
    else:
        pressure = small.sigma() * surface
    theta = t * (1e5 / pressure) ** (2 / 7)
    np.testing.assert_allclose(found["potential_temperature"], theta, rtol=8 * EPS)
    epsilon = (1004 * 2 / 7) / 461.0
    vapour = q * pressure / (epsilon + (1 - epsilon) * q)
    alpha = np.clip((t - 250.16) / 23, 0, 1) ** 2
    water = np.exp(17.502 * (t - 273.16) / (t - 32.19))
    ice = np.exp(22.587 * (t - 273.16) / (t + 0.7))
    expected = vapour / (611.21 * (alpha * water + (1 - alpha) * ice))
    np.testing.assert_allclose(found["relative_humidity"], expected, rtol=200 * EPS)
