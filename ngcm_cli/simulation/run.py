"""The verbs: from settings to an output on disk."""

import contextlib
import logging
import pathlib
from collections.abc import Iterator
from typing import Any

import ngcm_cli
from ngcm_cli.config import AmipConfig, EnsembleConfig, ForecastConfig
from ngcm_cli.config.run_file import format_run_file
from ngcm_cli.config.settings import Settings
from ngcm_cli.errors import OutputError
from ngcm_cli.io.compilation_cache import enable_compilation_cache
from ngcm_cli.io.lock import SharedLock
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.output.zarr import open_store
from ngcm_cli.simulation import dask
from ngcm_cli.simulation.checkpoint import version_changes, versions
from ngcm_cli.simulation.data_sources import public_command, with_absolute_paths
from ngcm_cli.simulation.distributed import join
from ngcm_cli.simulation.existing_run import (
    ExistingRun,
    finished_run,
    settings_for_resume,
)
from ngcm_cli.simulation.interrupts import (
    explain_out_of_memory,
    sigterm_as_exception,
)
from ngcm_cli.simulation.loop import (
    ProgressCallback,
    RunLoop,
    failed_members,
    unstable_error,
)
from ngcm_cli.simulation.provenance import now
from ngcm_cli.simulation.recorder import RUN_ATTRIBUTE, Recorder
from ngcm_cli.simulation.setup import set_up
from ngcm_cli.simulation.simulation import Simulation
from ngcm_cli.simulation.summary import summarize
from ngcm_cli.time_format import format_time

log = logging.getLogger(__name__)


def no_callback(progress: Any, simulation: Simulation) -> Any:
    """Return the progress unseen."""
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
    config = config or kind(**settings)
    processes = join(config.coordinator, config.process)
    simulation = set_up(config, download, processes, resume is not None)
    run_simulation(simulation, track)
    return simulation.paths.output


def run_simulation(simulation: Simulation, track: ProgressCallback) -> None:
    """Compute, write and complete a run, or what is missing from it.

    Of several processes the last to end completes it.

    Args:
        simulation: the run.
        track: receives the progress of this process.

    Raises:
        UnstableRunError: members became unstable; all else is written.
        OutputError: the output could not be written.
    """
    scheduler = simulation.config.scheduler
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(dask.cluster(scheduler)) if scheduler else None
        lock = stack.enter_context(exclusive_output(simulation))
        recorder = stack.enter_context(contextlib.closing(Recorder(simulation)))
        if _prepare(simulation, recorder, lock):
            log.info(f"{simulation.paths.output} is complete: nothing is missing.")
            if simulation.failed:
                raise unstable_error(simulation, list(simulation.failed))
            return
        for line in summarize(simulation).splitlines():
            if simulation.processes.index == 0:
                log.info(line)
        loop = RunLoop(simulation, recorder)
        with interruptible(simulation, recorder, loop):
            progress = loop.progress()
            if client is not None:
                progress = dask.compute(simulation, loop, client)
            for _ in track(progress, simulation):
                pass
            if not lock.is_last_holder() and simulation.processes.count > 1:
                log.info("This process is done; the last one completes the output.")
                return
            failed = _complete(simulation, recorder, loop)
    if failed:
        raise unstable_error(simulation, failed)


def exclusive_output(simulation: Simulation) -> SharedLock:
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


def _prepare(simulation: Simulation, recorder: Recorder, lock: SharedLock) -> bool:
    """Make the stores, or make them ready, unless another process did.

    Returns:
        Whether the output is complete already.
    """
    while True:
        alone = lock.acquire()
        has_record = simulation.paths.has_run_record()
        record = recorder.directory.read_record() if has_record else None
        ours = record is not None and record["run"] == simulation.processes.run
        if ours or alone:
            break
    finished = simulation.is_resumed or (
        finished_run(simulation.paths) == simulation.processes.run
    )
    if finished and record is None:
        return True  # complete, and its working directory is gone
    if not ours:
        recorder.remove_leftovers()
        if record is None or not simulation.is_resumed:
            _begin(simulation, recorder)
        _write_record(simulation, recorder)
    recorder.open()
    recorder.set_attributes(status="running")
    if record is not None and not ours:
        for change in version_changes(record["versions"]):
            recorder.add_history(f"{now()}: {change}")
    lock.share()
    return False


def _begin(simulation: Simulation, recorder: Recorder) -> None:
    """Create the stores, or make room in them for more members."""
    with recorder.translated_errors():
        recorder.directory.remove_tasks()
    if not simulation.is_extended:
        recorder.create({})
        return
    recorder.extend()
    recorder.open()
    recorder.set_attributes(**{RUN_ATTRIBUTE: None})
    recorder.add_history(f"{now()}: {public_command(simulation.config)}")


