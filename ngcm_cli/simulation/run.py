"""The verbs: from settings to an output on disk."""

import contextlib
import logging
import pathlib
from collections.abc import Iterator
from typing import Any

from ngcm_cli.config import (
    AmipConfig,
    EnsembleConfig,
    ForecastConfig,
    IdealizedConfig,
)
from ngcm_cli.config.settings import Settings
from ngcm_cli.errors import OutputError, UnstableRunError
from ngcm_cli.forcing.run_inputs import RunInputs
from ngcm_cli.io.compilation_cache import enable_compilation_cache
from ngcm_cli.io.lock import SharedLock
from ngcm_cli.io.progress import ByteProgress, begin_phase, no_progress
from ngcm_cli.simulation import dask
from ngcm_cli.simulation.data_sources import read_sample
from ngcm_cli.simulation.distributed import join
from ngcm_cli.simulation.existing_run import (
    ExistingRun,
    find_paths,
    settings_for_members,
    settings_for_resume,
)
from ngcm_cli.simulation.interrupts import explain_out_of_memory, sigterm_as_exception
from ngcm_cli.simulation.loop import ProgressCallback, RunLoop
from ngcm_cli.simulation.output_lifecycle import (
    complete,
    is_prepared,
    missing_tasks,
    prepare,
)
from ngcm_cli.simulation.recorder import Recorder
from ngcm_cli.simulation.setup import set_up
from ngcm_cli.simulation.simulation import Simulation
from ngcm_cli.simulation.summary import summarize
from ngcm_cli.time_format import format_time

log = logging.getLogger(__name__)

_SHOWN = 5  # unstable members, at most


def no_callback(progress: Any, simulation: Simulation) -> Any:
    """Return the progress as it is."""
    return progress


def forecast(
    config: ForecastConfig | None = None,
    *,
    resume: str | pathlib.Path | None = None,
    track: ProgressCallback = no_callback,
    download: ByteProgress = no_progress,
    **settings: Any,
) -> pathlib.Path:
    """Forecast from an initial state, and write the output.

    ``forecast(init="1959-01-02T00", lead="5d", output="out.zarr")`` is the same as the
    command with these options.

    Args:
        config: the settings, or else its fields as keywords.
        resume: output of an interrupted forecast that is continued; with it only
            settings in ``Settings.allowed_on_resume`` may be given.
        track: receives the iterator of `Progress` and the `Simulation`, and returns an
            iterable of the same.
        download: receives the progress of downloads, in bytes.
        **settings: fields of `ForecastConfig`.

    Returns:
        The path of the output.

    Raises:
        NgcmError: one of its children, which says what to change.
    """
    return _run(ForecastConfig, config, resume, track, download, settings)


def ensemble(
    config: EnsembleConfig | None = None,
    *,
    resume: str | pathlib.Path | None = None,
    track: ProgressCallback = no_callback,
    download: ByteProgress = no_progress,
    **settings: Any,
) -> pathlib.Path:
    """Forecast with many members; write them, statistics over them, or both.

    ``ensemble(members=50, init="1959-01-02T00", output="out.zarr")`` is the same as the
    command with these options. Arguments, result and errors are those of `forecast`,
    with the fields of `EnsembleConfig`.
    """
    return _run(EnsembleConfig, config, resume, track, download, settings)


def amip(
    config: AmipConfig | None = None,
    *,
    resume: str | pathlib.Path | None = None,
    track: ProgressCallback = no_callback,
    download: ByteProgress = no_progress,
    **settings: Any,
) -> pathlib.Path:
    """Run for months or decades with prescribed SST and sea ice; write the climate.

    ``amip(years=40, output="run")`` is the same as the command with these options.
    Arguments, result and errors are those of `forecast`, with the fields of
    `AmipConfig`; the output is a directory of stores.
    """
    return _run(AmipConfig, config, resume, track, download, settings)


def bundled_state(model: Any) -> RunInputs:
    """Return the bundled ERA5 state on the grid and levels of a model.

    Its attributes ``time``, ``fields`` and ``forcing`` are what ``model.encode`` takes.
    """
    return read_sample(model)


def is_complete(output: pathlib.Path) -> bool:
    """Return whether nothing is missing from the output of a run."""
    existing = ExistingRun.read(find_paths(output))
    return existing.is_finished or existing.record.get("status") == "complete"


def _run(
    kind: type[Settings],
    config: Settings | None,
    resume: str | pathlib.Path | None,
    track: ProgressCallback,
    download: ByteProgress,
    settings: dict[str, Any],
) -> pathlib.Path:
    if config is not None and (settings or resume is not None):
        raise TypeError(f"give a {kind.__name__}, keywords, or an output to resume")
    enable_compilation_cache()
    if resume is not None:
        path = pathlib.Path(resume)
        settings = settings_for_resume(kind.command, path, **settings)
    elif config is None and kind is EnsembleConfig:
        settings = settings_for_members(settings)
    config = config or kind(**settings)
    processes = join(config.coordinator, config.process)
    simulation = set_up(config, download, processes, resume is not None)
    run_simulation(simulation, track)
    return simulation.paths.output


