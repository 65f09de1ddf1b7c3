"""Conservative horizontal regridding, and filling of cells without data.

Regridding between longitude-latitude grids is a product with two small matrices. xESMF
needs ESMF, which pip cannot install, and xarray-regrid needs dask, flox and sparse.
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


def latitude_bounds(latitude: np.ndarray, pole: float = np.pi / 2) -> np.ndarray:
    """Return the bounds of cells that meet halfway between their latitudes.

    Args:
        latitude: ascending; the outermost cells reach the poles.
        pole: latitude of the North Pole in the same unit, radians by default.

    Returns:
        Shape (latitude + 1,).
    """
    middle = (latitude[:-1] + latitude[1:]) / 2
    return np.concatenate([[-pole], middle, [pole]])


def latitude_weights(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the share of each target band's area, ∫ cos φ dφ, in each source band.

    Cells are those of `latitude_bounds`, in radians. Shape (target, source), rows sum
    to 1, float64.
    """
    below, above = latitude_bounds(source), latitude_bounds(target)
    upper = np.minimum(above[1:, None], below[1:])
    lower = np.maximum(above[:-1, None], below[:-1])
    overlap = np.where(upper > lower, np.sin(upper) - np.sin(lower), 0)
    return overlap / overlap.sum(axis=1, keepdims=True)


def _nearest_turn(angle: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return an angle within half a turn of a centre, moved by at most one turn."""
    too_far = (angle < centre - np.pi).astype(int) - (angle > centre + np.pi)
    return angle + _TURN * too_far


def _longitude_bounds(longitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    west = _nearest_turn(np.roll(longitude, 1), longitude)
    east = _nearest_turn(np.roll(longitude, -1), longitude)
    return (west + longitude) / 2, (longitude + east) / 2


def longitude_weights(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the share of each target cell's width that lies in each source cell.

    Longitudes ascend and cover the globe once, in radians. Shape (target, source), rows
    sum to 1, float64.
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

    Longitudes ascend and cover the globe once, latitudes ascend, all in radians. Cells
    without data (NaN) are ignored; a target cell that overlaps no others is NaN.
    The results are those of the reference's ``ConservativeRegridder(skipna=True)``.
    """

    source_longitude: np.ndarray
    source_latitude: np.ndarray
    longitude: np.ndarray
    latitude: np.ndarray

    @functools.cached_property
    def _weights(self) -> "tuple[sparse.csr_array, sparse.csr_array]":
        from scipy import sparse  # half a second, which not every run needs

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
        """Regrid an array (…, longitude, latitude) with float64 sums; keep its dtype.

        One horizontal slice is regridded at a time, so that only one is in float64.
        """
        shape = len(self.longitude), len(self.latitude)
        result = np.empty(field.shape[:-2] + shape, field.dtype)
        for index in np.ndindex(field.shape[:-2]):
            result[index] = self._regrid_slice(field[index])
        return result


def fill_nan_with_nearest(field: np.ndarray, grid: Grid) -> np.ndarray:
    """Fill every cell without data with the value of the nearest cell with data.

    Distances are along great circles. Of equally near cells the western, then the
    southern one is used, by its index, so that every machine uses the same. An array
    (…, longitude, latitude) without NaN is returned itself, else a filled copy.

    Raises:
        InputDataError: A horizontal slice has no data at all.
    """
    if not np.isnan(field).any():
        return field
    filled = field.copy()
    for index in np.ndindex(field.shape[:-2]):
        flat = filled[index].reshape(-1)
        missing = np.isnan(flat)
        if missing.all():
            raise InputDataError(
                "A field has no data at all: every cell is missing (NaN).",
                "Check the variable at this time in the source file.",
            )
        flat[missing] = flat[_donors(missing.tobytes(), grid)]
        filled[index] = flat.reshape(field.shape[-2:])
    return filled


@functools.lru_cache(maxsize=4)
def _donors(mask: bytes, grid: Grid) -> np.ndarray:
    """Return the index of the cell from which each missing one is filled.

    The mask is of bytes, and the result cached: land is the same in every month.
    """
    from scipy import spatial

    longitude, latitude = grid.longitude[:, None], grid.latitude
    x, y, z = np.broadcast_arrays(
        np.cos(latitude) * np.cos(longitude),
        np.cos(latitude) * np.sin(longitude),
        np.sin(latitude),
    )
    points = np.stack([x.ravel(), y.ravel(), z.ravel()], axis=-1)
    missing = np.frombuffer(mask, bool)
    known = np.flatnonzero(~missing)
    distance, near = spatial.KDTree(points[known]).query(points[missing], k=4)
    tied = np.round(distance, 9) == np.round(distance[:, :1], 9)
    return known[np.where(tied, near, len(known)).min(axis=1)]
