"""The output of a run: which records of which stores a window completes."""

import contextlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from ngcm_cli.diagnostics import GLOBAL_MEANS
from ngcm_cli.io.atomic import remove_temporary_siblings, translate_os_errors
from ngcm_cli.io.background import BackgroundWriter
from ngcm_cli.output.netcdf import export_netcdf
from ngcm_cli.output.run_directory import RunDirectory
from ngcm_cli.output.streams import Stream
from ngcm_cli.output.zarr import ZarrWriter, create_store, extend_store
from ngcm_cli.simulation.member_statistics import MemberStatistics
from ngcm_cli.simulation.run_state import WindowResults
from ngcm_cli.simulation.simulation import Simulation
from ngcm_cli.simulation.task import Task

log = logging.getLogger(__name__)

RUN_ATTRIBUTE = "ngcm_run"
"""Attribute of a store: the record of its run, as JSON, for those who extend it."""

_OVER_SAMPLES = {"mean": np.mean, "maximum": np.max, "minimum": np.min}
_COUNTERS = {"lead_time": "completed_lead_times"}


class Recorder:
    """The stores of a run, to which its results are written in the background.

    Writing is at most one window behind. Whatever stops the run, the stores open, and
    the run can be resumed.

    Args:
        simulation: the run.
    """

    def __init__(self, simulation: Simulation):
        self.simulation = simulation
        self.directory = RunDirectory(simulation.paths.work)
        self._writers: dict[str, ZarrWriter] = {}
        self._statistics: dict[int, MemberStatistics] = {}
        self._background = BackgroundWriter("ngcm-output")

    def create(self, attributes: Mapping[str, Any]) -> None:
        """Create the stores of a new run, and replace what may be overwritten."""
        overwrite = getattr(self.simulation.config, "overwrite", False)
        for stream in self.simulation.all_streams:
            path = self._path(stream)
            path.parent.mkdir(parents=True, exist_ok=True)
            with self.translated_errors():
                create_store(
                    path, stream.schema, {**attributes, "status": "running"}, overwrite
                )

    def extend(self) -> None:
        """Make room for the members that are added to an existing output."""
        for stream in self.simulation.all_streams:
            with self.translated_errors():
                extend_store(self._path(stream), stream.schema)

    def open(self) -> None:
        """Open all stores.

        Raises:
            OutputError: one is gone, damaged, or belongs to another run.
        """
        with self.translated_errors():
            for stream in self.simulation.all_streams:
                path = self._path(stream)
                self._writers[stream.path] = ZarrWriter(path, stream.schema)

    def begin(self, task: Task, is_final: bool) -> None:
        """Prepare the statistics for the members of a task."""
        for statistics in self._member_statistics(task.init):
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
        selection = stream.fields
        assert selection is not None
        if not stable and not stream.statistics:
            return
        rows = [task.block.row(member) for member in stable]
        for name in selection.variables:
            chosen = selection.select(name, fields[name][rows])
            if stream.zonal:
                chosen = chosen.mean(axis=-1, dtype=np.float64)
            for member, values in zip(stable, chosen, strict=True):
                if stream.keep_members:
                    self._put(stream, task, member, time, {name: values})
            if stream.statistics:
                members = task.block.members
                x = np.full((len(members), *selection.shape(name)), np.nan, np.float32)
                x[[members.index(member) for member in stable]] = chosen
                for statistics in self._member_statistics(task.init):
                    statistics.add(task, time, name, members, x)

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

    def erase(self, task: Task, member: int, first: int, last: int) -> None:
        """Replace records of a member by NaN: those between two numbers of windows."""
        schedule = self.simulation.schedules[task.init]

        def erase() -> None:
            for stream in self.simulation.streams[task.init]:
                start, end = (
                    schedule.completed_records(stream.kind, windows)
                    for windows in (first, last)
                )
                names = stream.schema.variables if stream.keep_members else ()
                nothing = {
                    name: np.full((), np.nan)
                    for name in names
                    if "realization" in stream.schema.variables[name].dimensions
                    or not stream.statistics
                }
                for time in range(start, end):
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
                    writer.set_attributes(**{_counter(stream): count})

        self._submit(flush)
        self.wait()

    def finish_task(self, task: Task, outcome: Mapping[str, Any]) -> None:
        """Note that all records of a task are on disk."""

        def finish() -> None:
            for statistics in self._member_statistics(task.init):
                if statistics.finish(task):
                    self.directory.mark_statistics(task.init)
            self.directory.mark_complete(task.name, outcome)
            for statistics in self._member_statistics(task.init):
                statistics.keep_latest(task)

        self._submit(finish)
        self.wait()

    def write_statistics(self, init: int) -> None:
        """Write the statistics over the members from an initial time, all complete."""
        schedule = self.simulation.schedules[init]

        def write() -> None:
            for statistics in self._member_statistics(init):
                names = list(self.simulation.variables)
                statistics.write_all(
                    self.completed_blocks(init), schedule.windows, names
                )
                self.directory.mark_statistics(init)

        self._submit(write)
        self.wait()

    def completed_blocks(self, init: int) -> frozenset[int]:
        """Return the numbers of the blocks that are complete from an initial time."""
        return frozenset(
            task.block.number
            for task in self.simulation.tasks()
            if task.init == init and self.directory.completed(task.name) is not None
        )

    def known_members(self, init: int) -> frozenset[int]:
        """Return the members of whom there are partial statistics."""
        return frozenset().union(
            *(
                statistics.known_members(self.completed_blocks(init))
                for statistics in self._member_statistics(init)
            )
        )

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

    def complete(self, status: str, failed: list[dict[str, Any]]) -> None:
        """Finish the output: attributes, the NetCDF file if one was asked for."""
        record = json.dumps({**self.directory.read_record(), "failed": failed})
        with self.translated_errors():
            for stream in self.simulation.all_streams:
                self._writers[stream.path].set_attributes(
                    **{
                        _counter(stream): stream.schema.records,
                        "status": status,
                        "unstable_members": json.dumps(failed) if failed else None,
                        RUN_ATTRIBUTE: record,
                    }
                )
        paths = self.simulation.paths
        if paths.is_exported:
            export_netcdf(paths.stores, paths.output)
            try:
                shutil.rmtree(paths.stores)
            except OSError as error:
                log.warning(f"{paths.stores} could not be removed: {error}.")
        if not paths.is_directory:
            self.directory.remove()

    def wait(self) -> None:
        """Wait until all that was handed over is written."""
        self._background.wait()

    def close(self) -> None:
        """End the background thread; what it could not write is computed again."""
        self._background.close()

    @contextlib.contextmanager
    def translated_errors(self) -> Iterator[None]:
        """Raise errors of the disk as errors that a user can act on."""
        simulation = self.simulation
        resume = f"ngcm {simulation.config.command} --resume {simulation.paths.output}"
        with translate_os_errors(
            f"Writing {simulation.paths.output}",
            lambda action: f"{action}, then resume with `{resume}`.",
        ):
            yield

    def remove_leftovers(self) -> None:
        """Remove what killed processes left, while nobody else writes here."""
        paths = self.simulation.paths
        for path in dict.fromkeys((paths.stores, paths.output.resolve())):
            remove_temporary_siblings(path)
        for left in paths.work.rglob(".*.partial"):
            if left.is_file():
                left.unlink(missing_ok=True)

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
        others = (
            t
            for t in self.simulation.tasks()
            if stream in self.simulation.streams[t.init] and t != task
        )
        if all(self.directory.completed(other.name) is not None for other in others):
            schedule = self.simulation.schedules[task.init]
            return schedule.completed_records(stream.kind, windows)
        return 0

    def _member_statistics(self, init: int) -> list[MemberStatistics]:
        """Return the statistics over members from an initial time, or nothing."""
        simulation = self.simulation
        for stream in simulation.streams[init]:
            if stream.statistics and init not in self._statistics:
                self._statistics[init] = MemberStatistics(
                    stream,
                    self._writers[stream.path],
                    self.directory,
                    init,
                    simulation.members,
                    simulation.batch,
                    simulation.processes.index,
                )
        return [self._statistics[init]] if init in self._statistics else []

    def _path(self, stream: Stream):
        stores = self.simulation.paths.stores
        return stores / stream.path if stream.path else stores

    def _submit(self, work: Callable[[], None]) -> None:
        def translated() -> None:
            with self.translated_errors():
                work()

        self._background.submit(translated)


def _counter(stream: Stream) -> str:
    return _COUNTERS.get(stream.kind, "completed_records")
