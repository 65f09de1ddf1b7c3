"""Statistics over members, from blocks of members in any order and of any size.

Sums of squared deviations are merged pairwise (Chan, Golub and LeVeque 1983, Algorithms
for Computing the Sample Variance). Sums of values are kept rather than means: those of
float32 in float64 are mostly exact, so that the rounding of a mean does not depend on
the order of blocks. For extremes and percentiles only as many of the least and greatest
values are kept as the result needs.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Summary:
    """Partial statistics of a variable at one lead time, from some of the members.

    Attributes:
        members: numbers of the members included.
        count: number of these that are finite everywhere; the others are excluded.
        total: their sum, float64.
        squares: sum of squared deviations from the mean, float64.
        least: the smallest values at each place, ascending, (value, …).
        greatest: the largest ones, ascending, (value, …).
    """

    members: tuple[int, ...]
    count: int
    total: np.ndarray
    squares: np.ndarray
    least: np.ndarray
    greatest: np.ndarray


def summarize(
    members: Sequence[int], x: np.ndarray, statistics: Sequence[str], total: int
) -> Summary:
    """Return the partial statistics of some members.

    Args:
        members: their numbers.
        x: their values, (member, …).
        statistics: names of the statistics to compute in the end.
        total: number of all members.
    """
    finite = x[np.isfinite(x.reshape(len(x), -1)).all(axis=1)]
    sums = finite.sum(axis=0, dtype=np.float64)
    squares = ((finite - sums / max(len(finite), 1)) ** 2).sum(axis=0)
    low, high = _needed(statistics, total)
    ordered = np.sort(finite, axis=0)
    return Summary(
        tuple(members),
        len(finite),
        sums,
        squares,
        ordered[:low],
        ordered[max(len(ordered) - high, 0) :],
    )


def merge(a: Summary, b: Summary, statistics: Sequence[str], total: int) -> Summary:
    """Return the partial statistics of the members of both."""
    if not a.count or not b.count:
        rest = a if a.count else b
        return dataclasses.replace(rest, members=a.members + b.members)
    count = a.count + b.count
    apart = b.total / b.count - a.total / a.count
    low, high = _needed(statistics, total)
    least = np.sort(np.concatenate([a.least, b.least]), axis=0)[:low]
    greatest = np.sort(np.concatenate([a.greatest, b.greatest]), axis=0)
    return Summary(
        a.members + b.members,
        count,
        a.total + b.total,
        a.squares + b.squares + apart**2 * (a.count * b.count / count),
        least,
        greatest[max(len(greatest) - high, 0) :],
    )


def evaluate(
    summary: Summary, statistics: Sequence[str], ddof: int
) -> dict[str, np.ndarray]:
    """Return the statistics by name, float32; NaN if no member is finite.

    Percentiles are interpolated linearly between members.

    Args:
        summary: of all members.
        statistics: names of the statistics.
        ddof: what is taken off the number of members by which the sum of squares is
            divided for the variance: 0 gives the standard deviation of these members, 1
            an estimate of that of all possible ones, which one member leaves undefined.
    """
    if not summary.count:
        nothing = np.full(summary.total.shape, np.nan, np.float32)
        return dict.fromkeys(statistics, nothing)
    return {
        name: np.asarray(_evaluate(summary, name, ddof), np.float32)
        for name in statistics
    }


def _evaluate(summary: Summary, name: str, ddof: int) -> np.ndarray:
    if name == "mean":
        return summary.total / summary.count
    if name == "std":
        if summary.count <= ddof:
            return np.full(summary.squares.shape, np.nan)
        return np.sqrt(summary.squares / (summary.count - ddof))
    place = _share(name) * (summary.count - 1)
    below, beyond = math.floor(place), math.ceil(place)
    low, high = (_ordered(summary, i).astype(np.float64) for i in (below, beyond))
    return low + (high - low) * (place - below)


def _ordered(summary: Summary, place: int) -> np.ndarray:
    """Return the value with so many below it."""
    if place < len(summary.least):
        return summary.least[place]
    return summary.greatest[place - summary.count]


def _share(name: str) -> float:
    """Return the share of members below a percentile."""
    extremes = {"min": 0.0, "max": 1.0}
    return extremes[name] if name in extremes else int(name[1:]) / 100


def _needed(statistics: Sequence[str], total: int) -> tuple[int, int]:
    """Return how many of the smallest and largest values the statistics need."""
    low = high = 0
    for name in statistics:
        if name in ("mean", "std"):
            continue
        place = _share(name) * (total - 1)
        # Fewer members, if some are lost, never need more.
        if 2 * place <= total - 1:
            low = max(low, math.ceil(place) + 1)
        else:
            high = max(high, total - math.floor(place))
    return min(low, total), min(high, total)
