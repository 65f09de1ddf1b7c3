"""Zonal means of eddy kinetic energy and fluxes: total, stationary, transient."""

from collections.abc import Mapping

import numpy as np

from ngcm_cli.diagnosis.circulation import at_level, note_interpolation
from ngcm_cli.diagnosis.seasons import (
    note_incomplete_year,
    season_coordinate,
    seasonal_means,
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

U, V = "u_component_of_wind", "v_component_of_wind"
T, Q = "temperature", "specific_humidity"

FLUXES = {
    "eddy_kinetic_energy": ((U, U), (V, V)),
    "eddy_momentum_flux": ((U, V),),
    "eddy_heat_flux": ((V, T),),
    "eddy_moisture_flux": ((V, Q),),
}
"""Pairs of factors of each quantity."""

UNITS = dict(zip(FLUXES, ("m2 s-2", "m2 s-2", "K m s-1", "m s-1"), strict=True))

PRODUCTS = {
    (U, U): "square_of_eastward_wind",
    (V, V): "square_of_northward_wind",
    (U, V): "product_of_eastward_wind_and_northward_wind",
    (V, T): "product_of_northward_wind_and_air_temperature",
    (V, Q): "product_of_northward_wind_and_specific_humidity",
}
"""Output variables of runs that are the products of two fields of `FLUXES`."""


def eddy_means(fields: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return zonal means of products of deviations from the zonal mean.

    Of instantaneous fields these are all eddies, of means over time the stationary
    ones of that time.

    Args:
        fields: wind [m s-1], temperature [K] and specific humidity [kg kg-1], those
            that there are, each (level, latitude, longitude).

    Returns:
        Quantities of `FLUXES` whose factors are there, each (level, latitude).
    """
    deviations = {name: x - zonal_mean(x)[..., None] for name, x in fields.items()}
    return {
        name: np.sum([zonal_mean(deviations[a] * deviations[b]) for a, b in pairs], 0)
        / (2 if name == "eddy_kinetic_energy" else 1)
        for name, pairs in FLUXES.items()
        if all(a in fields and b in fields for a, b in pairs)
    }


def transient_means(
    means: Mapping[str, np.ndarray], products: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return zonal means of covariances in time, from means of products.

    The mean of a product minus the product of the means, over the time of the means.

    Args:
        means: fields averaged over time, each (level, latitude, longitude).
        products: averaged products of the same fields, by the names of `PRODUCTS`.

    Returns:
        Quantities of `FLUXES` whose means and products are there, (level, latitude).
    """
    found = {}
    for name, pairs in FLUXES.items():
        if not all(
            PRODUCTS.get(pair) in products and set(pair) <= means.keys()
            for pair in pairs
        ):
            continue
        parts = (
            zonal_mean(products[PRODUCTS[a, b]] - means[a] * means[b]) for a, b in pairs
        )
        found[name] = sum(parts) / (2 if name == "eddy_kinetic_energy" else 1)
    return found


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


def _averaged(fields: Fields) -> dict[str, np.ndarray]:
    return {name: zonal_mean(fields[name]) for name in FLUXES if name in fields}


def _eddies(fields: Fields) -> dict[str, np.ndarray]:
    return eddy_means(fields.values)


def _transient(fields: Fields) -> dict[str, np.ndarray]:
    return transient_means(fields.values, fields.values)


def _conclude(kind: str, prefix: str, averages: Averages) -> dict[str, Entry]:
    grid = averages.grid
    found: dict[str, Entry] = {"season": season_coordinate(averages)}
    note_incomplete_year(averages)
    for name in FLUXES:
        what = _WHAT[name].format(kind)
        what = what[0].upper() + what[1:]
        if name not in averages.means:
            names = dict.fromkeys(x for pair in FLUXES[name] for x in pair)
            products = " with their product" if kind == "transient" else ""
            averages.miss(what, f"{' and '.join(names)}{products}")
            continue
        means = seasonal_means(averages, name)
        found[f"{prefix}{name}"] = entry(_SECTION, means, UNITS[name], what)
        level = _REPORTED[name]
        note_interpolation(averages, level)
        profile = at_level(means[0], grid.levels, level)
        if not np.isfinite(profile).any():
            averages.miss(f"{what} at {level:g} hPa", "levels on both sides of it")
            continue
        for band, bounds, text in _BANDS:
            weights = area_weights(grid.latitude, *bounds)
            there = np.isfinite(profile) & (weights > 0)
            if not there.any():
                averages.miss(f"{what} at {level:g} hPa, {text}", "values there")
                continue
            found[f"{prefix}{name}_{level:g}hPa_{band}"] = number(
                np.average(profile[there], weights=weights[there]),
                UNITS[name],
                f"{what} at {level:g} hPa, {text}",
            )
    return found


def _conclude_all(averages: Averages) -> dict[str, Entry]:
    if averages.kind == DAILY:
        averages.note("eddies of daily means leave out what changes within a day")
    return _conclude("all", "", averages)


def _conclude_averaged(averages: Averages) -> dict[str, Entry]:
    averages.note("the run averaged the fluxes itself, at every sample of its means")
    return _conclude("all", "", averages)


def _conclude_stationary(averages: Averages) -> dict[str, Entry]:
    averages.note("of the mean over each month")
    return _conclude("stationary", "stationary_", averages)


def _conclude_transient(averages: Averages) -> dict[str, Entry]:
    averages.note(f"departures from {averages.kind}")
    return _conclude("transient", "transient_", averages)


AVERAGED_EDDIES = Topic(
    title="Eddies",
    needs=tuple((name,) for name in FLUXES),
    optional=tuple(FLUXES),
    reduce=_averaged,
    conclude=_conclude_averaged,
    bin_of=by_calendar_month,
    kinds=(MONTHLY, DAILY),
    of_zonal_means=True,
)
"""Eddies that a run has averaged at full time resolution."""

EDDIES = Topic(
    title="Eddies",
    needs=((U, V), (V, T), (V, Q)),
    optional=(U, V, T, Q),
    reduce=_eddies,
    conclude=_conclude_all,
    bin_of=by_calendar_month,
    kinds=(INSTANTS, DAILY),
)
STATIONARY_EDDIES = Topic(
    title="Stationary eddies",
    needs=((U, V), (V, T), (V, Q)),
    optional=(U, V, T, Q),
    reduce=_eddies,
    conclude=_conclude_stationary,
    bin_of=by_calendar_month,
    kinds=(MONTHLY,),
    records_only=True,
)
TRANSIENT_EDDIES = Topic(
    title="Transient eddies",
    needs=tuple(tuple(dict.fromkeys((*pair, name))) for pair, name in PRODUCTS.items()),
    optional=(U, V, T, Q, *PRODUCTS.values()),
    needs_text="means of wind, temperature or humidity, and of their products, such as "
    "product_of_northward_wind_and_air_temperature",
    reduce=_transient,
    conclude=_conclude_transient,
    bin_of=by_calendar_month,
    kinds=(MONTHLY, DAILY),
    records_only=True,
)
