"""Fields on the points of a picture: any projection, seamless at the date line."""

import numpy as np
import xarray as xr
from scipy.ndimage import map_coordinates

from ngcm_cli.plots.projections import Points, Projection

_COARSE = 2.0  # degrees; coarser grids are interpolated by cubic splines
_POINTS = 900  # across the longer side


def raster(
    field: xr.DataArray, projection: Projection, *, is_component: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x, y and the values of a field on a regular grid of points of a map.

    Args:
        field: with dimensions latitude and longitude, both in degrees; NaN is missing.
        projection: of the map. Points outside its outline get the nearest values.
        is_component: whether it is a component of a vector, whose sign changes across
            the poles.

    Returns:
        x, shape (x,); y, shape (y,); values, float64, shape (y, x).
    """
    west, east, south, north = projection.extent
    step = max(east - west, north - south) / _POINTS
    x = np.linspace(west, east, max(round((east - west) / step), 2))
    y = np.linspace(south, north, max(round((north - south) / step), 2))
    longitude, latitude = projection.inverse(*np.meshgrid(x, y))
    return x, y, sample(field, longitude, latitude, is_component=is_component)


def sample(
    field: xr.DataArray,
    longitude: np.ndarray,
    latitude: np.ndarray,
    *,
    is_component: bool = False,
) -> np.ndarray:
    """Return a field interpolated at places; NaN where most around it is missing.

    Args:
        field: with dimensions latitude and longitude, both in degrees.
        longitude: of the places, degrees.
        latitude: of the places, degrees.
        is_component: whether its sign changes across the poles.
    """
    values, longitudes, latitudes = _extended(field, is_component)
    rows = np.interp(latitude, latitudes, np.arange(len(latitudes)))
    first = longitudes[0]
    spacing = (longitudes[-1] - first) / (len(longitudes) - 1)
    if np.allclose(np.diff(longitudes), spacing, atol=spacing * 1e-3):
        columns = ((longitude - first - spacing) % 360 + spacing) / spacing
    else:
        around = (longitude - longitudes[1]) % 360 + longitudes[1]
        columns = np.interp(around, longitudes, np.arange(len(longitudes)))
    if not _is_global(field):
        shifted = (longitude - first + 180) % 360 - 180 + first
        columns = np.interp(
            np.where(shifted < first - 1e-6, shifted + 360, shifted),
            longitudes,
            np.arange(len(longitudes)),
            right=np.nan,
        )
    at = np.stack([rows, np.nan_to_num(columns)])
    is_missing = ~np.isfinite(values)
    if not is_missing.any():
        order = 3 if spacing > _COARSE else 1
        found = map_coordinates(values, at, order=order, mode="nearest")
    else:
        known = map_coordinates(
            (~is_missing).astype(float), at, order=1, mode="nearest"
        )
        filled = np.where(is_missing, 0.0, values)
        total = map_coordinates(filled, at, order=1, mode="nearest")
        found = np.where(known >= 0.5, total / np.maximum(known, 0.5), np.nan)
    if not _is_global(field):
        low, high = field["latitude"].values.min(), field["latitude"].values.max()
        is_outside = (latitude < low) | (latitude > high) | ~np.isfinite(columns)
        found = np.where(is_outside, np.nan, found)
    return found


def _is_global(field: xr.DataArray) -> bool:
    """Return whether the longitudes go around the globe."""
    longitude = field["longitude"].values
    if len(longitude) < 3:
        return False
    spacing = float(np.median(np.diff(longitude)))
    return 360 - (longitude[-1] - longitude[0]) < 1.5 * spacing


def _extended(
    field: xr.DataArray, is_component: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return values, longitudes and latitudes with margins that wrap around.

    Two columns are repeated on either side, and the row next to each pole on its other
    side.
    """
    field = field.transpose("latitude", "longitude").sortby(["latitude", "longitude"])
    values = np.asarray(field.values, np.float64)
    longitude = np.asarray(field["longitude"].values, np.float64)
    latitude = np.asarray(field["latitude"].values, np.float64)
    if not _is_global(field):
        return values, longitude, latitude
    sign = -1.0 if is_component else 1.0
    half = len(longitude) // 2
    # Across the pole, half of the globe away; the pole itself is its own neighbour.
    south = 0 if latitude[0] > -89.9 else 1
    north = -1 if latitude[-1] < 89.9 else -2
    values = np.concatenate(
        [
            sign * np.roll(values[south : south + 1], half, 1),
            values,
            sign * np.roll(values[north][None], half, 1),
        ]
    )
    latitude = np.array([-180 - latitude[south], *latitude, 180 - latitude[north]])
    values = np.concatenate([values[:, -2:], values, values[:, :2]], 1)
    longitude = np.array([*(longitude[-2:] - 360), *longitude, *(longitude[:2] + 360)])
    return values, longitude, latitude


def places_for_arrows(projection: Projection, count: int) -> Points:
    """Return x and y of evenly spaced points inside the outline of a map."""
    from matplotlib.path import Path

    west, east, south, north = projection.extent
    step = (east - west) / count
    x, y = np.meshgrid(
        np.arange(west + step / 2, east, step), np.arange(south + step / 2, north, step)
    )
    points = np.stack([x.ravel(), y.ravel()], 1)
    inside = Path(projection.outline()).contains_points(points, radius=-step / 8)
    return points[inside].T[0], points[inside].T[1]
