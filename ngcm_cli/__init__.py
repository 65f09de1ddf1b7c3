"""Forecasts and climate runs with neural general circulation models."""

# The command line handles Ctrl-C once this is imported: nothing is imported here.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from ngcm_cli.assimilation.assimilate import assimilate
    from ngcm_cli.diagnosis.diagnose import diagnose
    from ngcm_cli.gcm.rollout import rollout
    from ngcm_cli.idealized.run import run_idealized
    from ngcm_cli.inputs.gridded import open_gridded
    from ngcm_cli.output.decoded import decode
    from ngcm_cli.plots.picture import plot
    from ngcm_cli.plots.report import report
    from ngcm_cli.sensitivity.find import find_sensitivity
    from ngcm_cli.simulation.benchmark import benchmark
    from ngcm_cli.simulation.data_sources import read_state
    from ngcm_cli.simulation.run import amip, bundled_state, ensemble, forecast
    from ngcm_cli.tracks.find import find_tracks
    from ngcm_cli.training.run import train
    from ngcm_cli.verification.evaluation import evaluate
    from ngcm_cli.zoo import load_model

    __version__: str

__all__ = [
    "amip",
    "assimilate",
    "benchmark",
    "bundled_state",
    "decode",
    "diagnose",
    "ensemble",
    "evaluate",
    "find_sensitivity",
    "find_tracks",
    "forecast",
    "load_model",
    "open_gridded",
    "plot",
    "read_state",
    "report",
    "rollout",
    "run_idealized",
    "train",
]

_HOMES = {
    "amip": "ngcm_cli.simulation.run",
    "assimilate": "ngcm_cli.assimilation.assimilate",
    "benchmark": "ngcm_cli.simulation.benchmark",
    "bundled_state": "ngcm_cli.simulation.run",
    "decode": "ngcm_cli.output.decoded",
    "diagnose": "ngcm_cli.diagnosis.diagnose",
    "ensemble": "ngcm_cli.simulation.run",
    "evaluate": "ngcm_cli.verification.evaluation",
    "find_sensitivity": "ngcm_cli.sensitivity.find",
    "find_tracks": "ngcm_cli.tracks.find",
    "forecast": "ngcm_cli.simulation.run",
    "load_model": "ngcm_cli.zoo",
    "open_gridded": "ngcm_cli.inputs.gridded",
    "plot": "ngcm_cli.plots.picture",
    "read_state": "ngcm_cli.simulation.data_sources",
    "report": "ngcm_cli.plots.report",
    "rollout": "ngcm_cli.gcm.rollout",
    "run_idealized": "ngcm_cli.idealized.run",
    "train": "ngcm_cli.training.run",
}


def __getattr__(name: str) -> "Any":
    """Import a public name where it lives, when it is first asked for."""
    if name == "__version__":
        from importlib import metadata

        try:
            return metadata.version("ngcm")
        except metadata.PackageNotFoundError:  # a checkout, not installed
            return "unknown"
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names, also those that are not imported yet."""
    return sorted({*globals(), *__all__, "__version__"})
