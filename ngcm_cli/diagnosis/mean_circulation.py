"""Topics about the zonal-mean circulation: Hadley cells, jets, the stratosphere."""

import numpy as np

from ngcm_cli.diagnosis.circulation import (
    at_level,
    hadley_cells,
    jet,
    major_warmings,
    mass_streamfunction,
    polar_night_wind,
)
from ngcm_cli.diagnosis.columns import masses_above_levels
from ngcm_cli.diagnosis.seasons import (
    note_incomplete_year,
    season_coordinate,
    seasonal_means,
    seasons_of,
    suffix,
    title,
)
from ngcm_cli.diagnosis.sphere import area_weights, zonal_mean
from ngcm_cli.diagnosis.topic import (
    COLUMN_LEVELS,
    DAILY,
    INSTANTS,
    MONTHLY,
    SURFACE_PRESSURE,
    Averages,
    Entry,
    Fields,
    Topic,
    by_calendar_month,
    by_month,
    by_time,
    entry,
    month_coordinate,
    number,
    time_coordinate,
)
from ngcm_cli.diagnosis.trends import without_annual_cycle

U, V, T = "u_component_of_wind", "v_component_of_wind", "temperature"
JET_LEVELS = 850.0, 250.0
TROPICS = -5.0, 5.0
"""Latitudes of the wind of the Quasi-Biennial Oscillation, degrees."""
OSCILLATION_LEVELS = 30.0, 50.0
_SECTION = "season", "level", "latitude"
_HEMISPHERES = ("north", "northern", True), ("south", "southern", False)


def _reduce(fields: Fields) -> dict[str, np.ndarray]:
    grid = fields.grid
    above = masses_above_levels(grid.levels, fields.surface_pressure, grid.highest)
    flow = mass_streamfunction(fields[V], fields.masses, above, grid.latitude)
    found = {
        "eastward": zonal_mean(fields[U]),
        "streamfunction": flow,
        "known_ground": np.float64(SURFACE_PRESSURE in fields),
    }
    if T in fields:
        found["temperature"] = zonal_mean(fields[T])
    return found


def _conclude(averages: Averages) -> dict[str, Entry]:
    grid, found = averages.grid, {"season": season_coordinate(averages)}
    note_incomplete_year(averages)
    if not averages.means["known_ground"].all():
        averages.note(
            "without surface_pressure the ground is at 1000 hPa everywhere; missing "
            "values count as below the ground"
        )
    if grid.highest is not None:
        averages.note(
            "the streamfunction uses no level above the model's highest, at "
            f"{grid.highest:.3g} hPa"
        )
    wind = seasonal_means(averages, "eastward")
    flow = seasonal_means(averages, "streamfunction")
    found["zonal_wind"] = entry(_SECTION, wind, "m s-1", "Zonal-mean eastward wind")
    found["mass_streamfunction"] = entry(
        _SECTION, flow, "kg s-1", "Mass streamfunction of the meridional circulation"
    )
    if "temperature" in averages.means:
        found["zonal_temperature"] = entry(
            _SECTION,
            seasonal_means(averages, "temperature"),
            "K",
            "Zonal-mean temperature",
        )
    for i, season in enumerate(seasons_of(averages)):
        found |= _cells(flow[i], averages, season) | _jets(wind[i], averages, season)
    return found


def _cells(flow: np.ndarray, averages: Averages, season: str) -> dict[str, Entry]:
    grid, end = averages.grid, suffix(season)
    cells = hadley_cells(flow, grid.levels, grid.latitude)
    if np.isnan(cells["northern_edge"]) and season == "mean":
        averages.miss(
            "Edge of the northern Hadley cell", "a change of sign of psi at 500 hPa"
        )
    if np.isnan(cells["southern_edge"]) and season == "mean":
        averages.miss(
            "Edge of the southern Hadley cell", "a change of sign of psi at 500 hPa"
        )
    return {
        f"hadley_{name}{end}": number(x, units, f"{what}{title(season)}")
        for name, x, units, what in (
            ("north", cells["northern"], "kg s-1", "Maximum of psi, northern cell"),
            ("south", cells["southern"], "kg s-1", "Minimum of psi, southern cell"),
            (
                "edge_north",
                cells["northern_edge"],
                "degrees_north",
                "Northern edge of the Hadley cells at 500 hPa",
            ),
            (
                "edge_south",
                cells["southern_edge"],
                "degrees_north",
                "Southern edge of the Hadley cells at 500 hPa",
            ),
        )
        if np.isfinite(x)
    }


def _jets(wind: np.ndarray, averages: Averages, season: str) -> dict[str, Entry]:
    grid, found = averages.grid, {}
    for level in JET_LEVELS:
        profile = at_level(wind, grid.levels, level)
        if not np.isfinite(profile).any():
            if season == "mean":
                averages.miss(f"Jets at {level:g} hPa", "levels on both sides of it")
            continue
        for name, adjective, is_northern in _HEMISPHERES:
            latitude, speed = jet(profile, grid.latitude, is_northern)
            what = f"{adjective} jet at {level:g} hPa{title(season)}"
            end = f"{name}_{level:g}hPa{suffix(season)}"
            found[f"jet_latitude_{end}"] = number(
                latitude, "degrees_north", f"Latitude of the {what}"
            )
            found[f"jet_speed_{end}"] = number(speed, "m s-1", f"Speed of the {what}")
    return found


def tropical_wind(u: np.ndarray, levels: np.ndarray, latitude: np.ndarray):
    """Return the wind from 5 S to 5 N at 30 and 50 hPa, m s-1, (..., 2)."""
    weights = area_weights(latitude, *TROPICS)
    return np.stack(
        [at_level(u, levels, level) @ weights for level in OSCILLATION_LEVELS], -1
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
    highest = averages.grid.highest
    top = max(levels[0], highest or 0.0)
    if top > 10:
        averages.miss(
            "Wind at 60N and 10 hPa", f"10 hPa; the highest level is {top:.3g}"
        )
    else:
        wind = averages.means["polar"]
        what = "Zonal-mean wind at 60N and 10 hPa"
        found["polar_night_wind_series"] = entry(("month",), wind, "m s-1", what)
        winter = np.isin(months, (11, 0, 1))
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
    highest = max(averages.grid.levels[0], averages.grid.highest or 0.0)
    if highest > 10:
        averages.miss("Sudden warmings", f"10 hPa; the highest level is {highest:.3g}")
        return {}
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
            ("time",), averages.means["wind"], "m s-1", "Wind at 60N and 10 hPa"
        ),
        **time_coordinate(averages),
    }


CIRCULATION = Topic(
    name="circulation",
    title="Zonal-mean circulation",
    needs=((U, V),),
    optional=(SURFACE_PRESSURE, T),
    reduce=_reduce,
    conclude=_conclude,
    bin_of=by_calendar_month,
    kinds=(MONTHLY, DAILY, INSTANTS),
    levels=COLUMN_LEVELS,
)
STRATOSPHERE = Topic(
    name="stratosphere",
    title="Stratosphere",
    needs=((U,),),
    reduce=_stratosphere,
    conclude=_conclude_stratosphere,
    bin_of=by_month,
    kinds=(MONTHLY, DAILY, INSTANTS),
    records_only=True,
    months=2,
)
WARMINGS = Topic(
    name="warmings",
    title="Sudden stratospheric warmings",
    needs=((U,),),
    reduce=_warmings,
    conclude=_conclude_warmings,
    bin_of=by_time,
    kinds=(DAILY, INSTANTS),
    records_only=True,
    months=6,
)
