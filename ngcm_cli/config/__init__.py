"""Settings of a run: flags over an optional run file, checked before any work begins.

`settings` has those that every run of a learned model shares, `forecast`, `ensemble`
and `amip` the others; `idealized` those of idealized cases; `values` parses each value
and `run_file` reads and writes YAML. Times and durations are NumPy values in seconds.
"""

from ngcm_cli.config.amip import AmipConfig
from ngcm_cli.config.ensemble import EnsembleConfig
from ngcm_cli.config.evaluate import EvaluateConfig
from ngcm_cli.config.forecast import ForecastConfig, ForecastSettings
from ngcm_cli.config.idealized import IdealizedConfig
from ngcm_cli.config.run_file import read_run_file
from ngcm_cli.config.settings import Settings
from ngcm_cli.config.values import (
    DEFAULT_MODEL,
    SST_MODES,
    closest,
    parse_switch,
)

RunConfig = Settings | IdealizedConfig
"""Settings of any run."""

__all__ = [
    "DEFAULT_MODEL",
    "SST_MODES",
    "AmipConfig",
    "EnsembleConfig",
    "EvaluateConfig",
    "ForecastConfig",
    "ForecastSettings",
    "IdealizedConfig",
    "RunConfig",
    "closest",
    "parse_switch",
    "read_run_file",
]
