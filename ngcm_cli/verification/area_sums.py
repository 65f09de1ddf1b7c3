"""Weighted sums over the cells of regions."""

from collections.abc import Iterator, Mapping

import numpy as np

from ngcm_cli.verification.statistics import Statistics

_BLOCK = 1 << 17  # values of a quantity that are computed at once, in the cache


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
    valid = valid.reshape(-1, *weights.shape[1:])
    regions = _regions_of(weights)
    everywhere = bool(valid.all())
    if everywhere:
        weight = np.repeat(weights.sum(axis=(1, 2))[:, None], len(valid), axis=1)
    else:
        weight = regions.sums(valid.astype(np.float64))
    sums = {}
    for name, quantity in quantities.items():
        values = quantity.reshape(valid.shape)
        if not everywhere:
            values = np.where(valid, values, 0.0)
        sums[name] = _sums(values, regions), weight
    return Statistics(sums)


def product_sums(
    pairs: Mapping[str, tuple[np.ndarray, np.ndarray | None]], weights: np.ndarray
) -> Statistics | None:
    """Return the weighted sums of products of fields without gaps, in one pass each.

    Args:
        pairs: two arrays by name, shape (level, latitude, longitude), whose product is
            summed; None stands for ones.
        weights: shape (region, latitude, longitude).

    Returns:
        Statistics of shape (region, level); None if a product is not finite, of which
        only `area_sums` tells the regions.
    """
    regions, sums = _regions_of(weights), {}
    for name, (first, second) in pairs.items():
        with np.errstate(invalid="ignore", over="ignore"):
            total, everything = regions.products(first, second)
        if not np.isfinite(everything):
            return None
        weight = np.broadcast_to(regions.total[:, None], total.shape)
        sums[name] = total, weight
    return Statistics(sums)


def _sums(values: np.ndarray, regions: "_Regions") -> np.ndarray:
    with np.errstate(invalid="ignore", over="ignore"):
        sums = regions.sums(values)
    if np.isfinite(sums).all():
        return sums
    finite = np.isfinite(values)
    sums = regions.sums(np.where(finite, values, 0.0))
    inside = _Regions((regions.weights > 0).astype(np.float64))
    return np.where(inside.sums((~finite).astype(np.float64)) > 0, np.nan, sums)


class _Regions:
    """Weights of cells in regions, and what most regions are.

    They are bands of latitudes, whose sums follow from those of circles of latitude, or
    small boxes; products with the weights of the whole globe would take ten times as
    long.

    Args:
        weights: shape (region, latitude, longitude).
    """

    def __init__(self, weights: np.ndarray):
        self.weights = weights
        self.total = weights.sum(axis=(1, 2))
        self._is_band = (weights == weights[..., :1]).all(axis=(1, 2))
        self._bands = weights[self._is_band, :, 0]
        self._ones = np.ones(weights.shape[2])
        self._boxes: list[tuple[int, slice, slice, np.ndarray, bool]] = []
        for region in np.flatnonzero(~self._is_band):
            inside = weights[region] > 0
            rows, columns = (np.flatnonzero(inside.any(axis=i)) for i in (1, 0))
            band = slice(rows[0], rows[-1] + 1)
            # Across the first meridian a box is in two parts.
            for part in np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1):
                side = slice(part[0], part[-1] + 1)
                box = weights[region, band, side]
                even = bool((box == box[:, :1]).all())
                self._boxes.append((int(region), band, side, box, even))

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return weighted sums, (region, level), of (level, latitude, longitude)."""
        sums = np.zeros((len(self.weights), len(values)))
        if self._is_band.any():
            sums[self._is_band] = self._bands @ values.sum(axis=2).T
        for region, band, side, weights, _ in self._boxes:
            inside = values[:, band, side].reshape(len(values), -1)
            sums[region] += inside @ weights.ravel()
        return sums

    def products(
        self, first: np.ndarray, second: np.ndarray | None
    ) -> tuple[np.ndarray, float]:
        """Return weighted sums of a product, (region, level), and the sum of all.

        The product itself is never in memory.
        """
        if second is None:
            second = self._ones
        circles = np.vecdot(first, second)
        sums = np.zeros((len(self.weights), len(first)))
        sums[self._is_band] = self._bands @ circles.T
        for region, band, side, weights, even in self._boxes:
            one = first[:, band, side]
            other = second[:, band, side] if second.ndim > 1 else second[side]
            if even:
                sums[region] += np.vecdot(one, other) @ weights[:, 0]
            else:
                sums[region] += np.vecdot(one * weights, other).sum(axis=1)
        return sums, float(circles.sum())


_PREPARED: dict[int, "_Regions"] = {}
_MOST_PREPARED = 4


def _regions_of(weights: np.ndarray) -> "_Regions":
    """Return prepared weights; those of an array that is read-only are kept."""
    if weights.flags.writeable:
        return _Regions(weights)
    found = _PREPARED.get(id(weights))
    if found is None or found.weights is not weights:
        if len(_PREPARED) >= _MOST_PREPARED:
            _PREPARED.clear()
        found = _PREPARED[id(weights)] = _Regions(weights)
    return found


def broadcast_weights(weight: np.ndarray, extra: int) -> np.ndarray:
    """Return weights with trailing axes of size one, for sums that have more axes."""
    return weight.reshape(*weight.shape, *(1,) * extra)
