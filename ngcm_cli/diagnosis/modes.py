"""Modes of variability as differences of normalised sea-level pressure."""

import numpy as np

from ngcm_cli.diagnosis.sphere import at_latitude, at_point, zonal_mean
from ngcm_cli.diagnosis.topic import (
    Averages,
    Entry,
    Fields,
    Topic,
    by_month,
    entry,
    month_coordinate,
    number,
)
from ngcm_cli.diagnosis.trends import TREND_MONTHS, without_annual_cycle

PRESSURE = "mean_sea_level_pressure"

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
    for each in np.unique(month):
        chosen = month == each
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


def _pressures(fields: Fields) -> dict[str, np.ndarray]:
    grid, pressure = fields.grid, fields[PRESSURE]
    at40, at65 = southern_pressures(pressure, grid.latitude)
    if grid.is_zonal:
        return {"at40": at40, "at65": at65}
    azores, iceland = atlantic_pressures(pressure, grid.latitude, grid.longitude)
    return {"at40": at40, "at65": at65, "azores": azores, "iceland": iceland}


def _conclude_modes(averages: Averages) -> dict[str, Entry]:
    months = averages.months
    found = {"month": month_coordinate(averages)}
    for name, what, first, second, chosen in (
        ("sam", "Southern Annular Mode", "at40", "at65", np.ones(len(months), bool)),
        (
            "nao",
            "North Atlantic Oscillation",
            "azores",
            "iceland",
            np.isin(months, (11, 0, 1, 2)),
        ),
    ):
        if first not in averages.means:
            averages.miss(what, "fields on longitudes, no zonal means")
            continue
        one, other = averages.means[first], averages.means[second]
        index = normalised_difference(one, other, months)
        found[f"{name}_index"] = entry(("month",), index, "1", f"Index of the {what}")
        departures = without_annual_cycle(one - other, months)
        when = "" if name == "sam" else ", December to March"
        found[f"{name}_difference"] = number(
            (one - other)[chosen].mean(), "Pa", f"{what}, pressure difference{when}"
        )
        found[f"{name}_difference_std"] = number(
            departures[chosen].std(ddof=1),
            "Pa",
            f"{what}, standard deviation of the difference{when}",
        )
        if name == "sam":
            found["sam_persistence"] = number(
                persistence(index), "1", f"{what}, autocorrelation at one month"
            )
    return found


MODES = Topic(
    title="Modes of variability",
    needs=((PRESSURE,),),
    reduce=_pressures,
    conclude=_conclude_modes,
    bin_of=by_month,
    records_only=True,
    months=TREND_MONTHS,
    of_zonal_means=True,
)
