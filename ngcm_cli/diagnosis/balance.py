"""Geostrophic and ageostrophic wind in middle latitudes."""

import numpy as np

from ngcm_cli.diagnosis.sphere import both_hemispheres, gradient, weighted_mean
from ngcm_cli.diagnosis.topic import (
    ALL,
    DAILY,
    INSTANTS,
    Averages,
    Entry,
    Fields,
    Stamp,
    Topic,
    entry,
    number,
)
from ngcm_cli.units import TIME

ANGULAR_VELOCITY = 1 / (2 * TIME)  # Ω in s-1
BAND = 30.0, 70.0
"""Latitudes of both hemispheres in which balance is judged, degrees."""


def geostrophic_wind(
    geopotential: np.ndarray, latitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the geostrophic wind on pressure levels in m s-1.

        u_g = −(1/(f a)) ∂Φ/∂φ,  v_g = (1/(f a cos φ)) ∂Φ/∂λ,  f = 2 Ω sin φ

    (Holton and Hakim 2013, An Introduction to Dynamic Meteorology, eq. 2.22). Missing
    at the equator.

    Args:
        geopotential: m2 s-2, (..., latitude, longitude), around the globe.
        latitude: degrees, ascending.
    """
    f = 2 * ANGULAR_VELOCITY * np.sin(np.deg2rad(np.asarray(latitude, float)))
    f = np.where(np.abs(f) > 1e-9, f, np.nan)[:, None]
    east, north = gradient(geopotential, latitude)
    return -north / f, east / f


def mean_speeds(
    u: np.ndarray, v: np.ndarray, geopotential: np.ndarray, latitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean speeds of the geostrophic and of the ageostrophic wind, m s-1.

    The ageostrophic wind is the wind minus the geostrophic. Means are over the area
    from 30 to 70 degrees of both hemispheres.

    Args:
        u: m s-1, (..., latitude, longitude).
        v: m s-1, likewise.
        geopotential: m2 s-2, likewise.
        latitude: degrees, ascending.

    Returns:
        Two arrays (...).
    """
    geostrophic = geostrophic_wind(geopotential, latitude)
    weights = both_hemispheres(latitude, *BAND)
    speed = np.hypot(*geostrophic)
    rest = np.hypot(u - geostrophic[0], v - geostrophic[1])
    return weighted_mean(speed, weights), weighted_mean(rest, weights)


LEAD_DAYS = 1, 5, 10
"""Days of forecasts on which balance is judged."""
_REPORTED = 250.0, 500.0, 850.0  # hPa, of the numbers in the table
_U, _V = "u_component_of_wind", "v_component_of_wind"


def lead_day(stamp: Stamp) -> object | None:
    """Return the day of a forecast among `LEAD_DAYS`; one bin for a record."""
    if stamp.lead is None:
        return ALL
    days = stamp.lead / np.timedelta64(86400, "s")
    return int(days) if days in LEAD_DAYS else None


def _reduce(fields: Fields) -> dict[str, np.ndarray]:
    geostrophic, rest = mean_speeds(
        fields[_U], fields[_V], fields["geopotential"], fields.grid.latitude
    )
    return {"geostrophic": geostrophic, "ageostrophic": rest}


def _conclude(averages: Averages) -> dict[str, Entry]:
    geostrophic, rest = (averages.means[x] for x in ("geostrophic", "ageostrophic"))
    highest = averages.grid.highest
    if highest is not None:  # of extrapolated fields
        hidden = averages.grid.levels < highest
        geostrophic, rest = (np.where(hidden, np.nan, x) for x in (geostrophic, rest))
    ratio = rest / geostrophic
    dims, days = ("lead_day", "level"), averages.bins
    if averages.is_forecast:
        missing = [day for day in LEAD_DAYS if day not in days]
        if missing:
            listed = ", ".join(map(str, missing))
            averages.miss(f"Balance on day {listed}", "a forecast of that length")
    found: dict[str, Entry] = {}
    for name, title, x in (
        ("geostrophic_wind_speed", "Mean speed of the geostrophic wind", geostrophic),
        ("ageostrophic_wind_speed", "Mean speed of the ageostrophic wind", rest),
        ("ageostrophic_ratio", "Ageostrophic over geostrophic wind speed", ratio),
    ):
        units = "1" if x is ratio else "m s-1"
        x = x if averages.is_forecast else x[0]
        found[name] = entry(
            dims if averages.is_forecast else dims[1:],
            x,
            units,
            f"{title}, 30-70 degrees of both hemispheres",
        )
    if averages.is_forecast:
        found["lead_day"] = entry(("lead_day",), np.array(days), "1", "Forecast day")
    for i, day in enumerate(days):
        for k, level in enumerate(averages.grid.levels):
            if level in _REPORTED:
                at = f"_day_{day}" if averages.is_forecast else ""
                found[f"ageostrophic_ratio_{level:g}hPa{at}"] = number(
                    ratio[i, k],
                    "1",
                    f"Ageostrophic over geostrophic wind speed at {level:g} hPa"
                    f"{f', day {day}' if averages.is_forecast else ''}",
                )
    return found


BALANCE = Topic(
    title="Geostrophic balance",
    needs=(("geopotential", _U, _V),),
    reduce=_reduce,
    conclude=_conclude,
    bin_of=lead_day,
    kinds=(INSTANTS, DAILY),
)
