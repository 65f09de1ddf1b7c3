"""Vertically integrated transport of water vapour."""

import jax.numpy as jnp

from ngcm_cli import units
from ngcm_cli.arrays import NodalSurface
from ngcm_cli.diagnostics.atmosphere import COLUMN_OF_STATE
from ngcm_cli.diagnostics.diagnostic import Diagnostic
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.gcm.surface_outputs import column_mass
from ngcm_cli.spectral.operators import velocity

_PER_SI = units.KILOGRAM_PER_SQUARE_METER * units.METER_PER_SECOND


def vapour_transport(
    model: NeuralGCM, state: ModelState, forcing: None = None
) -> dict[str, NodalSurface]:
    """Return (1/g) ∫ q v dp of the column and its magnitude in kg m-1 s-1.

    Returns:
        The eastward and the northward component and the magnitude of the vector, each
        (1, longitude, latitude).
    """
    harmonics, prognostic = model.harmonics, state.state
    nodal = harmonics.to_nodal(
        jnp.concatenate(
            [prognostic.tracers["specific_humidity"], prognostic.log_surface_pressure]
        )
    )
    humidity, pressure = nodal[:-1], jnp.exp(nodal[-1:])
    east, north = (
        column_mass(humidity * wind, pressure, model.sigma_levels) / _PER_SI
        for wind in velocity(prognostic.vorticity, prognostic.divergence, harmonics)
    )
    return {
        "eastward_water_vapour_transport": east,
        "northward_water_vapour_transport": north,
        "water_vapour_transport": jnp.sqrt(east**2 + north**2),
    }


_STANDARD_NAME = "{}_atmosphere_water_vapor_transport_across_unit_distance"
_ALIAS = "vertical_integral_of_{}_water_vapour_flux"

VAPOUR_TRANSPORT = (
    *(
        Diagnostic(
            name=f"{direction}_water_vapour_transport",
            standard_name=_STANDARD_NAME.format(direction),
            long_name=f"Vertically integrated {direction} water vapour transport",
            units="kg m-1 s-1",
            vertical="surface",
            aliases=(*aliases, _ALIAS.format(direction)),
            comment=COLUMN_OF_STATE,
            from_state=vapour_transport,
        )
        for direction, *aliases in (
            ("eastward", "viwve", "ivt_u"),
            ("northward", "viwvn", "ivt_v"),
        )
    ),
    Diagnostic(
        name="water_vapour_transport",
        standard_name="",
        long_name="Magnitude of the vertically integrated water vapour transport",
        units="kg m-1 s-1",
        vertical="surface",
        aliases=("ivt",),
        comment=COLUMN_OF_STATE,
        from_state=vapour_transport,
    ),
)
