"""The output of a run: which records of which stores a window completes."""

import contextlib
import logging
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from ngcm_cli.diagnostics import GLOBAL_MEANS
from ngcm_cli.errors import OutputError
from ngcm_cli.io.atomic import translate_os_errors
from ngcm_cli.io.background import BackgroundWriter
from ngcm_cli.output.run_directory import RunDirectory
from ngcm_cli.output.streams import Stream
from ngcm_cli.output.zarr import (
    ZarrWriter,
)
from ngcm_cli.simulation.member_statistics import MemberStatistics
from ngcm_cli.simulation.run_state import WindowResults
from ngcm_cli.simulation.simulation import Simulation
from ngcm_cli.simulation.task import Task

log = logging.getLogger(__name__)

_OVER_SAMPLES = {"mean": np.mean, "maximum": np.max, "minimum": np.min}
Failed = list[dict[str, Any]]


class Recorder:
    """The stores of a run, to which its results are written in the background.

    Writing is at most one window behind. Whatever stops the run, the stores open, and
    the run can be resumed.
    """

    def __init__(self, simulation: Simulation):
        self.simulation = simulation
        self.directory = RunDirectory(simulation.paths.work)
        self._writers: dict[str, ZarrWriter] = {}
        self._statistics: dict[int, MemberStatistics] = {}
        self._background = BackgroundWriter("ngcm-output")

    def open(self) -> None:
        """Open all stores."""
        with self.translated_errors():
            for stream in self.simulation.all_streams:
                path = self.existing_path(stream)
                self._writers[stream.path] = ZarrWriter(path, stream.schema)

    def begin(self, task: Task, is_final: bool) -> None:
        """Prepare the statistics for the members of a task."""
        if statistics := self._member_statistics(task.init):
            statistics.begin(task, self.completed_blocks(task.init), is_final)

    def write(
        self, task: Task, results: WindowResults, stable: tuple[int, ...]
    ) -> None:
        """Write the records that a window completes, in the background.

        Args:
            task: of the window.
            results: of the window, still on the device.
            stable: members whose records are wanted; those of others stay NaN.

        Raises:
            OutputError: the write before this one failed.
        """
        self._submit(lambda: self._write(task, results, stable))

    def erase(self, task: Task, member: int, first: int, last: int) -> None:
        """Replace records of a member by NaN: those between two numbers of windows."""
        schedule = self.simulation.schedules[task.init]

        def erase() -> None:
            for stream in self.simulation.streams[task.init]:
                # Statistics are written again, without the member, or after a rewind.
                names = stream.fields.variables if stream.fields else GLOBAL_MEANS
                nothing = dict.fromkeys(names, np.full((), np.nan))
                start, end = (
                    schedule.completed_records(stream.kind, windows)
                    for windows in (first, last)
                )
                for time in range(start, end) if stream.keep_members else ():
                    self._put(stream, task, member, time, nothing)

        self._submit(erase)

    def flush(self, task: Task, windows: int) -> None:
        """Wait until all records are on disk, and note how many are complete."""

        def flush() -> None:
            for stream in self.simulation.streams[task.init]:
                writer = self._writers[stream.path]
                writer.flush()
                if self.simulation.processes.count == 1:
                    count = self._completed_records(stream, task, windows)
                    writer.set_attributes(**{stream.counter: count})

        self._submit(flush)
        self.wait()

    def finish_task(self, task: Task, outcome: Mapping[str, Any]) -> None:
        """Note that all records of a task are on disk."""

        def finish() -> None:
            statistics = self._member_statistics(task.init)
            if statistics and statistics.finish(task):
                self.directory.mark_statistics(task.init)
            self.directory.mark_complete(task.name, outcome)
            if statistics:
                statistics.keep_latest(task)

        self._submit(finish)
        self.wait()

    def write_statistics(self, init: int) -> None:
        """Write the statistics over the members from an initial time, if missing."""
        statistics = self._member_statistics(init)
        if statistics and not self.directory.has_statistics(init):
            blocks = self.completed_blocks(init)
            windows = self.simulation.schedules[init].windows
            self._submit(lambda: statistics.write_all(blocks, windows))
            self.wait()
            self.directory.mark_statistics(init)

    def count_all_records(self) -> None:
        """Set the counters of all stores to the number of their records."""
        with self.translated_errors():
            for stream in self.simulation.all_streams:
                count = {stream.counter: stream.schema.records}
                self._writers[stream.path].set_attributes(**count)

    def completed_blocks(self, init: int) -> frozenset[int]:
        """Return the numbers of the blocks that are complete from an initial time."""
        return frozenset(
            task.block.number
            for task in self.simulation.tasks()
            if task.init == init and self.directory.completed(task.name) is not None
        )

    def known_members(self, init: int) -> frozenset[int]:
        """Return the members of whom there are partial statistics."""
        statistics = self._member_statistics(init)
        assert statistics is not None
        return statistics.known_members(self.completed_blocks(init))

    def set_attributes(self, **attributes: Any) -> None:
        """Set global attributes of every store; None removes one."""
        with self.translated_errors():
            for writer in self._writers.values():
                writer.set_attributes(**attributes)

    def add_history(self, line: str) -> None:
        """Add a line to the history of every store, unless it is there."""
        with self.translated_errors():
            for writer in self._writers.values():
                writer.add_history(line)

    def wait(self) -> None:
        """Wait until all that was handed over is written."""
        self._background.wait()

    def close(self) -> None:
        """End the background thread; what it could not write is computed again."""
        self._background.close()

    @contextlib.contextmanager
    def translated_errors(self) -> Iterator[None]:
        """Raise errors of the disk as errors that a user can act on."""
        verb, output = self.simulation.config.command, self.simulation.paths.output
        with translate_os_errors(
            f"Writing {output}",
            lambda action: (
                f"{action}, then resume with `ngcm {verb} --resume {output}`."
            ),
        ):
            yield

    def _write(
        self, task: Task, results: WindowResults, stable: tuple[int, ...]
    ) -> None:
        schedule, window = self.simulation.schedules[task.init], results.window
        outputs = jax.device_get(results.outputs)
        for stream in self.simulation.streams[task.init]:
            if stream.kind in ("lead_time", "instantaneous"):
                for sample, fields in outputs.items():
                    time = schedule.record(stream.kind, window, sample)
                    self._write_fields(stream, task, time, fields, stable)
            elif stream.kind == "global":
                self._write_global(stream, task, window.number, results, stable)
            elif stream.kind == "daily" or window.ends_month:
                mean = results.day if stream.kind == "daily" else results.month
                time = schedule.record(stream.kind, window)
                fields = jax.device_get(mean.fields)
                self._write_fields(stream, task, time, fields, stable)

    def _write_fields(
        self,
        stream: Stream,
        task: Task,
        time: int,
        fields: Mapping[str, np.ndarray],
        stable: tuple[int, ...],
    ) -> None:
        selection, statistics = stream.fields, self._member_statistics(task.init)
        assert selection is not None
        rows = [task.block.row(member) for member in stable]
        for name in selection.variables:
            chosen = selection.select(name, fields[name][rows])
            if stream.zonal:
                chosen = chosen.mean(axis=-1, dtype=np.float64)
            for member, values in zip(stable, chosen, strict=True):
                if stream.keep_members:
                    self._put(stream, task, member, time, {name: values})
            if statistics:
                members = task.block.members
                x = np.full((len(members), *selection.shape(name)), np.nan, np.float32)
                x[[members.index(member) for member in stable]] = chosen
                statistics.add(task, time, name, x)

    def _write_global(
        self,
        stream: Stream,
        task: Task,
        time: int,
        results: WindowResults,
        stable: tuple[int, ...],
    ) -> None:
        samples = jax.device_get(results.monitors)
        for member in stable:
            row = task.block.row(member)
            fields = {
                name: _OVER_SAMPLES[GLOBAL_MEANS[name].statistic](
                    np.stack([sample[name][row] for sample in samples]), axis=0
                )
                for name in stream.schema.variables
            }
            self._put(stream, task, member, time, fields)

    def _put(
        self,
        stream: Stream,
        task: Task,
        member: int,
        time: int,
        fields: Mapping[str, np.ndarray],
    ) -> None:
        row = self.simulation.members.index(member)
        self._writers[stream.path].write(
            fields, time=time, realization=row, init_time=task.init
        )

    def _completed_records(self, stream: Stream, task: Task, windows: int) -> int:
        """Return the records that are complete for all members of a stream."""
        simulation = self.simulation
        for other in simulation.tasks():
            shares = stream in simulation.streams[other.init] and other != task
            if shares and self.directory.completed(other.name) is None:
                return 0
        schedule = simulation.schedules[task.init]
        return schedule.completed_records(stream.kind, windows)

    def _member_statistics(self, init: int) -> MemberStatistics | None:
        """Return the statistics over members from an initial time, if any."""
        simulation = self.simulation
        stream = simulation.streams[init][0]
        if stream.statistics and init not in self._statistics:
            self._statistics[init] = MemberStatistics(
                stream,
                self._writers[stream.path],
                self.directory.statistics / str(init),
                init,
                simulation.members,
                simulation.batch,
                simulation.processes.index,
            )
        return self._statistics.get(init)

    def path(self, stream: Stream) -> pathlib.Path:
        """Return the path of the store of a stream."""
        stores = self.simulation.paths.stores
        return stores / stream.path if stream.path else stores

    def existing_path(self, stream: Stream) -> pathlib.Path:
        """Return the path of the store of a stream, which must be there."""
        path = self.path(stream)
        if not path.exists():
            raise OutputError(
                f"The store {path} is gone, and with it what was written.",
                "Put it back, or start a new run.",
            )
        return path

    def _submit(self, work: Callable[[], None]) -> None:
        def translated() -> None:
            with self.translated_errors():
                work()

        self._background.submit(translated)
