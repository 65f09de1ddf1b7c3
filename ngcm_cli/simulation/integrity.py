"""Whether an output holds what was written, and what of it must be computed again."""

import bisect
import dataclasses
import logging
import pathlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ngcm_cli.errors import OutputError
from ngcm_cli.output.checksums import (
    check_store,
    describe_damage,
    examine,
    read_checksums,
    write_checksums,
)
from ngcm_cli.output.stored_chunks import StoredChunk, stored_chunks
from ngcm_cli.output.streams import Stream
from ngcm_cli.simulation import checkpoint
from ngcm_cli.simulation.recorder import Recorder
from ngcm_cli.simulation.simulation import Simulation
from ngcm_cli.simulation.task import Task
from ngcm_cli.time_format import format_time

log = logging.getLogger(__name__)

_METADATA = "zarr.json", ".zarray", ".zattrs"
_NEVER = "was never written"
_UNCHECKED = "{} was created without checksums, so it is not compared with them."


@dataclasses.dataclass(frozen=True)
class Loss:
    """A file of a store that does not hold what it should.

    Attributes:
        stream: of the store.
        chunk: that the file holds.
        file: its path.
        reason: what is wrong.
    """

    stream: Stream
    chunk: StoredChunk
    file: pathlib.Path
    reason: str

    @property
    def start(self) -> int:
        """Index along time of its first record."""
        return self.chunk.records[self.stream.schema.record_dimensions[-1]].start

    @property
    def is_statistic(self) -> bool:
        """Whether it holds statistics over members."""
        return bool(self.stream.statistics) and "realization" not in self.chunk.records

    def concerns(
        self, simulation: Simulation, init: int, members: Collection[int]
    ) -> bool:
        """Return whether it holds records of some members from an initial time."""
        records = self.chunk.records
        rows = records.get("realization", range(len(simulation.members)))
        return (
            self.stream in simulation.streams[init]
            and init in records.get("init_time", (init,))
            and not {simulation.members[row] for row in rows}.isdisjoint(members)
        )


def repair(recorder: Recorder) -> bool:
    """Let what is missing from the output of a resumed run be computed again.

    Nobody else may write. A task goes back to the last restart file before what it
    lost; a forecast without one, to its initial state.

    Returns:
        Whether anything is computed again.

    Raises:
        OutputError: something cannot be computed again.
    """
    simulation, directory = recorder.simulation, recorder.directory
    inits = range(len(simulation.schedules))
    losses, states = _examine(recorder, content=True)
    damaged = [loss for loss in losses if loss.reason != _NEVER]
    lost = [
        loss
        for loss in damaged
        if not loss.is_statistic
        and any(loss.concerns(simulation, i, simulation.complete) for i in inits)
    ]
    again: dict[Task, int] = {}
    for task in simulation.tasks():
        windows, hits = _windows_to_keep(recorder, task, losses)
        if hits:
            again[task] = windows
            if simulation.paths.is_directory and not windows:
                lost += hits
    if lost:
        raise OutputError(
            f"{_describe(lost)} No restart file is from before, to compute it again.",
            "Put it back from a copy, or start a new run.",
        )
    if again:
        log.warning(f"{_describe(damaged or losses)} It is computed again.")
    for task, windows in again.items():
        directory.unmark_complete(task.name)
        for path, metadata in checkpoint.saved(directory, task).items():
            if metadata["windows"] > windows:
                path.unlink(missing_ok=True)
    is_changed = bool(again)
    for init, streams in enumerate(simulation.streams):
        gone = any(loss.is_statistic and loss.stream in streams for loss in damaged)
        if gone or any(task.init == init for task in again):
            is_changed |= directory.discard_statistics(init)
    for loss in damaged:
        loss.file.unlink(missing_ok=True)
    _settle(states)
    return is_changed


