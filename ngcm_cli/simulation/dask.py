"""The initial times of a run, shared among the workers of a Dask cluster."""

import contextlib
import functools
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ngcm_cli.config.settings import Settings
from ngcm_cli.errors import ConfigError, NgcmError, OutputError
from ngcm_cli.io.compilation_cache import enable_compilation_cache
from ngcm_cli.io.lock import SharedLock, exclusive_file_lock
from ngcm_cli.simulation.distributed import Processes
from ngcm_cli.simulation.existing_run import CONFIGS
from ngcm_cli.simulation.loop import Progress, RunLoop
from ngcm_cli.simulation.recorder import Recorder
from ngcm_cli.simulation.setup import set_up
from ngcm_cli.simulation.simulation import Simulation

_RETRIES = 3
_NOT_FOR_WORKERS = "overwrite", "members", "batch", "scheduler"


@contextlib.contextmanager
def cluster(address: str) -> Iterator[Any]:
    """Connect to the Dask cluster at an address.

    Raises:
        ConfigError: there is none, or Dask is not installed.
    """
    try:
        import distributed
        from distributed.comm.addressing import get_address_host
    except ImportError:
        raise ConfigError(
            "A Dask cluster needs the package distributed.",
            "Install it: pip install 'ngcm[dask]'.",
        ) from None
    try:
        # First: a client of what is no address would stay the default of this process,
        # which whatever reads or writes files afterwards asks for locks.
        get_address_host(address)
        client = distributed.Client(address, timeout="20s")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"There is no Dask scheduler at {address}: {error}.",
            "Start one with `dask scheduler`, and give its address.",
        ) from None
    messages = logging.getLogger("distributed.client")
    level = messages.level
    messages.setLevel(logging.CRITICAL)  # what is wrong is said in a sentence
    try:
        with client:
            yield client
    finally:
        messages.setLevel(level)


def compute(simulation: Simulation, loop: RunLoop, client: Any) -> Iterator[Progress]:
    """Let the workers compute what is missing, one Dask task per initial time.

    A task that is tried again continues from the last restart file.

    Yields:
        Progress for every initial time that is complete.

    Raises:
        NgcmError: what a task raised in the end.
    """
    inits = sorted({task.init for task in loop.tasks})
    settings = {
        name: text
        for name, text in simulation.config.as_flags(defaults=True).items()
        if name not in _NOT_FOR_WORKERS
    }
    settings["output"] = str(simulation.paths.output.resolve())
    work = functools.partial(
        _compute_init,
        simulation.config.command,
        tuple(settings.items()),
        simulation.processes.run,
    )
    for done, init in enumerate(run_tasks(client, work, inits)):
        task = next(task for task in loop.tasks if task.init == init)
        schedule = simulation.schedules[init]
        reached = schedule.windows, schedule.windows, schedule.end, schedule.length
        yield Progress(task, done, len(inits), *reached)


def run_tasks(
    client: Any, work: Callable[[int], int | NgcmError], numbers: Sequence[int]
) -> Iterator[int]:
    """Let the workers do numbered tasks, and yield each number when it is complete.

    A task whose worker is lost, or that cannot write, is tried again. If one fails in
    the end, the others are completed first.

    Args:
        client: of the cluster.
        work: function of a number, which returns it, or an error for the user.
        numbers: of the tasks.

    Raises:
        NgcmError: what a task raised in the end.
    """
    import distributed

    futures = client.map(work, numbers, retries=_RETRIES, pure=False)
    failures: list[BaseException] = []
    for future in distributed.as_completed(futures):
        if future.cancelled():
            lost = OutputError("The Dask scheduler is gone.", "Start another one.")
            failures.append(lost)
            continue
        raised = future.exception()
        came = future.result() if raised is None else _translated(raised)
        if isinstance(came, BaseException):
            failures.append(came)
        else:
            yield came
    if failures:
        raise failures[0]


def _translated(error: BaseException) -> BaseException:
    """Return what a task raised, as what a user can act on."""
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        return OutputError(
            "Several workers died over the same initial time, last "
            f"{error.last_worker}.",
            "Read their logs, and give each more memory.",
        )
    if isinstance(error, OSError) and not isinstance(error, NgcmError):
        return OutputError(f"A worker stopped: {error}.", "Check its disk.")
    return error


def _compute_init(
    command: str, settings: tuple[tuple[str, Any], ...], run: str, init: int
) -> int | NgcmError:
    """Compute what is missing from an initial time; return its index, or an error."""
    enable_compilation_cache()
    try:
        simulation = _simulation(command, settings, run)
        paths = simulation.paths
        lock = SharedLock(paths.lock, paths.output, run, True)
        recorder = Recorder(simulation)
        # If the scheduler has lost sight of another worker at it, wait for that.
        alone = exclusive_file_lock(paths.work / f".init-{init}.lock")
        with lock, alone, contextlib.closing(recorder):
            lock.acquire()
            lock.share()
            if recorder.directory.read_record()["run"] != run:  # the client has gone
                raise ConfigError(f"Another run has taken {paths.output}.")
            recorder.open()
            for _ in RunLoop(simulation, recorder, {init}).progress():
                pass
        return init
    except OutputError:  # another worker may be luckier
        raise
    except NgcmError as error:
        return error


@functools.lru_cache(maxsize=1)  # a worker loads the model once
def _simulation(
    command: str, settings: tuple[tuple[str, Any], ...], run: str
) -> Simulation:
    config = CONFIGS[command](**dict(settings))
    assert isinstance(config, Settings)  # the others have no scheduler
    return set_up(config, processes=Processes(run=run), resume=True)
