"""The water cycle: distribution of P - E, precipitable water, the moisture budget."""

import numpy as np

from ngcm_cli.diagnosis.columns import integrate
from ngcm_cli.diagnosis.sphere import (
    area_weights,
    both_hemispheres,
    weighted_mean,
    zonal_mean,
)
from ngcm_cli.diagnosis.topic import (
    ALL,
    COLUMN_LEVELS,
    DAILY,
    INSTANTS,
    MONTHLY,
    SURFACE_PRESSURE,
    Averages,
    Entry,
    Fields,
    Stamp,
    Topic,
    all_times,
    by_time,
    entry,
    number,
    time_coordinate,
)
from ngcm_cli.units import WATER_DENSITY_SI

SECONDS_PER_DAY = 86400.0
REGIONS = ("tropics", "extratropics")
"""20 S to 20 N, and 30 to 70 degrees of both hemispheres."""
RATE_EDGES = np.arange(-20.0, 101.0, 2.0)
"""Bounds of the classes of rates, mm per day."""
_TROPICS, _EXTRATROPICS = (-20.0, 20.0), (30.0, 70.0)


def region_weights(latitude: np.ndarray) -> np.ndarray:
    """Return the weights of the latitudes in each of `REGIONS`, (region, latitude)."""
    return np.stack(
        [area_weights(latitude, *_TROPICS), both_hemispheres(latitude, *_EXTRATROPICS)]
    )


