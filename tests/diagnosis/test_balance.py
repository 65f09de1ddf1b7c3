"""Balanced flows have no ageostrophic wind."""

import numpy as np
import pytest
from diagnosis.flows import LATITUDE, OMEGA, PHI, on_globe, wave_geopotential

from ngcm_cli.diagnosis.balance import geostrophic_wind, mean_speeds
from ngcm_cli.units import LENGTH


def test_a_geostrophic_wave_has_no_ageostrophic_wind():
    phi, east, north = wave_geopotential()
    f = 2 * OMEGA * np.sin(PHI)
    geostrophic, rest = mean_speeds(-north / f, east / f, phi, LATITUDE)
    # What differences of sixth order leave at wavenumber 6 on 64 longitudes.
    assert rest < 2e-3 * geostrophic
    assert geostrophic > 3


def test_the_discrete_geostrophic_wind_is_geostrophic_to_rounding():
    phi, *_ = wave_geopotential()
    wind = geostrophic_wind(phi, LATITUDE)
    geostrophic, rest = mean_speeds(*wind, phi, LATITUDE)
    assert rest == 0 and geostrophic > 3


def test_a_zonal_jet_in_geostrophic_balance():
    """Φ = −U a Ω sin² φ: u_g = U cos φ, as in solid-body rotation of small U."""
    speed = 20.0
    phi = on_globe(5e4 - speed * LENGTH * OMEGA * np.sin(PHI) ** 2)
    u, v = geostrophic_wind(phi, LATITUDE)
    inside = np.abs(LATITUDE) > 5
    expected = on_globe(speed * np.cos(PHI))
    # Differences are of sixth order, and one-sided at the poles.
    np.testing.assert_allclose(u[inside], expected[inside], rtol=1e-4)
    np.testing.assert_allclose(v[inside], 0, atol=1e-8)


@pytest.mark.parametrize("added", [1.0, 5.0])
def test_a_uniform_ageostrophic_wind_is_found(added):
    phi, *_ = wave_geopotential()
    u, v = geostrophic_wind(phi, LATITUDE)
    levels = np.stack([phi, phi])
    winds = np.stack([u, u]), np.stack([v, v + added])
    geostrophic, rest = mean_speeds(*winds, levels, LATITUDE)
    np.testing.assert_allclose(rest, [0, added], atol=1e-12)
    np.testing.assert_allclose(geostrophic[0], geostrophic[1])
