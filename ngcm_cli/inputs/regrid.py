"""Conservative horizontal regridding and filling of cells without data.

Written here because it is two small matrices: xESMF needs ESMF, which pip cannot
install, and xarray-regrid brings dask, flox and sparse for the same product.
"""

import dataclasses
import functools
from typing import TYPE_CHECKING

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.spectral.grid import Grid

if TYPE_CHECKING:
    from scipy import sparse

_TURN = 2 * np.pi


def _latitude_bounds(latitude: np.ndarray) -> np.ndarray:
    middle = (latitude[:-1] + latitude[1:]) / 2
    return np.concatenate([[-np.pi / 2], middle, [np.pi / 2]])


def latitude_weights(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Share of each target band's area, ∫ cos φ dφ, that lies in each source band.

    Cells meet halfway between neighbouring latitudes; the outermost reach the poles.

    Args:
        source: ascending latitudes in radians.
        target: ascending latitudes in radians.

    Returns:
        (target, source), rows sum to 1, float64.
    """
    below, above = _latitude_bounds(source), _latitude_bounds(target)
    upper = np.minimum(above[1:, None], below[1:])
    lower = np.maximum(above[:-1, None], below[:-1])
    overlap = np.where(upper > lower, np.sin(upper) - np.sin(lower), 0)
    return overlap / overlap.sum(axis=1, keepdims=True)


def _nearest_turn(angle: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """The angle, moved by at most one turn to lie within half a turn of the centre."""
    too_far = (angle < centre - np.pi).astype(int) - (angle > centre + np.pi)
    return angle + _TURN * too_far


def _longitude_bounds(longitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    west = _nearest_turn(np.roll(longitude, 1), longitude)
    east = _nearest_turn(np.roll(longitude, -1), longitude)
    return (west + longitude) / 2, (longitude + east) / 2


def longitude_weights(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Share of each target cell's width that lies in each source cell, round the globe.

    Args:
        source: ascending longitudes in radians that go once round the globe.
        target: ascending longitudes in radians that go once round the globe.

    Returns:
        (target, source), rows sum to 1, float64.
    """
    west, east = (b[:, None] for b in _longitude_bounds(target % _TURN))
    source_west, source_east = _longitude_bounds(source % _TURN)
    upper = np.minimum(east, _nearest_turn(source_east, west))
    lower = np.maximum(west, _nearest_turn(source_west, west))
    overlap = np.maximum(upper - lower, 0)
    return overlap / overlap.sum(axis=1, keepdims=True)


@dataclasses.dataclass(frozen=True, eq=False)
class ConservativeRegridder:
    """Area-weighted means of the cells of one longitude-latitude grid over another's.

    Cells without data (NaN) do not count; a target cell that sees nothing else is NaN.
    The same numbers as the reference's ``ConservativeRegridder(skipna=True)``.

    Attributes:
        source_longitude: ascending, in radians, once round the globe.
        source_latitude: ascending, in radians.
        longitude: of the target, likewise.
        latitude: of the target, likewise.
    """

    source_longitude: np.ndarray
    source_latitude: np.ndarray
    longitude: np.ndarray
    latitude: np.ndarray

    @functools.cached_property
    def _weights(self) -> "tuple[sparse.csr_array, sparse.csr_array]":
        from scipy import sparse  # half a second that not every run needs

        longitude = longitude_weights(self.source_longitude, self.longitude)
        latitude = latitude_weights(self.source_latitude, self.latitude)
        return sparse.csr_array(longitude), sparse.csr_array(latitude)

    def _mean(self, field: np.ndarray) -> np.ndarray:
        longitude, latitude = self._weights
        return (latitude @ (longitude @ field).T).T

    def _regrid_slice(self, field: np.ndarray) -> np.ndarray:
        missing = np.isnan(field)
        if not missing.any():
            return self._mean(field)
        covered = self._mean(~missing)
        total = self._mean(np.where(missing, 0, field))
        return np.divide(total, covered, np.full_like(total, np.nan), where=covered > 0)

    def __call__(self, field: np.ndarray) -> np.ndarray:
        """Regrid an array (…, longitude, latitude): float64 sums, its own dtype back.

        One horizontal slice at a time, so that memory holds one in float64, not all.
        """
        shape = len(self.longitude), len(self.latitude)
        result = np.empty(field.shape[:-2] + shape, field.dtype)
        for index in np.ndindex(field.shape[:-2]):
            result[index] = self._regrid_slice(field[index])
        return result


def fill_nan_with_nearest(field: np.ndarray, grid: Grid) -> np.ndarray:
    """Give every cell without data the value of the nearest cell that has some.

    Nearest along the great circle. Of equally near cells the western, then the southern
    one is taken, by its place in the array, so that every machine takes the same.

    Args:
        field: (…, longitude, latitude), missing values as NaN.
        grid: where the cells are.

    Returns:
        The same array where nothing is missing, otherwise a filled copy.

    Raises:
        InputDataError: a horizontal slice holds no data at all.
    """
    if not np.isnan(field).any():
        return field
    filled = field.copy()
    for index in np.ndindex(field.shape[:-2]):
        flat = filled[index].reshape(-1)
        missing = np.isnan(flat)
        if missing.all():
            raise InputDataError(
                "A field holds no data at all: every cell of it is missing (NaN).",
                "Check the variable at this time in the source file.",
            )
        flat[missing] = flat[_donors(missing.tobytes(), grid)]
        filled[index] = flat.reshape(field.shape[-2:])
    return filled


@functools.lru_cache(maxsize=4)
def _donors(mask: bytes, grid: Grid) -> np.ndarray:
    """The place of the cell that each missing one takes its value from.

    Kept, for the land is the same in every month of a record.

    Args:
        mask: of the cells that are missing, as bool.
        grid: where the cells are.
    """
    from scipy import spatial

    longitude, latitude = grid.longitude[:, None], grid.latitude
    x, y, z = np.broadcast_arrays(
        np.cos(latitude) * np.cos(longitude),
        np.cos(latitude) * np.sin(longitude),
        np.sin(latitude),
    )
    places = np.stack([x.ravel(), y.ravel(), z.ravel()], axis=-1)
    missing = np.frombuffer(mask, bool)
    there = np.flatnonzero(~missing)
    distance, near = spatial.KDTree(places[there]).query(places[missing], k=4)
    tied = np.round(distance, 9) == np.round(distance[:, :1], 9)
    return there[np.where(tied, near, len(there)).min(axis=1)]
