"""Integrals over the column of air on pressure levels."""

import numpy as np

from ngcm_cli.units import GRAVITY_SI

GROUND = 1e5
"""Surface pressure where it is not known, Pa."""


def layer_masses(
    levels: np.ndarray, surface_pressure: np.ndarray, highest: float | None = None
) -> np.ndarray:
    """Return the mass of the air that each pressure level stands for, kg m-2.

    Layers meet halfway between levels; the uppermost reaches to the pressure zero, the
    lowest to the ground, below which nothing counts. So the masses sum to pₛ/g.

    Args:
        levels: hPa, ascending.
        surface_pressure: Pa, (latitude, longitude).
        highest: pressure of the highest level that may be used, hPa; those above have
            no mass, and the next one reaches to zero.

    Returns:
        (level, latitude, longitude).
    """
    return _masses(levels, surface_pressure, highest, is_whole=True)


def masses_above_levels(
    levels: np.ndarray, surface_pressure: np.ndarray, highest: float | None = None
) -> np.ndarray:
    """Return the mass of the part of each layer that is above its level, kg m-2.

    As `layer_masses`, from the upper bound of the layer to the level itself.
    """
    return _masses(levels, surface_pressure, highest, is_whole=False)


def _masses(
    levels: np.ndarray,
    surface_pressure: np.ndarray,
    highest: float | None,
    is_whole: bool,
) -> np.ndarray:
    levels = np.asarray(levels, float)
    used = np.ones(len(levels), bool) if highest is None else levels >= highest
    if not used.any():
        raise ValueError(f"no level is at or below {highest} hPa")
    chosen = levels[used]
    middle = (chosen[:-1] + chosen[1:]) / 2
    surface = np.asarray(surface_pressure, np.float64) / 100
    column = lambda x: np.asarray(x)[:, None, None]
    upper = np.minimum(column([0.0, *middle]), surface)
    ends = [*middle, np.inf] if is_whole else chosen
    lower = np.minimum(column(ends), surface)
    masses = np.zeros((len(levels), *surface.shape))
    masses[used] = (lower - upper) * (100 / GRAVITY_SI)
    return masses


def integrate(field: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """Return the integral of a quantity per mass over the column, per square metre.

    A missing value counts as below the ground: nothing.

    Args:
        field: (level, latitude, longitude), per kg.
        masses: of `layer_masses`.

    Returns:
        (latitude, longitude); NaN where the column has no value at all.
    """
    counts = np.isfinite(field) & (masses > 0)
    total = np.where(counts, field * masses, 0.0).sum(0)
    return np.where(counts.any(0), total, np.nan)
