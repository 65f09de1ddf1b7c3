"""Noise from one grid point to the next, in which closed contours mean little."""

import numpy as np

from ngcm_cli.config.cyclone_criteria import CycloneCriteria
from ngcm_cli.tracks.horizontal_grid import HorizontalGrid

_TROPICS = 30.0  # degrees
_PER_MEDIAN = 1.4826  # standard deviations of a normal distribution


def grid_noise(grid: HorizontalGrid, field: np.ndarray) -> float:
    """Return the typical difference of a point from the mean of its neighbours.

    It is the standard deviation in the tropics, from the median of the absolute
    difference, to which cyclones and mountains contribute little; NaN if the grid has
    no tropics.

    Args:
        grid: of the field.
        field: (row, column).
    """
    wide = grid.with_border(field)
    around = wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:]
    difference = np.abs(field - around / 4)[np.abs(grid.latitude) < _TROPICS]
    known = difference[np.isfinite(difference)]
    return _PER_MEDIAN * float(np.median(known)) if known.size else float("nan")


def describe_noise(
    grid: HorizontalGrid, pressure: np.ndarray, criteria: CycloneCriteria
) -> str:
    """Return a sentence if pressure in Pa is too noisy for its criterion, or nothing.

    Too noisy is half the rise of pressure to a closed contour.
    """
    noise = grid_noise(grid, pressure)
    if criteria.search != "pressure" or not noise > criteria.pressure_rise / 2:
        return ""
    return (
        f"Mean sea-level pressure differs by {noise:.0f} Pa from one grid point to the "
        f"next in the tropics, and a closed contour is {criteria.pressure_rise:g} Pa "
        "deep: centres may be noise. --preset neuralgcm-vorticity searches vorticity."
    )
