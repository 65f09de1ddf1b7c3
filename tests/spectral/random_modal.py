"""Random fields of the tests of this folder."""

import numpy as np

from ngcm_cli.spectral.grid import Grid


def random_modal(
    grid: Grid, seed: int, total_wavenumbers: int | None = None, batch=()
) -> np.ndarray:
    """Normally distributed coefficients with l < ``total_wavenumbers``, float32."""
    x = np.random.default_rng(seed).standard_normal((*batch, *grid.modal_shape))
    top = grid.total_wavenumbers if total_wavenumbers is None else total_wavenumbers
    keep = grid.mask & (np.arange(grid.total_wavenumbers) < top)
    return (x * keep).astype(np.float32)


def harmonic(grid: Grid, row: int, l: int) -> np.ndarray:
    """The coefficients of one spherical harmonic."""
    x = np.zeros(grid.modal_shape, np.float32)
    x[row, l] = 1
    return x
