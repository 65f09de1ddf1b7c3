"""Evaluate blocks of initial times, with threads or on a Dask cluster."""

import collections
import concurrent.futures
import contextlib
import functools
import itertools
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

from ngcm_cli.config.evaluate import EvaluateConfig, NamedLocation
from ngcm_cli.errors import NgcmError, OutputError
from ngcm_cli.io.progress import CountProgress, no_progress
from ngcm_cli.verification.evaluation_plan import EvaluationPlan
from ngcm_cli.verification.initial_time import (
    InitialTimeStatistics,
    evaluate_initial_times,
)
from ngcm_cli.verification.partial_scores import PartialScores
from ngcm_cli.verification.reading_blocks import initial_time_chunks
from ngcm_cli.verification.sums_over_times import SumsOverTimes

_Futures = list[concurrent.futures.Future[dict[int, InitialTimeStatistics]]]

_MOST_THREADS = 4
_BLOCKS = 24
"""Into which initial times are divided; those that are complete survive a kill."""


_SECONDS_BETWEEN_SUMS = 30.0
"""Maps are written as often: what is lost when an evaluation is killed."""


def divide(count: int) -> list[range]:
    """Return the blocks into which initial times are divided."""
    size = max(2 * _MOST_THREADS, -(-count // _BLOCKS))
    return [range(i, min(i + size, count)) for i in range(0, count, size)]


def evaluate_blocks(
    plan: EvaluationPlan, partial: PartialScores, track: CountProgress = no_progress
) -> None:
    """Evaluate all blocks that are not complete, with threads that read and compute.

    Args:
        plan: what is scored.
        partial: where their statistics are written.
        track: receives how many initial times are done, and of how many.

    Raises:
        InputDataError: values cannot be read.
        OutputError: statistics cannot be written.
    """
    blocks = divide(len(plan.alignment.init_times))
    sums = SumsOverTimes(len(plan.alignment.lead_times))
    complete = partial.read_sums(sums)
    done = sum(len(blocks[number]) for number in complete)
    total = len(plan.alignment.init_times)
    track(done, total)
    written = time.monotonic()
    left = collections.deque(n for n in range(len(blocks)) if n not in complete)
    begun: collections.deque[tuple[int, _Futures]] = collections.deque()
    with _threads() as threads:
        while left or begun:
            # Sums are of whole blocks only while no other has begun.
            due = time.monotonic() - written >= _SECONDS_BETWEEN_SUMS
            if due and not begun:
                partial.write_sums(sums, complete)
                written, due = time.monotonic(), False
            # The next block begins before this one ends, so that no thread waits.
            while left and len(begun) < 2 and not due:
                number = left.popleft()
                begun.append((number, _begin(threads, plan, blocks[number], sums)))
            number, futures = begun.popleft()
            results = {}
            for future in concurrent.futures.as_completed(futures):
                results |= future.result()
                done += len(future.result())
                track(done, total)
            complete.add(number)
            partial.write_block(number, results)
    partial.hold_sums(sums)


def evaluate_on_cluster(
    plan: EvaluationPlan,
    config: EvaluateConfig,
    partial: PartialScores,
    plan_of_worker: Any,
    track: CountProgress = no_progress,
) -> None:
    """Evaluate all blocks that are not complete, each by a worker of a Dask cluster.

    The workers read and write the same disk.

    Args:
        plan: what is scored.
        config: settings from which workers make the same plan.
        partial: where statistics are written.
        plan_of_worker: function from settings to the plan.
        track: receives how many initial times are done, and of how many.

    Raises:
        ConfigError: there is no cluster.
        NgcmError: what a worker raised in the end.
    """
    from ngcm_cli.simulation import dask

    assert config.scheduler is not None
    blocks = divide(len(plan.alignment.init_times))
    sums = SumsOverTimes(len(plan.alignment.lead_times))
    complete = partial.read_sums(sums)
    total = len(plan.alignment.init_times)
    done = sum(len(blocks[number]) for number in complete)
    left = [number for number in range(len(blocks)) if number not in complete]
    work = functools.partial(
        _evaluate_on_worker, plan_of_worker, with_absolute_paths(config)
    )
    with dask.cluster(config.scheduler) as client:
        track(done, total)
        for number in dask.run_tasks(client, work, left):
            done += len(blocks[number])
            track(done, total)
    sums = SumsOverTimes(len(plan.alignment.lead_times))
    complete = partial.read_sums(sums)
    partial.write_sums(sums, complete)


def with_absolute_paths(config: EvaluateConfig) -> EvaluateConfig:
    """Return settings that mean the same in every folder."""

    def absolute(location: str) -> str:
        return os.path.abspath(location) if os.path.exists(location) else location

    def all_absolute(locations: Sequence[NamedLocation]) -> tuple[NamedLocation, ...]:
        return tuple(NamedLocation(x.name, absolute(x.location)) for x in locations)

    means = config.climatology
    return config.model_copy(
        update={
            "forecast": all_absolute(config.forecast),
            "baseline": all_absolute(config.baseline),
            "truth": None if config.truth is None else absolute(config.truth),
            "climatology": None if means is None else absolute(means),
            "output": config.output.resolve(),
        }
    )


def _evaluate_on_worker(
    plan_of_worker: Any, config: EvaluateConfig, number: int
) -> int | NgcmError:
    """Evaluate a block of initial times; return its number, or an error."""
    try:
        plan = plan_of_worker(config)
        partial = PartialScores.beside(config.output)
        sums = SumsOverTimes(len(plan.alignment.lead_times))
        block = divide(len(plan.alignment.init_times))[number]
        results = {}
        with _threads() as threads:
            for future in _begin(threads, plan, block, sums):
                results |= future.result()
        partial.write_block_sums(number, sums)
        partial.write_block(number, results)
        return number
    except OutputError:  # another worker may be luckier
        raise
    except NgcmError as error:
        return error


@contextlib.contextmanager
def _threads() -> Iterator[concurrent.futures.ThreadPoolExecutor]:
    """Provide threads; what has not begun is dropped where the context fails."""
    count = min(os.cpu_count() or 1, _MOST_THREADS)
    threads = concurrent.futures.ThreadPoolExecutor(count, "evaluate")
    try:
        yield threads
    finally:
        threads.shutdown(cancel_futures=True)


def _begin(
    threads: concurrent.futures.Executor,
    plan: EvaluationPlan,
    numbers: Sequence[int],
    sums: SumsOverTimes,
) -> _Futures:
    """Have initial times evaluated; return what will have the results of each.

    Initial times that are in one chunk of a store are read together.
    """
    chunks = initial_time_chunks(plan)
    groups = [
        list(group) for _, group in itertools.groupby(numbers, chunks.__getitem__)
    ]
    return [
        threads.submit(evaluate_initial_times, plan, group, sums) for group in groups
    ]
