"""Means and derivatives on a longitude-latitude grid.

Area weights are those of cells that meet halfway between latitudes: the sine of the
northern minus that of the southern bound. Missing values (NaN) have no weight.
"""

import numpy as np

from ngcm_cli.inputs.regrid import latitude_bounds
from ngcm_cli.units import LENGTH

_POINTS = 7  # of a stencil: derivatives are of sixth order on equally spaced points
_CENTRED = (3 / 4, -3 / 20, 1 / 60)  # of the neighbours 1, 2 and 3, per spacing


def area_weights(
    latitude: np.ndarray, south: float = -90.0, north: float = 90.0
) -> np.ndarray:
    """Return the share of a band's area in the cells of each latitude, (latitude,).

    Args:
        latitude: degrees, ascending.
        south: southern bound of the band, degrees.
        north: northern bound of the band, degrees.

    Raises:
        ValueError: the band is empty.
    """
    if not south < north:
        raise ValueError(f"no area between {south} and {north} degrees")
    bounds = np.clip(latitude_bounds(np.asarray(latitude, float), 90.0), south, north)
    area = np.diff(np.sin(np.deg2rad(bounds)))
    return area / area.sum()


def both_hemispheres(latitude: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return the weights of a band of both hemispheres, half of it in each.

    Args:
        latitude: degrees, ascending.
        low: bound towards the equator, degrees, positive.
        high: bound towards the poles, degrees.
    """
    northern = area_weights(latitude, low, high)
    return (northern + area_weights(latitude, -high, -low)) / 2


def weighted_mean(field: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean over latitudes and longitudes, of values that are not missing.

    Args:
        field: (..., latitude, longitude).
        weights: of the latitudes.

    Returns:
        (...), NaN where nothing with a weight has a value.
    """
    field = np.asarray(field, np.float64)
    present = np.isfinite(field)
    weight = np.where(present, weights[:, None], 0.0)
    total = weight.sum((-2, -1))
    summed = (np.where(present, field, 0.0) * weight).sum((-2, -1))
    return np.divide(summed, total, np.full_like(total, np.nan), where=total > 0)


def zonal_mean(field: np.ndarray) -> np.ndarray:
    """Return the mean over longitudes, the last axis, of values that are not missing.

    NaN where there are none.
    """
    field = np.asarray(field, np.float64)
    present = np.isfinite(field)
    count = present.sum(-1)
    total = np.where(present, field, 0.0).sum(-1)
    return np.divide(total, count, np.full(count.shape, np.nan), where=count > 0)


def at_latitude(profile: np.ndarray, latitude: np.ndarray, at: float) -> np.ndarray:
    """Return values at one latitude, interpolated linearly along the last axis.

    Beyond the outermost latitudes they are the outermost values.
    """
    latitude = np.asarray(latitude, float)
    after = int(np.clip(np.searchsorted(latitude, at), 1, len(latitude) - 1))
    south, north = latitude[after - 1], latitude[after]
    share = np.clip((at - south) / (north - south), 0.0, 1.0)
    return (1 - share) * profile[..., after - 1] + share * profile[..., after]


def at_point(
    field: np.ndarray,
    latitude: np.ndarray,
    longitude: np.ndarray,
    north: float,
    east: float,
) -> np.ndarray:
    """Return values at a point, interpolated linearly in latitude and longitude.

    Args:
        field: (..., latitude, longitude).
        latitude: degrees, ascending.
        longitude: degrees, ascending, equally spaced around the globe.
        north: latitude of the point, degrees.
        east: longitude of the point, degrees.
    """
    spacing = 360.0 / len(longitude)
    place = ((east - longitude[0]) % 360.0) / spacing
    west = int(place) % len(longitude)
    share = place - int(place)
    turned = np.asarray(field, np.float64)
    along = (1 - share) * turned[..., west] + share * turned[
        ..., (west + 1) % len(longitude)
    ]
    return at_latitude(along, latitude, north)


def derivative_matrix(latitude: np.ndarray) -> np.ndarray:
    """Return the matrix of the derivative with respect to latitude, per radian.

    Each row differentiates the polynomial through the seven nearest latitudes, fewer
    where there are fewer. Shape (latitude, latitude).
    """
    phi = np.deg2rad(np.asarray(latitude, float))
    count = len(phi)
    points = min(_POINTS, count)
    matrix = np.zeros((count, count))
    for row in range(count):
        first = int(np.clip(row - points // 2, 0, count - points))
        near = np.arange(first, first + points)
        gaps = phi[near][:, None] - phi[near]
        np.fill_diagonal(gaps, 1.0)
        barycentric = 1 / gaps.prod(1)
        here = row - first
        others = near != row
        weights = (
            barycentric[others] / barycentric[here] / (phi[row] - phi[near])[others]
        )
        matrix[row, near[others]] = weights
        matrix[row, row] = -weights.sum()
    return matrix


def gradient(field: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the eastward and northward derivative of a scalar, per metre.

    Differences over seven points: of sixth order. A value next to a missing one is
    missing. At a pole the eastward derivative is missing.

    Args:
        field: (..., latitude, longitude), longitudes equally spaced around the globe.
        latitude: degrees, ascending.
    """
    field = np.asarray(field, np.float64)
    spacing = 2 * np.pi / field.shape[-1]
    along = np.zeros_like(field)
    for distance, weight in enumerate(_CENTRED, start=1):
        ahead = np.roll(field, -distance, -1)
        along += weight * (ahead - np.roll(field, distance, -1))
    cos = np.cos(np.deg2rad(np.asarray(latitude, float)))
    cos = np.where(cos > 1e-9, cos, np.nan)
    east = along / (spacing * LENGTH * cos[:, None])
    matrix = derivative_matrix(latitude)
    north = np.full_like(field, np.nan)
    for row, weights in enumerate(matrix):  # only with its own points, for NaN's sake
        used = np.flatnonzero(weights)
        north[..., row, :] = np.einsum(
            "l,...lx->...x", weights[used], field[..., used, :]
        )
    return east, north / LENGTH
