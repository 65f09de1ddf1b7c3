"""Energy spectra along circles of latitude."""

import numpy as np

from ngcm_cli.inputs.cell_areas import area_weights
from ngcm_cli.units import LENGTH

_CIRCUMFERENCE = 2 * np.pi * LENGTH  # m, of the equator


def zonal_energy_spectrum(
    field: np.ndarray, latitude_degrees: np.ndarray
) -> np.ndarray:
    """Return the mean energy spectrum along circles of latitude.

    With F the discrete Fourier transform of the L values of a circle divided by L, and
    C = 2πa cos φ its circumference, S₀ = C |F₀|² and Sₖ = 2C |Fₖ|², the factor 2 also
    at the highest wavenumber of an even L, as in WeatherBench 2 (whose Earth radius a
    is less by 0.06 %). The average has the area weights of the latitudes.

    Args:
        field: shape (..., latitude, longitude), longitudes equally spaced around the
            globe. What is not finite makes the spectrum NaN.
        latitude_degrees: shape (latitude,).

    Returns:
        Energy by zonal wavenumber from 0, the number of waves around a circle, in units
        of the field squared times m; shape (..., wavenumber), float64.
    """
    latitude = np.asarray(latitude_degrees, dtype=np.float64)
    weights = area_weights(latitude)
    weights = weights / weights.sum()
    circumference = _CIRCUMFERENCE * np.cos(np.deg2rad(latitude))
    values = np.asarray(field, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        fourier = np.fft.rfft(values, norm="forward")
    power = np.square(np.abs(fourier))
    power[..., 1:] *= 2
    return np.einsum("...jk,j->...k", power, weights * circumference)
