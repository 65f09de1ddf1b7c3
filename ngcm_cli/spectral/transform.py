"""Spherical-harmonic transforms between nodal and modal fields."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.legendre import associated_legendre


@functools.cache
def _basis(grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return Fourier columns, Legendre functions and quadrature weights in float64."""
    m = np.arange(grid.longitude_wavenumbers)
    angle = np.outer(grid.longitude, m)
    fourier = np.stack([np.cos(angle), np.sin(angle)], axis=-1) / np.sqrt(np.pi)
    fourier[:, 0] = [1 / np.sqrt(2 * np.pi), 0]
    legendre = associated_legendre(
        grid.longitude_wavenumbers, grid.total_wavenumbers, grid.sin_latitude
    )
    return fourier.reshape(len(angle), -1), legendre, grid.area_weights


class SphericalHarmonics(eqx.Module):
    """Real spherical harmonics, orthonormal on the unit sphere, on one grid.

    A modal array has shape (…, m, total_wavenumber). Rows come in pairs: row 2m holds
    the coefficients of cos(mλ)/√π, row 2m + 1 those of sin(mλ)/√π; row 1, the sine of
    m = 0, is zero. Y₀₀ = 1/√(4π), so the field 1 has the single coefficient √(4π).

    Any number of leading axes is transformed in one contraction: stack the variables of
    a state along the level axis and call once.
    """

    grid: Grid = eqx.field(static=True)
    precision: jax.lax.Precision = eqx.field(static=True)
    fourier: Float[Array, "longitude m"]
    legendre: Float[Array, "zonal_wavenumber latitude total_wavenumber"]
    weights: Float[Array, " latitude"]

    def __init__(
        self,
        grid: Grid,
        precision: jax.lax.Precision = jax.lax.Precision.HIGHEST,
        dtype: DTypeLike = np.float32,
    ):
        # Rounded by NumPy: JAX would compile a program for each shape to do so.
        fourier, legendre, weights = (x.astype(dtype) for x in _basis(grid))
        self.grid = grid
        self.precision = precision
        self.fourier = jnp.asarray(fourier)
        self.legendre = jnp.asarray(legendre)
        self.weights = jnp.asarray(weights)

    def to_nodal(
        self, x: Float[Array, "*batch m total_wavenumber"]
    ) -> Float[Array, "*batch longitude latitude"]:
        """Synthesise f(λ, φ) = Σₘ Σₗ Fₘ(λ) P̄ₗ|ᵐ|(sin φ) c."""
        batch, (rows, columns) = x.shape[:-2], x.shape[-2:]
        # Rows lead, so that neither product has to transpose its large operand.
        x = jnp.moveaxis(x.reshape(-1, rows, columns), 1, 0)
        count, latitudes = x.shape[1], self.grid.latitude_nodes
        x = x.reshape(rows // 2, 2 * count, columns)
        x = jnp.einsum("mkl,mjl->mkj", x, self.legendre, precision=self.precision)
        x = x.reshape(rows, count, latitudes)
        x = jnp.einsum("ir,rkj->ikj", self.fourier, x, precision=self.precision)
        return jnp.moveaxis(x, 0, 1).reshape(*batch, *self.grid.nodal_shape)

    def to_modal(
        self, x: Float[Array, "*batch longitude latitude"]
    ) -> Float[Array, "*batch m total_wavenumber"]:
        """Analyse by Gaussian quadrature, c = Σ w Fₘ(λ) P̄ₗ|ᵐ|(sin φ) f(λ, φ)."""
        batch, (rows, columns) = x.shape[:-2], self.grid.modal_shape
        x = jnp.moveaxis((x * self.weights).reshape(-1, *x.shape[-2:]), 1, 0)
        count, latitudes = x.shape[1:]
        x = jnp.einsum("ir,ikj->rkj", self.fourier, x, precision=self.precision)
        x = x.reshape(rows // 2, 2 * count, latitudes)
        x = jnp.einsum("mkj,mjl->mkl", x, self.legendre, precision=self.precision)
        x = jnp.moveaxis(x.reshape(rows, count, columns), 0, 1)
        return x.reshape(*batch, rows, columns)
