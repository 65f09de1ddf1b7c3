"""An analysis as fields that a forecast starts from."""

import numpy as np

from ngcm_cli.dynamics.state import TRACERS
from ngcm_cli.gcm.integration import minutes
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.inputs.variables import SEA_ICE, SST
from ngcm_cli.simulation.single_start import SingleStart

_NO_ICE = 283.15  # K, above which water has no ice


def analysis_fields(
    start: SingleStart, model: NeuralGCM, background: ModelState, state: ModelState
) -> dict[str, np.ndarray]:
    """Return the analysis by ERA5 name, each (level, longitude, latitude).

    The data of the background plus the difference of both states decoded: a forecast
    from them encodes the background as before, and loses little of the increment.
    Water that the difference would make negative is zero.
    """
    before, after = (
        model.decode(x, model.input_variables) for x in (background, state)
    )
    fields = {
        name: start.fields[name] + np.asarray(after[name] - before[name])
        for name in model.input_variables
    }
    for name in TRACERS:
        least = np.minimum(start.fields[name], 0)
        fields[name] = np.maximum(fields[name], least)
    now = minutes(background.substep, model.substep_minutes)
    sea = {name: np.asarray(x) for name, x in start.forcing.select(now).items()}
    # What was filled in from elsewhere, and would be refused when the file is read.
    no_ice = (model.land_fraction > 0.5) & (sea[SST] > _NO_ICE)
    sea[SEA_ICE] = np.where(no_ice, np.nan, sea[SEA_ICE])
    return fields | sea
