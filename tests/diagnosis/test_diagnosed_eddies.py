"""Eddy fluxes of waves of known phase; transients from means of products."""

import numpy as np
import pytest
from diagnosis.flows import LAMBDA, LATITUDE, PHI, on_globe

from ngcm_cli.diagnosis.eddies import (
    FLUXES,
    PRODUCTS,
    UNITS,
    Q,
    T,
    U,
    V,
    eddy_means,
    transient_means,
)

COS = np.cos(PHI[:, 0])


def wave(mean, amplitude, phase=0.0):
    return on_globe(mean + amplitude * np.cos(PHI) * np.cos(4 * LAMBDA - phase))[None]


def test_waves():
    fields = {U: wave(20, 10), V: wave(0, 6, np.pi / 3), T: wave(280, 4, np.pi / 3)}
    found = eddy_means(fields)
    assert list(found) == list(FLUXES)[:3]
    half = COS**2 / 2
    np.testing.assert_allclose(found["eddy_kinetic_energy"][0], half * 68, rtol=1e-12)
    np.testing.assert_allclose(found["eddy_momentum_flux"][0], half * 30, rtol=1e-12)
    np.testing.assert_allclose(found["eddy_heat_flux"][0], half * 24, rtol=1e-10)
    assert UNITS.keys() == FLUXES.keys()


def test_missing_values_are_left_out():
    t = wave(280, 0)
    t[0, :, :5] = np.nan
    found = eddy_means({V: wave(1, 0), T: t})["eddy_heat_flux"]
    np.testing.assert_allclose(found, 0, atol=1e-12)


def test_transients_are_the_rest_of_all_products():
    draw = np.random.default_rng(0)
    shape = 50, 2, len(LATITUDE), 8
    series = {
        name: draw.standard_normal(shape) + i for i, name in enumerate((U, V, T, Q))
    }
    means = {name: x.mean(0) for name, x in series.items()}
    products = {
        name: (series[a] * series[b]).mean(0) for (a, b), name in PRODUCTS.items()
    }
    found = transient_means(means, products)
    departures = {name: x - x.mean(0) for name, x in series.items()}
    expected = (departures[V] * departures[T]).mean((0, -1))
    np.testing.assert_allclose(found["eddy_heat_flux"], expected, atol=1e-12)
    energy = (departures[U] ** 2 + departures[V] ** 2).mean((0, -1)) / 2
    np.testing.assert_allclose(found["eddy_kinetic_energy"], energy, atol=1e-12)
    del products["square_of_eastward_wind"]
    assert "eddy_kinetic_energy" not in transient_means(means, products)


def test_total_is_stationary_plus_transient_plus_mean_flow():
    """[mean(v T)] = [v̄* T̄*] + [v̄][T̄] + [transient], an identity."""
    draw = np.random.default_rng(1)
    v, t = draw.standard_normal((2, 30, 1, len(LATITUDE), 8))
    means = {V: v.mean(0), T: t.mean(0)}
    product = {"product_of_northward_wind_and_air_temperature": (v * t).mean(0)}
    stationary = eddy_means(means)["eddy_heat_flux"]
    transient = transient_means(means, product)["eddy_heat_flux"]
    overturning = means[V].mean(-1) * means[T].mean(-1)
    total = (v * t).mean((0, -1))
    assert stationary + transient + overturning == pytest.approx(total)
