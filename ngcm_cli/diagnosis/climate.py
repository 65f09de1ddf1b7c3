"""Topics about months: annual cycle, monsoon, modes of variability, trends."""

import numpy as np

from ngcm_cli.diagnosis import modes, monsoon
from ngcm_cli.diagnosis.seasonal_cycle import annual_harmonic
from ngcm_cli.diagnosis.sphere import area_weights, weighted_mean
from ngcm_cli.diagnosis.topic import (
    DAILY,
    INSTANTS,
    MONTHLY,
    Averages,
    Entry,
    Fields,
    Topic,
    by_calendar_month,
    by_month,
    entry,
    month_coordinate,
    number,
)
from ngcm_cli.diagnosis.trends import linear_trend, without_annual_cycle
from ngcm_cli.diagnosis.water import (
    EVAPORATION,
    NET_RATE,
    RAIN,
    SECONDS_PER_DAY,
    net_rate,
)
from ngcm_cli.units import WATER_DENSITY_SI

T, U, PRESSURE = "temperature", "u_component_of_wind", "mean_sea_level_pressure"
COLUMN_WATER, SST = "total_column_water_vapour", "sea_surface_temperature"
TREND_MONTHS = 36
_KINDS = MONTHLY, DAILY, INSTANTS
_MAP = "latitude", "longitude"
_CLIMATOLOGY = "calendar_month", *_MAP
_REPORTED = 850.0, 500.0, 200.0

CYCLES = {
    "temperature_850hPa": ("K", "Temperature at 850 hPa"),
    "mean_sea_level_pressure": ("Pa", "Mean sea level pressure"),
    "total_column_water_vapour": ("kg m-2", "Total column water vapour"),
    "sea_surface_temperature": ("K", "Sea surface temperature"),
    "precipitation": ("mm day-1", "Precipitation"),
    "net_precipitation": ("mm day-1", "P - E"),
    "u_component_of_wind_250hPa": ("m s-1", "Eastward wind at 250 hPa"),
}
"""Units and long names of the fields whose annual cycle is found."""
_EXTRATROPICS = (("north", (20.0, 90.0), "20-90N"), ("south", (-90.0, -20.0), "20-90S"))


def rain_rate(fields: Fields) -> np.ndarray:
    """Return precipitation in mm per day, (latitude, longitude)."""
    return fields[RAIN] * WATER_DENSITY_SI * SECONDS_PER_DAY


def _maps(fields: Fields) -> dict[str, np.ndarray]:
    found = {}
    for name in PRESSURE, COLUMN_WATER, SST:
        if name in fields:
            found[name] = fields[name]
    for name, level in (T, 850), (U, 250):
        if name in fields and np.isclose(fields.grid.levels, level).any():
            found[f"{name}_{level}hPa"] = fields.at(name, level)
    if RAIN in fields:
        found["precipitation"] = rain_rate(fields)
    if NET_RATE in fields or (RAIN in fields and EVAPORATION in fields):
        found["net_precipitation"] = net_rate(fields)
    return found


def _conclude_cycle(averages: Averages) -> dict[str, Entry]:
    latitude = averages.grid.latitude
    months = np.array(averages.bins) + 1
    found: dict[str, Entry] = {
        "calendar_month": (("calendar_month",), months, {"long_name": "Month"})
    }
    is_whole = len(averages.bins) == 12
    if not is_whole:
        averages.miss(
            "Amplitude and phase of the annual cycle",
            f"all calendar months; there are {len(averages.bins)}",
        )
    for name, (units, what) in CYCLES.items():
        if name not in averages.means:
            continue
        maps = averages.means[name]
        found[f"{name}_climatology"] = entry(
            _CLIMATOLOGY, maps, units, f"{what}, mean of each calendar month"
        )
        mean = np.average(maps, axis=0, weights=None if is_whole else averages.counts)
        found[f"{name}_mean"] = number(
            weighted_mean(mean, area_weights(latitude)), units, f"{what}, global mean"
        )
        if not is_whole:
            continue
        amplitude, phase = annual_harmonic(maps)
        found[f"{name}_amplitude"] = entry(
            _MAP, amplitude, units, f"{what}, amplitude of the annual harmonic"
        )
        found[f"{name}_phase"] = entry(
            _MAP,
            phase,
            "1",
            f"{what}, maximum of the annual harmonic, months since 1 January",
        )
        for band, bounds, text in _EXTRATROPICS:
            series = weighted_mean(maps, area_weights(latitude, *bounds))
            size, peak = annual_harmonic(series)
            found[f"{name}_amplitude_{band}"] = number(
                size, units, f"{what}, annual harmonic of the mean {text}"
            )
            found[f"{name}_phase_{band}"] = number(
                peak, "1", f"{what}, month of its maximum {text}", period=12.0
            )
    return found


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
    span = monsoon.annual_range(maps, latitude)
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
    domain = monsoon.monsoon_domain(maps, latitude)
    found["monsoon_domain"] = entry(_MAP, domain.astype(float), "1", "Monsoon domain")
    found["monsoon_area"] = number(
        monsoon.area(domain, latitude), "m2", "Area of monsoons"
    )
    return found


