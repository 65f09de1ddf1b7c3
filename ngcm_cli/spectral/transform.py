"""Spherical-harmonic transforms between nodal and modal fields."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from ngcm_cli.arrays import computed_once, on_device
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.legendre import associated_legendre

_BLOCK = 42
"""Zonal wavenumbers in a block of Legendre functions, or up to twice as many.

Of smaller ones the products are too small: a model of 63 wavenumbers gets slower."""


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
    model takes 0.9 of the time); elsewhere in one contraction, of fewer kernels.
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


def _triangle(legendre: np.ndarray) -> list[np.ndarray]:
    """Return blocks of zonal wavenumbers, without columns of zeros: those of l < m."""
    count = max(1, len(legendre) // _BLOCK)
    starts = [len(legendre) * i // count for i in range(count)]
    blocks = np.split(legendre, starts[1:])
    return [x[..., m:] for x, m in zip(blocks, starts, strict=True)]


class SphericalHarmonics(eqx.Module):
    """Real spherical harmonics, orthonormal on the unit sphere, on one grid.

    A modal array has shape (…, m, total_wavenumber). Rows come in pairs: row 2m holds
    the coefficients of cos(mλ)/√π, row 2m + 1 those of sin(mλ)/√π; row 1, the sine of
    m = 0, is zero. Y₀₀ = 1/√(4π), so the field 1 has the single coefficient √(4π).

    Both matrix products of a transform have m or longitude first and levels in the
    middle: `apply_on_grid` takes fields that are kept that way, and transposes none.
    """

    grid: Grid = eqx.field(static=True)
    precision: jax.lax.PrecisionLike = eqx.field(static=True)
    fourier: Float[Array, "longitude m"]
    legendre: tuple[Float[Array, "zonal_wavenumber latitude total_wavenumber"], ...]
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
        self.legendre = tuple(map(on_device, _triangle(legendre)))
        self.weights = on_device(weights)

    def to_nodal(
        self, x: Float[Array, "*batch m total_wavenumber"]
    ) -> Float[Array, "*batch longitude latitude"]:
        """Synthesise f(λ, φ) = Σₘ Σₗ Fₘ(λ) P̄ₗ|ᵐ|(sin φ) c."""
        levels = jnp.swapaxes(x.reshape(-1, *x.shape[-2:]), 0, 1)
        nodal = jnp.swapaxes(self._synthesis(self.fourier, levels), 0, 1)
        return nodal.reshape(*x.shape[:-2], *self.grid.nodal_shape)

    def each_to_nodal(
        self, fields: Sequence[Float[Array, "*level m total_wavenumber"]]
    ) -> list[Float[Array, "*level longitude latitude"]]:
        """Return what ``to_nodal`` does of several fields of any numbers of levels."""
        return _map_fields(self.to_nodal, fields, level=-3)

    def to_modal(
        self, x: Float[Array, "*batch longitude latitude"]
    ) -> Float[Array, "*batch m total_wavenumber"]:
        """Analyse by Gaussian quadrature, c = Σ w Fₘ(λ) P̄ₗ|ᵐ|(sin φ) f(λ, φ)."""
        levels = (x * self.weights).reshape(-1, *x.shape[-2:])
        modal = self._analysis(self.fourier, jnp.swapaxes(levels, 0, 1))
        return jnp.swapaxes(modal, 0, 1).reshape(*x.shape[:-2], *self.grid.modal_shape)

    def each_to_modal(
        self, fields: Sequence[Float[Array, "*level longitude latitude"]]
    ) -> list[Float[Array, "*level m total_wavenumber"]]:
        """Return what ``to_modal`` does of several fields of any numbers of levels."""
        return _map_fields(self.to_modal, fields, level=-3)

    def apply_on_grid(self, function: Callable[[Any], Any], fields: Any) -> Any:
        """Return what a function makes of fields on the grid, in modal form.

        Cosines are even in λ and sines odd. So a field is C(λ) + S(λ) east and
        C(λ) − S(λ) west of λ = 0, and the cosines of what the function makes of it are
        those of the sum of both sides, the sines those of the difference. With C and S
        at 0 ≤ λ ≤ π alone, half of the operations of the Fourier transforms remain.

        Args:
            function: maps a tree of nodal fields (longitude, level, latitude), those of
                one side, to another, with any numbers of levels. It treats each
                longitude by itself, and all of them alike.
            fields: tree of modal fields (m, level, total_wavenumber), with any numbers
                of levels.

        Returns:
            The tree that the function returns, of modal fields.
        """
        half = self.grid.longitude_nodes // 2 + 1
        waves = [self.fourier[:half, row::2] for row in (0, 1)]
        leaves, structure = jax.tree.flatten(fields)
        rows = [[x[row::2] for x in leaves] for row in (0, 1)]
        cosines, sines = (
            _map_fields(functools.partial(self._synthesis, f), x, level=-2)
            for f, x in zip(waves, rows, strict=True)
        )
        pairs = list(zip(cosines, sines, strict=True))
        east = function(structure.unflatten([c + s for c, s in pairs]))
        west = function(structure.unflatten([c - s for c, s in pairs]))
        east, west = computed_once((east, west))

        # λ = 0 and λ = π are on both sides; their sines are zero.
        is_double = 2 * np.arange(half)[:, None] % self.grid.longitude_nodes == 0
        waves[0] = waves[0] * np.where(is_double, 0.5, 1).astype(waves[0].dtype)
        even = jax.tree.map(lambda e, w: (e + w) * self.weights, east, west)
        odd = jax.tree.map(lambda e, w: (e - w) * self.weights, east, west)
        cosines, sines = (
            _map_fields(functools.partial(self._analysis, f), x, level=-2)
            for f, x in zip(waves, map(jax.tree.leaves, (even, odd)), strict=True)
        )
        pairs = (jnp.stack(x, axis=1) for x in zip(cosines, sines, strict=True))
        modal = [x.reshape(-1, *x.shape[2:]) for x in pairs]
        return jax.tree.structure(east).unflatten(modal)

    def _synthesis(
        self,
        waves: Float[Array, "longitude row"],
        x: Float[Array, "row level total_wavenumber"],
    ) -> Float[Array, "longitude level latitude"]:
        """Return the sum of some waves: all cosines, all sines or both in turn."""
        levels, columns = x.shape[1:]
        parts = []
        for part, p in zip(self._blocks(x), self.legendre, strict=True):
            part = part[..., columns - p.shape[-1] :]
            parts.append(jnp.einsum("mkl,mjl->mkj", part, p, precision=self.precision))
        x = jnp.concatenate(parts)
        # Of matrices, as XLA then needs no transposition for the adjoint either.
        x = x.reshape(waves.shape[1], -1)
        x = jnp.dot(waves, x, precision=self.precision)
        return x.reshape(len(waves), levels, -1)

    def _analysis(
        self,
        waves: Float[Array, "longitude row"],
        x: Float[Array, "longitude level latitude"],
    ) -> Float[Array, "row level total_wavenumber"]:
        """Return the coefficients of some waves of a weighted field."""
        levels, latitudes = x.shape[1:]
        x = jnp.dot(waves.T, x.reshape(len(x), -1), precision=self.precision)
        x = x.reshape(waves.shape[1], levels, latitudes)
        parts = []
        for part, p in zip(self._blocks(x), self.legendre, strict=True):
            part = jnp.einsum("mkj,mjl->mkl", part, p, precision=self.precision)
            missing = self.grid.total_wavenumbers - p.shape[-1]
            parts.append(jnp.pad(part, ((0, 0), (0, 0), (missing, 0))))
        return jnp.concatenate(parts).reshape(waves.shape[1], levels, -1)

    def _blocks(self, x: Float[Array, "row level column"]) -> list[jax.Array]:
        """Split rows as the Legendre functions are; those of one m are levels of it."""
        ends = np.cumsum([len(p) for p in self.legendre])
        return jnp.split(x.reshape(ends[-1], -1, x.shape[-1]), ends[:-1])
