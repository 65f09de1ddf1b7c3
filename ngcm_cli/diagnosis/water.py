"""The water cycle: distribution of P - E, precipitable water, the moisture budget."""

import numpy as np

from ngcm_cli.diagnosis.sphere import area_weights, both_hemispheres

SECONDS_PER_DAY = 86400.0
REGIONS = ("tropics", "extratropics")
"""20 S to 20 N, and 30 to 70 degrees of both hemispheres."""
RATE_EDGES = np.arange(-20.0, 101.0, 2.0)
"""Bounds of the classes of rates, mm per day."""
_TROPICS, _EXTRATROPICS = (-20.0, 20.0), (30.0, 70.0)


def region_weights(latitude: np.ndarray) -> np.ndarray:
    """Return the weights of the latitudes in each of `REGIONS`, (region, latitude)."""
    return np.stack(
        [area_weights(latitude, *_TROPICS), both_hemispheres(latitude, *_EXTRATROPICS)]
    )


def rate_distribution(rate: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return the share of the area of each region in every class of rates.

    The first and the last class include all rates beyond them.

    Args:
        rate: mm per day, (latitude, longitude).
        latitude: degrees, ascending.

    Returns:
        (region, class), which sums to one over the classes where no value is missing.
    """
    rate = np.asarray(rate, np.float64)
    inside = np.clip(rate, RATE_EDGES[0], np.nextafter(RATE_EDGES[-1], 0))
    present = np.isfinite(rate)
    shares = []
    for weights in region_weights(latitude):
        each = np.broadcast_to(weights[:, None], rate.shape)[present]
        counts, _ = np.histogram(inside[present], RATE_EDGES, weights=each)
        shares.append(counts / each.sum())
    return np.stack(shares)


def quantile(distribution: np.ndarray, share: float) -> float:
    """Return the rate below which a share of the area is, mm per day.

    Args:
        distribution: of one region, (class,), summing to one.
        share: from 0 to 1.
    """
    cumulative = np.concatenate([[0.0], np.cumsum(distribution)])
    return float(np.interp(share, cumulative, RATE_EDGES))


def budget_residual(
    time: np.ndarray, water: np.ndarray, net_rate: np.ndarray
) -> tuple[float, float, float]:
    """Return terms of the global moisture budget in mm per day.

        d[W]/dt = -[P - E] + residual

    The first is the change of the global mean column water from the first to the last
    time, divided by the time between; the second the mean of -(P - E) over that time,
    by the trapezoidal rule.

    Args:
        time: days, (time,), at least two.
        water: global mean of column water, kg m-2, (time,).
        net_rate: global mean of P - E, kg m-2 per day, (time,).

    Returns:
        Storage, -(P - E), and residual, which is the first minus the second.
    """
    span = time[-1] - time[0]
    storage = (water[-1] - water[0]) / span
    source = -np.trapezoid(net_rate, time) / span
    return float(storage), float(source), float(storage - source)
