"""Statistics of the error of vectors, such as wind."""

from collections.abc import Sequence

import numpy as np

from ngcm_cli.verification.area_sums import area_sums, level_blocks, product_sums
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
    parts = []
    for levels in level_blocks(len(forecast[0]), weights[0].size):
        found = _without_gaps(
            [component[levels] for component in forecast],
            [component[levels] for component in truth],
            weights,
        )
        if found is not None:
            parts.append(found)
            continue
        valid = ~(np.isnan(truth[0][levels]) | np.isnan(truth[1][levels]))
        squares = np.zeros(valid.shape)
        for mine, theirs in zip(forecast, truth, strict=True):
            error = np.subtract(mine[levels], theirs[levels], dtype=np.float64)
            with np.errstate(over="ignore"):
                squares += np.square(error)
        parts.append(area_sums({"squared_vector_error": squares}, valid, weights))
    return Statistics.concatenate(parts, axis=1)


def _without_gaps(
    forecast: Sequence[np.ndarray], truth: Sequence[np.ndarray], weights: np.ndarray
) -> Statistics | None:
    """Return the statistics of fields of finite values; None of others."""
    total = Statistics()
    for mine, theirs in zip(forecast, truth, strict=True):
        error = np.subtract(mine, theirs, dtype=np.float64)
        squares = product_sums({"squared_vector_error": (error, error)}, weights)
        if squares is None:
            return None
        total += squares
    sums, weight = total["squared_vector_error"]
    weight = weight / len(forecast)
    return Statistics({"squared_vector_error": (sums, weight)})
