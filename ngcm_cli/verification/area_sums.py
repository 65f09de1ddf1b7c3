"""Weighted sums over the cells of regions."""

from collections.abc import Iterator, Mapping

import numpy as np

from ngcm_cli.verification.statistics import Statistics

_BLOCK = 1 << 20  # values of a quantity that are computed at once, 8 MiB


def level_blocks(levels: int, values_of_level: int) -> Iterator[slice]:
    """Return slices of levels, as many at once as fit in a small block of memory."""
    step = max(1, _BLOCK // max(values_of_level, 1))
    return (slice(first, first + step) for first in range(0, levels, step))


def area_sums(
    quantities: Mapping[str, np.ndarray], valid: np.ndarray, weights: np.ndarray
) -> Statistics:
    """Return the weighted sums of quantities over the valid cells of regions.

    A quantity that is not finite in a valid cell makes the sums of the regions with
    this cell NaN: a forecast without a value is not scored as if it were none.

    Args:
        quantities: arrays by name, shape (level, latitude, longitude).
        valid: cells that count, shape (level, latitude, longitude), bool. Others are
            left out with their weight.
        weights: shape (region, latitude, longitude).

    Returns:
        Statistics of shape (region, level).
    """
    flat = weights.reshape(len(weights), -1)
    valid = valid.reshape(len(valid), -1)
    everywhere = bool(valid.all())
    if everywhere:
        weight = np.repeat(flat.sum(axis=1)[:, None], len(valid), axis=1)
    else:
        weight = flat @ valid.T.astype(np.float64)
    sums = {}
    for name, quantity in quantities.items():
        values = quantity.reshape(valid.shape)
        if not everywhere:
            values = np.where(valid, values, 0.0)
        sums[name] = _sums(values, flat), weight
    return Statistics(sums)


def _sums(values: np.ndarray, flat_weights: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", over="ignore"):
        sums = flat_weights @ values.T
    if np.isfinite(sums).all():
        return sums
    finite = np.isfinite(values)
    sums = flat_weights @ np.where(finite, values, 0.0).T
    has_others = (flat_weights > 0).astype(np.float64) @ (~finite).T.astype(np.float64)
    return np.where(has_others > 0, np.nan, sums)


def broadcast_weights(weight: np.ndarray, extra: int) -> np.ndarray:
    """Return weights with trailing axes of size one, for sums that have more axes."""
    return weight.reshape(*weight.shape, *(1,) * extra)
