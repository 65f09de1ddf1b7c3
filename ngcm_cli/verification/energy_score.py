"""Statistics of the energy score, which judges the members as whole fields."""

import numpy as np

from ngcm_cli.verification.ensemble_metrics import check_members
from ngcm_cli.verification.statistics import Statistics


def energy_score_statistics(
    members: np.ndarray, truth: np.ndarray, weights: np.ndarray
) -> Statistics:
    """Return the parts of the energy score of one ensemble forecast at one lead.

    With the norm ‖x‖ = √(Σ w x² / Σ w) over the cells of a region, ``energy_skill`` is
    Σ‖xᵢ - y‖/M and ``energy_spread`` Σᵢⱼ‖xᵢ - xⱼ‖/(M(M - 1)); the fair energy score is
    skill - spread/2 (Gneiting and Raftery 2007, doi:10.1198/016214506000001437, with
    the norm of WeatherBench 2, and all pairs of members).

    Args:
        members: shape (realization, level, latitude, longitude), at least two members.
        truth: shape (level, latitude, longitude). Cells in which it is NaN are left
            out.
        weights: shape (region, latitude, longitude).

    Returns:
        Statistics of shape (region, level), in the units of the variable. Each time
        counts once; with weight 0 if a region has no truth.
    """
    check_members(members)
    shape = len(weights), len(truth)
    skill, spread, weight = (np.zeros(shape) for _ in range(3))
    flat_weights = weights.reshape(len(weights), -1)
    for level in range(len(truth)):
        flat_truth = truth[level].ravel()
        flat_members = members[:, level].reshape(len(members), -1)
        for region, of_region in enumerate(flat_weights):
            cells = (of_region > 0) & ~np.isnan(flat_truth)
            if not cells.any():
                continue
            root = np.sqrt(of_region[cells] / of_region[cells].sum())
            error = np.subtract(
                flat_members[:, cells], flat_truth[cells], dtype=np.float64
            )
            error *= root
            weight[region, level] = 1
            if not np.isfinite(error).all():
                skill[region, level] = spread[region, level] = np.nan
                continue
            skill[region, level] = np.sqrt(np.square(error).sum(axis=1)).mean()
            spread[region, level] = _mean_distance(error)
    return Statistics(
        {"energy_skill": (skill, weight), "energy_spread": (spread, weight)}
    )


def _mean_distance(members: np.ndarray) -> float:
    """Return the mean distance of all pairs of different members.

    The distances follow from scalar products of the deviations from the mean, in one
    matrix product.

    Args:
        members: shape (realization, cell).
    """
    count = len(members)
    deviation = members - members.mean(axis=0)
    product = deviation @ deviation.T
    square = np.diag(product)
    squares = square[:, None] + square - 2 * product
    pairs = np.sqrt(np.maximum(squares[np.triu_indices(count, 1)], 0))
    return float(pairs.mean())
