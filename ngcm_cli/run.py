"""The verbs: from a configuration to a forecast on disk."""

import logging
import pathlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ngcm_cli.climate.course import Course, Report
from ngcm_cli.climate.folder import keeping, open_folder
from ngcm_cli.climate.plan import ClimatePlan, plan_climate
from ngcm_cli.climate.status import read_config
from ngcm_cli.compiled import keep_compiled
from ngcm_cli.config import AmipConfig, EnsembleConfig, ForecastConfig
from ngcm_cli.ensemble.plan import plan_ensemble
from ngcm_cli.ensemble.processes import join
from ngcm_cli.ensemble.session import Watch, run_ensemble
from ngcm_cli.ensemble.there import goes_on
from ngcm_cli.forcing.run_inputs import RunInputs
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.rollout import Chunk, rollout
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.origin import read_state
from ngcm_cli.output.store import Store
from ngcm_cli.plan import Plan, plan_forecast

log = logging.getLogger(__name__)

Track = Callable[[Iterator[Chunk], Plan], Iterable[Chunk]]
Follow = Callable[[Iterator[Report], ClimatePlan], Iterable[Report]]


def forecast(
    config: ForecastConfig | None = None,
    *,
    track: Track = lambda chunks, plan: chunks,
    download: ByteProgress = no_progress,
    **settings: Any,
) -> pathlib.Path:
    """Forecast from an initial state, and write it.

    ``forecast(init="1959-01-02T00", lead="5d", output="out.zarr")`` is the same as the
    command with those flags; what ``--dry-run`` shows is
    ``plan_forecast(config).describe()``.

    Args:
        config: what to do, or else its fields as keywords.
        track: sees every chunk pass on its way to disk, together with the plan.
        download: sees the bytes of weights that have to be fetched first, as
            ``zoo.fetch`` shows them.
        **settings: fields of `ForecastConfig`.

    Returns:
        Where the forecast is.

    Raises:
        NgcmError: one of its children, which says what to change.
    """
    if config is not None and settings:
        raise TypeError("give a ForecastConfig or keywords, not both")
    keep_compiled()
    plan = plan_forecast(config or ForecastConfig(**settings), download)
    for line in plan.describe().splitlines():
        log.info(line)
    with Store(plan.output, plan.layout, plan.config.overwrite) as store:
        for chunk in track(_chunks(plan), plan):
            store.append(chunk.fields)
    return plan.output


def ensemble(
    config: EnsembleConfig | None = None,
    *,
    resume: str | pathlib.Path | None = None,
    track: Watch = lambda reports, plan: reports,
    download: ByteProgress = no_progress,
    **settings: Any,
) -> pathlib.Path:
    """Forecast with many members, and write them, statistics over them, or both.

    ``ensemble(members=50, init="1959-01-02T00", output="out.zarr")`` is the same as the
    command with those flags.

    Args:
        config: what to do, or else its fields as keywords.
        resume: output of an ensemble that goes on with what is missing from it; with
            it may go who shares the work, `EnsembleConfig.changeable`, and data whose
            address has a part that is secret.
        track: sees the report of every lead time, together with the plan.
        download: sees the bytes of weights that have to be fetched first.
        **settings: fields of `EnsembleConfig`.

    Returns:
        Where the ensemble is.

    Raises:
        NgcmError: one of its children, which says what to change.
    """
    if config is not None and (settings or resume is not None):
        raise TypeError("give an EnsembleConfig, or keywords, or an output to resume")
    keep_compiled()
    if resume is not None:
        settings = goes_on(pathlib.Path(resume), **settings)
    config = config or EnsembleConfig(**settings)
    processes = join(config.coordinator, config.process)
    plan = plan_ensemble(config, processes, download, resume=resume is not None)
    run_ensemble(plan, track)
    return plan.output


def amip(
    config: AmipConfig | None = None,
    *,
    resume: str | pathlib.Path | None = None,
    track: Follow = lambda days, plan: days,
    download: ByteProgress = no_progress,
    **settings: Any,
) -> pathlib.Path:
    """Run for months or decades under a prescribed sea, and write the climate.

    ``amip(years=40, output="run")`` is the same as the command with those flags.

    Args:
        config: what to do, or else its fields as keywords.
        resume: folder of a run that goes on from its last restart; of the settings
            those that are `AmipConfig.changeable` may go with it.
        track: sees the report of every day, together with the plan.
        download: sees the bytes of weights that have to be fetched first.
        **settings: fields of `AmipConfig`.

    Returns:
        The folder of the run.

    Raises:
        NgcmError: one of its children, which says what to change.
    """
    if config is not None and (settings or resume is not None):
        raise TypeError("give an AmipConfig, or keywords, or a folder to resume")
    keep_compiled()
    if resume is not None:
        config = read_config(pathlib.Path(resume), **settings)
    config = config or AmipConfig(**settings)
    plan, beginnings = plan_climate(config, download, resume=resume is not None)
    for line in plan.describe().splitlines():
        log.info(line)
    with open_folder(plan) as folder:
        course = Course(plan, folder, beginnings)
        with keeping(course):
            for _ in track(course.days(), plan):
                pass
    return plan.folder


def bundled_state(model: NeuralGCM) -> RunInputs:
    """The bundled ERA5 state on the grid and levels of a model, for a first try."""
    return read_state(model)


def _chunks(plan: Plan) -> Iterator[Chunk]:
    """The forecast itself, lazily."""
    yield from rollout(
        plan.model,
        plan.first_state(plan.config.member),
        plan.forcing,
        every=plan.steps_per_output,
        count=plan.layout.count - 1,
        variables=tuple(plan.layout.variables),
    )