def _shear(fields: Fields) -> dict[str, np.ndarray]:
    grid = fields.grid
    try:
        u850, u200 = fields.at(U, 850), fields.at(U, 200)
    except KeyError:
        return {"index": np.float64(np.nan)}
    index = monsoon.wind_index(u850, u200, grid.latitude, grid.longitude)
    return {"index": np.float64(index)}


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
    summer = np.isin(averages.bins, monsoon.SUMMER)
    if summer.sum() < 3:
        averages.miss("Monsoon wind index", "June to August")
    else:
        found["monsoon_wind_index"] = number(
            index[summer].mean(), "m s-1", "Monsoon wind index, June to August"
        )
    return found


def _pressures(fields: Fields) -> dict[str, np.ndarray]:
    grid, pressure = fields.grid, fields[PRESSURE]
    at40, at65 = modes.southern_pressures(pressure, grid.latitude)
    azores, iceland = modes.atlantic_pressures(pressure, grid.latitude, grid.longitude)
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
        one, other = averages.means[first], averages.means[second]
        index = modes.normalised_difference(one, other, months)
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
                modes.persistence(index), "1", f"{what}, autocorrelation at one month"
            )
    return found


def _temperatures(fields: Fields) -> dict[str, np.ndarray]:
    latitude, t = fields.grid.latitude, fields[T]
    return {
        "global": weighted_mean(t, area_weights(latitude)),
        "tropical": weighted_mean(t, area_weights(latitude, -20, 20)),
    }


def _conclude_trends(averages: Averages) -> dict[str, Entry]:
    grid, months = averages.grid, averages.months
    found = {"month": month_coordinate(averages)}
    hidden = grid.levels < (grid.highest or 0)
    for name, region in ("global", "global mean"), ("tropical", "20S-20N"):
        series = np.where(hidden, np.nan, averages.means[name])
        title = f"Temperature, {region}"
        found[f"{name}_temperature"] = entry(("month", "level"), series, "K", title)
        trend = linear_trend(
            averages.days / 3652.5, without_annual_cycle(series, months)
        )
        for kind, values, what in (
            ("trend", trend.slope, "linear trend"),
            ("trend_interval", trend.half_width, "half width of the 95 % interval"),
        ):
            long_name = f"{title}, {what}"
            units = "K decade-1"
            found[f"{name}_temperature_{kind}"] = entry(
                ("level",), values, units, long_name
            )
            for level, value in zip(grid.levels, values, strict=True):
                if level in _REPORTED and np.isfinite(value):
                    found[f"{name}_temperature_{kind}_{level:g}hPa"] = number(
                        value, units, f"{long_name}, {level:g} hPa"
                    )
    return found


_RATES = ((RAIN,), (NET_RATE,))

SEASONAL_CYCLE = Topic(
    name="seasonal_cycle",
    title="Annual cycle and mean state",
    needs=((T,), (PRESSURE,), (COLUMN_WATER,), (SST,), (U,), *_RATES),
    optional=(T, U, PRESSURE, COLUMN_WATER, SST, RAIN, NET_RATE, EVAPORATION),
    reduce=_maps,
    conclude=_conclude_cycle,
    bin_of=by_calendar_month,
    kinds=_KINDS,
    records_only=True,
)
MONSOON = Topic(
    name="monsoon",
    title="Monsoon",
    needs=(*_RATES, (EVAPORATION, RAIN)),
    reduce=_rain_maps,
    conclude=_conclude_monsoon,
    bin_of=by_calendar_month,
    kinds=_KINDS,
    records_only=True,
    months=12,
)
MONSOON_WIND = Topic(
    name="monsoon_wind",
    title="Monsoon wind",
    needs=((U,),),
    reduce=_shear,
    conclude=_conclude_shear,
    bin_of=by_calendar_month,
    kinds=_KINDS,
    records_only=True,
)
MODES = Topic(
    name="modes",
    title="Modes of variability",
    needs=((PRESSURE,),),
    reduce=_pressures,
    conclude=_conclude_modes,
    bin_of=by_month,
    kinds=_KINDS,
    records_only=True,
    months=TREND_MONTHS,
)
TRENDS = Topic(
    name="trends",
    title="Trends of temperature",
    needs=((T,),),
    reduce=_temperatures,
    conclude=_conclude_trends,
    bin_of=by_month,
    kinds=_KINDS,
    records_only=True,
    months=TREND_MONTHS,
)
