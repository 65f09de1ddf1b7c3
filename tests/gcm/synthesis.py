"""Fields from spherical harmonics once more, in float64 and by another library."""

import numpy as np
import scipy.special


def synthesis(x, grid):
    """Nodal values of modal ones in float64, with SciPy's Legendre functions."""
    x = np.asarray(x, np.float64)
    m, l = np.arange(x.shape[-2] // 2)[:, None], np.arange(x.shape[-1])
    gamma = scipy.special.gammaln
    log_norm = np.log(l + 0.5) + gamma(np.maximum(l - m, 0) + 1) - gamma(l + m + 1)
    sin = grid.sin_latitude[:, None, None]
    p = np.exp(0.5 * log_norm) * scipy.special.lpmv(m, l, sin) / np.sqrt(np.pi)
    p[:, 0] /= np.sqrt(2)
    angle = np.outer(grid.longitude, m)
    waves = np.cos(angle), np.sin(angle)
    return sum(
        np.einsum("im,jml,...ml->...ij", wave, p, x[..., part::2, :], optimize=True)
        for part, wave in enumerate(waves)
    )
