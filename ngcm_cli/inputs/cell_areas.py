"""The area of the cells of a grid, by which errors are weighted."""

import numpy as np

from ngcm_cli.errors import InputDataError


def latitude_bounds(latitude_degrees: np.ndarray) -> np.ndarray:
    """Return the bounds of cells that meet halfway between their latitudes.

    An outermost cell reaches as far beyond its latitude as on the other side, but not
    over the pole. Where latitudes are not equally spaced, as on a Gaussian grid, it
    reaches the pole if that is nearer than the next latitude.

    Args:
        latitude_degrees: ascending or descending, shape (latitude,).

    Returns:
        Degrees, shape (latitude + 1,), in the order of the latitudes.

    Raises:
        InputDataError: the latitudes are not strictly monotonic, or beyond the poles.
    """
    latitude = np.asarray(latitude_degrees, dtype=np.float64)
    steps = np.diff(latitude)
    if (
        latitude.ndim != 1
        or not latitude.size
        or not (np.abs(latitude) <= 90 + 1e-6).all()
        or not ((steps > 0).all() or (steps < 0).all())
    ):
        raise InputDataError(
            "The latitudes do not go from one end to the other between -90 and 90.",
            "Use data on a longitude-latitude grid, with latitudes in degrees.",
        )
    if latitude.size == 1:
        return np.array([-90.0, 90.0])
    equal = np.allclose(steps, steps[0], rtol=1e-4)
    first = _outer_bound(latitude[0], latitude[1], equal)
    last = _outer_bound(latitude[-1], latitude[-2], equal)
    middle = (latitude[:-1] + latitude[1:]) / 2
    return np.concatenate([[first], middle, [last]])


def _outer_bound(outermost: float, next_one: float, equal: bool) -> float:
    step = outermost - next_one
    pole = np.copysign(90.0, step)
    if not equal and abs(pole - outermost) < abs(step):
        return pole
    return float(np.clip(outermost + step / 2, -90, 90))


def area_weights(latitude_degrees: np.ndarray) -> np.ndarray:
    """Return weights proportional to the area of the cells of each latitude.

    They are sin(northern bound) - sin(southern bound) of the cells, divided by their
    mean, as in WeatherBench 2 (Rasp et al. 2024, doi:10.1029/2023MS004019).

    Args:
        latitude_degrees: ascending or descending, shape (latitude,).

    Returns:
        Weights with mean 1, shape (latitude,), float64.

    Raises:
        InputDataError: the latitudes are not strictly monotonic, or beyond the poles.
    """
    bounds = np.deg2rad(latitude_bounds(latitude_degrees))
    area = np.abs(np.diff(np.sin(bounds)))
    return area / area.mean()
