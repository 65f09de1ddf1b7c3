"""Statistics of the error of vectors, such as wind."""

import numpy as np

from ngcm_cli.verification.area_sums import ProductSums, area_sums, level_blocks
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
    sums = ProductSums(weights, len(forecast[0]))
    with np.errstate(invalid="ignore", over="ignore"):
        for levels in blocks:
            for mine, theirs in zip(forecast, truth, strict=True):
                error = np.subtract(mine[levels], theirs[levels], dtype=np.float64)
                sums.add("squared_vector_error", levels, error, error)
        found = sums.statistics()
    if found is not None:
        return found
    parts = []
    for levels in blocks:
        valid = ~(np.isnan(truth[0][levels]) | np.isnan(truth[1][levels]))
        squares = np.zeros(valid.shape)
        for mine, theirs in zip(forecast, truth, strict=True):
            error = np.subtract(mine[levels], theirs[levels], dtype=np.float64)
            with np.errstate(over="ignore"):
                squares += np.square(error)
        parts.append(area_sums({"squared_vector_error": squares}, valid, weights))
    return Statistics.concatenate(parts, axis=1)
