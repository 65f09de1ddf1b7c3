"""Modes of variability as differences of normalised sea-level pressure."""

import numpy as np

from ngcm_cli.diagnosis.sphere import at_latitude, at_point, zonal_mean

AZORES = 37.7, -25.7
"""Latitude and longitude of Ponta Delgada, degrees."""
ICELAND = 64.1, -21.9
"""Latitude and longitude of Reykjavik, degrees."""
SOUTHERN_LATITUDES = -40.0, -65.0


def southern_pressures(
    pressure: np.ndarray, latitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return zonal-mean sea-level pressure at 40 and at 65 S.

    Args:
        pressure: at mean sea level, (..., latitude, longitude).
        latitude: degrees, ascending.
    """
    means = zonal_mean(pressure)
    north, south = (at_latitude(means, latitude, at) for at in SOUTHERN_LATITUDES)
    return north, south


def atlantic_pressures(
    pressure: np.ndarray, latitude: np.ndarray, longitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return sea-level pressure on the Azores and on Iceland.

    Args:
        pressure: at mean sea level, (..., latitude, longitude).
        latitude: degrees, ascending.
        longitude: degrees, ascending, equally spaced around the globe.
    """
    azores, iceland = (
        at_point(pressure, latitude, longitude, *place) for place in (AZORES, ICELAND)
    )
    return azores, iceland


def normalised_difference(
    first: np.ndarray, second: np.ndarray, month: np.ndarray
) -> np.ndarray:
    """Return the difference of two normalised monthly series.

    Each is normalised by mean and standard deviation (of n - 1) of the same calendar
    month of the series itself. Of zonal means at 40 and 65 S it is the index of the
    Southern Annular Mode of Gong and Wang (1999, doi:10.1029/1999GL900003); of the
    Azores and Iceland, an index of the North Atlantic Oscillation from stations.

    Args:
        first: (time,).
        second: (time,).
        month: of the year, 0 to 11, (time,).

    Returns:
        (time,); NaN in calendar months of fewer than three years.
    """
    return _normalised(first, month) - _normalised(second, month)


def _normalised(series: np.ndarray, month: np.ndarray) -> np.ndarray:
    series = np.asarray(series, np.float64)
    result = np.full(series.shape, np.nan)
    for number in np.unique(month):
        chosen = month == number
        values = series[chosen]
        if len(values) >= 3 and values.std() > 0:
            result[chosen] = (values - values.mean()) / values.std(ddof=1)
    return result


def persistence(series: np.ndarray) -> float:
    """Return the autocorrelation at a lag of one value; NaN if too few are present."""
    present = np.isfinite(series)
    x = np.where(present, series - np.mean(series[present]) if present.any() else 0, 0)
    both = present[1:] & present[:-1]
    if both.sum() < 3 or not (x**2).sum() > 0:
        return np.nan
    return float((x[1:] * x[:-1])[both].sum() / both.sum() / x[present].var())
