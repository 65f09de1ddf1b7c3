"""Energy spectra by total wavenumber."""

from typing import NamedTuple

import numpy as np

from ngcm_cli.diagnostics.harmonic_analysis import (
    harmonic_grid,
    scalar_coefficients,
    vector_coefficients,
)


class KineticEnergySpectrum(NamedTuple):
    """Kinetic energy of the horizontal wind by total wavenumber, from 0.

    Attributes:
        rotational: of the non-divergent part, m2 s-2, shape (..., wavenumber).
        divergent: of the irrotational part, m2 s-2, shape (..., wavenumber). The sum
            of both parts over wavenumbers is the global mean of (u² + v²)/2.
    """

    rotational: np.ndarray
    divergent: np.ndarray


def power_spectrum(
    field: np.ndarray, latitude_degrees: np.ndarray, longitude_degrees: np.ndarray
) -> np.ndarray:
    """Return the power of a scalar field by total wavenumber, Σₘ |cₗᵐ|²/4π.

    Args:
        field: shape (..., latitude, longitude) on a Gaussian or regular grid of the
            globe. What is not finite makes the spectrum NaN.
        latitude_degrees: ascending or descending, shape (latitude,).
        longitude_degrees: shape (longitude,).

    Returns:
        The power from wavenumber 0 to the highest that the grid resolves, units of the
        field squared, shape (..., wavenumber), float64. The sum is the mean square over
        the globe of what the grid resolves.

    Raises:
        InputDataError: the grid does not cover the globe, or is neither Gaussian nor
            regular, or is too fine.
    """
    grid = harmonic_grid(latitude_degrees, longitude_degrees)
    field = _northward(field, latitude_degrees)
    return _power(scalar_coefficients(field, grid))


def kinetic_energy_spectrum(
    u: np.ndarray,
    v: np.ndarray,
    latitude_degrees: np.ndarray,
    longitude_degrees: np.ndarray,
) -> KineticEnergySpectrum:
    """Return the kinetic energy of the rotational and divergent wind by wavenumber.

    With vorticity ζ and divergence δ, a²/(2l(l + 1)) Σₘ |ζₗᵐ|²/4π and the same of δ
    (Koshyk and Hamilton 2001, doi:10.1175/1520-0469(2001)058<0329:THKESA>2.0.CO;2).

    Args:
        u: eastward wind in m s-1, shape (..., latitude, longitude) on a Gaussian or
            regular grid of the globe. What is not finite makes the spectrum NaN.
        v: northward wind, same shape.
        latitude_degrees: ascending or descending, shape (latitude,).
        longitude_degrees: shape (longitude,).

    Returns:
        The spectrum up to the highest wavenumber that the grid resolves, float64.

    Raises:
        InputDataError: the grid does not cover the globe, or is neither Gaussian nor
            regular, or is too fine.
    """
    grid = harmonic_grid(latitude_degrees, longitude_degrees)
    u, v = _northward(u, latitude_degrees), _northward(v, latitude_degrees)
    powers = [_power(c) for c in vector_coefficients(u, v, grid)]
    l = np.arange(powers[0].shape[-1])
    scale = 0.5 / np.maximum(l * (l + 1), 1)
    return KineticEnergySpectrum(*(scale * power for power in powers))


def _northward(field: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    field = np.asarray(field)
    return field[..., ::-1, :] if latitude[0] > latitude[-1] else field


def _power(coefficients: np.ndarray) -> np.ndarray:
    """Return the power by total wavenumber, shape (..., l), of those of m ≥ 0."""
    square = np.square(np.abs(coefficients))
    square[1:] *= 2  # and those of -m
    return np.moveaxis(square.sum(axis=0), 0, -1) / (4 * np.pi)
