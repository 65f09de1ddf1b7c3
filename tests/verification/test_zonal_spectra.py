import numpy as np
import pytest

from ngcm_cli.inputs.cell_areas import area_weights
from ngcm_cli.units import LENGTH
from ngcm_cli.verification.zonal_spectra import zonal_energy_spectrum

LATITUDE = np.linspace(-90, 90, 19)
LONGITUDE = 2 * np.pi * np.arange(24) / 24


@pytest.mark.parametrize("longitudes", [24, 25])
def test_parseval(longitudes):
    """The sum over wavenumbers is C times the mean square of a circle.

    Without the highest of an even number, which has the factor 2 of all others although
    it has no partner.
    """
    field = np.random.default_rng(0).normal(size=(2, 19, longitudes))
    if longitudes == 24:
        alternating = (-1.0) ** np.arange(24)
        field -= (field * alternating).mean(axis=-1, keepdims=True) * alternating
    circumference = 2 * np.pi * LENGTH * np.cos(np.deg2rad(LATITUDE))
    expected = np.average(
        (field**2).mean(axis=-1) * circumference,
        weights=area_weights(LATITUDE),
        axis=-1,
    )
    energy = zonal_energy_spectrum(field, LATITUDE)
    np.testing.assert_allclose(energy.sum(axis=-1), expected, rtol=1e-13)


def test_highest_wavenumber_counts_twice():
    field = np.tile((-1.0) ** np.arange(24), (1, 1))
    energy = zonal_energy_spectrum(field, np.array([0.0]))
    expected = np.zeros(13)
    expected[12] = 2 * 2 * np.pi * LENGTH
    np.testing.assert_allclose(energy, expected, rtol=1e-13, atol=1e-6)


def test_a_wave_is_at_its_wavenumber():
    """An amplitude A has A²/2 of C, and a mean m has m²."""
    field = np.tile(3 + 2 * np.cos(5 * LONGITUDE + 1), (1, 1))
    energy = zonal_energy_spectrum(field, np.array([0.0]))
    circle = 2 * np.pi * LENGTH
    expected = np.zeros(13)
    expected[[0, 5]] = 9 * circle, 2 * circle
    np.testing.assert_allclose(energy, expected, rtol=1e-13, atol=1e-6)


def test_a_spectrum_is_the_mean_of_those_of_the_circles():
    field = np.random.default_rng(1).normal(size=(19, 24))
    circles = [
        zonal_energy_spectrum(field[i : i + 1], LATITUDE[i : i + 1]) for i in range(19)
    ]
    expected = np.average(circles, weights=area_weights(LATITUDE), axis=0)
    whole = zonal_energy_spectrum(field, LATITUDE)
    np.testing.assert_allclose(whole, expected, rtol=1e-13)


def test_missing_values():
    field = np.ones((2, 19, 24))
    field[1, 9, 3] = np.nan
    energy = zonal_energy_spectrum(field, LATITUDE)
    assert np.isfinite(energy[0]).all() and np.isnan(energy[1]).all()
