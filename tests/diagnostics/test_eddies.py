"""Eddy fluxes and products against NumPy, and against known waves."""

import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS
from diagnostics import reduced_states as small

from ngcm_cli.diagnostics import DIAGNOSTICS, RunningMean, evaluate, resolve_name
from ngcm_cli.diagnostics.eddies import EDDIES, eddy_products, products

FIELDS = (
    "u_component_of_wind", "v_component_of_wind", "temperature", "specific_humidity",
)  # fmt: skip
LONGITUDE = 2 * np.pi * np.arange(32)[:, None] / 32
PRESSURE = jnp.float32(5e4)


def in_float32(*values):
    shape = 2, 32, 4
    return {
        name: jnp.asarray(np.broadcast_to(x, shape), jnp.float32)
        for name, x in zip(FIELDS, values, strict=True)
    }


def test_waves_of_known_phase():
    """A mean over longitudes of a product of waves is half its cosine of the phase."""
    u = 30 + 10 * np.cos(3 * LONGITUDE)
    v = 2 + 8 * np.cos(3 * LONGITUDE - np.pi / 3)
    t = 250 + 4 * np.cos(3 * LONGITUDE - np.pi / 3) + 5 * np.sin(7 * LONGITUDE)
    q = 1e-3 * (1 + np.sin(3 * LONGITUDE - np.pi / 3))  # in quadrature with v
    found = eddy_products(in_float32(u, v, t, q), PRESSURE)
    expected = {
        "eddy_kinetic_energy": (10**2 + 8**2) / 4,
        "eddy_momentum_flux": 10 * 8 * np.cos(np.pi / 3) / 2,
        "eddy_heat_flux": 8 * 4 / 2,
        "eddy_moisture_flux": 0.0,
    }
    assert expected.keys() == found.keys()
    for name, x in expected.items():
        # Of deviations of temperature: of 250 K, times 8 m/s.
        tolerance = 4 * EPS * 250 * 8
        mean = np.asarray(found[name], np.float64).mean(-2)
        np.testing.assert_allclose(mean, x, rtol=4 * EPS, atol=tolerance, err_msg=name)


def test_a_zonal_flow_has_no_eddies():
    latitude = np.linspace(-1, 1, 4)
    fields = in_float32(20 + latitude, 3.0, 280 - 30 * latitude**2, 0.01)
    for x in eddy_products(fields, PRESSURE).values():
        np.testing.assert_allclose(x, 0, atol=(300 * EPS) * 20)


def test_transient_eddies_follow_from_means_of_products():
    """Of 40 samples: mean(v T) - mean(v) mean(T) is their covariance in time."""
    draw = np.random.default_rng(3)
    samples = [
        in_float32(*(m + s * draw.standard_normal((2, 32, 4)) for m, s in SIZES))
        for _ in range(40)
    ]
    mean = RunningMean.zeros_like(samples[0] | products(samples[0], PRESSURE))
    for sample in samples:
        mean = mean.add(sample | products(sample, PRESSURE))
    means = small.in_float64(mean.fields)
    series = {
        name: np.stack([np.asarray(x[name], np.float64) for x in samples])
        for name in FIELDS
    }
    for name, (first, second) in FACTORS.items():
        a, b = series[first], series[second]
        expected = ((a - a.mean(0)) * (b - b.mean(0))).mean(0)
        found = means[name] - means[first] * means[second]
        # The rounding of the product and of its running mean.
        tolerance = 8 * EPS * np.abs(means[name]).max()
        np.testing.assert_allclose(found, expected, atol=tolerance, err_msg=name)


SIZES = (20.0, 10.0), (0.0, 8.0), (260.0, 5.0), (5e-3, 2e-3)
U, V, T, Q = FIELDS
FACTORS = {
    "square_of_eastward_wind": (U, U),
    "square_of_northward_wind": (V, V),
    "square_of_air_temperature": (T, T),
    "product_of_eastward_wind_and_northward_wind": (U, V),
    "product_of_northward_wind_and_air_temperature": (V, T),
    "product_of_northward_wind_and_specific_humidity": (V, Q),
}


@pytest.mark.slow
@pytest.mark.parametrize("levels", ["pressure", "model"])
def test_they_are_of_the_decoded_fields_of_the_same_instant(levels):
    names = tuple(d.name for d in EDDIES)
    found = small.in_float64(
        evaluate(small.model(), small.real(), None, (*names, *FIELDS), levels)
    )
    u, v, t, q = (found[name] - found[name].mean(-2, keepdims=True) for name in FIELDS)
    for name, expected, size in (
        ("eddy_kinetic_energy", (u**2 + v**2) / 2, 50.0**2),
        ("eddy_momentum_flux", u * v, 50.0**2),
        ("eddy_heat_flux", v * t, 50.0 * 300),
        ("eddy_moisture_flux", v * q, 50.0 * 0.02),
    ):
        np.testing.assert_allclose(found[name], expected, atol=4 * EPS * size)
    for name, (first, second) in FACTORS.items():
        expected = found[first] * found[second]
        np.testing.assert_allclose(found[name], expected, rtol=2 * EPS)


@pytest.mark.parametrize(
    "alias, name",
    [
        ("eke", "eddy_kinetic_energy"),
        ("vt", "product_of_northward_wind_and_air_temperature"),
    ],
)
def test_short_names(alias, name):
    assert resolve_name(alias, tuple(DIAGNOSTICS)) == name
