"""A patch of warmer or colder sea, for Green's functions of the climate.

The response of the atmosphere to many small patches, one run each, tells its response
to any change of the sea's temperature.

Source: Barsugli & Sardeshmukh (2002, Global atmospheric sensitivity to tropical SST
anomalies throughout the Indo-Pacific basin, J. Climate 15, 3427-3442); the Green's
Function Model Intercomparison Project has the same form.
"""

import numpy as np

from ngcm_cli.errors import ConfigError
from ngcm_cli.spectral.grid import Grid

_NO_SEA = 0.9  # land fraction of cells that hold lakes and rivers at most


def patch(
    grid: Grid, latitude: float, longitude: float, width: float, amplitude: float
) -> np.ndarray:
    """A hump of temperature: A cos²(π/2 Δφ/w) cos²(π/2 Δλ/w), and 0 beyond its edges.

    Args:
        grid: of the model.
        latitude: of the centre, degrees north.
        longitude: of the centre, degrees east, counted either way round.
        width: w, from the centre to the edge in latitude and in longitude, degrees.
        amplitude: A, at the centre, K.

    Returns:
        K, (longitude, latitude) float32.

    Raises:
        ConfigError: the patch lies between the nodes of the grid.
    """
    north = np.rad2deg(grid.latitude) - latitude
    # Half a turn away at most, either way round.
    east = (np.rad2deg(grid.longitude) - longitude + 180) % 360 - 180
    hump = amplitude * _bell(east / width)[:, None] * _bell(north / width)
    if amplitude and not hump.any():
        size = "x".join(map(str, grid.nodal_shape))
        raise ConfigError(
            f"{_place(latitude, longitude)} no node of the model's {size} grid is "
            f"within {width:g}° of the patch's centre, so that nothing would change.",
            "Give a wider patch.",
        )
    return hump.astype(np.float32)


def patch_words(
    latitude: float, longitude: float, width: float, amplitude: float
) -> str:
    """What is done, in words."""
    return (
        f"{amplitude:+g} K in a patch {_place(latitude, longitude).lower()} that falls "
        f"off as cos² to nothing {width:g}° away in latitude and in longitude."
    )


def check_has_sea(
    hump: np.ndarray, land: np.ndarray, latitude: float, longitude: float
) -> None:
    """Refuse a patch that touches land only, where it would do nothing.

    Args:
        hump: the patch, (longitude, latitude), K.
        land: fraction, (longitude, latitude).
        latitude: of its centre, degrees north.
        longitude: of its centre, degrees east.

    Raises:
        ConfigError: there is no sea under it.
    """
    if hump.any() and land[hump != 0].min() >= _NO_SEA:
        raise ConfigError(
            f"{_place(latitude, longitude)} the patch of the sea lies on land only, so "
            "that nothing would change.",
            "Give it a centre at sea, or make it wider.",
        )


def _bell(distance: np.ndarray) -> np.ndarray:
    """Cosine squared of distances in half-widths, 0 from the first one on."""
    return np.where(np.abs(distance) < 1, np.cos(np.pi / 2 * distance) ** 2, 0)


def _place(latitude: float, longitude: float) -> str:
    return f"At latitude {latitude:g}, longitude {longitude:g}"
