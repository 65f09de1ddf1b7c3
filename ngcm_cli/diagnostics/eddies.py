"""Eddies: deviations from the zonal mean of the instant, and products of the fields.

Averaged while a model runs, the products of deviations are the eddy fluxes at full time
resolution. The products of the fields themselves give the transient eddies: with a mean
over time written as a bar, the covariance in time is mean(v T) - mean(v) mean(T).
"""

from collections.abc import Mapping

import jax

from ngcm_cli.arrays import Nodal
from ngcm_cli.diagnostics.diagnostic import Diagnostic

_U, _V = "u_component_of_wind", "v_component_of_wind"
_T, _Q = "temperature", "specific_humidity"

_EDDIES = (
    "deviations from the zonal mean of each instant on the model's grid; where a "
    "pressure level is below the ground, of extrapolated fields"
)
_PRODUCTS = (
    "at each instant; the covariance in time is the mean of the product minus the "
    "product of the means"
)


def eddy_products(fields: Mapping[str, Nodal], pressure: jax.Array) -> dict[str, Nodal]:
    """Return kinetic energy and fluxes of the deviations from the zonal mean.

    With x* = x - [x], where [x] is the mean over longitudes:

        K = (u*² + v*²)/2,  u* v*,  v* T*,  v* q*

    (Peixoto and Oort 1992, Physics of Climate, chapter 4).

    Args:
        fields: u and v [m s-1], temperature [K] and specific humidity [kg kg-1], each
            (level, longitude, latitude).
        pressure: not used.
    """
    u, v, t, q = (x - x.mean(-2, keepdims=True) for x in _values(fields))
    return {
        "eddy_kinetic_energy": (u**2 + v**2) / 2,
        "eddy_momentum_flux": u * v,
        "eddy_heat_flux": v * t,
        "eddy_moisture_flux": v * q,
    }


def products(fields: Mapping[str, Nodal], pressure: jax.Array) -> dict[str, Nodal]:
    """Return squares and products of wind, temperature and humidity.

    Args:
        fields: u and v [m s-1], temperature [K] and specific humidity [kg kg-1].
        pressure: not used.
    """
    u, v, t, q = _values(fields)
    return {
        "square_of_eastward_wind": u * u,
        "square_of_northward_wind": v * v,
        "square_of_air_temperature": t * t,
        "product_of_eastward_wind_and_northward_wind": u * v,
        "product_of_northward_wind_and_air_temperature": v * t,
        "product_of_northward_wind_and_specific_humidity": v * q,
    }


def _values(fields: Mapping[str, Nodal]) -> tuple[Nodal, ...]:
    return tuple(fields[name] for name in _FIELDS)


_FIELDS = _U, _V, _T, _Q

EDDIES = (
    *(
        Diagnostic(
            name=name,
            standard_name="",
            long_name=long_name,
            units=units,
            needs="decoder",
            aliases=(alias,),
            comment=_EDDIES,
            from_fields=eddy_products,
            fields=_FIELDS,
        )
        for name, alias, units, long_name in (
            (
                "eddy_kinetic_energy",
                "eke",
                "m2 s-2",
                "Kinetic energy of eddies per mass, (u*^2 + v*^2)/2",
            ),
            (
                "eddy_momentum_flux",
                "eddy_uv",
                "m2 s-2",
                "Northward eddy flux of eastward momentum per mass, u* v*",
            ),
            ("eddy_heat_flux", "eddy_vt", "K m s-1", "Northward eddy heat flux, v* T*"),
            (
                "eddy_moisture_flux",
                "eddy_vq",
                "m s-1",
                "Northward eddy flux of specific humidity, v* q*",
            ),
        )
    ),
    *(
        Diagnostic(
            name=name,
            standard_name=name,
            long_name=long_name,
            units=units,
            needs="decoder",
            aliases=aliases,
            comment=_PRODUCTS,
            from_fields=products,
            fields=_FIELDS,
        )
        for name, aliases, units, long_name in (
            ("square_of_eastward_wind", ("uu",), "m2 s-2", "Square of eastward wind"),
            ("square_of_northward_wind", ("vv",), "m2 s-2", "Square of northward wind"),
            ("square_of_air_temperature", ("tt",), "K2", "Square of temperature"),
            (
                "product_of_eastward_wind_and_northward_wind",
                ("uv",),
                "m2 s-2",
                "Product of eastward and northward wind",
            ),
            (
                "product_of_northward_wind_and_air_temperature",
                ("vt",),
                "K m s-1",
                "Product of northward wind and temperature",
            ),
            (
                "product_of_northward_wind_and_specific_humidity",
                ("vq",),
                "m s-1",
                "Product of northward wind and specific humidity",
            ),
        )
    ),
)
