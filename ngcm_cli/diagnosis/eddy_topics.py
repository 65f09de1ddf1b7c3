"""Topics about eddies: all of them, stationary ones, transient ones."""

import numpy as np

from ngcm_cli.diagnosis.circulation import at_level
from ngcm_cli.diagnosis.eddies import (
    FLUXES,
    PRODUCTS,
    UNITS,
    Q,
    T,
    U,
    V,
    eddy_means,
    transient_means,
)
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
    DAILY,
    INSTANTS,
    MONTHLY,
    Averages,
    Entry,
    Fields,
    Topic,
    by_calendar_month,
    entry,
    number,
)

_SECTION = "season", "level", "latitude"
_WHAT = {
    "eddy_kinetic_energy": "kinetic energy of {} eddies per mass",
    "eddy_momentum_flux": "northward momentum flux by {} eddies",
    "eddy_heat_flux": "northward heat flux by {} eddies",
    "eddy_moisture_flux": "northward moisture flux by {} eddies",
}
_REPORTED = {  # hPa
    "eddy_kinetic_energy": 250.0,
    "eddy_momentum_flux": 250.0,
    "eddy_heat_flux": 850.0,
    "eddy_moisture_flux": 850.0,
}
_BANDS = ("north", (30.0, 70.0), "30-70N"), ("south", (-70.0, -30.0), "30-70S")


def _all_eddies(fields: Fields) -> dict[str, np.ndarray]:
    """Return what the run averaged itself, or that of instantaneous fields."""
    own = {name: zonal_mean(fields[name]) for name in FLUXES if name in fields}
    if own:
        return own
    return eddy_means({name: fields[name] for name in (U, V, T, Q) if name in fields})


def _stationary(fields: Fields) -> dict[str, np.ndarray]:
    return eddy_means({name: fields[name] for name in (U, V, T, Q) if name in fields})


def _transient(fields: Fields) -> dict[str, np.ndarray]:
    names = [name for name in PRODUCTS.values() if name in fields]
    products = {name: fields[name] for name in names}
    return transient_means(fields.values, products)


def _conclude(kind: str, prefix: str, averages: Averages) -> dict[str, Entry]:
    grid = averages.grid
    found: dict[str, Entry] = {"season": season_coordinate(averages)}
    note_incomplete_year(averages)
    for name in FLUXES:
        what = _WHAT[name].format(kind)
        what = what[0].upper() + what[1:]
        if name not in averages.means:
            averages.miss(what, "more variables: see the documentation")
            continue
        means = seasonal_means(averages, name)
        found[f"{prefix}{name}"] = entry(_SECTION, means, UNITS[name], what)
        level = _REPORTED[name]
        for season, section in zip(seasons_of(averages), means, strict=True):
            profile = at_level(section, grid.levels, level)
            if not np.isfinite(profile).any():
                continue
            for band, bounds, text in _BANDS:
                weights = area_weights(grid.latitude, *bounds)
                there = np.isfinite(profile) & (weights > 0)
                found[f"{prefix}{name}_{level:g}hPa_{band}{suffix(season)}"] = number(
                    np.average(profile[there], weights=weights[there]),
                    UNITS[name],
                    f"{what} at {level:g} hPa, {text}{title(season)}",
                )
    return found


def _conclude_all(averages: Averages) -> dict[str, Entry]:
    if averages.kind == DAILY:
        averages.note("eddies of daily means leave out what changes within a day")
    return _conclude("all", "", averages)


def _conclude_averaged(averages: Averages) -> dict[str, Entry]:
    averages.note("eddy fluxes are those that the run averaged itself")
    return _conclude("all", "", averages)


def _conclude_stationary(averages: Averages) -> dict[str, Entry]:
    averages.note("stationary eddies are those of the mean over each month")
    return _conclude("stationary", "stationary_", averages)


def _conclude_transient(averages: Averages) -> dict[str, Entry]:
    averages.note(f"transient eddies are departures from {averages.kind}")
    return _conclude("transient", "transient_", averages)


AVERAGED_EDDIES = Topic(
    name="averaged_eddies",
    title="Eddies",
    needs=tuple((name,) for name in FLUXES),
    optional=tuple(FLUXES),
    reduce=_all_eddies,
    conclude=_conclude_averaged,
    bin_of=by_calendar_month,
    kinds=(MONTHLY, DAILY),
)
"""Eddies that a run has averaged at full time resolution."""

EDDIES = Topic(
    name="eddies",
    title="Eddies",
    needs=((U, V), (V, T), (V, Q)),
    optional=(U, V, T, Q),
    reduce=_all_eddies,
    conclude=_conclude_all,
    bin_of=by_calendar_month,
    kinds=(INSTANTS, DAILY),
)
STATIONARY_EDDIES = Topic(
    name="stationary_eddies",
    title="Stationary eddies",
    needs=((U, V), (V, T), (V, Q)),
    optional=(U, V, T, Q),
    reduce=_stationary,
    conclude=_conclude_stationary,
    bin_of=by_calendar_month,
    kinds=(MONTHLY,),
    records_only=True,
)
TRANSIENT_EDDIES = Topic(
    name="transient_eddies",
    title="Transient eddies",
    needs=tuple(tuple(dict.fromkeys((*pair, name))) for pair, name in PRODUCTS.items()),
    optional=(U, V, T, Q, *PRODUCTS.values()),
    reduce=_transient,
    conclude=_conclude_transient,
    bin_of=by_calendar_month,
    kinds=(MONTHLY, DAILY),
    records_only=True,
)
