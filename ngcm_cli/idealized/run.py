"""The command ``ngcm idealized``, in Python."""

import pathlib
from typing import Any

from ngcm_cli.config import IdealizedConfig
from ngcm_cli.errors import ConfigError
from ngcm_cli.idealized.case import Case
from ngcm_cli.idealized.setup import set_up
from ngcm_cli.io.compilation_cache import enable_compilation_cache
from ngcm_cli.simulation.existing_run import settings_for_resume
from ngcm_cli.simulation.loop import ProgressCallback
from ngcm_cli.simulation.run import no_callback, run_simulation
from ngcm_cli.simulation.simulation import Simulation
from ngcm_cli.simulation.summary import summarize, summarize_progress


def run_idealized(
    case: str | Case | IdealizedConfig | None = None,
    *,
    resume: str | pathlib.Path | None = None,
    track: ProgressCallback = no_callback,
    **settings: Any,
) -> pathlib.Path:
    """Run an idealized case of the dynamical core, and write the output.

    ``run_idealized("held-suarez", truncation="T42", days=200)`` is the same as the
    command with these options.

    Args:
        case: its name, a case of your own, or all settings.
        resume: output of a run to continue; of a case of your own, give that, too.
        track: receives the progress.
        **settings: fields of `IdealizedConfig`.

    Returns:
        Path of the output.

    Raises:
        ConfigError: a setting is wrong.
        OutputError: the output could not be written.
        UnstableRunError: the run became unstable; what was before is written.
    """
    simulation = _set_up(case, resume, settings)
    run_simulation(simulation, track)
    return simulation.paths.output


def plan(
    case: str | Case | IdealizedConfig | None = None,
    *,
    resume: str | pathlib.Path | None = None,
    **settings: Any,
) -> str:
    """Return the summary of a run, with the arguments of `run_idealized`."""
    simulation = _set_up(case, resume, settings)
    return summarize(simulation) + summarize_progress(simulation)


def _set_up(
    case: str | Case | IdealizedConfig | None,
    resume: str | pathlib.Path | None,
    settings: dict[str, Any],
) -> Simulation:
    enable_compilation_cache()
    own = case if isinstance(case, Case) else None
    if isinstance(case, IdealizedConfig):
        if settings or resume is not None:
            raise TypeError("give an IdealizedConfig, keywords, or an output to resume")
        return set_up(case)
    if isinstance(case, str):
        if resume is not None:
            raise ConfigError(
                "A case cannot be named for a run that is resumed.",
                "It is resumed with its own settings: leave the case out.",
            )
        settings = {"case": case, **settings}
    if resume is not None:
        path = pathlib.Path(resume)
        settings = settings_for_resume(IdealizedConfig.command, path, **settings)
    elif own is not None:
        settings = {"case": own.name, **settings}
    return set_up(IdealizedConfig(**settings), own, resume is not None)
