"""Global means of states that are known in closed form, and in float64."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS, assert_agrees, rms
from gcm import bundled, synthetic
from gcm.synthesis import synthesis

from ngcm_cli import units
from ngcm_cli.diagnostics.global_means import area_mean, global_means, monitor
from ngcm_cli.dynamics.state import TRACERS
from ngcm_cli.physics.radiation import (
    DAYS_PER_YEAR,
    PERIHELION,
    SOLAR_CONSTANT,
    SOLAR_VARIATION,
)
from ngcm_cli.spectral.operators import velocity

G = 9.80616
PRESSURE = synthetic.PRESSURE
# A field passes two transforms and a mean, an exponential has the error of its argument
# ln pₛ = 5.8 in full. Measured: 3 spacings of a real state, 25 at the worst node.
ROUNDING = 32 * EPS


def means(state):
    return in_float64(global_means(bundled.model(), state))


def watched(state):
    return in_float64(monitor(bundled.model(), state))


def in_float64(numbers):
    return {name: np.asarray(x, np.float64) for name, x in numbers.items()}


def close(ours, expected, tolerance=ROUNDING):
    np.testing.assert_allclose(ours, expected, rtol=tolerance)


def test_an_isothermal_atmosphere_at_rest():
    state = synthetic.around(
        synthetic.atmosphere(temperature=250, vapour=2e-3, ice=1e-5, liquid=3e-5)
    )
    found, mass = means(state), PRESSURE / G
    close(found["temperature"], np.full(32, 250))
    close(found["surface_pressure"], PRESSURE)
    close(found["total_mass"], mass)
    close(found["water_vapour"], 2e-3 * mass)
    close(found["cloud_water"], 4e-5 * mass)
    close(found["dry_mass"], (1 - 2e-3 - 4e-5) * mass)
    assert found["kinetic_energy"] == 0
    seen = watched(state)
    assert seen["finite"] == 1
    np.testing.assert_array_equal(seen["max_wind"], np.zeros(32))
    for name in "min_temperature", "max_temperature":
        close(seen[name], np.full(32, 250))
    for name in "surface_pressure", "min_surface_pressure", "max_surface_pressure":
        close(seen[name], PRESSURE)


def test_negative_humidity_of_a_hemisphere():
    """On every other level, humidity is negative in the south alone."""
    grid = bundled.model().grid
    wave = (np.arange(32) % 2)[:, None, None] * np.sin(grid.latitude)
    state = synthetic.around(synthetic.atmosphere(vapour=1e-3 * (1e-3 + wave)))
    share = means(state)["negative_humidity"]
    close(share, np.tile([0, 0.5], 16))


def test_solid_body_rotation():
    """U = U₀ cos φ, whose square has the mean 2/3 U₀²; a half of the air moves."""
    grid = bundled.model().grid
    moves = (np.arange(32) % 2)[:, None, None]
    state = synthetic.around(synthetic.atmosphere(u=40 * moves * grid.cos_latitude))
    close(means(state)["kinetic_energy"], 0.5 * 40**2 / 3 * PRESSURE / G)
    fastest = 40 * grid.cos_latitude.max() * moves[:, 0, 0]
    # What stands still beside it is zero to the bit.
    np.testing.assert_allclose(watched(state)["max_wind"], fastest, rtol=ROUNDING)


def test_kinetic_energy_by_the_identity_of_parseval():
    """Of rotational and divergent wind alike: ½ Σ (ζ² + δ²)/l(l + 1)."""
    noise = synthetic.random(seed=3)
    state = dataclasses.replace(
        synthetic.atmosphere(), vorticity=noise.vorticity, divergence=noise.divergence
    )
    l = np.maximum(np.arange(65), 1.0)
    squares = sum(
        np.asarray(x, np.float64)[..., 1:] ** 2
        for x in (state.vorticity, state.divergence)
    )
    # A wind has no mean vorticity: the column l = 0 does not count.
    mean = 0.5 * (squares / (l * (l + 1))[1:]).sum((-2, -1)).mean() / (4 * np.pi)
    expected = mean / units.SQUARE_METER_PER_SQUARE_SECOND * PRESSURE / G
    close(means(synthetic.around(state))["kinetic_energy"], expected)


DAYS = ["1979-01-01T00", "1990-04-12T06", "2001-07-04T18", "2022-09-23T12"]


@pytest.mark.parametrize("time", DAYS)
def test_insolation_is_a_quarter_of_the_sun(time):
    time = np.datetime64(time, "s")
    state = synthetic.around(synthetic.atmosphere(), time=time)
    days = (time - units.REFERENCE_TIME) / np.timedelta64(1, "D")
    orbit = 2 * np.pi * days / DAYS_PER_YEAR
    sun = SOLAR_CONSTANT + SOLAR_VARIATION * np.cos(orbit - PERIHELION)
    # Quadrature across the terminator, where insolation has a kink: up to 1e-5.
    close(means(state)["insolation"], sun / 4, 5e-5)


@pytest.mark.slow
def test_a_real_state_in_float64():
    model, state = bundled.model(), bundled.encoded()
    grid, prognostic = model.grid, state.state
    area = np.broadcast_to(grid.area_weights, grid.nodal_shape)

    def mean(x):
        return (x * area).sum((-2, -1)) / area.sum()

    pressure = np.exp(synthesis(prognostic.log_surface_pressure[0], grid))
    pressure /= units.PASCAL
    mass = pressure / G
    vapour, ice, liquid = (
        mean(mass * synthesis(prognostic.tracers[TRACERS[i]], grid).mean(0))
        for i in (2, 0, 1)
    )
    u, v = velocity(
        prognostic.vorticity, prognostic.divergence, model.encoder.harmonics
    )
    speed = np.hypot(np.asarray(u, np.float64), np.asarray(v, np.float64))
    speed /= units.METER_PER_SECOND
    temperature = synthesis(prognostic.temperature_variation, grid)
    temperature += np.array(model.step.dycore.reference_temperature)[:, None, None]

    found = means(state)
    expected = {
        "temperature": mean(temperature),
        "surface_pressure": mean(pressure),
        "total_mass": mean(mass),
        "dry_mass": mean(mass) - vapour - ice - liquid,
        "water_vapour": vapour,
        "cloud_water": ice + liquid,
        "kinetic_energy": mean(mass * (speed**2 / 2).mean(0)),
    }
    assert found.keys() - expected.keys() == {"insolation", "negative_humidity"}
    humidity = synthesis(prognostic.tracers[TRACERS[2]], grid)
    # A node at the edge may fall on either side.
    negative = mean((humidity < 0).astype(float))
    np.testing.assert_allclose(found["negative_humidity"], negative, atol=5e-4)
    assert 0.01 < negative.mean() < 0.05
    for name, x in expected.items():
        assert_agrees(name, "SI", found[name], x, 8 * EPS * rms(x))
    assert 9900 < expected["dry_mass"] < 10200 and 15 < vapour < 30
    assert 5e5 < expected["kinetic_energy"] < 3e6 and ice + liquid < 0.3

    seen = watched(state)
    everywhere = (-2, -1)
    expected = {
        "max_wind": speed.max(everywhere),
        "min_temperature": temperature.min(everywhere),
        "max_temperature": temperature.max(everywhere),
        "surface_pressure": mean(pressure),
        "min_surface_pressure": pressure.min(),
        "max_surface_pressure": pressure.max(),
    }
    assert seen.pop("finite") == 1 and seen.keys() == expected.keys()
    for name, x in expected.items():
        assert_agrees(name, "SI", seen[name], x, 8 * EPS * rms(x))


def spoilt(place, number):
    """An atmosphere with one coefficient that is not a number."""
    state = synthetic.around(synthetic.atmosphere(u=10.0 * np.ones(64), vapour=1e-3))
    return eqx.tree_at(place, state, replace_fn=lambda x: x.at[..., 4, 5].set(number))


@pytest.mark.parametrize(
    "place, seen, averaged",
    [
        (lambda s: s.state.vorticity, ["max_wind"], ["kinetic_energy"]),
        (lambda s: s.state.divergence, ["max_wind"], ["kinetic_energy"]),
        (
            lambda s: s.state.temperature_variation,
            ["min_temperature", "max_temperature"],
            [],
        ),
        (
            lambda s: s.state.log_surface_pressure,
            ["min_surface_pressure", "max_surface_pressure", "surface_pressure"],
            ["total_mass", "dry_mass", "water_vapour", "kinetic_energy"],
        ),
        (lambda s: s.state.tracers[TRACERS[0]], [], ["cloud_water", "dry_mass"]),
        (
            lambda s: s.state.tracers[TRACERS[2]],
            [],
            ["water_vapour", "dry_mass", "negative_humidity"],
        ),
    ],
)
def test_what_is_not_a_number_shows(place, seen, averaged):
    state = spoilt(place, np.nan)
    found = watched(state)
    assert found["finite"] == 0
    for name in seen:
        assert np.isnan(found[name]).all(), name
    for name in averaged:
        assert np.isnan(means(state)[name]).all(), name
    whole = {"max_wind", "min_temperature", "surface_pressure"} - set(seen)
    assert all(np.isfinite(found[name]).all() for name in whole)
    state = spoilt(place, np.inf)
    assert watched(state)["finite"] == 0
    assert not any(np.isfinite(means(state)[name]).any() for name in averaged)


def test_one_level_that_is_not_a_number_is_told_from_the_others():
    state = synthetic.around(synthetic.atmosphere())
    state = eqx.tree_at(
        lambda s: s.state.temperature_variation,
        state,
        replace_fn=lambda x: x.at[7, 0, 0].set(jnp.nan),
    )
    for name, x in (("max_temperature", watched(state)), ("temperature", means(state))):
        assert np.isnan(x[name]).nonzero()[0].tolist() == [7]


def test_the_whole_state_must_be_finite():
    state = synthetic.around(synthetic.atmosphere())
    noise = jnp.zeros((10, 128, 65)).at[3, 2, 1].set(jnp.nan)
    for name, broken in (
        ("time", dataclasses.replace(state, time=jnp.float32(np.inf))),
        ("memory", dataclasses.replace(state, memory=spoilt_memory(state))),
        ("random", eqx.tree_at(lambda s: s.random.fields, state, noise,
                               is_leaf=lambda x: x is None)),
    ):  # fmt: skip
        assert watched(broken)["finite"] == 0, name


def spoilt_memory(state):
    return eqx.tree_at(
        lambda s: s.divergence, state.state, jnp.full((32, 128, 65), jnp.nan)
    )


def test_members_side_by_side():
    members = [
        synthetic.around(synthetic.atmosphere(u=u, temperature=t, vapour=1e-3))
        for u, t in ((10.0, 240.0), (20.0, 260.0))
    ]
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *members)
    model = bundled.model()
    for measure in global_means, monitor:
        together = jax.vmap(lambda s, f=measure: f(model, s))(stacked)
        for i, member in enumerate(members):
            for name, x in measure(model, member).items():
                # The same sums, perhaps in another order.
                close(together[name][i], x, 8 * EPS)


def test_the_mean_of_a_constant_and_of_a_wave():
    grid = bundled.model().grid
    wave = 3 + np.sin(grid.latitude) ** 2 + np.cos(5 * grid.longitude)[:, None]
    x = jnp.asarray(wave[None], jnp.float32)
    close(area_mean(x, grid), [3 + 1 / 3], 4 * EPS)
