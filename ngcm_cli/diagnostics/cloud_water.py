"""Column integrals of the water of clouds."""

import jax.numpy as jnp

from ngcm_cli import units
from ngcm_cli.arrays import NodalSurface
from ngcm_cli.diagnostics.diagnostic import CmipVariable, Diagnostic
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.inputs.variables import CLOUDS

_COMMENT = "of the model state, without the decoder's correction of cloud contents"


def cloud_water_paths(
    model: NeuralGCM, state: ModelState, forcing: None = None
) -> dict[str, NodalSurface]:
    """Return (1/g) ∫ q dp of cloud ice, and of ice and liquid together, in kg m-2.

    Not clipped: negative where the cloud contents of the state are.

    Returns:
        By name, each (1, longitude, latitude).
    """
    prognostic, integral = state.state, model.sigma_levels.integral
    # The sums over the column first: one level is transformed instead of all.
    columns = [integral(prognostic.tracers[name]) for name in CLOUDS]
    nodal = model.harmonics.to_nodal(
        jnp.concatenate([*columns, prognostic.log_surface_pressure])
    )
    mass = jnp.exp(nodal[2:]) / (units.GRAVITY * units.KILOGRAM_PER_SQUARE_METER)
    ice, liquid = nodal[:1] * mass, nodal[1:2] * mass
    return {
        "total_column_cloud_ice_water": ice,
        "total_column_cloud_condensed_water": ice + liquid,
    }


CLOUD_WATER = (
    Diagnostic(
        name="total_column_cloud_ice_water",
        standard_name="atmosphere_mass_content_of_cloud_ice",
        long_name="Total column cloud ice water",
        units="kg m-2",
        vertical="surface",
        aliases=("tciw", "clivi"),
        comment=_COMMENT,
        cmip=CmipVariable("clivi", "Ice Water Path", daily="CFday"),
        from_state=cloud_water_paths,
    ),
    Diagnostic(
        name="total_column_cloud_condensed_water",
        standard_name="atmosphere_mass_content_of_cloud_condensed_water",
        long_name="Total column cloud ice and liquid water",
        units="kg m-2",
        vertical="surface",
        aliases=("clwvi",),
        comment=_COMMENT,
        cmip=CmipVariable(
            "clwvi", "Condensed Water Path", daily="CFday", comment="ice and liquid"
        ),
        from_state=cloud_water_paths,
    ),
)
