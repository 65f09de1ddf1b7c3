"""The horizontal grid of a dataset, and its order in the file."""

import dataclasses

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.spectral.grid import Grid

_TOLERANCE = 1e-3  # degrees: coordinates closer than this are the same


@dataclasses.dataclass(frozen=True, eq=False)
class SourceGrid:
    """A global longitude-latitude grid in the model's order, and its order in the file.

    Attributes:
        longitude: Longitudes, degrees east, ascending from 0.
        latitude: Latitudes, degrees north, ascending.
        longitude_order: Index in the file of each of these longitudes.
        latitude_order: Index in the file of each of these latitudes.
    """

    longitude: np.ndarray
    latitude: np.ndarray
    longitude_order: np.ndarray
    latitude_order: np.ndarray

    @classmethod
    def from_file_order(
        cls, longitude: np.ndarray, latitude: np.ndarray
    ) -> "SourceGrid":
        """Return the grid of coordinates as a file has them, in degrees.

        Longitudes may start anywhere and repeat the first one at the end; latitudes may
        ascend or descend.

        Raises:
            InputDataError: They do not cover the globe exactly once.
        """
        _check_values("longitudes", longitude)
        _check_values("latitudes", latitude)
        _check_latitude(latitude)
        south_first = np.argsort(latitude)
        positive = longitude % 360
        positive = np.where(positive > 360 - _TOLERANCE, positive - 360, positive)
        eastward = np.argsort(positive, kind="stable")
        repeated = np.diff(positive[eastward], prepend=-np.inf) < _TOLERANCE
        if repeated.sum() > 1 or len(longitude) < 4:
            raise InputDataError(
                f"The longitudes do not cover the globe once: {_listed(longitude)}.",
                "Needed: a global grid with each meridian once, in degrees.",
            )
        eastward = eastward[~repeated]
        gaps = np.diff(positive[eastward], append=positive[eastward[0]] + 360)
        if gaps.max() > 1.5 * np.median(gaps):
            raise InputDataError(
                f"The longitudes do not cover the globe: {_listed(longitude)}.",
                "Needed: global data; a region cannot start a global model.",
            )
        return cls(positive[eastward], latitude[south_first], eastward, south_first)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of longitudes and latitudes."""
        return len(self.longitude), len(self.latitude)

    def matches(self, other: "SourceGrid") -> bool:
        """Return whether two grids have the same nodes, to 0.001 degrees."""
        return self._has(other.longitude, other.latitude)

    def is_on(self, grid: Grid) -> bool:
        """Return whether the nodes are those of a model's grid, to 0.001 degrees."""
        return self._has(np.rad2deg(grid.longitude), np.rad2deg(grid.latitude))

    def _has(self, longitude: np.ndarray, latitude: np.ndarray) -> bool:
        return self.shape == (len(longitude), len(latitude)) and all(
            np.allclose(ours, theirs, rtol=0, atol=_TOLERANCE)
            for ours, theirs in ((self.longitude, longitude), (self.latitude, latitude))
        )

    def reorder(self, values: np.ndarray) -> np.ndarray:
        """Return an array (…, longitude, latitude) of the file in the model's order."""
        for axis, order in ((-2, self.longitude_order), (-1, self.latitude_order)):
            size = values.shape[axis]
            if np.array_equal(order, np.arange(size)):
                continue
            if np.array_equal(order, np.arange(size)[::-1]):
                values = np.flip(values, axis)
            else:
                values = np.take(values, order, axis)
        return values

    @property
    def description(self) -> str:
        """Number of longitudes and latitudes, and spacing: ``144x73 (2.5°)``."""
        step = 360 / len(self.longitude)
        return f"{len(self.longitude)}x{len(self.latitude)} ({step:.4g}°)"


def _check_values(what: str, values: np.ndarray) -> None:
    if not len(values):
        raise InputDataError(
            f"There are no {what}: their axis has the length zero.",
            "Check how the file was made: a selection left nothing.",
        )
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        raise InputDataError(
            f"{len(wrong)} of the {len(values)} {what} are missing or infinite, the "
            f"first at index {wrong[0]}.",
            "Repair the coordinate first, or download the file again.",
        )


def _check_latitude(latitude: np.ndarray) -> None:
    ordered = np.sort(latitude)
    if len(latitude) < 4 or (np.diff(ordered) == 0).any():
        raise InputDataError(
            f"The latitudes are not a global grid: {_listed(latitude)}.",
            "Needed: each parallel once, from pole to pole, in degrees.",
        )
    # A grid may leave out the poles by as much as one row, but not more.
    first, last = ordered[0] - ordered[1], ordered[-1] - ordered[-2]
    missing = (
        ordered[0] + first > -90 + _TOLERANCE or ordered[-1] + last < 90 - _TOLERANCE
    )
    if missing or np.abs(ordered).max() > 90 + _TOLERANCE:
        raise InputDataError(
            f"The latitudes do not cover the globe: {_listed(latitude)}.",
            "Needed: global data from pole to pole, in degrees.",
        )


def _listed(values: np.ndarray) -> str:
    if len(values) <= 4:
        return ", ".join(f"{v:g}" for v in values)
    return f"{len(values)} values, {values[0]:g}, {values[1]:g} … {values[-1]:g}"
