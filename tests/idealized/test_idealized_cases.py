"""The cases: fields and forcings against what their papers say of them."""

import jax.numpy as jnp
import numpy as np
import pytest

from ngcm_cli import units
from ngcm_cli.dynamics import SigmaLevels
from ngcm_cli.errors import ConfigError
from ngcm_cli.idealized import (
    held_suarez,
    jablonowski_williamson,
    polvani,
    resting_atmosphere,
)
from ngcm_cli.idealized.case import Resolution
from ngcm_cli.idealized.cases import CASES, find_case
from ngcm_cli.spectral.grid import Grid

HPA = units.HECTOPASCAL
DAYS = 1 / units.DAY


@pytest.mark.parametrize(
    "latitude, pressure, expected",
    [
        (0, 1000, 315.0),  # the warmest
        (90, 1000, 255.0),  # ΔT_y colder
        (45, 1000, 285.0),
        (0, 500, (315 - 10 * np.log(0.5)) * 0.5 ** (2 / 7)),  # Δθ_z on the equator
        (90, 500, 255 * 0.5 ** (2 / 7)),  # and none at the pole
        (0, 100, 200.0),  # the stratosphere
        (90, 300, 200.0),
    ],
)
def test_equilibrium_temperature(latitude, pressure, expected):
    found = held_suarez.equilibrium_temperature(
        jnp.float32(np.sin(np.deg2rad(latitude))), jnp.float32(pressure * HPA)
    )
    assert float(found) == pytest.approx(expected, abs=1e-3)


def test_rates_of_held_and_suarez():
    """A day and four days at the ground, none and forty days above σ = 0.7."""
    sigma = np.array([0.3, 0.7, 0.85, 1.0])
    np.testing.assert_allclose(
        held_suarez.drag_rate(sigma), np.array([0, 0, 0.5, 1]) * DAYS, atol=1e-12
    )
    grid = Grid.triangular(21)
    rate = held_suarez.relaxation_rate(grid, sigma)
    assert rate.shape == (4, 1, 32)
    np.testing.assert_allclose(rate[:2], DAYS / 40, rtol=1e-12)
    cos4 = np.cos(grid.latitude) ** 4
    expected = DAYS * (1 / 40 + (1 / 4 - 1 / 40) * cos4)
    np.testing.assert_allclose(rate[3, 0], expected, rtol=1e-12)


def test_a_state_in_equilibrium_is_not_heated():
    model = held_suarez.build(Resolution(21, SigmaLevels(5), 1800))
    pressure = np.full((1, *model.grid.nodal_shape), np.log(1000 * HPA), np.float32)
    sigma = model.sigma_levels.centers[:, None, None]
    balance = held_suarez.equilibrium_temperature(
        jnp.asarray(model.grid.sin_latitude, jnp.float32),
        1000 * HPA * jnp.asarray(sigma),
    )
    balance = jnp.broadcast_to(balance, (5, *model.grid.nodal_shape))
    assert jnp.abs(model.forcing.heating(balance, pressure)).max() < 1e-4 * DAYS
    warmer = model.forcing.heating(balance + 40, pressure)  # 40 K in 40 days, or faster
    np.testing.assert_allclose(warmer[0], -DAYS, rtol=1e-4)
    assert warmer[-1].min() < -6 * DAYS


def test_the_jets_are_in_balance():
    """Gradient-wind balance on a level: ∂Φ/∂φ = −(2Ω sin φ + u tan φ/a) u a.

    Equations 2, 4 to 7 of the paper belong together: with the hydrostatic relation, of
    which ∂Φ/∂ln η = −RT, the wind and the temperature are in thermal-wind balance.
    """
    latitude = np.linspace(-1.4, 1.4, 2801)
    eta = np.array([0.1, 0.252, 0.5, 0.85])[:, None]
    step = 1e-6
    gas_constant = units.GAS_CONSTANT / units.SQUARE_METER_PER_SQUARE_SECOND
    rotation = units.LENGTH * units.ANGULAR_VELOCITY / units.TIME

    def acceleration(eta):
        u = jablonowski_williamson.zonal_wind(latitude, eta)
        return (2 * rotation * np.sin(latitude) + u * np.tan(latitude)) * u

    by_level = (acceleration(eta + step) - acceleration(eta - step)) / (2 * step)
    temperature = jablonowski_williamson.temperature(latitude, eta)
    gradient = np.gradient(temperature, latitude, axis=1)
    # ∂/∂η of the balance, with ∂Φ/∂η = −RT/η
    np.testing.assert_allclose(
        (gas_constant * gradient / eta)[:, 2:-2], by_level[:, 2:-2], rtol=0, atol=2.0
    )
    assert np.abs(by_level).max() > 1e4
    # And Φ of the ground, at η = 1, balances the wind there.
    height = units.GRAVITY_SI * jablonowski_williamson.surface_height(latitude)
    np.testing.assert_allclose(
        np.gradient(height, latitude)[2:-2], -acceleration(1.0)[2:-2], atol=0.1
    )


