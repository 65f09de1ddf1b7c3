"""Matrix products for which BLAS starts no threads."""

import numpy as np

_MOST = 1 << 18
"""Multiplications up to which OpenBLAS uses one thread."""


def multiply(first: np.ndarray, second: np.ndarray, result: np.ndarray) -> np.ndarray:
    """Write the matrix product of arrays into an array, and return it.

    Where possible it is computed in parts that are small enough for one thread: threads
    of BLAS that wait for each other, or for those that score, take longer than such
    products.

    Args:
        first: shape (..., row, n).
        second: shape (n, column).
        result: shape (..., row, column).
    """
    rows = _MOST // max(second.size, 1)
    if rows < 2:  # the second would be read again for every row
        return np.matmul(first, second, out=result)
    for start in range(0, first.shape[-2], rows):
        part = slice(start, start + rows)
        np.matmul(first[..., part, :], second, out=result[..., part, :])
    return result
