"""Serial correlation of scores, and how many independent ones a series is worth."""

import numpy as np

_SHORTEST = 8  # values of a series from which correlations are estimated


def variance_inflation(series: np.ndarray) -> np.ndarray:
    """Return by how much correlation inflates the variance of the mean of a series.

    For a second-order autoregressive model (as in Geer 2016,
    doi:10.3402/tellusa.v68.30229) fitted to the correlations r₁ and r₂ of values one
    and two steps apart,

        V = (1 + r₁)/(1 - r₁) (1 + φ)/(1 - φ),  φ = (r₂ - r₁²)/(1 - r₁²)

    It is at least 1, at most the number of values, and 1 for series too short to tell.

    Args:
        series: values at equal distances, shape (time, ...). NaN is left out.

    Returns:
        Shape (...).
    """
    count = len(series)
    if count < _SHORTEST:
        return np.ones(series.shape[1:])
    first, second = _correlation(series, 1), _correlation(series, 2)
    partial = np.clip((second - first**2) / (1 - first**2), -0.99, 0.99)
    inflation = (1 + first) / (1 - first) * (1 + partial) / (1 - partial)
    return np.clip(inflation, 1, count)


def _correlation(series: np.ndarray, lag: int) -> np.ndarray:
    """Return the correlation of values a lag apart, corrected for its bias.

    The estimate from n values is too small by about (1 + 4r)/n (Kendall 1954,
    doi:10.1093/biomet/41.3-4.403).
    """
    valid = np.isfinite(series)
    count = np.maximum(valid.sum(axis=0), 1)
    anomaly = np.where(valid, series, 0.0)
    anomaly = np.where(valid, anomaly - anomaly.sum(axis=0) / count, 0.0)
    variance = np.square(anomaly).sum(axis=0) / count
    pairs = np.maximum((valid[lag:] & valid[:-lag]).sum(axis=0), 1)
    covariance = (anomaly[lag:] * anomaly[:-lag]).sum(axis=0) / pairs
    zero = np.zeros(variance.shape)
    correlation = np.divide(covariance, variance, out=zero, where=variance > 0)
    corrected = correlation + (1 + 4 * correlation) / count
    return np.where(variance > 0, np.clip(corrected, -0.99, 0.99), 0.0)


def block_length(inflation: float, count: int) -> int:
    """Return how many successive values a block of a bootstrap holds.

    It solves b = (n - b + 1)^(2/3 (1 - 1/V)) for n values whose mean has a variance
    inflated by V (Wilks 1997, doi:10.1175/1520-0442(1997)010<0065:RHTFAF>2.0.CO;2), and
    is at most a quarter of them.
    """
    longest = max(1, count // 4)
    exponent = 2 / 3 * (1 - 1 / max(inflation, 1.0))
    for length in range(1, longest):
        if length >= (count - length + 1) ** exponent:
            return length
    return longest
