"""Noise of initial states: how large, how smooth, how balanced."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcm_cli
from ngcm_cli import bundled_state, units
from ngcm_cli.diagnostics.global_means import area_mean
from ngcm_cli.gcm.initial_perturbation import KINDS, perturb_initial_state
from ngcm_cli.spectral.operators import cos_lat_grad, sec_lat, velocity

AMPLITUDE = 0.5


@pytest.fixture(scope="module")
def model():
    return ngcm_cli.load_model("tl63_stochastic_mini")


@pytest.fixture(scope="module")
def state(model):
    data = bundled_state(model)
    return model.encode(data.fields, data.forcing, data.time, jax.random.key(0))


@pytest.fixture(scope="module", params=KINDS)
def noise(request, model, state):
    """What is added, the same as the difference of two states but not rounded."""
    zero = jax.tree.map(jnp.zeros_like, state.state)
    nothing = dataclasses.replace(state, state=zero)
    noisy = perturb_initial_state(
        model, nothing, jax.random.key(1), request.param, AMPLITUDE
    )
    return request.param, noisy.state


def test_amplitude_is_that_of_temperature(model, noise):
    _, added = noise
    warmth = model.encoder.harmonics.to_nodal(added.temperature_variation)
    rms = np.sqrt(area_mean(warmth**2, model.grid))
    # Some hundred independent values in each level, and several levels.
    np.testing.assert_allclose(rms, AMPLITUDE, rtol=0.25)
    assert abs(float(rms.mean()) / AMPLITUDE - 1) < 0.05
    mean = area_mean(warmth, model.grid)
    assert np.abs(mean).max() < 1e-5 * AMPLITUDE


def test_only_temperature_and_vorticity(state, model):
    noisy = perturb_initial_state(
        model, state, jax.random.key(1), "gaussian", AMPLITUDE
    )
    for name in ("divergence", "log_surface_pressure"):
        before, after = (getattr(x.state, name) for x in (state, noisy))
        assert (before == after).all()
    same = jax.tree.map(lambda a, b: bool((a == b).all()), state.state, noisy.state)
    assert all(same.tracers.values())
    assert not same.temperature_variation and not same.vorticity
    assert noisy.random is state.random and noisy.substep is state.substep


def test_the_wind_balances_the_mass(model, noise):
    """f k × v = −∇Φ away from the equator, where Φ comes from the temperature."""
    _, added = noise
    harmonics, grid = model.encoder.harmonics, model.grid
    levels = model.step.dycore.levels
    u, v = velocity(added.vorticity, jnp.zeros_like(added.vorticity), harmonics)
    height = levels.geopotential(added.temperature_variation)
    east, _ = cos_lat_grad(height, clip=False)
    east = harmonics.to_nodal(east) * sec_lat(grid)
    coriolis = 2 * units.ANGULAR_VELOCITY * grid.sin_latitude
    # Away from the tropics, where it fades, and from where f changes fast.
    there = np.abs(np.rad2deg(grid.latitude)) > 45
    force, wind = np.asarray(east)[..., there], np.asarray(coriolis * v)[..., there]
    # Of ψ = Φ f / (f² + f₁₅²), f is 12 % too small at 45 degrees.
    assert np.corrcoef(force.ravel(), wind.ravel())[0, 1] > 0.98
    slope = (force * wind).sum() / (force**2).sum()
    assert 0.85 < slope < 1
    speed = np.sqrt(area_mean(u**2 + v**2, grid)) / units.METER_PER_SECOND
    assert 1 < speed[len(speed) // 2] < 4  # as analyses differ
    assert speed.max() < 8


def perturbed_rest(model, state, amplitude, pressure_amplitude):
    """An atmosphere of zeros with noise: what is added, not rounded."""
    zero = jax.tree.map(jnp.zeros_like, state.state)
    nothing = dataclasses.replace(state, state=zero)
    return perturb_initial_state(
        model, nothing, jax.random.key(1), "gaussian", amplitude, pressure_amplitude
    ).state


def rms(x, grid):
    return np.sqrt(area_mean(x**2, grid))


def test_amplitude_by_level(model, state):
    by_level = np.linspace(0.2, 1, 32)
    added = perturbed_rest(model, state, by_level, 0)
    even = perturbed_rest(model, state, 0.5, 0)
    np.testing.assert_allclose(
        added.temperature_variation,
        even.temperature_variation * by_level[:, None, None].astype("f4") / 0.5,
        rtol=1e-6,
    )
    assert not added.log_surface_pressure.any()


def test_near_the_surface_pressure_and_wind_differ_too(model, state):
    """f k × v = −R T₀ ∇ ln pₛ on all levels, for noise of pressure alone."""
    harmonics, grid = model.encoder.harmonics, model.grid
    added = perturbed_rest(model, state, 1e-9, 50)
    pressure = 1e5 * harmonics.to_nodal(added.log_surface_pressure)
    assert rms(pressure, grid)[0] == pytest.approx(50, rel=0.25)
    assert abs(area_mean(pressure, grid)[0]) < 1e-3
    u, v = velocity(added.vorticity, jnp.zeros_like(added.vorticity), harmonics)
    speed = rms(jnp.hypot(u, v), grid) / units.METER_PER_SECOND
    assert 0.5 < speed[-1] < 2 and 0.5 < speed[0] < 2
    east, _ = cos_lat_grad(added.log_surface_pressure, clip=False)
    warm = np.array(model.step.dycore.reference_temperature)[:, None, None]
    force = harmonics.to_nodal(east) * sec_lat(grid) * units.GAS_CONSTANT * warm
    coriolis = 2 * units.ANGULAR_VELOCITY * grid.sin_latitude
    there = np.abs(np.rad2deg(grid.latitude)) > 45
    force, wind = np.asarray(force)[..., there], np.asarray(coriolis * v)[..., there]
    assert np.corrcoef(force.ravel(), wind.ravel())[0, 1] > 0.98
    assert 0.85 < (force * wind).sum() / (force**2).sum() < 1


def test_temperature_has_the_same_noise_whatever_the_pressure(model, state):
    one, other = (perturbed_rest(model, state, AMPLITUDE, x) for x in (0, 50))
    assert (one.temperature_variation == other.temperature_variation).all()
    assert not (one.vorticity == other.vorticity).all()
    assert not one.log_surface_pressure.any()


def test_spherical_noise_has_finer_scales(model, state):
    def share(kind):
        """Of the variance beyond total wavenumber 55, where a Gaussian has ended."""
        zero = dataclasses.replace(
            state, state=jax.tree.map(jnp.zeros_like, state.state)
        )
        noisy = perturb_initial_state(model, zero, jax.random.key(2), kind, AMPLITUDE)
        power = (noisy.state.temperature_variation**2).sum((0, 1))
        return float(power[56:].sum() / power.sum())

    assert share("spherical") > 5 * share("gaussian")


def test_correlated_in_the_vertical(model, noise):
    _, added = noise
    x = np.asarray(added.temperature_variation)
    flat = x.reshape(len(x), -1)
    together = np.corrcoef(flat)
    assert together[-1, -2] > 0.95 and abs(together[-1, 5]) < 0.3


def test_a_key_is_a_member(model, state):
    one, same, other = (
        perturb_initial_state(model, state, jax.random.key(n), "gaussian", AMPLITUDE)
        for n in (1, 1, 2)
    )
    assert (one.state.vorticity == same.state.vorticity).all()
    assert not (one.state.vorticity == other.state.vorticity).all()


def test_another_kind_is_refused(model, state):
    with pytest.raises(ValueError, match="'white' is none of gaussian, spherical"):
        perturb_initial_state(model, state, jax.random.key(1), "white", AMPLITUDE)
