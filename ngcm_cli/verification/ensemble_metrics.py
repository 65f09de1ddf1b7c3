"""Statistics of ensembles: CRPS, error and spread of the mean, rank of the truth."""

import numpy as np

from ngcm_cli.verification.area_sums import area_sums
from ngcm_cli.verification.statistics import Statistics

_BLOCK = 1 << 20  # values of members that are sorted at once, 8 MiB


def ensemble_statistics(
    members: np.ndarray, truth: np.ndarray, weights: np.ndarray
) -> Statistics:
    """Return the statistics of one ensemble forecast of a variable at one lead.

    With M members xᵢ, their mean x̄, their variance s² = Σ(xᵢ - x̄)²/(M - 1) and the
    truth y in each cell:

    - ``crps_skill`` is Σ|xᵢ - y|/M and ``crps_spread`` Σᵢⱼ|xᵢ - xⱼ|/(M(M - 1)), of
      which the fair CRPS is skill - spread/2 (Ferro 2014, doi:10.1002/qj.2270);
    - ``squared_error_of_mean`` is (x̄ - y)², ``unbiased_squared_error_of_mean``
      (x̄ - y)² - s²/M and ``ensemble_variance`` s²;
    - ``rank``, of shape (region, level, M + 1), has 1 at the number of members below
      the truth; where E members equal it, 1/(E + 1) at each of the E + 1 ranks.

    Args:
        members: shape (realization, level, latitude, longitude), at least two members.
        truth: shape (level, latitude, longitude). Cells in which it is NaN are left
            out.
        weights: shape (region, latitude, longitude).

    Returns:
        Statistics of shape (region, level). A member that is not finite where the truth
        is makes those of the regions with this cell NaN.
    """
    check_members(members)
    flat_weights = weights.reshape(len(weights), -1)
    parts = []
    for level in range(len(truth)):
        flat_truth = truth[level].ravel()
        flat_members = members[:, level].reshape(len(members), -1)
        valid = ~np.isnan(flat_truth)
        moments, below, equal = _cell_statistics(flat_members, flat_truth, valid)
        quantities = {name: x[None] for name, x in moments.items()}
        finite = np.isfinite(moments["crps_skill"])
        parts.append(
            area_sums(quantities, valid[None], weights)
            | _ranks(below, equal, valid, finite, flat_weights, len(members))
        )
    return Statistics.concatenate(parts, axis=1)


def check_members(members: np.ndarray) -> None:
    """Check that there are two members at least, without which there is no spread."""
    if len(members) < 2:
        raise ValueError("the scores of ensembles need at least two members")


def _cell_statistics(
    members: np.ndarray, truth: np.ndarray, valid: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return the statistics of each cell, and how many members are below and equal.

    Args:
        members: shape (realization, cell).
        truth: shape (cell,).
        valid: where the truth is a number, shape (cell,).
    """
    names = (
        "crps_skill", "crps_spread", "squared_error_of_mean",
        "unbiased_squared_error_of_mean", "ensemble_variance",
    )  # fmt: skip
    moments = {name: np.zeros(truth.shape) for name in names}
    below, equal = (np.zeros(truth.shape, dtype=np.int64) for _ in range(2))
    size = max(1, _BLOCK // len(members))
    for first in range(0, len(truth), size):
        cells = slice(first, first + size)
        # One row for each cell. Less the truth, so that little is lost to rounding.
        observed = np.where(valid[cells], truth[cells], 0)[:, None]
        difference = np.subtract(
            members[:, cells].T, observed, dtype=np.float64, order="C"
        )
        with np.errstate(invalid="ignore", over="ignore"):
            for name, values in zip(names, _moments(difference), strict=True):
                moments[name][cells] = values
            below[cells] = (difference < 0).sum(axis=1)
            equal[cells] = (difference == 0).sum(axis=1)
    return moments, below, equal


def _moments(difference: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the means over members of functions of their difference to the truth.

    Args:
        difference: shape (cell, realization).
    """
    count = difference.shape[1]
    mean = difference.mean(axis=1)
    variance = difference.var(axis=1, ddof=1)
    skill = np.abs(difference).mean(axis=1)
    squared_error = np.square(mean)
    return (
        skill,
        mean_absolute_difference(difference),
        squared_error,
        squared_error - variance / count,
        variance,
    )


def mean_absolute_difference(members: np.ndarray) -> np.ndarray:
    """Return the mean of |xᵢ - xⱼ| over all pairs of different members.

    Sorted, xᵢ is added i - 1 times and subtracted M - i times, so that the mean is
    2 Σᵢ (2i - M - 1) x₍ᵢ₎ / (M(M - 1)).

    Args:
        members: shape (cell, realization).

    Returns:
        Shape (cell,).
    """
    count = members.shape[-1]
    times = 2.0 * np.arange(1, count + 1) - count - 1
    return np.sort(members, axis=-1) @ times * 2 / (count * (count - 1))


def _ranks(
    below: np.ndarray,
    equal: np.ndarray,
    valid: np.ndarray,
    finite: np.ndarray,
    weights: np.ndarray,
    members: int,
) -> Statistics:
    """Return the weighted number of cells of each rank, shape (region, 1, rank)."""
    ranks = members + 1
    sums = np.zeros((len(weights), ranks))
    weight = np.zeros((len(weights), 1))
    for i, of_region in enumerate(weights):
        inside = (of_region > 0) & valid
        if not finite[inside].all():
            sums[i] = np.nan
        area, low, ties = of_region[inside], below[inside], equal[inside]
        weight[i] = area.sum()
        for k in range(int(ties.max(initial=0)) + 1):
            reaches = ties >= k
            share = area[reaches] / (ties[reaches] + 1)
            sums[i] += np.bincount(low[reaches] + k, weights=share, minlength=ranks)
    return Statistics({"rank": (sums[:, None], weight[..., None])})
