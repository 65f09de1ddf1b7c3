"""Mass, water, energy and angular momentum of the atmosphere."""

from collections.abc import Mapping

import numpy as np

from ngcm_cli.diagnosis.balance import ANGULAR_VELOCITY
from ngcm_cli.diagnosis.columns import integrate
from ngcm_cli.diagnosis.sphere import area_weights, weighted_mean
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
