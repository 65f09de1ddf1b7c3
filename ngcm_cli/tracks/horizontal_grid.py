"""Neighbours and distances of the points of a latitude-longitude grid."""

import functools
from typing import Any

import numpy as np
from scipy.ndimage import minimum_filter
from scipy.spatial import KDTree

from ngcm_cli.errors import InputDataError
from ngcm_cli.tracks.great_circle import SLACK, angle_between, chord, unit_vectors

_LEAST = 3  # points in each direction


class HorizontalGrid:
    """The points of a grid and which of them are neighbours.

    Points have a flat index, ``row * columns + column``. Each has four neighbours: the
    last column is beside the first if the grid goes round the Earth, and the row next
    to a pole is beside itself on the other side of the pole.

    Args:
        latitude: degrees, ascending, (row,).
        longitude: degrees, ascending, (column,).

    Attributes:
        latitude: degrees, (row,).
        longitude: degrees, (column,).
        shape: number of rows and columns.
        is_round: whether the grid goes round the Earth.
        poles: whether the first and the last row are next to a pole.

    Raises:
        InputDataError: the grid has fewer than three points in a direction.
    """

    def __init__(self, latitude: np.ndarray, longitude: np.ndarray):
        self.latitude = np.asarray(latitude, np.float64)
        self.longitude = np.asarray(longitude, np.float64)
        self.shape = rows, columns = len(self.latitude), len(self.longitude)
        if min(rows, columns) < _LEAST:
            raise InputDataError(
                f"The grid has {rows} latitudes and {columns} longitudes, too few to "
                "search.",
                "Give fields with three of each at least.",
            )
        gap = 360 - (self.longitude[-1] - self.longitude[0])
        self.is_round = bool(gap < 1.5 * np.diff(self.longitude).max())
        steps = self.latitude[1] - self.latitude[0], np.diff(self.latitude)[-1]
        ends = self.latitude[0] + 90, 90 - self.latitude[-1]
        south, north = (
            bool(self.is_round and end < 1.01 * step)
            for end, step in zip(ends, steps, strict=True)
        )
        self.poles = south, north
        lat, lon = np.meshgrid(self.latitude, self.longitude, indexing="ij")
        self._points = unit_vectors(lat, lon).reshape(-1, 3)

    @property
    def spacing(self) -> float:
        """Largest distance of neighbouring latitudes or longitudes, degrees."""
        axes = self.latitude, self.longitude
        return float(max(np.diff(axis).max() for axis in axes))

    @functools.cached_property
    def _tree(self) -> KDTree:
        return KDTree(self._points)

    def neighbours(self, points: np.ndarray) -> np.ndarray:
        """Return the flat indices of the four neighbours, (4, point); -1 is none."""
        rows, columns = self.shape
        i, j = np.divmod(points, columns)
        east, west = (j + 1) % columns, (j - 1) % columns
        opposite = i * columns + (j + columns // 2) % columns
        south_end, north_end = (
            opposite if joined else np.full_like(points, -1) for joined in self.poles
        )
        found = np.stack(
            [
                np.where(i > 0, points - columns, south_end),
                np.where(i < rows - 1, points + columns, north_end),
                i * columns + east,
                i * columns + west,
            ]
        )
        if not self.is_round:
            found[2][east == 0] = -1
            found[3][west == columns - 1] = -1
        return found

    def with_border(self, field: np.ndarray) -> np.ndarray:
        """Return a field with one more row and column at every side.

        They hold the neighbours there, or NaN where there are none.

        Args:
            field: (row, column).
        """
        half = self.shape[1] // 2
        missing = np.full(self.shape[1], np.nan, field.dtype)
        south, north = (
            np.roll(field[end], -half) if joined else missing
            for end, joined in zip((0, -1), self.poles, strict=True)
        )
        tall = np.concatenate([south[None], field, north[None]])
        if self.is_round:
            return np.concatenate([tall[:, -1:], tall, tall[:, :1]], axis=1)
        return np.pad(tall, ((0, 0), (1, 1)), constant_values=np.nan)

    def distance(self, points: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Return the distance of points by flat index, in degrees."""
        return angle_between(self._points[points], self._points[others])

    def within(self, points: np.ndarray, radius: float) -> list[np.ndarray]:
        """Return for each point the flat indices of those within a radius in degrees.

        Those at exactly this distance are included, and always the point itself.
        """
        limit = chord(radius + SLACK)
        found = self._tree.query_ball_point(self._points[points], limit)
        return [np.sort(np.asarray(each, np.int64)) for each in found]

    def are_beyond(
        self, points: np.ndarray, others: np.ndarray, radius: float
    ) -> np.ndarray:
        """Return whether points are more than a radius in degrees apart."""
        return self.distance(points, others) > radius + SLACK

    def lowest_near(
        self, points: np.ndarray, ranks: np.ndarray, radius: float
    ) -> np.ndarray:
        """Return the points without one of a lower rank within a radius in degrees.

        Args:
            points: flat indices.
            ranks: of the points, each once.
            radius: in degrees.
        """
        # First among those in a box whose corners are within the radius, which is fast.
        reach = min(int(radius / np.sqrt(2) / self.spacing), min(self.shape) // 2)
        field = np.full(self.shape, len(points), np.int64)
        field.reshape(-1)[points] = ranks
        modes: Any = "nearest", "wrap" if self.is_round else "nearest"
        lowest = minimum_filter(field, 2 * reach + 1, mode=modes).reshape(-1)[points]
        chosen = np.flatnonzero(lowest == ranks)
        tree = KDTree(self._points[points])
        near = tree.query_ball_point(
            self._points[points[chosen]], chord(radius + SLACK)
        )
        keep = [
            ranks[others].min() == ranks[i]
            for i, others in zip(chosen, near, strict=True)
        ]
        return points[chosen[np.asarray(keep, bool)]]
