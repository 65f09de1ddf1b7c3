"""Known overturning and known jets."""

import numpy as np
import pytest
from diagnosis.flows import LATITUDE, LEVELS, LONGITUDE, PHI, on_globe

from ngcm_cli.diagnosis import circulation
from ngcm_cli.diagnosis.columns import layer_masses, masses_above_levels
from ngcm_cli.units import LENGTH

GRAVITY = 9.80616
FINE = np.arange(10.0, 1001, 10)


def streamfunction(levels, v, surface: float | np.ndarray = 1e5):
    pressure = on_globe(surface)
    masses = layer_masses(levels, pressure), masses_above_levels(levels, pressure)
    return circulation.mass_streamfunction(v, *masses, LATITUDE)


def overturning(levels):
    """ψ = 1e11 sin(4 φ) sin(π p/p₀) where |φ| < 45 degrees, and its [v]."""
    p = levels[:, None] * 100 / 1e5
    psi = -1e11 * np.sin(4 * PHI[:, 0]) * np.sin(np.pi * p)
    slope = -1e11 * np.sin(4 * PHI[:, 0]) * np.pi / 1e5 * np.cos(np.pi * p)
    v = slope * GRAVITY / (2 * np.pi * LENGTH * np.cos(PHI[:, 0]))
    return psi, np.repeat(v[:, :, None], len(LONGITUDE), -1)


def test_a_known_overturning():
    psi, v = overturning(FINE)
    found = streamfunction(FINE, v)
    # Layers of 10 hPa: (π/100)²/24 of the maximum, and half a layer at the top.
    np.testing.assert_allclose(found, psi, atol=1e-3 * 1e11)


def test_a_uniform_flow_above_the_ground_only():
    surface = on_globe(1e5)
    surface[:, :32] = 5e4
    v = np.full((len(LEVELS), *surface.shape), 2.0)
    v[LEVELS > 500, :, :32] = np.nan
    found = streamfunction(LEVELS, v, surface)
    depth = np.where(LEVELS <= 500, LEVELS, (500 + LEVELS) / 2) * 100
    circle = 2 * np.pi * LENGTH * np.cos(PHI[:, 0])
    expected = circle * 2.0 * depth[:, None] / GRAVITY
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_cells_and_their_edges():
    psi, _ = overturning(LEVELS)
    psi = -psi  # positive north of the equator
    found = circulation.hadley_cells(psi, LEVELS, LATITUDE)
    # The maximum at 22.5 degrees is up to half a spacing from a node: 1 - cos(11 deg).
    assert found["northern"] == pytest.approx(1e11, rel=2e-2)
    assert found["southern"] == pytest.approx(-1e11, rel=2e-2)
    # Zero at 45 degrees, interpolated linearly over 5.6 degrees.
    assert found["northern_edge"] == pytest.approx(45, abs=0.2)
    assert found["southern_edge"] == pytest.approx(-45, abs=0.2)


def test_without_500_hectopascals_there_are_no_edges():
    psi, _ = overturning(LEVELS[-2:])
    found = circulation.hadley_cells(psi, LEVELS[-2:], LATITUDE)
    assert np.isnan(found["northern_edge"]) and np.isnan(found["southern_edge"])
    assert np.isfinite(found["northern"])


def test_a_jet_between_latitudes():
    for centre in 37.0, -52.0:
        profile = 40 - 0.02 * (LATITUDE - centre) ** 2
        latitude, speed = circulation.jet(profile, LATITUDE, centre > 0)
        assert (latitude, speed) == (pytest.approx(centre), pytest.approx(40))


def test_a_jet_at_the_edge_of_the_band_is_a_node():
    latitude, speed = circulation.jet(-np.abs(LATITUDE), LATITUDE, True)
    assert 15 <= latitude < 21 and speed == -latitude
    assert np.isnan(circulation.jet(LATITUDE * np.nan, LATITUDE, True)).all()


def test_between_levels():
    levels = np.array([5.0, 10, 20])
    u = np.stack([LATITUDE * 0, LATITUDE, LATITUDE * 2])
    between = circulation.at_level(u, levels, np.sqrt(200.0))
    np.testing.assert_allclose(between, 1.5 * LATITUDE)
    assert np.isnan(circulation.at_level(u, levels, 30.0)).all()


@pytest.mark.parametrize("at_the_pole", [-1e-9, 0.0, 1e-9])
def test_a_cell_that_reaches_the_pole_has_no_edge(at_the_pole):
    latitude = np.linspace(-90, 90, 37)
    psi = np.sin(2 * np.radians(latitude))
    psi[[0, -1]] = -at_the_pole, at_the_pole
    cells = circulation.hadley_cells(np.array([psi, psi]), LEVELS[[0, -1]], latitude)
    assert np.isnan(cells["northern_edge"])
    assert np.isnan(cells["southern_edge"])
