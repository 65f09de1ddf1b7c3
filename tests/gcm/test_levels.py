import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS, assert_agrees, rms

from ngcm_cli.gcm.levels import interpolate, surface_pressure

SOURCE = np.array([10.0, 20.0, 50.0, 100.0, 110.0])
GRID = (3, 2)


def columns(values):
    values = np.asarray(values, np.float32)[:, None, None]
    return jnp.asarray(np.broadcast_to(values, (len(values), *GRID)))


def profile(x):
    return 3 * x - 40


def on_targets(targets, values, extrapolate=()):
    out = interpolate({"x": columns(values)}, SOURCE, columns(targets), extrapolate)
    return np.asarray(out["x"])[:, 1, 1]


@pytest.mark.parametrize("extrapolate", [(), ("x",)])
def test_levels_themselves_are_exact(extrapolate):
    values = [5.0, -3.0, 8.0, 0.25, 7.0]
    found = on_targets(SOURCE, values, extrapolate)
    np.testing.assert_array_equal(found, np.float32(values))


@pytest.mark.parametrize("extrapolate", [(), ("x",)])
def test_values_are_linear_between_levels(extrapolate):
    targets = np.linspace(10, 110, 37)
    found = on_targets(targets, profile(SOURCE), extrapolate)
    scale = rms(profile(SOURCE))
    assert_agrees("x", "1", found, profile(targets), 4 * EPS * scale)


def test_outside_values_are_held_or_continued():
    values, targets = [5.0, -3.0, 8.0, 0.0, 7.0], [0.0, 5.0, 120.0, 210.0]
    np.testing.assert_array_equal(on_targets(targets, values), [5, 5, 7, 7])
    continued = on_targets(targets, values, ("x",))
    np.testing.assert_allclose(continued, [13, 9, 14, 77], rtol=8 * EPS)


def test_every_column_has_its_own_targets():
    rng = np.random.default_rng(0)
    fields = {name: rng.standard_normal((5, *GRID)).astype("f4") for name in "xy"}
    target = rng.uniform(0, 130, (4, *GRID)).astype("f4")
    out = interpolate(fields, SOURCE, target)
    assert set(out) == {"x", "y"}
    for name, (i, j) in ((n, c) for n in "xy" for c in np.ndindex(*GRID)):
        expected = np.interp(target[:, i, j], SOURCE, fields[name][:, i, j])
        assert_agrees(name, "1", out[name][:, i, j], expected, 8 * EPS)


def test_names_choose_what_is_continued():
    out = interpolate(
        {"t": columns(SOURCE), "q": columns(SOURCE)},
        SOURCE,
        columns([0.0, 200.0]),
        extrapolate=("t",),
    )
    np.testing.assert_allclose(out["t"][:, 0, 0], [0, 200], atol=200 * EPS)
    np.testing.assert_array_equal(out["q"][:, 0, 0], [10, 110])


# An atmosphere whose geopotential is linear in pressure: the surface is found exactly.
def linear_atmosphere(p):
    return 8.0 * (100.0 - p)


@pytest.mark.parametrize("pressure", [15.0, 50.0, 99.0, 100.0, 105.0, 130.0])
def test_surface_pressure_of_a_linear_atmosphere(pressure):
    ground = columns([linear_atmosphere(pressure)])
    found = surface_pressure(columns(linear_atmosphere(SOURCE)), SOURCE, ground)
    assert found.shape == (1, *GRID)
    # The geopotential is rounded where it is about 800, and divided by the slope of 8.
    np.testing.assert_allclose(found, pressure, atol=2 * EPS * 800 / 8)


def test_surface_pressure_of_an_isothermal_atmosphere():
    levels = np.geomspace(1, 1100, 200).astype(np.float32)
    scale_height, ground = 8000 * 9.81, 2500 * 9.81
    z = columns(scale_height * np.log(1000 / levels))
    found = surface_pressure(z, levels, columns([ground]))
    expected = 1000 * np.exp(-ground / scale_height)
    spacing = np.log(1100) / 199
    # Linear interpolation of a logarithm errs by at most spacing²/8.
    np.testing.assert_allclose(found, expected, rtol=spacing**2 / 8)
