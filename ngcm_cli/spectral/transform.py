"""Spherical-harmonic transforms between nodal and modal fields."""

import functools
from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from ngcm_cli.arrays import on_device
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.legendre import associated_legendre

_LEVEL = {-2: -3, -3: -2}
"""Axis of the levels of fields whose m or longitude is on an axis."""


def split_levels(
    stacked: jax.Array, like: Sequence[jax.Array], axis: int = -3
) -> list[jax.Array]:
    """Split along the level axis into as many levels as each array in ``like`` has."""
    ends = np.cumsum([leaf.shape[axis] for leaf in like])
    return jnp.split(stacked, ends[:-1], axis=axis)


def _map_fields(
    transform: Callable[[jax.Array], jax.Array],
    fields: Sequence[jax.Array],
    level: int,
) -> list[jax.Array]:
    """Transform fields of any numbers of levels on this axis.

    On a CPU one by one, as a single field stays in the caches (a step of the bundled
    model takes 0.87 of the time); elsewhere in one contraction, which is one kernel.
    """
    if jax.default_backend() == "cpu":
        return [transform(x) for x in fields]
    return split_levels(transform(jnp.concatenate(fields, axis=level)), fields, level)


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
    a state along the level axis and call once. Both products have m or longitude first:
    fields that are kept that way, with levels in the middle, are not transposed.
    """

    grid: Grid = eqx.field(static=True)
    precision: jax.lax.PrecisionLike = eqx.field(static=True)
    fourier: Float[Array, "longitude m"]
    legendre: Float[Array, "zonal_wavenumber latitude total_wavenumber"]
    weights: Float[Array, " latitude"]

    def __init__(
        self,
        grid: Grid,
        precision: jax.lax.PrecisionLike = jax.lax.Precision.HIGHEST,
        dtype: DTypeLike = np.float32,
    ):
        # Rounded by NumPy: JAX would compile a program for each shape to do so.
        fourier, legendre, weights = (x.astype(dtype) for x in _basis(grid))
        self.grid = grid
        self.precision = precision
        self.fourier = on_device(fourier)
        self.legendre = on_device(legendre)
        self.weights = on_device(weights)

    def to_nodal(
        self, x: Float[Array, "*batch m total_wavenumber"], axis: int = -2
    ) -> Float[Array, "*batch longitude latitude"]:
        """Synthesise f(λ, φ) = Σₘ Σₗ Fₘ(λ) P̄ₗ|ᵐ|(sin φ) c.

        Args:
            x: modal fields.
            axis: of m in x, and of longitude in the result: −2, or −3 for fields of
                shape (m, level, total_wavenumber), which become (longitude, level,
                latitude). The latter costs no transposition.
        """
        if axis == -3:
            return self._synthesis(x)
        levels = x.reshape(-1, *x.shape[-2:])
        nodal = self._synthesis(jnp.swapaxes(levels, 0, 1))
        return jnp.swapaxes(nodal, 0, 1).reshape(*x.shape[:-2], *self.grid.nodal_shape)

    def each_to_nodal(
        self, fields: Sequence[Float[Array, "..."]], axis: int = -2
    ) -> list[Float[Array, "..."]]:
        """Return what ``to_nodal`` does of several fields.

        Args:
            fields: of any numbers of levels, on the axis before or after ``axis``.
            axis: as for ``to_nodal``.
        """
        return _map_fields(lambda x: self.to_nodal(x, axis), fields, _LEVEL[axis])

    def to_modal(
        self, x: Float[Array, "*batch longitude latitude"], axis: int = -2
    ) -> Float[Array, "*batch m total_wavenumber"]:
        """Analyse by Gaussian quadrature, c = Σ w Fₘ(λ) P̄ₗ|ᵐ|(sin φ) f(λ, φ).

        Args:
            x: nodal fields.
            axis: of longitude in x, and of m in the result, as for ``to_nodal``.
        """
        return self._weighted_to_modal(x * self.weights, axis)

    def each_to_modal(
        self, fields: Sequence[Float[Array, "..."]], axis: int = -2
    ) -> list[Float[Array, "..."]]:
        """Return what ``to_modal`` does of several fields, as ``each_to_nodal``."""
        # Weighted one by one, where they are computed, and not in a pass of their own.
        fields = [x * self.weights for x in fields]
        level = _LEVEL[axis]
        return _map_fields(lambda x: self._weighted_to_modal(x, axis), fields, level)

    def _weighted_to_modal(
        self, x: Float[Array, "*batch longitude latitude"], axis: int
    ) -> Float[Array, "*batch m total_wavenumber"]:
        if axis == -3:
            return self._analysis(x)
        levels = x.reshape(-1, *x.shape[-2:])
        modal = self._analysis(jnp.swapaxes(levels, 0, 1))
        return jnp.swapaxes(modal, 0, 1).reshape(*x.shape[:-2], *self.grid.modal_shape)

    def _synthesis(
        self, x: Float[Array, "m level total_wavenumber"]
    ) -> Float[Array, "longitude level latitude"]:
        rows, levels, columns = x.shape
        x = x.reshape(rows // 2, 2 * levels, columns)
        x = jnp.einsum("mkl,mjl->mkj", x, self.legendre, precision=self.precision)
        # Of matrices, as XLA then needs no transposition for the adjoint either.
        x = jnp.dot(self.fourier, x.reshape(rows, -1), precision=self.precision)
        return x.reshape(-1, levels, self.grid.latitude_nodes)

    def _analysis(
        self, x: Float[Array, "longitude level latitude"]
    ) -> Float[Array, "m level total_wavenumber"]:
        rows, (levels, latitudes) = self.fourier.shape[1], x.shape[1:]
        x = x.reshape(len(x), levels * latitudes)
        x = jnp.dot(self.fourier.T, x, precision=self.precision)
        x = x.reshape(rows // 2, 2 * levels, latitudes)
        x = jnp.einsum("mkj,mjl->mkl", x, self.legendre, precision=self.precision)
        return x.reshape(rows, levels, -1)
