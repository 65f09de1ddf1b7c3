"""Differential operators on modal fields, on the unit sphere.

All functions take and return arrays of shape (…, m, total_wavenumber) in the layout
of ``SphericalHarmonics``; with ``axis=-3`` m is the third axis from the end, as in (m,
level, total_wavenumber). Multiplication by cos φ and derivatives in latitude couple
neighbouring total wavenumbers (Durran, Numerical Methods for Fluid Dynamics, 2nd ed.,
chapter 6), so the highest one of a result is incomplete; ``clip_wavenumbers``
removes it. Whether and when to clip is part of a model's definition and left to the
caller. Constants are rounded to the precision of the field.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.transform import SphericalHarmonics

Field = Float[Array, "*batch m total_wavenumber"]
NodalField = Float[Array, "*batch longitude latitude"]


def _total_wavenumbers(x: Field) -> np.ndarray:
    return np.arange(x.shape[-1])


@functools.cache
def _coupling(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Return εₗᵐ, to l − 1, and ε₍ₗ₊₁₎ᵐ, to l + 1; float64, zero outside the mask."""
    m, l = np.arange(rows)[:, None] // 2, np.arange(columns)
    valid = (m <= l) & (np.arange(rows)[:, None] != 1)
    below = np.sqrt(valid * (l**2 - m**2) / (4.0 * l**2 - 1))
    above = np.sqrt(valid * ((l + 1) ** 2 - m**2) / (4.0 * (l + 1) ** 2 - 1))
    below[:, 0] = 0
    above[:, -1] = 0
    return below, above


def _shift_down(x: jax.Array) -> jax.Array:
    """Return x moved so that element l of the result is element l + 1 of x."""
    return jnp.concatenate([x[..., 1:], jnp.zeros_like(x[..., :1])], axis=-1)


def _shift_up(x: jax.Array) -> jax.Array:
    """Return x moved so that element l of the result is element l − 1 of x."""
    return jnp.concatenate([jnp.zeros_like(x[..., :1]), x[..., :-1]], axis=-1)


def clip_wavenumbers(x: Field, n: int = 1) -> Field:
    """Set the n highest total wavenumbers to zero."""
    keep = _total_wavenumbers(x) < x.shape[-1] - n
    return x * keep.astype(x.dtype)


def laplacian(x: Field) -> Field:
    """Return ∇²x: column l times −l(l + 1)."""
    l = _total_wavenumbers(x)
    return x * (-l * (l + 1)).astype(x.dtype)


def inverse_laplacian(x: Field) -> Field:
    """Return ∇⁻²x with zero global mean; the mean of x is ignored."""
    l = _total_wavenumbers(x)
    inverse = np.divide(-1.0, l * (l + 1), where=l > 0, out=np.zeros(len(l)))
    return x * inverse.astype(x.dtype)


def d_dlon(x: Field, axis: int = -2) -> Field:
    """Return ∂x/∂λ: cosine and sine rows swap, times ∓m."""
    pairs = x.reshape(*x.shape[:axis], -1, 2, *x.shape[axis + 1 :])
    m = _expanded(np.arange(pairs.shape[axis - 1], dtype=x.dtype)[:, None], axis)
    cos, sin = (jax.lax.index_in_dim(pairs, i, axis, keepdims=False) for i in (0, 1))
    return jnp.stack([m * sin, -m * cos], axis=axis).reshape(x.shape)


def _couple(x: Field, to_below: np.ndarray, to_above: np.ndarray, axis: int) -> Field:
    """Return the sum of l-dependent multiples of both neighbours in l."""
    below, above = _coupling(x.shape[axis], x.shape[-1])
    down = _shift_down(x * _expanded((to_below * below).astype(x.dtype), axis))
    return down + _shift_up(x * _expanded((to_above * above).astype(x.dtype), axis))


def _expanded(table: np.ndarray, axis: int) -> np.ndarray:
    """Return a table of (m, l) for fields whose m is this axis from the end."""
    return np.expand_dims(table, tuple(range(axis + 1, -1)))


def cos_lat_d_dlat(x: Field, axis: int = -2) -> Field:
    """Return cos φ ∂x/∂φ."""
    l = _total_wavenumbers(x)
    return _couple(x, l + 1, -l, axis)


def sec_lat_d_dlat_cos2(x: Field, axis: int = -2) -> Field:
    """Return sec φ ∂(cos²φ x)/∂φ."""
    l = _total_wavenumbers(x)
    return _couple(x, l - 1, -(l + 2), axis)


def _clipped(x: Field, clip: bool) -> Field:
    return clip_wavenumbers(x) if clip else x


def cos_lat_grad(x: Field, clip: bool = True, axis: int = -2) -> tuple[Field, Field]:
    """Return cos φ ∇x: (∂x/∂λ, cos φ ∂x/∂φ)."""
    return _clipped(d_dlon(x, axis), clip), _clipped(cos_lat_d_dlat(x, axis), clip)


def div_cos_lat(u: Field, v: Field, clip: bool = True, axis: int = -2) -> Field:
    """Return the divergence of the vector with components (u cos φ, v cos φ)."""
    return _clipped(d_dlon(u, axis) + sec_lat_d_dlat_cos2(v, axis), clip)


def curl_cos_lat(u: Field, v: Field, clip: bool = True, axis: int = -2) -> Field:
    """Return the vertical curl of the vector with components (u cos φ, v cos φ)."""
    return _clipped(d_dlon(v, axis) - sec_lat_d_dlat_cos2(u, axis), clip)


def cos_lat_velocity(
    vorticity: Field, divergence: Field, clip: bool = True, axis: int = -2
) -> tuple[Field, Field]:
    """Return (u cos φ, v cos φ) from vorticity and divergence (Helmholtz)."""
    potential_x, potential_y = cos_lat_grad(inverse_laplacian(divergence), clip, axis)
    stream_x, stream_y = cos_lat_grad(inverse_laplacian(vorticity), clip, axis)
    return potential_x - stream_y, potential_y + stream_x


def velocity(
    vorticity: Field, divergence: Field, harmonics: SphericalHarmonics
) -> tuple[NodalField, NodalField]:
    """Return nodal eastward and northward wind from modal vorticity and divergence."""
    modal = jnp.stack(cos_lat_velocity(vorticity, divergence))
    nodal = harmonics.to_nodal(modal) * sec_lat(harmonics.grid, modal.dtype)
    return nodal[0], nodal[1]


def vorticity_divergence(
    u: NodalField, v: NodalField, harmonics: SphericalHarmonics
) -> tuple[Field, Field]:
    """Return modal vorticity and divergence from nodal eastward and northward wind."""
    wind = jnp.stack([u, v])
    a, b = harmonics.to_modal(wind * sec_lat(harmonics.grid, wind.dtype))
    return curl_cos_lat(a, b), div_cos_lat(a, b)


def sec_lat(grid: Grid, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Return 1/cos φ at the nodes, shape (latitude,)."""
    return (1 / grid.cos_latitude).astype(dtype)


def sec2_lat(grid: Grid, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Return 1/cos²φ at the nodes, shape (latitude,)."""
    return (1 / (1 - grid.sin_latitude**2)).astype(dtype)
