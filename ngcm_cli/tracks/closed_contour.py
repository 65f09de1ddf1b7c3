"""Local minima of a field, and whether a closed contour surrounds them."""

import numpy as np

from ngcm_cli.tracks.horizontal_grid import HorizontalGrid


def local_minima(grid: HorizontalGrid, field: np.ndarray) -> np.ndarray:
    """Return the flat indices of points that no neighbour is below, ascending.

    One neighbour at least is above. Points at the border of a regional grid, or beside
    a missing value, are none.

    Args:
        grid: of the field.
        field: (row, column).
    """
    wide = grid.with_border(field)
    around = wide[:-2, 1:-1], wide[2:, 1:-1], wide[1:-1, :-2], wide[1:-1, 2:]
    is_lowest = np.ones(field.shape, bool)
    is_lower = np.zeros(field.shape, bool)
    for neighbour in around:
        is_lowest &= field <= neighbour  # False beside NaN
        is_lower |= field < neighbour
    return np.flatnonzero(is_lowest & is_lower)


def merge_near(
    grid: HorizontalGrid, field: np.ndarray, points: np.ndarray, distance: float
) -> np.ndarray:
    """Return the points that have none with a lower value near them.

    Of equal values, the first stays.

    Args:
        grid: of the field.
        field: (row, column).
        points: flat indices, ascending.
        distance: in degrees, within which points are near.
    """
    if not len(points):
        return points
    order = np.argsort(field.reshape(-1)[points], kind="stable")
    ranks = np.empty(len(points), np.int64)
    ranks[order] = np.arange(len(points))
    return grid.lowest_near(points, ranks, distance)


def lowest_within(
    grid: HorizontalGrid, field: np.ndarray, points: np.ndarray, radius: float
) -> np.ndarray:
    """Return for each point the flat index of the lowest value within a radius.

    Missing values do not count. Where all are missing, it is the point itself.

    Args:
        grid: of the field.
        field: (row, column).
        points: flat indices.
        radius: in degrees.
    """
    values = np.where(np.isnan(field), np.inf, field).reshape(-1)
    lowest = []
    for point, near in zip(points, grid.within(points, radius), strict=True):
        best = near[np.argmin(values[near])]
        lowest.append(best if values[best] < values[point] else point)
    return np.asarray(lowest, np.int64)


def has_closed_contour(
    grid: HorizontalGrid,
    field: np.ndarray,
    origins: np.ndarray,
    rise: float,
    radius: float,
) -> np.ndarray:
    """Return whether a contour around each origin closes within a radius.

    The region around the origin where the field is less than ``rise`` above its value
    there, connected by neighbours, and the points around this region, must be within
    the radius. Missing values and the border of a regional grid do not close a contour.

    All regions grow at once, by their neighbours.

    Args:
        grid: of the field.
        field: (row, column).
        origins: flat indices.
        rise: in units of the field, positive.
        radius: in degrees.

    Returns:
        Whether it closes, (origin,).
    """
    size, values = field.size, field.reshape(-1)
    threshold = values[origins] + rise
    is_closed = np.isfinite(threshold)
    region = np.flatnonzero(is_closed)  # of which each point is
    code = region * size + origins[region]
    before = np.empty(0, np.int64)
    while code.size:
        region, point = np.divmod(code, size)
        around = grid.neighbours(point)
        of = np.broadcast_to(region, around.shape)
        is_closed[of[around < 0]] = False
        met = np.unique((of * size + around)[around >= 0])
        # The neighbours of a wave are in it, in the one before, or in the next.
        met = met[~(np.isin(met, code) | np.isin(met, before))]
        region, point = np.divmod(met, size)
        is_far = grid.are_beyond(origins[region], point, radius)
        is_closed[region[is_far]] = False
        grows = is_closed[region] & ~(values[point] >= threshold[region])
        code, before = met[grows], code
    return is_closed
