"""Sea-surface temperature and sea ice as the model took them.

They are prescribed, not computed: on the model's grid, at the time of the state, with
every offset, and over land filled from the nearest sea.
"""

import jax

from ngcm_cli.diagnostics.diagnostic import CmipVariable, Diagnostic
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.model import Fields, NeuralGCM
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.inputs.variables import SEA_ICE, SST, VARIABLES

_COMMENT = "prescribed, as the model took it; over land from the nearest sea"


def prescribed_sea(
    model: NeuralGCM, state: ModelState, forcing: Fields | Forcing
) -> dict[str, jax.Array]:
    """Return sea-surface temperature [K] and sea ice [1] at the time of a state.

    Args:
        model: of the state.
        state: one member.
        forcing: as for ``NeuralGCM.advance``.

    Returns:
        By name, each (1, longitude, latitude).
    """
    return dict(model.sea_at(state, forcing))


PRESCRIBED_SEA = (
    Diagnostic.of_variable(
        VARIABLES[SST],
        needs="forcing",
        comment=_COMMENT,
        from_state=prescribed_sea,
        cmip=CmipVariable(
            "tos",
            "Sea Surface Temperature",
            units="degC",
            monthly="Omon",
            daily="Oday",
            realm="ocean",
            where="sea",
            comment="prescribed, as the model took it",
            convert=lambda kelvin: kelvin - 273.15,
        ),
    ),
    Diagnostic.of_variable(
        VARIABLES[SEA_ICE],
        needs="forcing",
        comment=_COMMENT,
        from_state=prescribed_sea,
        cmip=CmipVariable(
            "siconc",
            "Sea-Ice Area Percentage (Ocean Grid)",
            units="%",
            monthly="SImon",
            daily="SIday",
            realm="seaIce",
            where="sea",
            area_type="sea_ice",
            comment="prescribed, as the model took it, on the grid of the atmosphere",
            convert=lambda fraction: 100 * fraction,
        ),
    ),
)
