"""Statistics of forecasts of events: a variable exceeds a threshold."""

import numpy as np

from ngcm_cli.verification.area_sums import area_sums
from ngcm_cli.verification.ensemble_metrics import check_members
from ngcm_cli.verification.statistics import Statistics

PROBABILITY_BINS = 10
"""Bins of equal width of forecast probability; a probability of 1 is in the last."""


def threshold_statistics(
    members: np.ndarray,
    truth: np.ndarray,
    thresholds: np.ndarray,
    weights: np.ndarray,
) -> Statistics:
    """Return the statistics of one ensemble forecast of events at one lead.

    The forecast probability p is the share of the M members that exceed a threshold
    (x > threshold), and o is 1 if the truth does, else 0.

    - ``brier`` is (p - o)² and ``fair_brier`` (p - o)² - p(1 - p)/(M - 1), which does
      not favour large ensembles (Ferro 2014, doi:10.1002/qj.2270);
    - for the reliability curve, in each bin of probability, ``event_in_bin`` is o,
      ``probability_in_bin`` p, and ``bin_share`` 1, of all cells.

    Args:
        members: shape (realization, level, latitude, longitude), at least two members.
        truth: shape (level, latitude, longitude). Cells in which it is NaN are left
            out.
        thresholds: shape (threshold,), or any that broadcasts to (threshold, level,
            latitude, longitude), such as quantiles of a climatology; cells in which it
            is NaN are left out.
        weights: shape (region, latitude, longitude).

    Returns:
        Statistics of shape (region, level, threshold), those of bins of shape (region,
        level, threshold, probability_bin).
    """
    check_members(members)
    thresholds = np.asarray(thresholds)
    if thresholds.ndim == 1:
        thresholds = thresholds[:, None, None, None]
    thresholds = np.broadcast_to(thresholds, (len(thresholds), *truth.shape))
    of_levels = []
    for level in range(len(truth)):
        of_thresholds = [
            _of_level(members[:, level], truth[level], threshold[level], weights)
            for threshold in thresholds
        ]
        of_levels.append(Statistics.stack(of_thresholds, axis=1))
    return Statistics.stack(of_levels, axis=1)


def _of_level(
    members: np.ndarray, truth: np.ndarray, threshold: np.ndarray, weights: np.ndarray
) -> Statistics:
    """Return statistics of shape (region,) and (region, probability_bin)."""
    count = len(members)
    valid = ~(np.isnan(truth) | np.isnan(threshold))
    exceeding = (members > threshold).sum(axis=0)
    probability = exceeding / count
    event = (truth > threshold).astype(np.float64)
    brier = np.square(probability - event)
    fair = brier - probability * (1 - probability) / (count - 1)
    missing = np.asarray(~np.isfinite(members).all(axis=0))
    quantities = {"brier": brier, "fair_brier": fair}
    quantities = {n: np.where(missing, np.nan, x)[None] for n, x in quantities.items()}
    scores = area_sums(quantities, valid[None], weights)
    scores = Statistics({n: (t[:, 0], w[:, 0]) for n, (t, w) in scores.items()})
    # In integers, so that 3 of 10 members are in the same bin on every machine.
    bins = np.minimum(exceeding * PROBABILITY_BINS // count, PROBABILITY_BINS - 1)
    return scores | _reliability(bins, probability, event, valid, missing, weights)


def _reliability(
    bins: np.ndarray,
    probability: np.ndarray,
    event: np.ndarray,
    valid: np.ndarray,
    missing: np.ndarray,
    weights: np.ndarray,
) -> Statistics:
    """Return the statistics of bins of probability, shape (region, probability_bin)."""
    events, probabilities, areas = (
        np.zeros((len(weights), PROBABILITY_BINS)) for _ in range(3)
    )
    for region, of_region in enumerate(weights):
        inside = (of_region > 0) & valid
        area, place = of_region[inside], bins[inside]

        def of_bins(values, place=place):
            return np.bincount(place, weights=values, minlength=PROBABILITY_BINS)

        areas[region] = of_bins(area)
        not_finite = np.nan if missing[inside].any() else 0.0
        events[region] = of_bins(area * event[inside]) + not_finite
        probabilities[region] = of_bins(area * probability[inside]) + not_finite
    return Statistics(
        {
            "event_in_bin": (events, areas),
            "probability_in_bin": (probabilities, areas),
            "bin_share": (areas, areas.sum(axis=1, keepdims=True)),
        }
    )
