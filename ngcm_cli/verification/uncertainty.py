"""Confidence intervals of scores, and of the difference of two forecasts.

Scores of neighbouring initial times are correlated, so that whole blocks of successive
initial times are drawn, with replacement, and the score is computed from the statistics
of each draw.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy import special

from ngcm_cli.verification.autocorrelation import block_length, variance_inflation
from ngcm_cli.verification.matrix_products import multiply
from ngcm_cli.verification.statistics import Statistics

FEWEST_TIMES = 8
"""Initial times without which there is no interval."""
REPLICATES = 1000

ScoreOfMeans = Callable[[Mapping[str, np.ndarray]], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Interval:
    """A score with its confidence interval.

    Attributes:
        estimate: the score of all initial times, of the shape of the statistics without
            initial time.
        lower: lower bound of the interval; NaN with fewer than `FEWEST_TIMES`.
        upper: upper bound.
    """

    estimate: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


@dataclasses.dataclass(frozen=True)
class PairedDifference:
    """The difference of a score of two forecasts from the same initial times.

    Attributes:
        interval: score of the first minus score of the second, with its interval.
        p_value: two-sided probability of a mean difference of the scores of single
            initial times as large as this, or larger, if there were none; of a paired
            t-test in which the standard error is inflated by serial correlation.
        inflation: factor by which the correlation inflates the variance of the mean.
    """

    interval: Interval
    p_value: np.ndarray
    inflation: np.ndarray


def bootstrap_interval(
    statistics: Statistics,
    score: ScoreOfMeans,
    *,
    confidence: float = 0.95,
    replicates: int = REPLICATES,
    seed: int = 0,
    block: int | None = None,
) -> Interval:
    """Return a score with its interval from a circular block bootstrap.

    Percentiles of the replicates, expanded to those of a t distribution with one degree
    of freedom less than there are blocks (Hesterberg 2015,
    doi:10.1080/00031305.2015.1089789), since few blocks vary less than the truth.

    Args:
        statistics: shape (init_time, ...), initial times ascending at equal distances.
        score: function of the means of the statistics, such as a `Metric`.
        confidence: probability of the interval.
        replicates: number of draws.
        seed: seed of the draws; equal seeds give equal intervals.
        block: number of successive initial times in a block. By default from the
            correlation of the scores of single times, the mean over what else the
            statistics are of; give it all that varies together, such as one lead.

    Returns:
        The score and interval, of the shape of the score without initial time.
    """
    single = score(statistics.means())
    if block is None:
        block = _block_of(single)
    draws = _draws(len(single), block, replicates, seed)
    return _interval(
        score(statistics.sum().means()),
        _replicate(statistics, score, draws),
        confidence,
        len(single),
        block,
    )


def paired_difference(
    first: Statistics,
    second: Statistics,
    score: ScoreOfMeans,
    *,
    confidence: float = 0.95,
    replicates: int = REPLICATES,
    seed: int = 0,
    block: int | None = None,
) -> PairedDifference:
    """Return the score of one forecast minus that of another, with its interval.

    The same initial times are drawn for both. As a cross-check there is a paired t-test
    of the differences of single times (Geer 2016, doi:10.3402/tellusa.v68.30229).

    Args:
        first: statistics of shape (init_time, ...), initial times ascending at equal
            distances.
        second: those of the other forecast, of the same initial times.
        score: function of the means of the statistics, such as a `Metric`.
        confidence: probability of the interval.
        replicates: number of draws.
        seed: seed of the draws; equal seeds give equal intervals.
        block: number of successive initial times in a block; by default from the
            correlation of the differences of single times.

    Returns:
        The difference, its interval and the p-value.
    """
    single = score(first.means()) - score(second.means())
    if block is None:
        block = _block_of(single)
    draws = _draws(len(single), block, replicates, seed)
    interval = _interval(
        score(first.sum().means()) - score(second.sum().means()),
        _replicate(first, score, draws) - _replicate(second, score, draws),
        confidence,
        len(single),
        block,
    )
    inflation = variance_inflation(single)
    return PairedDifference(interval, _p_value(single, inflation), inflation)


def _block_of(single: np.ndarray) -> int:
    """Return the block length for the scores of single times, shape (time, ...)."""
    inflation = variance_inflation(single)
    usable = inflation[np.isfinite(single).any(axis=0)]
    return block_length(float(usable.mean()) if usable.size else 1.0, len(single))


@functools.lru_cache(maxsize=16)  # shared by lead times, variables and scores
def _draws(times: int, block: int, replicates: int, seed: int) -> np.ndarray:
    """Return how often each time is drawn, shape (replicate, time), float64.

    Blocks begin at any time and go on at the first one after the last. The last block
    is cut, so that every draw has as many times as there are.
    """
    random = np.random.default_rng(seed)
    blocks = -(-times // block)
    first = random.integers(0, times, size=(replicates, blocks, 1))
    drawn = ((first + np.arange(block)) % times).reshape(replicates, -1)[:, :times]
    cells = drawn + times * np.arange(replicates)[:, None]
    counts = np.bincount(cells.ravel(), minlength=replicates * times)
    drawn = counts.reshape(replicates, times).astype(np.float64)
    drawn.setflags(write=False)
    return drawn


def _replicate(
    statistics: Statistics, score: ScoreOfMeans, draws: np.ndarray
) -> np.ndarray:
    """Return the score of each draw, shape (..., replicate)."""

    def merged(values: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            flat = values.reshape(len(values), -1).T
            product = multiply(flat, draws.T, np.empty((len(flat), len(draws))))
        return product.reshape(*values.shape[1:], len(draws))

    sums = {}
    for name, (total, weight) in statistics.items():
        weight = np.broadcast_to(weight, total.shape)
        if (weight == weight[:1]).all():  # as many times are drawn as there are
            weights = len(weight) * weight[0][..., None]
        else:
            weights = merged(weight)
        sums[name] = merged(total), weights
    return score(Statistics(sums).means())


def _interval(
    estimate: np.ndarray,
    replicates: np.ndarray,
    confidence: float,
    times: int,
    block: int,
) -> Interval:
    if times < FEWEST_TIMES:
        nothing = np.full(np.shape(estimate), np.nan)
        return Interval(estimate, nothing, nothing)
    blocks = times / block
    quantile = special.stdtrit(blocks - 1, (1 + confidence) / 2)
    share = special.ndtr(np.sqrt(blocks / (blocks - 1)) * quantile)
    lower, upper = _quantiles(replicates, [1 - share, share])
    return Interval(estimate, lower, upper)


def _quantiles(values: np.ndarray, shares: Sequence[float]) -> list[np.ndarray]:
    """Return quantiles along the last axis, as `numpy.quantile` has them.

    Sorting small rows is faster than finding the few values that are needed. NaN is the
    last in order, and makes all quantiles of its row NaN.
    """
    ordered = np.sort(values, axis=-1)
    last = ordered.shape[-1] - 1
    found = []
    for share in shares:
        place = share * last
        first = min(int(place), max(last - 1, 0))
        low, high = ordered[..., first], ordered[..., min(first + 1, last)]
        with np.errstate(invalid="ignore"):
            quantile = low + (high - low) * (place - first)
        found.append(np.where(np.isnan(ordered[..., -1]), np.nan, quantile))
    return found


def _p_value(single: np.ndarray, inflation: np.ndarray) -> np.ndarray:
    """Return the p-value of a paired t-test of differences of shape (time, ...)."""
    valid = np.isfinite(single)
    count = valid.sum(axis=0)
    enough = count >= FEWEST_TIMES
    count = np.where(enough, count, FEWEST_TIMES)
    values = np.where(valid, single, 0.0)
    mean = values.sum(axis=0) / count
    variance = np.where(valid, np.square(values - mean), 0.0).sum(axis=0) / (count - 1)
    error = np.sqrt(variance * inflation / count)
    certain = np.where(mean == 0, 0.0, np.inf)
    t = np.divide(np.abs(mean), error, out=certain, where=error > 0)
    return np.where(enough, 2 * special.stdtr(count - 1, -t), np.nan)