def test_the_known_extremes_of_the_jets():
    """35 m/s at 45 degrees and 252 hPa, 288 K at the ground."""
    wind = jablonowski_williamson.zonal_wind(np.pi / 4, np.array([0.252]))
    assert wind == pytest.approx(35)
    assert jablonowski_williamson.mean_temperature(np.array([1.0])) == pytest.approx(
        288
    )
    bump = jablonowski_williamson.wind_perturbation
    assert bump(np.deg2rad(20), np.deg2rad(40)) == pytest.approx(1)
    tenth = bump(np.deg2rad(20), np.deg2rad(40) + 0.1)  # one radius to the north
    assert tenth == pytest.approx(np.exp(-1))


def test_the_resting_atmosphere():
    """Hydrostatic: the temperature at the ground is that of the standard lapse rate."""
    assert resting_atmosphere.mountain(3 * np.pi / 2, 0.0) == pytest.approx(2000)
    assert resting_atmosphere.mountain(np.pi / 2, 0.0) == 0
    height = np.array([0.0, 500.0, 2000.0])
    pressure = resting_atmosphere.surface_pressure(height)
    found = resting_atmosphere.temperature(pressure)
    np.testing.assert_allclose(found, 300 - 0.0065 * height, rtol=1e-12)
    assert resting_atmosphere.temperature(np.array([1e3])) == 300 - 0.0065 * 12e3


def test_the_standard_atmosphere():
    """Its published temperatures at the heights where the lapse rate changes."""
    z = np.array([0, 11e3, 20e3, 32e3, 47e3, 51e3, 71e3])
    expected = [288.15, 216.65, 216.65, 228.65, 270.65, 270.65, 214.65]
    np.testing.assert_allclose(polvani.standard_temperature(z), expected, atol=1e-9)


def test_the_jet_of_polvani_is_in_thermal_wind_balance():
    """∂T/∂φ = −(H/R)(2Ω sin φ + 2u tan φ/a) a ∂u/∂z, by differences."""
    latitude, step = np.linspace(-0.5, 1.45, 1951), 1.0
    z = np.array([2e3, 9e3, 18e3])[:, None]
    gas_constant = units.GAS_CONSTANT / units.SQUARE_METER_PER_SQUARE_SECOND
    rotation = units.LENGTH * units.ANGULAR_VELOCITY / units.TIME
    above, below = (polvani.zonal_wind(latitude, z + x) for x in (step, -step))
    shear = (above - below) / (2 * step)
    u = polvani.zonal_wind(latitude, z)
    expected = 2 * rotation * np.sin(latitude) + 2 * u * np.tan(latitude)
    expected = -7340 / gas_constant * expected * shear
    found = np.gradient(polvani.balance(latitude, z), latitude, axis=1)
    np.testing.assert_allclose(found[:, 1:-1], expected[:, 1:-1], atol=2e-3)
    assert np.abs(expected).max() > 50  # K per radian


def test_the_model_of_polvani():
    """The mean temperature of each level, its jet, its warm spot, its diffusion."""
    model = polvani.build(Resolution(42, SigmaLevels(20), 900))
    t = model.initial.temperature_variation[:, 0, 0] / np.sqrt(4 * np.pi) + 300
    z = polvani.height(model.sigma_levels.centers.astype(np.float64))
    spot = polvani.perturbation(
        model.grid.longitude[:, None], model.grid.latitude[None]
    )
    assert spot.max() == pytest.approx(1, abs=0.02)
    mean = (spot.mean(0) * model.grid.area_weights).sum()
    mean /= model.grid.area_weights.sum()
    np.testing.assert_allclose(t, polvani.standard_temperature(z) + mean, rtol=1e-6)
    monitor = model.monitor(model.encode({}, None, np.datetime64("2000-01-01", "s")))
    fastest = polvani.zonal_wind(model.grid.latitude, z[:, None]).max()
    assert monitor["max_wind"].max() == pytest.approx(fastest, rel=0.01)
    decay = 1 / (1 + 900 * 7e5 * 42 * 43 / units.LENGTH**2)
    assert float(model.diffusion.factors[42]) == pytest.approx(decay, rel=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_what_a_case_says_of_itself(name):
    case = CASES[name]
    assert case.name == name and case.paper.startswith("https://")
    assert case.lead % case.every == np.timedelta64(0, "s")
    step = case.automatic_step(case.truncation)
    assert step is not None and step <= case.longest_step(case.truncation)
    assert case.automatic_step(100_000) is None


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(ConfigError) as caught:
        find_case("baroclinic-waves")
    assert "Did you mean 'baroclinic-wave'?" in caught.value.hint
