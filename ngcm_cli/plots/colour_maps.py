"""Colour maps that people with any colour vision can read.

Those of our own are made in Oklab, a colour space in which equal steps look equal
(Ottosson 2020, A perceptual color space for image processing): their lightness rises,
or rises to the middle and falls again, in equal steps.
"""

import functools

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap, ListedColormap

_SIZE = 256
# Position, lightness, chroma, hue in degrees.
_ANCHORS = {
    "temperature": (
        (0.0, 0.30, 0.13, 285),
        (0.25, 0.62, 0.12, 245),
        (0.5, 0.96, 0.05, 130),
        (0.75, 0.66, 0.17, 55),
        (1.0, 0.32, 0.15, 20),
    ),
    "difference": (
        (0.0, 0.33, 0.12, 260),
        (0.25, 0.645, 0.12, 250),
        (0.5, 0.97, 0.0, 250),
        (0.5, 0.97, 0.0, 35),
        (0.75, 0.645, 0.14, 40),
        (1.0, 0.33, 0.13, 25),
    ),
    "water": (
        (0.0, 0.99, 0.005, 110),
        (0.35, 0.82, 0.07, 190),
        (0.7, 0.54, 0.11, 240),
        (1.0, 0.30, 0.12, 290),
    ),
    "moisture_balance": (
        (0.0, 0.36, 0.09, 65),
        (0.25, 0.665, 0.10, 75),
        (0.5, 0.97, 0.0, 75),
        (0.5, 0.97, 0.0, 195),
        (0.75, 0.665, 0.09, 195),
        (1.0, 0.36, 0.07, 210),
    ),
    "spread": (
        (0.0, 0.99, 0.0, 90),
        (0.3, 0.875, 0.08, 85),
        (0.6, 0.675, 0.15, 40),
        (0.85, 0.455, 0.15, 0),
        (1.0, 0.28, 0.10, 320),
    ),
    "wind": (
        (0.0, 0.99, 0.0, 200),
        (0.25, 0.86, 0.08, 190),
        (0.55, 0.64, 0.12, 260),
        (0.8, 0.44, 0.17, 320),
        (1.0, 0.28, 0.11, 350),
    ),
}
_OKLAB_TO_LMS = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_LMS_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


@functools.cache
def colour_map(name: str) -> Colormap:
    """Return one of ours by name, else that of matplotlib.

    Missing values are light grey.
    """
    if name in _ANCHORS:
        found: Colormap = ListedColormap(_colours(_ANCHORS[name]), name=name)
    else:
        found = colormaps[name]
    return found.with_extremes(bad="0.85")


def _colours(anchors: tuple[tuple[float, ...], ...]) -> np.ndarray:
    """Return sRGB colours from 0 to 1, shape (colour, 3)."""
    position, lightness, chroma, hue = np.array(anchors).T
    at = np.linspace(0, 1, _SIZE)
    # Hue and chroma turn along straight lines of the colour plane.
    a, b = chroma * np.cos(np.radians(hue)), chroma * np.sin(np.radians(hue))
    oklab = np.stack([np.interp(at, position, x) for x in (lightness, a, b)], 1)
    linear = (oklab @ _OKLAB_TO_LMS.T) ** 3 @ _LMS_TO_RGB.T
    linear = np.clip(linear, 0, 1)
    curved = 1.055 * linear ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curved)
