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


class ProductSums:
    """Weighted sums of products of fields without gaps, which are never in memory.

    Args:
        weights: shape (region, latitude, longitude).
        levels: number of levels.
    """

    def __init__(self, weights: np.ndarray, levels: int):
        self._regions, self._levels = _regions_of(weights), levels
        self._parts: dict[str, list[np.ndarray]] = {}

    def add(
        self,
        name: str,
        levels: slice,
        first: np.ndarray,
        second: np.ndarray | None = None,
    ) -> None:
        """Add the product of two fields to the sums of some levels.

        Args:
            name: of the sums.
            levels: which levels.
            first: shape (level, latitude, longitude).
            second: same shape; None stands for ones.
        """
        parts = self._parts.get(name)
        if parts is None:
            rows = self._regions.rows
            parts = [np.zeros((self._levels, count)) for count in rows]
            self._parts[name] = parts
        with np.errstate(invalid="ignore", over="ignore"):
            self._regions.add_rows([part[levels] for part in parts], first, second)

    def statistics(self) -> Statistics | None:
        """Return statistics of shape (region, level).

        None if a product is not finite: only `area_sums` tells its regions.
        """
        sums = {}
        weight = np.repeat(self._regions.total[:, None], self._levels, axis=1)
        for name, parts in self._parts.items():
            if not np.isfinite(parts[0].sum()):
                return None
            sums[name] = self._regions.sums_of_rows(parts), weight
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

    @property
    def rows(self) -> list[int]:
        """Number of circles of latitude of the globe, then of every box."""
        bands = (band for _, band, _, _, _ in self._boxes)
        return [self.weights.shape[1], *(band.stop - band.start for band in bands)]

    def add_rows(
        self, sums: list[np.ndarray], first: np.ndarray, second: np.ndarray | None
    ) -> None:
        """Add sums of a product along circles of latitude and along rows of boxes.

        Args:
            sums: of shape (level, row), as many as `rows`.
            first: shape (level, latitude, longitude).
            second: same shape; None stands for ones.
        """
        if second is None:
            second = self._ones
        sums[0] += np.vecdot(first, second)
        for rows, (_, band, side, weights, even) in zip(
            sums[1:], self._boxes, strict=True
        ):
            one = first[:, band, side]
            other = second[side] if second.ndim == 1 else second[:, band, side]
            rows += np.vecdot(one if even else one * weights, other)

    def sums_of_rows(self, rows: list[np.ndarray]) -> np.ndarray:
        """Return weighted sums, (region, level), from `add_rows`."""
        sums = np.zeros((len(self.weights), len(rows[0])))
        sums[self._is_band] = self._bands @ rows[0].T
        for inside, (region, _, _, weights, even) in zip(
            rows[1:], self._boxes, strict=True
        ):
            sums[region] += inside @ weights[:, 0] if even else inside.sum(axis=1)
        return sums


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
