"""Winds of the stratosphere: polar night, sudden warmings, the tropics."""

import numpy as np

from ngcm_cli.diagnosis.circulation import at_level, note_interpolation
from ngcm_cli.diagnosis.seasons import SEASONS
from ngcm_cli.diagnosis.sphere import area_weights, at_latitude, zonal_mean
from ngcm_cli.diagnosis.topic import (
    DAILY,
    INSTANTS,
    Averages,
    Entry,
    Fields,
    Topic,
    by_month,
    by_time,
    entry,
    month_coordinate,
    number,
    time_coordinate,
)
from ngcm_cli.diagnosis.trends import without_annual_cycle

U = "u_component_of_wind"
TROPICS = -5.0, 5.0
"""Latitudes of the wind of the Quasi-Biennial Oscillation, degrees."""
OSCILLATION_LEVELS = 30.0, 50.0
"""Its pressures, hPa."""


def polar_night_wind(
    u: np.ndarray, levels: np.ndarray, latitude: np.ndarray
) -> np.ndarray:
    """Return zonal-mean wind at 60 N and 10 hPa, m s-1; easterly in a major warming.

    Charlton and Polvani 2007, doi:10.1175/JCLI3996.1.

    Args:
        u: zonal-mean eastward wind, m s-1, (..., level, latitude).
        levels: hPa, ascending.
        latitude: degrees, ascending.
    """
    return at_latitude(at_level(u, levels, 10.0), latitude, 60.0)


def tropical_wind(u: np.ndarray, levels: np.ndarray, latitude: np.ndarray):
    """Return the wind from 5 S to 5 N at 30 and 50 hPa, m s-1, (..., 2)."""
    weights = area_weights(latitude, *TROPICS)
    return np.stack(
        [at_level(u, levels, level) @ weights for level in OSCILLATION_LEVELS], -1
    )


def major_warmings(day: np.ndarray, wind: np.ndarray) -> int:
    """Return the number of major sudden stratospheric warmings.

    The zonal-mean wind at 60 N and 10 hPa becomes easterly from November to March; it
    was westerly for 20 days in succession since the last easterly day, and is so again
    for 10 days in succession before the end of April (Charlton and Polvani 2007,
    doi:10.1175/JCLI3996.1).

    Args:
        day: days of a record without gaps, datetime64[D], (day,).
        wind: daily means, m s-1, (day,).
    """
    month = day.astype("datetime64[M]").astype(int) % 12 + 1
    count, westerly_days = 0, 0
    for i in range(len(day)):
        if wind[i] >= 0:
            westerly_days += 1
            continue
        in_season = month[i] >= 11 or month[i] <= 3
        if westerly_days >= 20 and in_season and _returns(day, wind, i):
            count += 1
        westerly_days = 0
    return count


def _returns(day: np.ndarray, wind: np.ndarray, onset: int) -> bool:
    """Return whether westerlies return for ten days before the end of April."""
    year = day[onset].astype("datetime64[Y]")
    if day[onset].astype("datetime64[M]").astype(int) % 12 >= 10:
        year = year + 1
    end = (year.astype("datetime64[M]") + 4).astype("datetime64[D]")
    spell = 0
    for i in range(onset, int(np.searchsorted(day, end))):
        spell = spell + 1 if wind[i] >= 0 else 0
        if spell >= 10:
            return True
    return False


def _note_extrapolation(averages: Averages) -> None:
    highest = averages.grid.highest
    if highest is not None:
        averages.note(
            f"wind above {highest:.3g} hPa, the highest level of the model, is "
            "extrapolated"
        )


def _stratosphere(fields: Fields) -> dict[str, np.ndarray]:
    u, grid = zonal_mean(fields[U]), fields.grid
    return {
        "polar": polar_night_wind(u, grid.levels, grid.latitude),
        "tropical": tropical_wind(u, grid.levels, grid.latitude),
    }


def _conclude_stratosphere(averages: Averages) -> dict[str, Entry]:
    months, levels = averages.months, averages.grid.levels
    found = {"month": month_coordinate(averages)}
    top = levels[0]
    _note_extrapolation(averages)
    if top > 10:
        averages.miss(
            "Wind at 60N and 10 hPa", f"10 hPa; the highest level is {top:.3g}"
        )
    else:
        note_interpolation(averages, 10.0)
        wind = averages.means["polar"]
        what = "Zonal-mean wind at 60N and 10 hPa"
        found["polar_night_wind_series"] = entry(("month",), wind, "m s-1", what)
        winter = np.isin(months, SEASONS["djf"])
        if winter.any():
            found["polar_night_wind"] = number(
                wind[winter].mean(), "m s-1", f"{what}, December to February"
            )
            if winter.sum() > 2:
                found["polar_night_wind_std"] = number(
                    wind[winter].std(ddof=1),
                    "m s-1",
                    f"{what}, standard deviation of winter months",
                )
    for i, level in enumerate(OSCILLATION_LEVELS):
        what = f"Zonal-mean wind 5S-5N at {level:g} hPa"
        if top > level:
            averages.miss(what, f"{level:g} hPa; the highest level is {top:.3g}")
            continue
        note_interpolation(averages, level)
        wind = averages.means["tropical"][:, i]
        name = f"tropical_wind_{level:g}hPa"
        found[f"{name}_series"] = entry(("month",), wind, "m s-1", what)
        found[name] = number(wind.mean(), "m s-1", what)
        if len(wind) >= 24:
            departures = without_annual_cycle(wind, months)
            found[f"{name}_std"] = number(
                departures.std(ddof=1),
                "m s-1",
                f"{what}, standard deviation without annual cycle",
            )
        else:
            averages.miss(f"Variability of wind 5S-5N at {level:g} hPa", "24 months")
    return found


def _warmings(fields: Fields) -> dict[str, np.ndarray]:
    u, grid = zonal_mean(fields[U]), fields.grid
    return {"wind": polar_night_wind(u, grid.levels, grid.latitude)}


def _conclude_warmings(averages: Averages) -> dict[str, Entry]:
    top = averages.grid.levels[0]
    _note_extrapolation(averages)
    if top > 10:
        averages.miss("Sudden warmings", f"10 hPa; the highest level is {top:.3g}")
        return {}
    note_interpolation(averages, 10.0)
    day = np.array(averages.bins).astype("datetime64[D]")
    unique, place = np.unique(day, return_inverse=True)
    wind = np.bincount(place, averages.means["wind"]) / np.bincount(place)
    if (np.diff(unique) != np.timedelta64(1, "D")).any() or len(unique) < 180:
        averages.miss("Sudden warmings", "a value every day, for 180 days at least")
        return {}
    count = major_warmings(unique, wind)
    years = len(unique) / 365.25
    return {
        "major_warmings_per_decade": number(
            10 * count / years, "1", "Major sudden stratospheric warmings per decade"
        ),
        "daily_polar_night_wind_series": entry(
            (averages.time_dimension,),
            averages.means["wind"],
            "m s-1",
            "Wind at 60N and 10 hPa",
        ),
        **time_coordinate(averages),
    }


STRATOSPHERE = Topic(
    title="Stratosphere",
    needs=((U,),),
    reduce=_stratosphere,
    conclude=_conclude_stratosphere,
    bin_of=by_month,
    records_only=True,
    months=2,
    of_zonal_means=True,
)
WARMINGS = Topic(
    title="Sudden stratospheric warmings",
    needs=((U,),),
    reduce=_warmings,
    conclude=_conclude_warmings,
    bin_of=by_time,
    kinds=(DAILY, INSTANTS),
    records_only=True,
    months=6,
    of_zonal_means=True,
)
