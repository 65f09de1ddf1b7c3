"""Differences of two ensembles of the same model with other random numbers.

No member of one equals a member of the other. Their means differ by what a finite
number of members leaves, and their spreads hardly.
"""

import numpy as np

from ngcm_cli.verification.ensemble_metrics import ensemble_statistics
from ngcm_cli.verification.published.differences import (
    Difference,
    difference_statistics,
    differences,
)
from ngcm_cli.verification.statistics import Statistics

_SIDES = "ours", "published"
_NEEDED = "crps_skill", "crps_spread", "ensemble_variance"


def ensemble_difference_statistics(
    ours: np.ndarray,
    published: np.ndarray,
    truth: np.ndarray | None,
    weights: np.ndarray,
) -> Statistics:
    """Return the additive statistics of the difference of two ensembles of a field.

    Args:
        ours: shape (realization, level, latitude, longitude), two members at least.
        published: the same, with as many members or another number.
        truth: shape (level, latitude, longitude), NaN where there is none; None without
            one.
        weights: shape (1, latitude, longitude).

    Returns:
        Statistics of shape (1, level): those of the means over members, and of each
        ensemble ``crps_skill``, ``crps_spread`` and ``ensemble_variance``.
    """
    our_mean, published_mean = (
        members.mean(axis=0, dtype=np.float64) for members in (ours, published)
    )
    statistics = difference_statistics(our_mean, published_mean, truth, weights)
    against = np.zeros(our_mean.shape) if truth is None else truth
    for side, members in zip(_SIDES, (ours, published), strict=True):
        found = ensemble_statistics(members, against, weights).select(_NEEDED)
        if truth is None:
            nothing = np.zeros((1, len(against)))
            unknown = {"crps_skill": (nothing, nothing)}
            found = Statistics({**found, **unknown})
        statistics |= Statistics({f"{name}_{side}": x for name, x in found.items()})
    return statistics


def ensemble_differences(
    statistics: Statistics, members: tuple[int, int]
) -> list[Difference]:
    """Return the differences of all levels.

    The means over M and N members with variances s² and t² differ, by chance alone, by
    √(s²/M + t²/N).

    Args:
        statistics: as `ensemble_difference_statistics` returns them, shape (1, level).
        members: numbers of our members and of the published.
    """
    means = {name: x[0] for name, x in statistics.means().items()}
    variances = [means[f"ensemble_variance_{side}"] for side in _SIDES]
    crps = [
        means[f"crps_skill_{side}"] - means[f"crps_spread_{side}"] / 2
        for side in _SIDES
    ]
    chance = sum(v / n for v, n in zip(variances, members, strict=True))
    return differences(
        statistics,
        sampling=np.sqrt(chance),
        our_spread=np.sqrt(variances[0]),
        published_spread=np.sqrt(variances[1]),
        our_crps=crps[0],
        published_crps=crps[1],
    )
