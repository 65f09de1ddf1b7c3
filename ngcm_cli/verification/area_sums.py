"""Weighted sums over the cells of regions."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ngcm_cli.verification.matrix_products import multiply
from ngcm_cli.verification.statistics import Statistics

_BLOCK = 1 << 18
"""Values of a quantity computed at once: threads that take turns more often wait longer
for each other than smaller blocks gain in the cache."""


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


class FieldSums:
    """Weighted sums of fields without gaps, some levels at a time.

    Args:
        weights: shape (region, latitude, longitude).
        levels: number of levels.
        names: of the fields.
    """

    def __init__(self, weights: np.ndarray, levels: int, names: Sequence[str]):
        self._regions, self._names = _regions_of(weights), names
        shape = len(names), levels, *self._regions.shape_of_parts
        self._parts = np.zeros(shape)

    def put(self, levels: slice, fields: np.ndarray) -> None:
        """Sum all fields at some levels, shape (field, level, latitude, longitude)."""
        with np.errstate(invalid="ignore", over="ignore"):
            self._regions.write_parts(fields, self._parts[:, levels])

    def statistics(self) -> Statistics | None:
        """Return statistics of shape (region, level).

        None if a value is not finite: only `area_sums` tells its regions.
        """
        with np.errstate(invalid="ignore"):
            if not np.isfinite(self._parts.sum()):
                return None
        sums = self._regions.sums_of_parts(self._parts)
        weight = np.repeat(self._regions.total[:, None], sums.shape[1], axis=1)
        totals = np.moveaxis(sums, 2, 1)
        return Statistics(
            {name: (x, weight) for name, x in zip(self._names, totals, strict=True)}
        )


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

    They are boxes or bands: the weight of a cell is a function of latitude in some
    columns of cells, which many regions share. One small matrix product sums all
    circles of latitude over these columns, and reads each cell once for all regions.

    Args:
        weights: shape (region, latitude, longitude).
    """

    def __init__(self, weights: np.ndarray):
        self.weights = weights
        self.total = weights.sum(axis=(1, 2))
        rows, inside = weights.max(axis=2), weights.max(axis=1) > 0
        is_box = (weights == rows[:, :, None] * inside[:, None]).all(axis=(1, 2))
        self._boxes = np.flatnonzero(is_box)
        columns, self._column = np.unique(inside[is_box], axis=0, return_inverse=True)
        self._rows = rows[is_box]
        self._columns = np.ascontiguousarray(columns.T, np.float64)
        self._others: list[tuple[int, slice]] = []
        """Regions of other shapes, such as land, and the latitudes they are in."""
        for region in np.flatnonzero(~is_box):
            (latitudes,) = np.nonzero(rows[region])
            self._others.append((int(region), slice(latitudes[0], latitudes[-1] + 1)))

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return weighted sums, (region, level), of (level, latitude, longitude)."""
        parts = np.zeros((len(values), *self.shape_of_parts))
        self.write_parts(values, parts)
        return self.sums_of_parts(parts).T

    @property
    def shape_of_parts(self) -> tuple[int, int]:
        """Numbers of latitudes, and of sums along each of them."""
        return self.weights.shape[1], self._columns.shape[1] + len(self._others)

    def write_parts(self, values: np.ndarray, parts: np.ndarray) -> None:
        """Write sums along circles of latitude, over columns and in other regions.

        Args:
            values: shape (..., latitude, longitude).
            parts: receives them, shape (..., *shape_of_parts), zeros before.
        """
        count = self._columns.shape[1]
        multiply(values, self._columns, parts[..., :count])
        for number, (region, band) in enumerate(self._others, count):
            weights = self.weights[region, band]
            np.vecdot(values[..., band, :], weights, out=parts[..., band, number])

    def sums_of_parts(self, parts: np.ndarray) -> np.ndarray:
        """Return weighted sums, shape (..., region), from such parts."""
        sums = np.empty((*parts.shape[:-2], len(self.weights)))
        count = self._columns.shape[1]
        of_boxes = np.matmul(self._rows, parts[..., :count])  # (..., box, column)
        sums[..., self._boxes] = of_boxes[..., range(len(self._boxes)), self._column]
        for number, (region, _) in enumerate(self._others, count):
            sums[..., region] = parts[..., number].sum(axis=-1)
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
