"""Fields on sigma levels, their way to pressure levels, and integrals over columns."""

import jax.numpy as jnp
import numpy as np
from agreement import EPS, assert_agrees, rms
from diagnostics import reduced_states as small
from gcm.synthesis import synthesis

from ngcm_cli import units
from ngcm_cli.diagnostics import DIAGNOSTICS, evaluate
from ngcm_cli.diagnostics.pressure_levels import to_pressure_levels
from ngcm_cli.spectral.filters import change_truncation

R = 1004 * 2 / 7  # J kg-1 K-1


def on_model_levels(state, *names):
    return small.in_float64(evaluate(small.model(), state, None, names, "model"))


def test_scalars_on_sigma_levels_are_those_of_the_state():
    model, state = small.model(), small.weather()
    scalars = "temperature", "specific_humidity", "specific_cloud_ice_water_content"
    found = on_model_levels(state, *scalars)
    reference = np.array(model.step.dycore.reference_temperature)[:, None, None]
    variation = synthesis(state.state.temperature_variation, model.grid)
    expected = {"temperature": variation + reference}
    for name in scalars[1:]:
        expected[name] = synthesis(state.state.tracers[name], model.grid)
    for name, x in expected.items():
        tolerance = 8 * EPS * rms(x)
        assert_agrees(name, DIAGNOSTICS[name].units, found[name], x, tolerance)


def test_geopotential_of_an_isothermal_atmosphere():
    """Φ = Φₛ − R Tᵥ ln σ, Φₛ that of the dynamical core's orography."""
    model, vapour = small.model(), 0.01
    state = small.atmosphere(temperature=260.0, vapour=vapour)
    found = on_model_levels(state, "geopotential")["geopotential"]
    dycore = model.step.dycore
    height = change_truncation(
        dycore.orography.modal(dycore.harmonics.grid), model.grid.modal_shape
    )
    ground = synthesis(height, model.grid) / units.METER * small.GRAVITY
    virtual = 260.0 * (1 + (461.0 / R - 1) * vapour)
    expected = ground - R * virtual * np.log(small.sigma())
    tolerance = 16 * EPS * rms(expected)
    assert_agrees("geopotential", "m2 s-2", found, expected, tolerance)


def test_to_pressure_levels_is_linear_in_pressure():
    model, state = small.model(), small.weather()
    surface = on_model_levels(state, "surface_pressure")["surface_pressure"]
    sigma, wanted = small.sigma(), 100.0 * np.array(model.levels)[:, None, None]
    pressure = jnp.asarray(sigma * surface, jnp.float32)
    found = to_pressure_levels(model, state, {"p": pressure})["p"]
    # Held constant above the highest and below the lowest sigma level.
    expected = np.clip(wanted, surface * sigma[0], surface * sigma[-1])
    assert (wanted < surface * sigma[0]).any() and (wanted > surface).any()
    np.testing.assert_allclose(found, expected, rtol=16 * EPS)


def test_fields_of_the_state_reach_pressure_levels_that_way():
    model, state = small.model(), small.weather()
    name = "vertical_velocity"
    on_sigma = evaluate(model, state, None, (name,), "model")
    expected = to_pressure_levels(model, state, on_sigma)[name]
    found = evaluate(model, state, None, (name,))[name]
    np.testing.assert_allclose(found, expected, rtol=0, atol=8 * EPS * rms(expected))


def test_the_lowest_level():
    names = "temperature", "u_component_of_wind", "v_component_of_wind"
    lowest = tuple(f"lowest_level_{name}" for name in names)
    found = on_model_levels(small.real(), *names, *lowest)
    for name in names:
        x = found[name][-1:]
        tolerance = 8 * EPS * rms(x)
        unit = DIAGNOSTICS[name].units
        assert_agrees(name, unit, found[f"lowest_level_{name}"], x, tolerance)


def test_vapour_transport_of_a_known_flow():
    """(pₛ/g) ∫ q u dσ with q = 0.02 σ³ and u = 20 cos φ, 5 sin φ cos φ northward."""
    grid, sigma = small.model().grid, small.sigma()
    cos, sin = grid.cos_latitude, grid.sin_latitude
    state = small.atmosphere(u=20 * cos, v=5 * sin * cos, vapour=0.02 * sigma**3)
    column = small.PRESSURE / small.GRAVITY * np.mean(0.02 * sigma**3)
    parts = "eastward_water_vapour_transport", "northward_water_vapour_transport"
    found = on_model_levels(state, *parts, "water_vapour_transport")
    shape = 1, *grid.nodal_shape
    east = np.broadcast_to(column * 20 * cos, shape)
    north = np.broadcast_to(column * 5 * sin * cos, shape)
    expected = (east, north, np.hypot(east, north))
    for (name, x), y in zip(found.items(), expected, strict=True):
        assert_agrees(name, "kg m-1 s-1", x, y, 32 * EPS * rms(east))


def test_transport_of_real_weather_is_the_sum_over_its_levels():
    names = "specific_humidity", "u_component_of_wind", "surface_pressure"
    transport = "eastward_water_vapour_transport"
    q, u, pressure, found = on_model_levels(small.real(), *names, transport).values()
    expected = pressure / small.GRAVITY * (q * u).mean(0, keepdims=True)
    assert_agrees(transport, "kg m-1 s-1", found, expected, 16 * EPS * rms(expected))
