"""Statistics of the error of vectors, such as wind."""

import numpy as np

from ngcm_cli.verification.area_sums import FieldSums, area_sums, level_blocks
from ngcm_cli.verification.statistics import Statistics


def vector_statistics(
    forecast: tuple[np.ndarray, np.ndarray],
    truth: tuple[np.ndarray, np.ndarray],
    weights: np.ndarray,
) -> Statistics:
    """Return the squared error (Δu)² + (Δv)² of one forecast of a vector at one lead.

    Args:
        forecast: eastward and northward component, each of shape (level, latitude,
            longitude).
        truth: the same components. Cells in which one is NaN are left out.
        weights: shape (region, latitude, longitude).

    Returns:
        ``squared_vector_error``, shape (region, level).
    """
    blocks = [*level_blocks(len(forecast[0]), weights[0].size)]
    sums = FieldSums(weights, len(forecast[0]), ["squared_vector_error"])
    for levels in blocks:
        sums.put(levels, _squares(forecast, truth, levels)[None])
    found = sums.statistics()
    if found is not None:
        return found
    parts = []
    for levels in blocks:
        squares = {"squared_vector_error": _squares(forecast, truth, levels)}
        valid = ~(np.isnan(truth[0][levels]) | np.isnan(truth[1][levels]))
        parts.append(area_sums(squares, valid, weights))
    return Statistics.concatenate(parts, axis=1)


def _squares(
    forecast: tuple[np.ndarray, np.ndarray],
    truth: tuple[np.ndarray, np.ndarray],
    levels: slice,
) -> np.ndarray:
    squares = np.zeros(forecast[0][levels].shape)
    with np.errstate(invalid="ignore", over="ignore"):
        for mine, theirs in zip(forecast, truth, strict=True):
            error = np.subtract(mine[levels], theirs[levels], dtype=np.float64)
            squares += np.square(error, out=error)
    return squares