def check_complete(recorder: Recorder, failed: Sequence[Mapping[str, Any]]) -> None:
    """Check that the output of a complete run is there, and settle its checksums.

    Args:
        recorder: of the run.
        failed: members that became unstable, whose records need not be there.

    Raises:
        OutputError: something was removed while the run went on.
    """
    simulation = recorder.simulation
    losses, states = _examine(recorder, content=False)
    unstable = {(x["init_time"], x["realization"]) for x in failed}
    lost = [loss for loss in losses if loss.reason != _NEVER]
    for init, schedule in enumerate(simulation.schedules):
        time = format_time(schedule.init)
        stable = {m for m in simulation.members if (time, m) not in unstable}
        lost += [loss for loss in losses if loss.concerns(simulation, init, stable)]
    if lost:
        raise OutputError(
            f"{_describe(lost)} It was there before.",
            f"Resume with `ngcm {simulation.config.command} --resume "
            f"{simulation.paths.output}`, which computes it again.",
        )
    _settle(states)


def check_finished(store: pathlib.Path) -> None:
    """Check the store of a finished run, if there is one and it has checksums.

    Raises:
        OutputError: something is missing or damaged.
    """
    if read_checksums(store) is not None:
        check_store(store)
    elif store.is_dir():
        log.warning(_UNCHECKED.format(store))


def _examine(
    recorder: Recorder, content: bool
) -> tuple[list[Loss], dict[pathlib.Path, Mapping[str, str]]]:
    """Return what is lost, and the states of all other files of every store.

    Stores without checksums, of older versions, are left out.
    """
    losses: list[Loss] = []
    good: dict[pathlib.Path, Mapping[str, str]] = {}
    for stream in recorder.simulation.all_streams:
        store = recorder.existing_path(stream)
        for name in (*stream.schema.variables, *stream.schema.coordinates):
            if not (store / name).is_dir():
                raise OutputError(
                    f"{store / name} is missing.",
                    "Put it back from a copy, or start a new run.",
                )
        if (states := read_checksums(store)) is None:
            log.warning(_UNCHECKED.format(store))
            continue
        examination = examine(store, states, content)
        good[store], wrong = examination.states, dict(examination.damaged)
        metadata = {path for path in wrong if path.endswith(_METADATA)}
        chunks = {}
        if not metadata:  # else it is said of what
            chunks = {x.path: x for x in stored_chunks(store, stream.schema)}
        names = metadata or wrong.keys() - chunks.keys()
        if others := {path: wrong[path] for path in names}:
            raise OutputError(
                describe_damage({store / path: why for path, why in others.items()}),
                "Put it back from a copy, or start a new run.",
            )
        wrong |= dict.fromkeys(
            chunks.keys() - examination.states.keys() - wrong.keys(), _NEVER
        )
        losses += [
            Loss(stream, chunks[path], store / path, reason)
            for path, reason in sorted(wrong.items())
        ]
    return losses, good


def _windows_to_keep(
    recorder: Recorder, task: Task, losses: Sequence[Loss]
) -> tuple[int, list[Loss]]:
    """Return after which window a task can continue, and what it lost before."""
    if not losses:  # and no restart file needs to be read
        return 0, []
    simulation, schedule = recorder.simulation, recorder.simulation.schedules[task.init]
    saved = list(checkpoint.saved(recorder.directory, task).values())
    reached = max((x["windows"] for x in saved), default=0)
    failed = {int(number) for metadata in saved for number in metadata["failed"]}
    if (outcome := recorder.directory.completed(task.name)) is not None:
        reached = schedule.windows
        failed = {x["realization"] for x in outcome["failed"]}
    keep, hits = reached, []
    for loss in losses:
        members = set(task.block.members)
        if loss.reason == _NEVER:
            members -= failed
        if loss.is_statistic and (
            loss.reason == _NEVER or (outcome and simulation.keeps_members)
        ):
            continue  # not yet evaluated, or evaluated again from the members

        def completed(windows: int, kind: str = loss.stream.kind) -> int:
            return schedule.completed_records(kind, windows)

        if loss.concerns(simulation, task.init, members) and (
            completed(reached) > loss.start
        ):
            hits.append(loss)
            before = bisect.bisect_right(range(keep + 1), loss.start, key=completed)
            keep = min(keep, before - 1)
    if simulation.has_statistics:
        return 0, hits  # the statistics of the members before are discarded
    return max((x["windows"] for x in saved if x["windows"] <= keep), default=0), hits


def _describe(losses: Sequence[Loss]) -> str:
    return describe_damage({loss.file: loss.reason for loss in losses})


def _settle(states: Mapping[pathlib.Path, Mapping[str, str]]) -> None:
    for store, good in states.items():
        write_checksums(store, good)