def rate_distribution(rate: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return the share of the area of each region in every class of rates.

    The first and the last class include all rates beyond them.

    Args:
        rate: mm per day, (latitude, longitude).
        latitude: degrees, ascending.

    Returns:
        (region, class), which sums to one over the classes where no value is missing.
    """
    rate = np.asarray(rate, np.float64)
    inside = np.clip(rate, RATE_EDGES[0], np.nextafter(RATE_EDGES[-1], 0))
    present = np.isfinite(rate)
    shares = []
    for weights in region_weights(latitude):
        each = np.broadcast_to(weights[:, None], rate.shape)[present]
        counts, _ = np.histogram(inside[present], RATE_EDGES, weights=each)
        shares.append(counts / each.sum())
    return np.stack(shares)


def quantile(distribution: np.ndarray, share: float) -> float:
    """Return the rate below which a share of the area is, mm per day.

    Args:
        distribution: of one region, (class,), summing to one.
        share: from 0 to 1.
    """
    cumulative = np.concatenate([[0.0], np.cumsum(distribution)])
    return float(np.interp(share, cumulative, RATE_EDGES))


def budget_terms(
    time: np.ndarray, water: np.ndarray, net: np.ndarray, is_before: bool
) -> tuple[float, float, float]:
    """Return the terms of the global moisture budget in kg m-2 per day.

        d[W]/dt = -[P - E] + residual

    The first is the change of the global mean column water from the first to the last
    time, divided by the time between; the second the mean of -(P - E) over that time.

    Args:
        time: days, (time,), at least two.
        water: global mean of column water, kg m-2, (time,).
        net: global mean of P - E, kg m-2 per day, (time,).
        is_before: whether each rate is the mean since the time before, so that the
            first is not used; otherwise the mean is by the trapezoidal rule.

    Returns:
        Storage, -(P - E), and residual, which is the first minus the second.
    """
    span = time[-1] - time[0]
    storage = (water[-1] - water[0]) / span
    amount = (np.diff(time) * net[1:]).sum() if is_before else np.trapezoid(net, time)
    source = -amount / span
    return float(storage), float(source), float(storage - source)


NET_RATE, AMOUNT = "P_minus_E_rate", "P_minus_E_cumulative"
RAIN, EVAPORATION = "precipitation_rate", "evaporation"
COLUMN_WATER, HUMIDITY = "total_column_water_vapour", "specific_humidity"
LEAD_DAY = 3
"""Day of forecasts whose rates are shown."""
_REGION_TITLES = dict(zip(REGIONS, ("20S-20N", "30-70 degrees"), strict=True))
_PER_DAY = "kg m-2 day-1"


def net_rate(fields: Fields) -> np.ndarray:
    """Return P - E in mm per day, (latitude, longitude).

    Precipitation as a depth of water is of the density that the models use.
    """
    if NET_RATE in fields:
        return fields[NET_RATE] * SECONDS_PER_DAY
    return rain_rate(fields) + fields[EVAPORATION] * SECONDS_PER_DAY


def rain_rate(fields: Fields) -> np.ndarray:
    """Return precipitation in mm per day, (latitude, longitude)."""
    return fields[RAIN] * WATER_DENSITY_SI * SECONDS_PER_DAY


def _third_day(stamp: Stamp) -> object | None:
    if stamp.lead is None:
        return ALL
    days = stamp.lead / np.timedelta64(86400, "s")
    return ALL if LEAD_DAY - 1 < days <= LEAD_DAY else None


def _rates(fields: Fields) -> dict[str, np.ndarray]:
    rate = net_rate(fields)
    return {"map": rate, "shares": rate_distribution(rate, fields.grid.latitude)}


def _conclude_rates(averages: Averages) -> dict[str, Entry]:
    rate, shares = (averages.means[name][0] for name in ("map", "shares"))
    latitude = averages.grid.latitude
    what = "P - E" + (f" on day {LEAD_DAY}" if averages.is_forecast else "")
    found = {
        "net_precipitation": entry(
            ("latitude", "longitude"), rate, "mm day-1", f"Mean {what}"
        ),
        "net_precipitation_global": number(
            weighted_mean(rate, area_weights(latitude)), "mm day-1", f"Mean {what}"
        ),
    }
    for name, weights in zip(REGIONS, region_weights(latitude), strict=True):
        found[f"net_precipitation_{name}"] = number(
            weighted_mean(rate, weights),
            "mm day-1",
            f"Mean {what}, {_REGION_TITLES[name]}",
        )
    if averages.kind == MONTHLY or averages.grid.is_zonal:
        needs = "instantaneous fields or daily means"
        if averages.grid.is_zonal:
            needs = f"{needs} on longitudes, no zonal means"
        averages.miss("Distribution of P - E", needs)
        return found
    middle = (RATE_EDGES[:-1] + RATE_EDGES[1:]) / 2
    found["rate"] = entry(("rate",), middle, "mm day-1", "Middle of the class of rates")
    found["region"] = ("region",), np.array(REGIONS), {"long_name": "Region"}
    found["net_precipitation_distribution"] = entry(
        ("region", "rate"),
        shares / np.diff(RATE_EDGES),
        "day mm-1",
        f"Share of the area per rate of {what}; the outermost classes are open",
    )
    for name, each in zip(REGIONS, shares, strict=True):
        for share in (0.01, 0.99):
            found[f"net_precipitation_{name}_p{100 * share:.0f}"] = number(
                quantile(each, share),
                "mm day-1",
                f"Percentile {100 * share:.0f} of {what}, {_REGION_TITLES[name]}",
            )
    return found


def _budget_terms(fields: Fields) -> dict[str, np.ndarray]:
    weights = area_weights(fields.grid.latitude)
    found = {"water": weighted_mean(fields[COLUMN_WATER], weights)}
    if AMOUNT in fields:
        found["amount"] = weighted_mean(fields[AMOUNT], weights)
    else:
        found["rate"] = weighted_mean(net_rate(fields), weights)
    return found


def _conclude_budget(averages: Averages) -> dict[str, Entry]:
    water, days = averages.means["water"], averages.days
    found = time_coordinate(averages)
    dims = (averages.time_dimension,)
    title = "Global mean of column water vapour"
    found["column_water_series"] = entry(dims, water, "kg m-2", title)
    found["column_water"] = number(np.nanmean(water), "kg m-2", title)
    if "amount" in averages.means:
        steps = np.diff(averages.means["amount"], prepend=np.nan) / np.diff(
            days, prepend=np.nan
        )
        is_before = True
    else:
        steps, is_before = averages.means["rate"], averages.is_forecast
    found["net_precipitation_series"] = entry(
        dims, steps, _PER_DAY, "Global mean of P - E"
    )
    if len(days) < 3:
        averages.miss("Closure of the moisture budget", "three times")
        return found
    storage, source, residual = budget_terms(days, water, steps, is_before)
    for name, value, long_name in (
        ("moisture_storage", storage, "Change of column water vapour"),
        ("moisture_source", source, "E - P, global mean"),
        ("moisture_residual", residual, "Change of column water not from E - P"),
    ):
        found[name] = number(value, _PER_DAY, long_name)
    return found


def _column(fields: Fields) -> dict[str, np.ndarray]:
    column = integrate(fields[HUMIDITY], fields.masses)
    latitude = fields.grid.latitude
    weights = area_weights(latitude)
    found = {
        "zonal": zonal_mean(column),
        "global": weighted_mean(column, weights),
        "tropics": weighted_mean(column, region_weights(latitude)[0]),
    }
    if COLUMN_WATER in fields:
        found["excess"] = weighted_mean(column - fields[COLUMN_WATER], weights)
    return found


def _conclude_column(averages: Averages) -> dict[str, Entry]:
    title = "Precipitable water, integral of specific humidity"
    mean = {name: x[0] for name, x in averages.means.items()}
    found = {
        "precipitable_water_zonal": entry(
            ("latitude",), mean["zonal"], "kg m-2", f"{title}, zonal mean"
        ),
        "precipitable_water": number(mean["global"], "kg m-2", title),
        "precipitable_water_tropics": number(
            mean["tropics"], "kg m-2", f"{title}, 20S-20N"
        ),
    }
    if "excess" in mean:
        found["precipitable_water_excess"] = number(
            mean["excess"],
            "kg m-2",
            "Integral of specific humidity minus total column water vapour",
        )
    return found


_NET = ((NET_RATE,), (RAIN, EVAPORATION))

NET_PRECIPITATION = Topic(
    title="Precipitation minus evaporation",
    needs=_NET,
    reduce=_rates,
    conclude=_conclude_rates,
    bin_of=_third_day,
    kinds=(DAILY, INSTANTS, MONTHLY),
    of_zonal_means=True,
)
MOISTURE_BUDGET = Topic(
    title="Moisture budget",
    needs=tuple((COLUMN_WATER, *names) for names in ((AMOUNT,), *_NET)),
    reduce=_budget_terms,
    conclude=_conclude_budget,
    bin_of=by_time,
    kinds=(DAILY, INSTANTS, MONTHLY),
    of_zonal_means=True,
)
PRECIPITABLE_WATER = Topic(
    title="Precipitable water",
    needs=((HUMIDITY, SURFACE_PRESSURE),),
    optional=(COLUMN_WATER,),
    reduce=_column,
    conclude=_conclude_column,
    bin_of=all_times,
    levels=COLUMN_LEVELS,
)
