"""Spherical-harmonic coefficients of fields on global grids, in NumPy float64.

The transform of the model, in ``ngcm_cli.spectral``, is float32 and knows the Gaussian
grid alone; here fields of any regular or Gaussian grid are analysed. Fields on a
regular grid are first interpolated to Gaussian latitudes: on a meridian and its
continuation beyond the poles a field is periodic, and a band-limited one is a
trigonometric polynomial, which the latitudes of the grid determine.
"""

import dataclasses
import functools
from typing import Literal

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.spectral.legendre import associated_legendre, gauss_legendre_nodes

_ROUNDING = 1e-3  # degrees, of latitudes and longitudes in files
_LARGEST_TABLE = 1 << 30  # bytes of Legendre functions, enough for half a degree
_LARGEST_OF_PRODUCTS = 1 << 28  # enough for 0.75 degrees

Spacing = Literal["gauss", "with_poles", "without_poles"]


@dataclasses.dataclass(frozen=True)
class HarmonicGrid:
    """A global grid, ordered from south to north, and what it resolves.

    Attributes:
        latitudes: number of latitudes.
        longitudes: number of equally spaced longitudes.
        spacing: Gaussian latitudes, or equally spaced ones with the poles among them,
            or half a step from them.
        limit: highest total wavenumber that is used; None is all.
    """

    latitudes: int
    longitudes: int
    spacing: Spacing
    limit: int | None = None

    @property
    def truncation(self) -> int:
        """Highest total wavenumber that the grid resolves in both directions."""
        if self.limit is not None:
            return self.limit
        # The highest sine of colatitude vanishes at all latitudes of a grid with poles.
        lost = 2 if self.spacing == "with_poles" else 1
        return min(self.latitudes - lost, (self.longitudes - 1) // 2)


def harmonic_grid(
    latitude_degrees: np.ndarray, longitude_degrees: np.ndarray
) -> HarmonicGrid:
    """Return the grid with these latitudes, of either order, and longitudes.

    Raises:
        InputDataError: it does not cover the globe, or is neither Gaussian nor regular,
            or is too fine.
    """
    latitude = np.sort(np.asarray(latitude_degrees, dtype=np.float64))
    longitude = np.sort(np.asarray(longitude_degrees, dtype=np.float64))
    count, around = len(latitude), len(longitude)
    step = 360 / around
    if count < 2 or not np.allclose(np.diff(longitude), step, rtol=0, atol=_ROUNDING):
        raise InputDataError(
            f"The {around} longitudes are not equally spaced around the globe.",
            "Spectra by total wavenumber need data of the whole globe.",
        )
    nodes: dict[Spacing, np.ndarray] = {
        "gauss": np.rad2deg(np.arcsin(gauss_legendre_nodes(count)[0])),
        "with_poles": np.linspace(-90, 90, count),
        "without_poles": (np.arange(count) + 0.5) * 180 / count - 90,
    }
    found: list[Spacing] = [
        spacing
        for spacing, expected in nodes.items()
        if np.allclose(latitude, expected, rtol=0, atol=_ROUNDING)
    ]
    if not found:
        raise InputDataError(
            f"The {count} latitudes are neither Gaussian nor equally spaced from pole "
            "to pole.",
            "Spectra by total wavenumber need such a grid of the whole globe.",
        )
    grid = HarmonicGrid(count, around, found[0])
    if 8 * count * (grid.truncation + 2) ** 2 > _LARGEST_TABLE:
        raise InputDataError(
            f"The grid of {count} latitudes is too fine for a spectrum by total "
            "wavenumber.",
            "Evaluate on a grid of half a degree or coarser.",
        )
    return grid


def finer_grid(grid: HarmonicGrid) -> HarmonicGrid:
    """Return a Gaussian grid that integrates products of three fields exactly.

    The fields are those that the first grid resolves, up to the wavenumber N: products
    have wavenumbers up to 3 N.

    Raises:
        InputDataError: the first grid is too fine.
    """
    highest = 3 * grid.truncation
    latitudes, longitudes = highest // 2 + 1, highest + 1
    if 8 * latitudes * (grid.truncation + 2) ** 2 > _LARGEST_OF_PRODUCTS:
        raise InputDataError(
            f"The grid of {grid.latitudes} latitudes is too fine for products of "
            "fields by total wavenumber.",
            "Give data on a grid of 0.75 degrees or coarser.",
        )
    return HarmonicGrid(latitudes, longitudes, "gauss", grid.truncation)


def scalar_coefficients(field: np.ndarray, grid: HarmonicGrid) -> np.ndarray:
    """Return the spherical-harmonic coefficients of a scalar field.

    Args:
        field: shape (..., latitude, longitude), from south to north.
        grid: the grid of the field.

    Returns:
        cₗᵐ = ∫ f Yₗᵐ* dΩ for m ≥ 0, of Y = P̄ₗᵐ(sin φ) e^{imλ}/√(2π), complex, shape
        (m, total_wavenumber, ...).
    """
    legendre, _, _, weights = _tables(grid)
    waves = _waves(field, grid, vector=False)
    return _project(legendre, weights[:, None] * waves, np.shape(field)[:-2])


def vector_coefficients(
    u: np.ndarray, v: np.ndarray, grid: HarmonicGrid
) -> tuple[np.ndarray, np.ndarray]:
    """Return the coefficients of vorticity and divergence on the unit sphere.

    By parts, so that the wind is not differentiated:

        ζₗᵐ = ∫ (u ∂Y*/∂φ − v sec φ ∂Y*/∂λ) dΩ,  δₗᵐ = −∫ (u sec φ ∂Y*/∂λ + v ∂Y*/∂φ) dΩ

    Args:
        u: eastward component, shape (..., latitude, longitude), from south to north.
        v: northward component, same shape.
        grid: the grid of both.

    Returns:
        Complex, shape (m, total_wavenumber, ...), as `scalar_coefficients`; in the
        units of the wind, to be divided by the radius of the sphere.
    """
    legendre, derivative, sec, weights = _tables(grid)
    batch = np.shape(u)[:-2]
    m = np.arange(len(legendre))[:, None, None]
    scaled = (sec * weights)[:, None]
    east = scaled * _waves(u, grid, vector=True)
    north = scaled * _waves(v, grid, vector=True)
    # The conjugate of ∂Y/∂λ = imY is −imY*.
    vorticity = _project(derivative, east, batch) + _project(
        legendre, 1j * m * north, batch
    )
    divergence = _project(legendre, 1j * m * east, batch) - _project(
        derivative, north, batch
    )
    return vorticity, divergence


def scalar_field(coefficients: np.ndarray, grid: HarmonicGrid) -> np.ndarray:
    """Return the field on a Gaussian grid of `scalar_coefficients`.

    Args:
        coefficients: shape (m, total_wavenumber, ...), of the truncation of the grid.
        grid: with Gaussian latitudes.

    Returns:
        Shape (..., latitude, longitude), from south to north.
    """
    legendre, *_ = _tables(grid)
    return _synthesis(_sum(legendre, coefficients), grid)


def vector_field(
    vorticity: np.ndarray, divergence: np.ndarray, grid: HarmonicGrid
) -> tuple[np.ndarray, np.ndarray]:
    """Return the vector field on a Gaussian grid of `vector_coefficients`.

    From streamfunction ψ and velocity potential χ, whose Laplacians are vorticity and
    divergence: u = sec φ ∂χ/∂λ − ∂ψ/∂φ, v = sec φ ∂ψ/∂λ + ∂χ/∂φ.

    Args:
        vorticity: shape (m, total_wavenumber, ...), of the truncation of the grid.
        divergence: likewise.
        grid: with Gaussian latitudes.

    Returns:
        Eastward and northward component, each (..., latitude, longitude).
    """
    legendre, derivative, sec, _ = _tables(grid)
    l = np.arange(vorticity.shape[1]).reshape(-1, *[1] * (vorticity.ndim - 2))
    inverse = -1 / np.maximum(l * (l + 1), 1)
    psi, chi = inverse * vorticity, inverse * divergence
    m = np.arange(len(legendre)).reshape(-1, *[1] * (vorticity.ndim - 1))
    east = _sum(legendre, 1j * m * chi) - _sum(derivative, psi)
    north = _sum(legendre, 1j * m * psi) + _sum(derivative, chi)
    scale = sec.reshape(-1, *[1] * (vorticity.ndim - 2))
    return _synthesis(scale * east, grid), _synthesis(scale * north, grid)


def _sum(functions: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Return the sums over total wavenumbers, (m, latitude, ...)."""
    m, count = coefficients.shape[:2]
    flat = np.ascontiguousarray(coefficients).reshape(m, count, -1)
    product = _times_complex(functions, flat)
    return product.reshape(*product.shape[:2], *coefficients.shape[2:])


def _synthesis(waves: np.ndarray, grid: HarmonicGrid) -> np.ndarray:
    """Return the field of Fourier coefficients (m, latitude, ...) along longitude."""
    ordered = np.moveaxis(waves, (0, 1), (-1, -2)) / np.sqrt(2 * np.pi)
    return np.fft.irfft(ordered, grid.longitudes, norm="forward")


def _project(functions: np.ndarray, waves: np.ndarray, batch: tuple) -> np.ndarray:
    """Return the sums over latitudes of functions (m, latitude, l) times waves."""
    product = _times_complex(functions.transpose(0, 2, 1), waves)
    return product.reshape(*product.shape[:2], *batch)


def _waves(field: np.ndarray, grid: HarmonicGrid, vector: bool) -> np.ndarray:
    """Return the integrals over longitude of f e^{−imλ}/√(2π) at Gaussian latitudes.

    Args:
        field: shape (..., latitude, longitude).
        grid: its grid.
        vector: whether it is a component of a vector, which changes its sign beyond a
            pole.

    Returns:
        Shape (m, latitude, field), complex.
    """
    values = np.asarray(field, dtype=np.float64)
    values = values.reshape(-1, grid.latitudes, grid.longitudes)
    with np.errstate(invalid="ignore"):
        waves = np.fft.rfft(values, norm="forward")[..., : grid.truncation + 1]
        waves = np.sqrt(2 * np.pi) * waves.transpose(2, 1, 0)
        if grid.spacing == "gauss":
            return waves
        even, odd = _interpolation(grid.latitudes, grid.spacing)
        if vector:
            even, odd = odd, even
        result = np.empty_like(waves)
        result[0::2] = _times_complex(even, waves[0::2])
        result[1::2] = _times_complex(odd, waves[1::2])
    return result


def _times_complex(matrix: np.ndarray, waves: np.ndarray) -> np.ndarray:
    """Return the product of real matrices with complex ones, in real arithmetic."""
    pairs = np.ascontiguousarray(waves).view(np.float64)
    return (matrix @ pairs).view(np.complex128)


@functools.lru_cache(maxsize=4)
def _interpolation(count: int, spacing: Spacing) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrices from regular to as many Gaussian latitudes, (Gauss, regular).

    The first is for functions of colatitude θ that are even about the poles, sums of
    cos kθ, the second for odd ones, sums of sin kθ.
    """
    gauss = np.pi / 2 + np.arcsin(gauss_legendre_nodes(count)[0])
    if spacing == "with_poles":
        theta = np.pi * np.arange(count) / (count - 1)
        odd = np.arange(1, count - 1)
    else:
        theta = np.pi * (np.arange(count) + 0.5) / count
        odd = np.arange(1, count + 1)
    even = np.arange(count)
    return (
        np.cos(np.outer(gauss, even)) @ np.linalg.pinv(np.cos(np.outer(theta, even))),
        np.sin(np.outer(gauss, odd)) @ np.linalg.pinv(np.sin(np.outer(theta, odd))),
    )


@functools.lru_cache(maxsize=2)
def _tables(
    grid: HarmonicGrid,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return P̄ and cos φ dP̄/dφ, both (m, latitude, l); sec φ; quadrature weights.

        cos φ dP̄ₗᵐ/dφ = (l + 1) εₗᵐ P̄ₗ₋₁ᵐ − l εₗ₊₁ᵐ P̄ₗ₊₁ᵐ,  εₗᵐ = √((l² − m²)/(4l² − 1))

    (Durran, Numerical Methods for Fluid Dynamics, 2nd ed., chapter 6).
    """
    x, weights = gauss_legendre_nodes(grid.latitudes)
    size = grid.truncation + 1
    p = associated_legendre(size, size + 1, x)
    m, l = np.arange(size)[:, None, None], np.arange(size + 1)
    epsilon = np.sqrt(np.maximum(l**2 - m**2, 0) / (4.0 * l**2 - 1 + 2 * (l == 0)))
    derivative = -l[:-1] * epsilon[..., 1:] * p[..., 1:]
    derivative[..., 1:] += (l[1:-1] + 1) * epsilon[..., 1:-1] * p[..., :-2]
    return p[..., :-1], derivative, 1 / np.sqrt(1 - x**2), weights
