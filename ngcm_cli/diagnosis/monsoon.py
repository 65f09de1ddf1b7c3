"""Annual range of precipitation, the domain of monsoons, a monsoon wind index."""

import numpy as np

from ngcm_cli.diagnosis.seasons import SEASONS
from ngcm_cli.diagnosis.sphere import area_weights, weighted_mean
from ngcm_cli.diagnosis.topic import (
    Averages,
    Entry,
    Fields,
    Topic,
    by_calendar_month,
    entry,
    number,
)
from ngcm_cli.diagnosis.water import EVAPORATION, NET_RATE, RAIN, net_rate, rain_rate
from ngcm_cli.units import LENGTH

RANGE, SHARE = 2.0, 0.55  # mm per day; share of the local summer
WIND_REGION = 0.0, 20.0, 40.0, 110.0
"""South, north, west and east of the region of the wind index, degrees."""

_U, _MAP = "u_component_of_wind", ("latitude", "longitude")
_MAY_TO_SEPTEMBER = [4, 5, 6, 7, 8]
_NOVEMBER_TO_MARCH = [10, 11, 0, 1, 2]


def annual_range(climatology: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return the mean of local summer minus that of local winter.

    May to September minus November to March in the northern hemisphere, the reverse in
    the southern (Wang and Ding 2008, doi:10.1016/j.dynatmoce.2007.05.002).

    Args:
        climatology: (month, latitude, longitude), January first.
        latitude: degrees, ascending.
    """
    summer, winter = _summer_and_winter(climatology, latitude)
    return summer - winter


def monsoon_domain(precipitation: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return where the monsoon is: (latitude, longitude), bool.

    Where the annual range exceeds 2 mm per day and local summer, five months, has more
    than 55 % of the annual precipitation (Wang et al. 2012,
    doi:10.1007/s00382-011-1266-z).

    Args:
        precipitation: climatology, mm per day, (month, latitude, longitude).
        latitude: degrees, ascending.
    """
    summer, winter = _summer_and_winter(precipitation, latitude)
    total = 12 * precipitation.mean(0)
    return (summer - winter > RANGE) & (5 * summer > SHARE * total)


def area(where: np.ndarray, latitude: np.ndarray) -> float:
    """Return the area of a part of the globe in m2."""
    share = area_weights(latitude) @ where.mean(1)
    return float(4 * np.pi * LENGTH**2 * share)


def wind_index(
    u850: np.ndarray, u200: np.ndarray, latitude: np.ndarray, longitude: np.ndarray
) -> float:
    """Return the mean wind shear of the South Asian monsoon region, m s-1.

    Eastward wind at 850 hPa minus that at 200 hPa, averaged over 0 to 20 N and 40 to
    110 E (Webster and Yang 1992, doi:10.1002/qj.49711850705); usually of June to
    August.

    Args:
        u850: m s-1, (latitude, longitude).
        u200: m s-1, likewise.
        latitude: degrees, ascending.
        longitude: degrees.
    """
    south, north, west, east = WIND_REGION
    longitude = np.asarray(longitude, float) % 360
    chosen = (longitude >= west) & (longitude <= east)
    shear = (np.asarray(u850, float) - u200)[:, chosen]
    if not chosen.any():
        return np.nan
    return float(area_weights(latitude, south, north) @ shear.mean(1))


def _summer_and_winter(
    climatology: np.ndarray, latitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    climatology = np.asarray(climatology, np.float64)
    may, november = (
        climatology[months].mean(0)
        for months in (_MAY_TO_SEPTEMBER, _NOVEMBER_TO_MARCH)
    )
    is_northern = (np.asarray(latitude) >= 0)[:, None]
    return np.where(is_northern, may, november), np.where(is_northern, november, may)


def _rain_maps(fields: Fields) -> dict[str, np.ndarray]:
    if RAIN in fields:
        return {"rain": rain_rate(fields)}
    return {"net": net_rate(fields)}


def _conclude_monsoon(averages: Averages) -> dict[str, Entry]:
    if len(averages.bins) < 12:
        averages.miss("Annual range of rain", "all calendar months")
        return {}
    latitude, is_rain = averages.grid.latitude, "rain" in averages.means
    maps = averages.means["rain" if is_rain else "net"]
    what = "precipitation" if is_rain else "P - E"
    span = annual_range(maps, latitude)
    tropics = area_weights(latitude, -30, 30)
    found = {
        "annual_range": entry(
            _MAP, span, "mm day-1", f"Local summer minus winter of {what}"
        ),
        "annual_range_tropics": number(
            weighted_mean(span, tropics),
            "mm day-1",
            f"Local summer minus winter of {what}, 30S-30N",
        ),
    }
    if not is_rain:
        averages.miss("Area of monsoons", RAIN)
        return found
    domain = monsoon_domain(maps, latitude)
    found["monsoon_domain"] = entry(_MAP, domain.astype(float), "1", "Monsoon domain")
    found["monsoon_area"] = number(area(domain, latitude), "m2", "Area of monsoons")
    return found


def _shear(fields: Fields) -> dict[str, float]:
    grid = fields.grid
    try:
        u850, u200 = fields.at(_U, 850), fields.at(_U, 200)
    except KeyError:
        return {"index": np.nan}
    index = wind_index(u850, u200, grid.latitude, grid.longitude)
    return {"index": index}


def _conclude_shear(averages: Averages) -> dict[str, Entry]:
    index = averages.means["index"]
    if not np.isfinite(index).all():
        averages.miss("Monsoon wind index", "wind at 850 and 200 hPa")
        return {}
    months = np.array(averages.bins) + 1
    found = {
        "calendar_month": (("calendar_month",), months, {"long_name": "Month"}),
        "monsoon_wind_index_climatology": entry(
            ("calendar_month",), index, "m s-1", "Monsoon wind index, 850 minus 200 hPa"
        ),
    }
    summer = np.isin(averages.bins, SEASONS["jja"])
    if summer.sum() < 3:
        averages.miss("Monsoon wind index", "June to August")
    else:
        found["monsoon_wind_index"] = number(
            index[summer].mean(), "m s-1", "Monsoon wind index, June to August"
        )
    return found


MONSOON = Topic(
    title="Monsoon",
    needs=((RAIN,), (NET_RATE,), (EVAPORATION, RAIN)),
    reduce=_rain_maps,
    conclude=_conclude_monsoon,
    bin_of=by_calendar_month,
    records_only=True,
    months=12,
)
MONSOON_WIND = Topic(
    title="Monsoon wind",
    needs=((_U,),),
    reduce=_shear,
    conclude=_conclude_shear,
    bin_of=by_calendar_month,
    records_only=True,
)
