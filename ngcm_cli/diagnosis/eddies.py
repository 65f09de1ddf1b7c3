"""Zonal means of eddy kinetic energy and fluxes: total, stationary, transient."""

from collections.abc import Mapping

import numpy as np

from ngcm_cli.diagnosis.sphere import zonal_mean

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
    (T, T): "square_of_air_temperature",
    (U, V): "product_of_eastward_wind_and_northward_wind",
    (V, T): "product_of_northward_wind_and_air_temperature",
    (V, Q): "product_of_northward_wind_and_specific_humidity",
}
"""Output variables of runs that are the products of two fields."""


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
        name: sum(zonal_mean(deviations[a] * deviations[b]) for a, b in pairs)
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