def run_simulation(
    simulation: Simulation, track: ProgressCallback = no_callback
) -> None:
    """Compute, write and complete a run, or what is missing from it.

    Of several processes the last to end completes it.

    Args:
        simulation: the run.
        track: receives the progress of this process.

    Raises:
        UnstableRunError: members became unstable; all else is written.
        OutputError: the output could not be written.
    """
    scheduler, paths = simulation.config.scheduler, simulation.paths
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(dask.cluster(scheduler)) if scheduler else None
        recorder = stack.enter_context(contextlib.closing(Recorder(simulation)))
        lock = stack.enter_context(_lock(simulation))
        while not lock.acquire() and not is_prepared(simulation):
            pass  # another process of the run is preparing the output
        if (failed := prepare(recorder)) is not None:
            log.info(f"{paths.output} is complete: nothing is missing.")
            _raise_if_unstable(simulation, failed)
            return
        lock.share()
        if simulation.processes.index == 0:
            for line in summarize(simulation).splitlines():
                log.info(line)
        loop = RunLoop(simulation, recorder)
        with _interruptible(simulation, recorder, loop):
            progress = loop.progress()
            if client is not None:
                progress = dask.compute(simulation, loop, client)
            for _ in track(progress, simulation):
                pass
            if not lock.is_last_holder() and simulation.processes.count > 1:
                log.info("This process is done; the last one completes the output.")
                return
            if missing := missing_tasks(recorder):
                # Other processes have not begun yet, or have stopped, and said why.
                recorder.set_attributes(status="interrupted")
                parts = f"{missing} of {len(simulation.tasks())} parts are missing."
                log.info(f"{parts} {_resume(simulation)}")
                return
            begin_phase(f"Writing {paths.output}")
            failed = complete(recorder)
            if paths.has_run_record():
                loop.write_progress(recorder.directory.read_record()["status"])
    _raise_if_unstable(simulation, failed)


def _lock(simulation: Simulation) -> SharedLock:
    """Return the lock of the output, which the processes of the run share."""
    paths, processes = simulation.paths, simulation.processes
    if paths.is_directory:
        try:
            paths.output.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"The output {paths.output} cannot be made: {error.strerror}.",
                "Choose another --output.",
            ) from None
    return SharedLock(paths.lock, paths.output, processes.run, processes.count > 1)


@contextlib.contextmanager
def _interruptible(
    simulation: Simulation, recorder: Recorder, loop: RunLoop
) -> Iterator[None]:
    """Keep what is complete whatever ends the context, and say how to continue.

    Raises:
        Terminated: the process got SIGTERM.
        ConfigError: the device has too little memory.
    """
    several = simulation.batch > 1
    what = f"{simulation.batch} members at once" if several else "one member"
    hint = "Use a larger device."
    if several:
        hint = "Start again with a smaller --batch and another --output."
    try:
        with sigterm_as_exception(), explain_out_of_memory(what, hint):
            yield
    except BaseException as error:
        is_stopped = isinstance(error, KeyboardInterrupt)
        # Whoever interrupts again does not want to wait: the last restart must do.
        with contextlib.suppress(KeyboardInterrupt, OutputError):
            if is_stopped and loop.current is not None:
                loop.current.save()
            status = "interrupted" if is_stopped else "failed"
            recorder.set_attributes(status=status)
            loop.write_progress(status)
        if not isinstance(error, OutputError):  # which says it already
            error.add_note(f"{_how_far(simulation, loop)} {_resume(simulation)}")
        raise


def _how_far(simulation: Simulation, loop: RunLoop) -> str:
    """Return a sentence on what the output holds."""
    output, run = simulation.paths.output, loop.current
    parts = len(loop.tasks)
    if run is None:
        return f"{output}: {loop.done} of {parts} parts are complete."
    schedule, windows = run.schedule, run.run.windows
    unit = "lead times" if schedule.has_final_output else "days"
    time = format_time(schedule.time(max(windows - schedule.has_final_output, 0)))
    part = f", part {loop.done + 1} of {parts}" if parts > 1 else ""
    reached = f", to {time}" if windows else ""
    return (
        f"{output}{part}: {windows} of {schedule.windows} {unit} are complete{reached}."
    )


def _resume(simulation: Simulation) -> str:
    verb, output = simulation.config.command, simulation.paths.output
    return f"Resume with `ngcm {verb} --resume {output}`."


def _raise_if_unstable(simulation: Simulation, failed: list[dict[str, Any]]) -> None:
    """Raise the error that ends a run some or all members of which are unstable."""
    if not failed:
        return
    total = len(simulation.members) * len(simulation.schedules)
    named = ", ".join(
        f"{x['realization']} from {x['init_time']} after {x['lead_time']}"
        for x in failed[:_SHOWN]
    )
    more = f", and {len(failed) - _SHOWN} more" if failed[_SHOWN:] else ""
    message = f"{len(failed)} of {total} members became unstable: {named}{more}"
    is_idealized = isinstance(simulation.config, IdealizedConfig)
    output, hint = simulation.paths.output, "Try another seed or initial state."
    if is_idealized:
        hint = "Try a shorter --time-step."
    if total == 1:
        message = f"The run became unstable: {failed[0]['reason']}"
        hint = f"What was written before is in {output}. {hint}"
    else:
        hint = f"From there on they are NaN in {output}; others are unaffected. {hint}"
    may_rewind = simulation.config.on_instability == "stop" and not is_idealized
    if may_rewind and len(failed) == total:
        hint = f"{hint} Or rewind: {_resume(simulation)[:-2]} --on-instability rewind`."
    raise UnstableRunError(f"{message}.", hint)
