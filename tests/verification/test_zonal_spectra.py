import numpy as np
import pytest

from ngcm_cli.errors import ConfigError
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
    energy = zonal_energy_spectrum(field, LATITUDE).energy
    np.testing.assert_allclose(energy.sum(axis=-1), expected, rtol=1e-13)


def test_highest_wavenumber_counts_twice():
    spectrum = zonal_energy_spectrum(
        np.tile((-1.0) ** np.arange(24), (1, 1)), np.array([0.0])
    )
    expected = np.zeros(13)
    expected[12] = 2 * 2 * np.pi * LENGTH
    np.testing.assert_allclose(spectrum.energy, expected, rtol=1e-13, atol=1e-6)


def test_a_wave_is_at_its_wavenumber():
    """An amplitude A has A²/2 of C, and a mean m has m²."""
    field = np.tile(3 + 2 * np.cos(5 * LONGITUDE + 1), (19, 1))
    wavenumber, wavelength, energy = zonal_energy_spectrum(field, LATITUDE, (0, 0))
    circle = 2 * np.pi * LENGTH
    expected = np.zeros(13)
    expected[[0, 5]] = 9 * circle, 2 * circle
    np.testing.assert_allclose(energy, expected, rtol=1e-13, atol=1e-6)
    np.testing.assert_array_equal(wavenumber, np.arange(13))
    np.testing.assert_allclose(wavelength[1:], circle / np.arange(1, 13))
    assert np.isinf(wavelength[0])


def test_spectrum_of_a_band_is_the_mean_of_its_circles():
    field = np.random.default_rng(1).normal(size=(19, 24))
    band = zonal_energy_spectrum(field, LATITUDE, (30, 60))
    singles = [zonal_energy_spectrum(field, LATITUDE, (x, x)) for x in (30, 40, 50, 60)]
    weights = area_weights(LATITUDE)[12:16]
    expected = np.average([s.energy for s in singles], weights=weights, axis=0)
    np.testing.assert_allclose(band.energy, expected, rtol=1e-13)
    longest = np.average([s.wavelength[1] for s in singles], weights=weights)
    assert band.wavelength[1] == pytest.approx(longest)


def test_band_without_latitudes_and_missing_values():
    with pytest.raises(ConfigError, match="between 1 and 2"):
        zonal_energy_spectrum(np.ones((19, 24)), LATITUDE, (1, 2))
    field = np.ones((2, 19, 24))
    field[1, 9, 3] = np.nan
    energy = zonal_energy_spectrum(field, LATITUDE).energy
    assert np.isfinite(energy[0]).all() and np.isnan(energy[1]).all()
