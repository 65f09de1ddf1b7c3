"""Many initial times on the workers of a Dask cluster."""

import contextlib
import functools
import logging
from collections.abc import Iterator
from typing import Any

from ngcm_cli import origin
from ngcm_cli.compiled import keep_compiled
from ngcm_cli.config import EnsembleConfig
from ngcm_cli.ensemble.claim import Claim
from ngcm_cli.ensemble.course import Course, Report
from ngcm_cli.ensemble.parts import Parts
from ngcm_cli.ensemble.plan import EnsemblePlan, plan_ensemble
from ngcm_cli.ensemble.processes import Processes
from ngcm_cli.ensemble.there import There
from ngcm_cli.errors import ConfigError, NgcmError, OutputError
from ngcm_cli.output.ensemble_store import EnsembleStore

_RETRIES = 3


@contextlib.contextmanager
def cluster(address: str) -> Iterator[Any]:
    """A context with a client of the Dask cluster at an address.

    Raises:
        ConfigError: there is none, or Dask is not installed.
    """
    try:
        import distributed
    except ImportError:
        raise ConfigError(
            "A cluster of Dask needs the package distributed.",
            "Install it: pip install 'ngcm[dask]'.",
        ) from None
    try:
        client = distributed.Client(address, timeout="20s")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"There is no Dask scheduler at {address}: {error}.",
            "Start one with `dask scheduler`, and name its address.",
        ) from None
    noise = logging.getLogger("distributed.client")
    level = noise.level
    noise.setLevel(logging.CRITICAL)  # what is wrong is said in a sentence
    try:
        with client:
            yield client
    finally:
        noise.setLevel(level)


def run_sweep(plan: EnsemblePlan, client: Any, inits: list[int]) -> Iterator[Report]:
    """Let the workers of a cluster compute what is missing, a task per initial time.

    A task whose worker is lost, or that cannot write, is tried again, and goes on after
    the last block that is whole. If one fails in the end, the others are done first.

    Args:
        plan: of the ensemble, whose store is there.
        client: of the cluster.
        inits: places of the initial times that are not whole.

    Yields:
        A report for every initial time that is done.

    Raises:
        NgcmError: what a task raised in the end.
    """
    import distributed

    other = "overwrite", "members", "batch", "scheduler"
    words = origin.anywhere(plan.config)
    settings = {name: text for name, text in words.items() if name not in other}
    settings |= {"output": str(plan.output.resolve())}
    task = functools.partial(_forecast, tuple(settings.items()), plan.processes.run)
    tasks = client.map(task, inits, retries=_RETRIES, pure=False)
    failures: list[BaseException] = []
    done = 0
    for future in distributed.as_completed(tasks):
        if future.cancelled():
            lost = OutputError("The Dask scheduler is gone.", "Start another one.")
            failures.append(lost)
            continue
        raised = future.exception()
        came = future.result() if raised is None else _as_ngcm(raised)
        if isinstance(came, BaseException):
            failures.append(came)
            continue
        members = tuple(plan.layout.realizations)
        last = plan.layout.count - 1
        yield Report(came, members, last, done, len(tasks), ())
        done += 1
    if failures:
        raise failures[0]


def _as_ngcm(error: BaseException) -> BaseException:
    """What a task raised, as what a user can act on."""
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        return OutputError(
            "Several workers died over the same initial time, last "
            f"{error.last_worker}.",
            "Look at what they said, and give each more memory.",
        )
    if isinstance(error, OSError) and not isinstance(error, NgcmError):
        return OutputError(f"A worker stopped: {error}.", "Look after its disk.")
    return error


def _forecast(
    words: tuple[tuple[str, Any], ...], run: str, init: int
) -> int | NgcmError:
    """A task: all members from an initial time that are not whole; or what is wrong."""
    keep_compiled()
    try:
        plan = _plan(words, run)
        output = plan.output
        # If the scheduler has lost sight of another worker at it, wait for that.
        with Claim(output, plan.processes) as claim, Parts(output, init).alone("task"):
            claim.take()
            claim.share()
            if There.read(output).run != run:  # who wanted this has gone
                raise ConfigError(f"Another run has taken {output}.")
            with EnsembleStore(output, plan.layout) as store:
                for _ in Course(plan, store).run(init):
                    pass
        return init
    except OutputError:  # another worker may be luckier
        raise
    except NgcmError as error:
        return error


@functools.lru_cache(maxsize=1)  # a worker loads the model once
def _plan(words: tuple[tuple[str, Any], ...], run: str) -> EnsemblePlan:
    config = EnsembleConfig(**dict(words))
    return plan_ensemble(config, Processes(run=run), resume=True)
