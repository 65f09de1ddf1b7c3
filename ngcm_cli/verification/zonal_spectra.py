"""Energy spectra along circles of latitude."""

from typing import NamedTuple

import numpy as np

from ngcm_cli.errors import ConfigError
from ngcm_cli.inputs.cell_areas import area_weights
from ngcm_cli.units import LENGTH

_CIRCUMFERENCE = 2 * np.pi * LENGTH  # m, of the equator


class ZonalSpectrum(NamedTuple):
    """Energy by zonal wavenumber, averaged over a band of latitudes.

    Attributes:
        wavenumber: waves around a circle of latitude, shape (wavenumber,).
        wavelength: metres, on a circle of the mean circumference of the band, shape
            (wavenumber,); infinite for wavenumber 0.
        energy: units of the field squared times m, shape (..., wavenumber).
    """

    wavenumber: np.ndarray
    wavelength: np.ndarray
    energy: np.ndarray


def zonal_energy_spectrum(
    field: np.ndarray,
    latitude_degrees: np.ndarray,
    band: tuple[float, float] = (-90.0, 90.0),
) -> ZonalSpectrum:
    """Return the energy spectrum along circles of latitude, averaged over a band.

    With F the discrete Fourier transform of the L values of a circle divided by L, and
    C = 2πa cos φ its circumference, S₀ = C |F₀|² and Sₖ = 2C |Fₖ|², the factor 2 also
    at the highest wavenumber of an even L, as in WeatherBench 2 (whose Earth radius a
    is less by 0.06 %). The average has the area weights of the latitudes.

    Args:
        field: shape (..., latitude, longitude), longitudes equally spaced around the
            globe. What is not finite makes the spectrum NaN.
        latitude_degrees: shape (latitude,).
        band: southern and northern bound in degrees, which belong to the band.

    Returns:
        The spectrum, float64.

    Raises:
        ConfigError: there is no latitude in the band.
    """
    latitude = np.asarray(latitude_degrees, dtype=np.float64)
    inside = (latitude >= band[0] - 1e-5) & (latitude <= band[1] + 1e-5)
    if not inside.any():
        raise ConfigError(
            f"No latitude of the grid is between {band[0]:g} and {band[1]:g}.",
            "Choose a wider band for the spectrum.",
        )
    weights = area_weights(latitude)[inside]
    weights /= weights.sum()
    circumference = _CIRCUMFERENCE * np.cos(np.deg2rad(latitude[inside]))
    values = np.asarray(field, dtype=np.float64)[..., inside, :]
    with np.errstate(invalid="ignore"):
        fourier = np.fft.rfft(values, norm="forward")
    power = np.square(np.abs(fourier))
    power[..., 1:] *= 2
    energy = np.einsum("...jk,j->...k", power, weights * circumference)
    wavenumber = np.arange(energy.shape[-1])
    mean_circle = weights @ circumference
    wavelength = np.full(len(wavenumber), np.inf)
    wavelength[1:] = mean_circle / wavenumber[1:]
    return ZonalSpectrum(wavenumber, wavelength, energy)
