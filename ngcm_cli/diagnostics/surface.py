"""Surface pressure, mean sea level pressure and water vapour of the column.

``ngcm_cli.gcm.surface_outputs`` computes them: ``NeuralGCM.decode`` returns them, too.
"""

from ngcm_cli.diagnostics.diagnostic import CmipVariable, Diagnostic
from ngcm_cli.gcm.fields import SURFACE
from ngcm_cli.inputs.variables import VARIABLES

_CMIP = {
    "surface_pressure": CmipVariable("ps", "Surface Air Pressure"),
    "mean_sea_level_pressure": CmipVariable("psl", "Sea Level Pressure"),
    "total_column_water_vapour": CmipVariable(
        "prw",
        "Water Vapor Path",
        comment="vertically integrated through the atmospheric column",
    ),
}

SURFACE_FIELDS = tuple(
    Diagnostic.of_variable(VARIABLES[name], cmip=_CMIP[name]) for name in SURFACE
)
