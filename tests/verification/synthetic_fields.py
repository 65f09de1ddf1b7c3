"""Small random fields, and the weighted mean against which statistics are checked."""

import numpy as np

LEVELS, LATITUDES, LONGITUDES = 3, 9, 12
LATITUDE = np.linspace(-80, 80, LATITUDES)
LONGITUDE = np.arange(LONGITUDES) * 360 / LONGITUDES
SHAPE = LEVELS, LATITUDES, LONGITUDES


def random_fields(seed: int, *leading: int, missing: bool = False) -> np.ndarray:
    """Return normal numbers of shape (*leading, level, latitude, longitude).

    Args:
        seed: seed of the numbers.
        leading: sizes of leading axes.
        missing: whether a fifth of the cells is NaN.
    """
    random = np.random.default_rng(seed)
    fields = 280 + 5 * random.normal(size=(*leading, *SHAPE))
    if missing:
        fields[random.random(fields.shape) < 0.2] = np.nan
    return fields


def region_means(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted mean of each region without NaN; NaN if nothing is left.

    Args:
        values: shape (level, latitude, longitude).
        weights: shape (region, latitude, longitude).
    """
    means = np.empty((len(weights), len(values)))
    for i, weight in enumerate(weights):
        for j, field in enumerate(values):
            known = np.isfinite(field) & (weight > 0)
            values_, weights_ = field[known], weight[known]
            total = (values_ * weights_).sum()
            means[i, j] = total / weights_.sum() if known.any() else np.nan
    return means
