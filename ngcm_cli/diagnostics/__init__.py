"""What is computed from the state of a model for output, and how it is named.

`Diagnostic` declares a variable beside the function that computes it. To add one, write
an entry and its function in the file of its subject; the names that ``--variables``
takes, the attributes in files, CMIP names and the documented table follow from it.
"""

from ngcm_cli.diagnostics.diagnostic import Diagnostic
from ngcm_cli.diagnostics.evaluation import (
    DIAGNOSTICS,
    available,
    diagnostics_of,
    evaluate,
    mean_fluxes,
    needs_water_budget,
    sigma_levels,
)
from ngcm_cli.diagnostics.global_means import GLOBAL_MEANS, global_means, monitor
from ngcm_cli.diagnostics.names import resolve_name
from ngcm_cli.diagnostics.time_means import RunningMean

__all__ = [
    "DIAGNOSTICS",
    "GLOBAL_MEANS",
    "Diagnostic",
    "RunningMean",
    "available",
    "diagnostics_of",
    "evaluate",
    "global_means",
    "mean_fluxes",
    "monitor",
    "needs_water_budget",
    "resolve_name",
    "sigma_levels",
]
