"""Transfer of kinetic energy among total wavenumbers by the horizontal wind."""

from typing import NamedTuple

import numpy as np

from ngcm_cli.diagnostics.harmonic_analysis import (
    HarmonicGrid,
    finer_grid,
    harmonic_grid,
    scalar_coefficients,
    scalar_field,
    vector_coefficients,
    vector_field,
)
from ngcm_cli.units import LENGTH


class KineticEnergyTransfer(NamedTuple):
    """Gain of kinetic energy by advection at each total wavenumber, from 0.

    Attributes:
        rotational: of the non-divergent wind, m2 s-3, shape (..., wavenumber).
        divergent: of the irrotational wind, likewise. The sum of both over wavenumbers
            is zero.
        two_dimensional: of the non-divergent wind if it alone advects itself. Its sum
            over wavenumbers is zero, and that of its `enstrophy_transfer`.
    """

    rotational: np.ndarray
    divergent: np.ndarray
    two_dimensional: np.ndarray


def kinetic_energy_transfer(
    u: np.ndarray,
    v: np.ndarray,
    latitude_degrees: np.ndarray,
    longitude_degrees: np.ndarray,
) -> KineticEnergyTransfer:
    """Return the transfer of kinetic energy by the horizontal wind, by wavenumber.

        T(l) = −⟨uₗ · (u·∇u + δu/2)⟩

    with the horizontal wind u, its part uₗ of total wavenumber l, its divergence δ, and
    the mean ⟨⟩ over the globe: the part of the transfer of Augier and Lindborg (2013,
    doi:10.1175/JAS-D-12-0281.1, eq. A2) that needs no vertical wind. Products are
    formed on a grid on which the integrals over the globe of the truncated wind are
    exact.

    Args:
        u: eastward wind in m s-1, shape (..., latitude, longitude) on a Gaussian or
            regular grid of the globe. What is not finite makes the transfer NaN.
        v: northward wind, same shape.
        latitude_degrees: ascending or descending, shape (latitude,).
        longitude_degrees: shape (longitude,).

    Returns:
        The transfer up to the highest wavenumber that the grid resolves, float64.

    Raises:
        InputDataError: the grid does not cover the globe, or is neither Gaussian nor
            regular, or is too fine.
    """
    grid = harmonic_grid(latitude_degrees, longitude_degrees)
    fine = finer_grid(grid)
    if latitude_degrees[0] > latitude_degrees[-1]:
        u, v = (np.asarray(x)[..., ::-1, :] for x in (u, v))
    vorticity, divergence = vector_coefficients(u, v, grid)
    curl, spread = _advection(
        np.stack([vorticity, vorticity], 2),
        np.stack([divergence, np.zeros_like(divergence)], 2),
        fine,
    )
    return KineticEnergyTransfer(
        -_product(vorticity, curl[:, :, 0]),
        -_product(divergence, spread[:, :, 0]),
        -_product(vorticity, curl[:, :, 1]),
    )


def enstrophy_transfer(two_dimensional: np.ndarray) -> np.ndarray:
    """Return the gain of enstrophy, ζ²/2, of two-dimensional flow, s-3.

    l (l + 1)/a² times that of kinetic energy (Boer and Shepherd 1983,
    doi:10.1175/1520-0469(1983)040<0164:LSTDTI>2.0.CO;2).

    Args:
        two_dimensional: of `KineticEnergyTransfer`, (..., wavenumber).
    """
    l = np.arange(two_dimensional.shape[-1])
    return l * (l + 1) / LENGTH**2 * two_dimensional


def pressure_work(
    u: np.ndarray,
    v: np.ndarray,
    geopotential: np.ndarray,
    latitude_degrees: np.ndarray,
    longitude_degrees: np.ndarray,
) -> np.ndarray:
    """Return the work of the pressure gradient on the wind by wavenumber, m2 s-3.

    −⟨uₗ · ∇Φ⟩ = ⟨δₗ Φₗ⟩ on a pressure level: the source of kinetic energy, the
    conversion of potential energy and a flux in the vertical (Koshyk and Hamilton 2001,
    doi:10.1175/1520-0469(2001)058<0329:THKESA>2.0.CO;2).

    Args:
        u: as of `kinetic_energy_transfer`, as the other arguments.
        v: likewise.
        geopotential: m2 s-2, on the same level, same shape.
        latitude_degrees: likewise.
        longitude_degrees: likewise.

    Returns:
        Shape (..., wavenumber), float64.

    Raises:
        InputDataError: as `kinetic_energy_transfer`.
    """
    grid = harmonic_grid(latitude_degrees, longitude_degrees)
    if latitude_degrees[0] > latitude_degrees[-1]:
        u, v, geopotential = (np.asarray(x)[..., ::-1, :] for x in (u, v, geopotential))
    _, divergence = vector_coefficients(u, v, grid)
    potential = scalar_coefficients(geopotential, grid)
    return _mean_product(divergence, potential) / LENGTH


def flux(transfer: np.ndarray) -> np.ndarray:
    """Return the flux to the wavenumbers l and above, Π(l) = Σₙ₌ₗ T(n).

    Positive where a quantity goes to smaller scales (Augier and Lindborg 2013,
    doi:10.1175/JAS-D-12-0281.1, section 2).

    Args:
        transfer: (..., wavenumber).
    """
    return np.cumsum(transfer[..., ::-1], axis=-1)[..., ::-1]


def _advection(
    vorticity: np.ndarray, divergence: np.ndarray, fine: HarmonicGrid
) -> tuple[np.ndarray, np.ndarray]:
    """Return the coefficients of curl and divergence of u·∇u + δu/2.

    u·∇u = ζ k×u + ∇(u² + v²)/2. All coefficients are (m, total wavenumber, ...), on the
    unit sphere.
    """
    u, v = vector_field(vorticity, divergence, fine)
    zeta, delta = (scalar_field(x, fine) for x in (vorticity, divergence))
    curl, spread = vector_coefficients(
        -zeta * v + delta * u / 2, zeta * u + delta * v / 2, fine
    )
    energy = scalar_coefficients((u**2 + v**2) / 2, fine)
    l = np.arange(energy.shape[1]).reshape(-1, *[1] * (energy.ndim - 2))
    return curl, spread - l * (l + 1) * energy


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the mean product of two winds by wavenumber, of their coefficients.

    Both are curls or divergences on the unit sphere; one divides by its radius.
    """
    product = _mean_product(a, b)
    l = np.arange(product.shape[-1])
    return product / np.maximum(l * (l + 1), 1) / LENGTH


def _mean_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the mean product of two fields by wavenumber, (..., wavenumber)."""
    each = np.real(a * b.conj())
    each[1:] *= 2  # and those of -m
    return np.moveaxis(each.sum(axis=0), 0, -1) / (4 * np.pi)
