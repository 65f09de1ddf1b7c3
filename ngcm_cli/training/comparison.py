"""How two sets of fields differ: squares, spectra, CRPS, distributions.

Forecasts have the axes (batch, member, level, …), truths (batch, 1, level, …). The
levels are those of all variables, one after the other; ``share`` is the weight of each.
Coefficients are those of orthonormal harmonics, so that the sum of their squares over
4π is the mean square over the sphere.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ngcm_cli.spectral.grid import Grid

Coefficients = Float[Array, "batch member level m total_wavenumber"]
Fields = Float[Array, "batch member level longitude latitude"]
Share = Float[np.ndarray, " level"]
Scalar = Float[Array, ""]

SPHERE = 4 * np.pi


def squared_error(
    x: Coefficients,
    y: Coefficients,
    share: Share,
    damping: Float[Array, " total_wavenumber"],
) -> Scalar:
    """Return the mean squared error over the sphere of filtered fields."""
    return _total(jnp.sum((damping * (x - y)) ** 2, (-2, -1)) / SPHERE, share)


def spectrum_error(x: Coefficients, y: Coefficients, share: Share) -> Scalar:
    """Return the squared error of norms over m, averaged over total wavenumbers."""
    return _total(jnp.mean((_norms(x) - _norms(y)) ** 2, -1), share)


def grid_error(x: Fields, y: Fields, share: Share, grid: Grid) -> Scalar:
    """Return the mean squared error over the sphere."""
    return _total(_area_mean((x - y) ** 2, grid), share)


def mean_amplitudes(x: Coefficients) -> Float[Array, "level m total_wavenumber"]:
    """Return means over batch and members of absolute values."""
    return jnp.mean(jnp.abs(x), (0, 1))


def grid_crps(x: Fields, y: Fields, share: Share, grid: Grid) -> Scalar:
    """Return the mean CRPS of two members over the sphere."""
    return _total(_area_mean(_crps(x, y), grid), share)


def spectral_crps(
    x: Coefficients, y: Coefficients, share: Share, wavenumbers: int
) -> Scalar:
    """Return the CRPS of two members, added over coefficients of large scales."""
    large = _crps(x[..., :wavenumbers], y[..., :wavenumbers])
    return _total(jnp.sum(large, (-2, -1)) / SPHERE, share)


def mean_discrepancy(
    x: Coefficients, y: Coefficients, share: Share, bandwidth: float
) -> Scalar:
    """Return the squared maximum mean discrepancy of the states of a batch.

    Of the kernel 1/(1 + d²/bandwidth²), with all pairs of states, equal ones among
    them, so that it is not negative (Gretton et al. 2012, A kernel two-sample test).
    Regularisation by it: Schiff et al. (2024), DySLIM.
    """
    root = jnp.sqrt(share / SPHERE)[:, None, None]
    # Distances are small beside what all states share.
    mean = y.mean((0, 1))
    x, y = (((z - mean) * root).reshape(z.shape[0] * z.shape[1], -1) for z in (x, y))

    def kernel(a: jax.Array, b: jax.Array) -> jax.Array:
        product = jnp.matmul(a, b.T, precision=jax.lax.Precision.HIGHEST)
        squares = jnp.sum(a**2, 1)[:, None] + jnp.sum(b**2, 1) - 2 * product
        return jnp.mean(1 / (1 + jnp.maximum(squares, 0) / bandwidth**2))

    return kernel(x, x) + kernel(y, y) - 2 * kernel(x, y)


def _total(x: Float[Array, "batch member level"], share: Share) -> Scalar:
    return jnp.sum(jnp.mean(x, (0, 1)) * share)


def _area_mean(x: Fields, grid: Grid) -> Float[Array, "batch member level"]:
    return jnp.sum(x * np.float32(grid.area_weights / SPHERE), (-2, -1))


def _norms(x: Coefficients) -> Float[Array, "batch member level total_wavenumber"]:
    """Return norms over m; where one is zero its derivative is too."""
    squares = jnp.sum(x**2, -2)
    positive = squares > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, squares, 1)), 0)


def _crps(x: jax.Array, y: jax.Array) -> jax.Array:
    """Return the CRPS of two members, as if of infinitely many; a member axis of one.

    E|x − y| − E|x − x'|/2 of Gneiting and Raftery (2007), equation 21, in one sum of
    which no element is negative. Where two values are equal the derivative is zero.
    """
    first, second = x[:, :1], x[:, 1:]
    spread = jnp.abs(first - second)
    return (jnp.abs(first - y) + jnp.abs(second - y) - spread) / 2
