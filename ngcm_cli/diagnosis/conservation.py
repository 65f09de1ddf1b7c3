"""Mass, water, energy and angular momentum of the atmosphere."""

from collections.abc import Mapping

import numpy as np

from ngcm_cli.diagnosis.balance import ANGULAR_VELOCITY
from ngcm_cli.diagnosis.columns import integrate
from ngcm_cli.diagnosis.sphere import area_weights, weighted_mean
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
    by_time,
    entry,
    number,
    time_coordinate,
)
from ngcm_cli.diagnosis.trends import linear_trend
from ngcm_cli.inputs.variables import CLOUDS
from ngcm_cli.units import GRAVITY_SI, KAPPA, LENGTH

HEAT_CAPACITY = 1004.0  # J kg-1 K-1, of dry air at constant pressure
LATENT_HEAT = 2.501e6  # J kg-1, of vaporization at 0 degC

UNITS = {
    "total_mass": "kg m-2",
    "dry_mass": "kg m-2",
    "total_water": "kg m-2",
    "internal_energy": "J m-2",
    "potential_energy": "J m-2",
    "kinetic_energy": "J m-2",
    "latent_energy": "J m-2",
    "total_energy": "J m-2",
    "angular_momentum": "kg m2 s-1",
}
"""Units of what `global_contents` returns."""

_ENERGIES = "internal_energy", "potential_energy", "kinetic_energy", "latent_energy"


def global_contents(
    fields: Mapping[str, np.ndarray],
    surface_pressure: np.ndarray,
    masses: np.ndarray,
    latitude: np.ndarray,
) -> dict[str, float]:
    """Return what the atmosphere contains, of what the fields allow.

    Mass is pₛ/g. Energies per mass are c_v T, Φ, (u² + v²)/2 and L q, with
    c_v = c_p (1 - κ). Axial angular momentum per mass is a cos φ (u + Ω a cos φ)
    (Peixoto and Oort 1992, Physics of Climate, chapters 11 and 13).

    Args:
        fields: by ERA5 name, each (level, latitude, longitude): specific humidity and
            cloud [kg kg-1], temperature [K], geopotential [m2 s-2], wind [m s-1].
        surface_pressure: Pa, (latitude, longitude).
        masses: of `layer_masses`, kg m-2.
        latitude: degrees, ascending.

    Returns:
        Global means per square metre, and ``angular_momentum`` of all the atmosphere,
        in the units of `UNITS`; ``dry_mass`` and ``total_water`` with humidity;
        ``total_energy`` with all of its parts.
    """
    weights = area_weights(latitude)
    mean = lambda x: float(weighted_mean(x, weights))
    contents = lambda x: mean(integrate(x, masses))
    total = mean(np.asarray(surface_pressure, np.float64) / GRAVITY_SI)
    found = {"total_mass": total}
    if "specific_humidity" in fields:
        vapour = contents(fields["specific_humidity"])
        cloud = sum(contents(fields[name]) for name in CLOUDS if name in fields)
        found["total_water"] = vapour + cloud
        found["dry_mass"] = total - vapour - cloud
        found["latent_energy"] = LATENT_HEAT * vapour
    if "temperature" in fields:
        heat = contents(fields["temperature"])
        found["internal_energy"] = HEAT_CAPACITY * (1 - KAPPA) * heat
    if "geopotential" in fields:
        found["potential_energy"] = contents(fields["geopotential"])
    u, v = (fields.get(f"{x}_component_of_wind") for x in "uv")
    if u is not None and v is not None:
        found["kinetic_energy"] = contents((u**2 + v**2) / 2)
    if u is not None:
        arm = LENGTH * np.cos(np.deg2rad(np.asarray(latitude, float)))[:, None]
        per_area = contents(arm * (u + ANGULAR_VELOCITY * arm))
        found["angular_momentum"] = 4 * np.pi * LENGTH**2 * per_area
    if all(name in found for name in _ENERGIES):
        found["total_energy"] = sum(found[name] for name in _ENERGIES)
    return found


_TITLES = {
    "total_mass": "Mass of the atmosphere per area",
    "dry_mass": "Mass of dry air per area",
    "total_water": "Water vapour and cloud per area",
    "internal_energy": "Internal energy per area",
    "potential_energy": "Potential energy per area",
    "kinetic_energy": "Kinetic energy per area",
    "latent_energy": "Latent energy per area",
    "total_energy": "Total energy per area",
    "angular_momentum": "Axial angular momentum of the atmosphere",
}


NEEDS = {
    "dry_mass": "specific_humidity",
    "total_water": "specific_humidity",
    "internal_energy": "temperature",
    "potential_energy": "geopotential",
    "kinetic_energy": "both components of wind",
    "latent_energy": "specific_humidity",
    "total_energy": "temperature, geopotential, wind and specific_humidity",
    "angular_momentum": "u_component_of_wind",
}
"""What each needs besides surface pressure."""


def _reduce(fields: Fields) -> dict[str, float]:
    values = {name: x for name, x in fields.values.items() if name != SURFACE_PRESSURE}
    pressure = fields[SURFACE_PRESSURE]
    return global_contents(values, pressure, fields.masses, fields.grid.latitude)


def drifts(
    averages: Averages, titles: dict[str, str], units: dict[str, str]
) -> dict[str, Entry]:
    """Return series, means and linear drifts per day of global contents."""
    found = time_coordinate(averages)
    for name, title in titles.items():
        if name not in averages.means:
            averages.miss(title, NEEDS.get(name, "it in the store of the run"))
            continue
        series = averages.means[name]
        dims = (averages.time_dimension,)
        found[f"{name}_series"] = entry(dims, series, units[name], title)
        found[name] = number(np.nanmean(series), units[name], title)
        if len(series) < 3:
            averages.miss(f"Drift of {title[0].lower()}{title[1:]}", "three times")
            continue
        drift = float(linear_trend(averages.days, series).slope)
        per_day = f"{units[name]} day-1"
        found[f"{name}_drift"] = number(drift, per_day, f"{title}, linear drift")
    return found


def _conclude(averages: Averages) -> dict[str, Entry]:
    if averages.kind != INSTANTS:
        averages.note(
            f"kinetic energy is that of the mean wind: the data are {averages.kind}"
        )
    if averages.grid.highest is not None:
        averages.note(
            "integrals use no level above the model's highest, at "
            f"{averages.grid.highest:.3g} hPa; the layer of the next reaches to the top"
        )
    return drifts(averages, _TITLES, UNITS)


CONSERVATION = Topic(
    title="Mass, water, energy, angular momentum",
    needs=((SURFACE_PRESSURE,),),
    optional=(
        "specific_humidity",
        *CLOUDS,
        "temperature",
        "geopotential",
        "u_component_of_wind",
        "v_component_of_wind",
    ),
    reduce=_reduce,
    conclude=_conclude,
    bin_of=by_time,
    kinds=(INSTANTS, DAILY, MONTHLY),
    levels=COLUMN_LEVELS,
)
