"""Distances on the sphere, and errors of a position along and across a motion."""

import numpy as np

from ngcm_cli.units import LENGTH

EARTH_RADIUS = LENGTH / 1000
"""Radius of the Earth, km."""
SLACK = 1e-6
"""Degrees added to criteria: distances on a grid are often exactly those."""


def unit_vectors(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Return points in degrees as unit vectors, (..., 3)."""
    phi, lam = np.radians(latitude), np.radians(longitude)
    return np.stack(
        [np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1
    )


def chord(degrees: float) -> float:
    """Return the length of the chord of a great-circle distance on the unit sphere."""
    return 2 * np.sin(np.radians(min(degrees, 180.0)) / 2)


def angle_between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the great-circle distance of unit vectors (..., 3), in degrees, (...).

    It is 2 arctan(|a - b| / |a + b|), which is exact for near and opposite points.
    """
    apart = np.linalg.norm(first - second, axis=-1)
    together = np.linalg.norm(first + second, axis=-1)
    return np.degrees(2 * np.arctan2(apart, together))


def great_circle_distance(
    latitude: np.ndarray,
    longitude: np.ndarray,
    other_latitude: np.ndarray,
    other_longitude: np.ndarray,
) -> np.ndarray:
    """Return the great-circle distance of points in degrees, in degrees."""
    return angle_between(
        unit_vectors(latitude, longitude), unit_vectors(other_latitude, other_longitude)
    )


def bearing(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the direction of a great circle at its start, radians from north to east.

    Args:
        start: unit vectors (..., 3).
        end: unit vectors (..., 3).
    """
    east = np.stack(
        [-start[..., 1], start[..., 0], np.zeros_like(start[..., 0])], axis=-1
    )
    north = np.cross(start, east)
    return np.arctan2((end * east).sum(-1), (end * north).sum(-1))


def along_and_cross_track(
    before: np.ndarray, at: np.ndarray, position: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances of a position along and across a motion, in degrees.

    With d the distance of the position from the point ``at`` and α its direction there
    relative to that of the motion, the distance across is arcsin(sin d sin α), to the
    right, and along it arctan2(sin d cos α, cos d), ahead.

    Args:
        before: unit vectors (..., 3) of an earlier point of the motion.
        at: unit vectors of the point from which distances count.
        position: unit vectors of the position.
    """
    motion = bearing(at, before) + np.pi  # the direction in which it arrives
    alpha = bearing(at, position) - motion
    distance = np.radians(angle_between(at, position))
    across = np.arcsin(np.sin(distance) * np.sin(alpha))
    along = np.arctan2(np.sin(distance) * np.cos(alpha), np.cos(distance))
    return np.degrees(along), np.degrees(across)


def arc_points(start: np.ndarray, end: np.ndarray, spacing: float) -> np.ndarray:
    """Return points on the great circle between two unit vectors, both included.

    Args:
        start: unit vector (3,).
        end: unit vector (3,).
        spacing: largest distance between neighbouring points, degrees.

    Returns:
        Unit vectors (point, 3).
    """
    count = int(np.ceil(angle_between(start, end) / spacing)) + 1
    weight = np.linspace(0.0, 1.0, max(count, 2))[:, None]
    points = (1 - weight) * start + weight * end
    return points / np.linalg.norm(points, axis=-1, keepdims=True)
