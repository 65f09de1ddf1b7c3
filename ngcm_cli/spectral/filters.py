"""Scale-selective damping and changes of truncation of modal fields."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def exponential_filter(
    total_wavenumbers: int, attenuation: float, order: float, cutoff: float = 0.0
) -> np.ndarray:
    """Return the damping factor of each total wavenumber.

        σ(k) = exp(−a ((k − c)/(1 − c))²ᵖ) for k > c, else 1,  with k = l/(L − 1)

    Hou & Li (2007), Computing nearly singular solutions using pseudo-spectral methods.

    Args:
        total_wavenumbers: L; k = 1 at its last column.
        attenuation: a, the damping exponent of the last column.
        order: p; the higher, the sharper.
        cutoff: c; scales up to here are left alone.

    Returns:
        Factors, shape (total_wavenumbers,), float32.
    """
    k = np.arange(total_wavenumbers, dtype=np.float32) / (total_wavenumbers - 1)
    shape = ((k - cutoff) / (1 - cutoff)) ** (2 * order)
    return np.exp((k > cutoff) * (-attenuation * shape)).astype(np.float32)


def change_truncation(
    x: Float[Array, "*batch m total_wavenumber"], modal_shape: tuple[int, int]
) -> Float[Array, "*batch m2 total_wavenumber2"]:
    """Cut off the small scales, or fill them with zeros.

    The target must be smaller in both directions or larger in both.
    """
    rows, columns = modal_shape
    if rows <= x.shape[-2] and columns <= x.shape[-1]:
        return x[..., :rows, :columns]
    if rows < x.shape[-2] or columns < x.shape[-1]:
        raise ValueError(f"{x.shape[-2:]} and {modal_shape} are not nested")
    fill = [(0, 0)] * (x.ndim - 2)
    return jnp.pad(x, [*fill, (0, rows - x.shape[-2]), (0, columns - x.shape[-1])])