def _write_record(simulation: Simulation, recorder: Recorder) -> None:
    config, output = simulation.config, simulation.paths.output
    comment = (
        f"ngcm {ngcm_cli.__version__}; resume with "
        f"ngcm {config.command} --resume {output}"
    )
    settings = {**with_absolute_paths(config), **simulation.identity["settings"]}
    members = getattr(config, "members", None)
    if isinstance(members, range):
        settings["members"] = f"{members.start}:{members.stop}"
    for name in config.allowed_on_resume:
        if name not in ("restart_every", "on_instability"):
            settings.pop(name, None)
    settings["batch"] = str(simulation.batch)
    with recorder.translated_errors():
        recorder.directory.create(
            format_run_file(settings, comment),
            {
                "command": config.command,
                **simulation.identity,
                "batch": simulation.batch,
                "members": list(simulation.members),
                "complete": sorted(simulation.complete),
                "failed": simulation.failed,
                "run": simulation.processes.run,
                "versions": versions(),
            },
        )


@contextlib.contextmanager
def interruptible(
    simulation: Simulation, recorder: Recorder, loop: RunLoop
) -> Iterator[None]:
    """Keep what is complete whatever ends the context, and say how to continue.

    Raises:
        Terminated: the process got SIGTERM.
        ConfigError: the device has too little memory.
    """
    batch = simulation.batch
    what = f"{batch} members at once" if batch > 1 else "one member"
    hint = "Use a larger device."
    if batch > 1:
        hint = "Start again with a smaller --batch and another --output."
    try:
        with sigterm_as_exception(), explain_out_of_memory(what, hint):
            yield
    except KeyboardInterrupt as stop:
        # Whoever interrupts again does not want to wait: the last restart must do.
        with contextlib.suppress(KeyboardInterrupt, OutputError):
            if loop.current is not None:
                loop.current.save()
            _end(recorder, loop, "interrupted")
        stop.add_note(_how_far(simulation, loop))
        raise
    except BaseException as error:
        with contextlib.suppress(OutputError):
            _end(recorder, loop, "failed")
        if not isinstance(error, OutputError):  # which says it already
            error.add_note(_how_far(simulation, loop))
        raise


def _end(recorder: Recorder, loop: RunLoop, status: str) -> None:
    recorder.set_attributes(status=status)
    loop.tell(status, loop.done, force=True)


def _how_far(simulation: Simulation, loop: RunLoop) -> str:
    """Return a sentence on what the output holds, and how to continue."""
    output, current = simulation.paths.output, loop.current
    resume = f"Resume with `ngcm {simulation.config.command} --resume {output}`."
    if current is None:
        return f"{output} holds {loop.done} of {len(loop.tasks)} parts. {resume}"
    windows, schedule = current.run.windows, current.schedule
    unit = "lead times" if schedule.has_final_output else "days"
    several = ""
    if len(loop.tasks) > 1:
        several = f"part {loop.done + 1} of {len(loop.tasks)} of {output}: "
    time = schedule.time(max(windows - schedule.has_final_output, 0))
    reached = f", to {format_time(time)}" if windows else ""
    return (
        f"{several or f'{output}: '}{windows} of {schedule.windows} {unit} are "
        f"complete{reached}. {resume}"
    )


def _complete(
    simulation: Simulation, recorder: Recorder, loop: RunLoop
) -> list[dict[str, Any]]:
    """Complete the output, unless other processes have not done their part.

    Returns:
        The members that became unstable.
    """
    tasks = simulation.tasks()
    missing = [t for t in tasks if recorder.directory.completed(t.name) is None]
    if missing:
        # Other processes have not begun yet, or have stopped, and said why.
        recorder.set_attributes(status="interrupted")
        log.info(
            f"This process is done; {len(missing)} of {len(tasks)} parts are missing. "
            f"Resume with `ngcm {simulation.config.command} --resume "
            f"{simulation.paths.output}`."
        )
        return []
    if simulation.has_statistics:
        for init in range(len(simulation.schedules)):
            if not recorder.directory.has_statistics(init):
                recorder.write_statistics(init)
    failed = failed_members(simulation, recorder)
    if len(failed) == len(simulation.members) * len(simulation.schedules):
        recorder.set_attributes(status="unstable")
        loop.tell("unstable", loop.done, force=True)
        return failed
    loop.tell("complete", loop.done, force=True)
    recorder.complete("complete", failed)
    return failed


def is_complete(output: pathlib.Path) -> bool:
    """Return whether the output of a run is complete, for now or by other processes."""
    from ngcm_cli.simulation.existing_run import find_paths

    paths = find_paths(output)
    if paths.is_directory:
        store = next(paths.output.rglob("*.zarr"), None)
        if store is None:
            return False
        return open_store(store, "r").attrs.get("status") == "complete"
    return ExistingRun.read(paths).is_finished


def bundled_state(model: Any):
    """Return the bundled ERA5 state on the grid and levels of a model.

    Its attributes ``time``, ``fields`` and ``forcing`` are what ``model.encode`` takes.
    """
    from ngcm_cli.simulation.data_sources import read_sample

    return read_sample(model)
