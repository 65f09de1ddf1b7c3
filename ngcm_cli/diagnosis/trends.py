"""Linear trends with intervals that account for autocorrelation."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Trend:
    """Linear trends of one or several series.

    Attributes:
        slope: per unit of time, (...).
        half_width: of the interval of the slope, likewise; NaN where the effective
            number of values is two or less.
        effective_count: number of independent values, likewise.
    """

    slope: np.ndarray
    half_width: np.ndarray
    effective_count: np.ndarray


def linear_trend(
    time: np.ndarray, values: np.ndarray, confidence: float = 0.95
) -> Trend:
    """Return least-squares slopes, and intervals adjusted for autocorrelation.

    With r, the autocorrelation at lag one of the residuals, n values count as
    n (1 - r)/(1 + r), at most n, in the variance of the residuals and in the degrees
    of freedom of Student's t (Santer et al. 2000, doi:10.1029/1999JD901105, section
    3.2). Values are taken to be equally spaced in time; missing ones are left out.

    Args:
        time: (time,).
        values: (time, ...).
        confidence: of the interval.
    """
    from scipy import special

    values = np.asarray(values, np.float64)
    flat = values.reshape(len(values), -1)
    slope, width, count = (np.full(flat.shape[1], np.nan) for _ in range(3))
    for column in range(flat.shape[1]):
        present = np.isfinite(flat[:, column])
        t, x = np.asarray(time, float)[present], flat[present, column]
        if len(t) < 3:
            continue
        centred = t - t.mean()
        square = (centred**2).sum()
        slope[column] = (centred * (x - x.mean())).sum() / square
        residual = x - x.mean() - slope[column] * centred
        power = (residual**2).sum()
        r = (residual[1:] * residual[:-1]).sum() / power if power > 0 else 0.0
        independent = len(t) * min((1 - r) / (1 + r), 1.0)
        count[column] = independent
        if independent > 2:
            error = np.sqrt(power / (independent - 2) / square)
            quantile = special.stdtrit(independent - 2, (1 + confidence) / 2)
            width[column] = quantile * error
    shape = values.shape[1:]
    return Trend(slope.reshape(shape), width.reshape(shape), count.reshape(shape))


def without_annual_cycle(values: np.ndarray, month: np.ndarray) -> np.ndarray:
    """Return deviations from the mean of the same calendar month.

    Args:
        values: (time, ...).
        month: of the year, 0 to 11, (time,).
    """
    values = np.asarray(values, np.float64)
    result = np.empty_like(values)
    for number in np.unique(month):
        chosen = month == number
        result[chosen] = values[chosen] - values[chosen].mean(0)
    return result
