"""The output of a run: which records of which stores a window completes."""

import contextlib
import json
import logging
import pathlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

import ngcm_cli
from ngcm_cli.config.run_file import format_run_file
from ngcm_cli.diagnostics import GLOBAL_MEANS
from ngcm_cli.errors import OutputError
from ngcm_cli.io.atomic import remove_temporary_siblings, translate_os_errors
from ngcm_cli.io.background import BackgroundWriter
from ngcm_cli.output.netcdf import export_netcdf
from ngcm_cli.output.run_directory import RunDirectory
from ngcm_cli.output.streams import Stream
from ngcm_cli.output.zarr import (
    RUN_ATTRIBUTE,
    ZarrWriter,
    create_store,
    extend_store,
    remove_partial_chunks,
)
from ngcm_cli.simulation.checkpoint import version_changes, versions
from ngcm_cli.simulation.data_sources import public_command, with_absolute_paths
from ngcm_cli.simulation.existing_run import ExistingRun
from ngcm_cli.simulation.member_statistics import MemberStatistics
from ngcm_cli.simulation.provenance import now
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

    Args:
        simulation: the run.
    """

    def __init__(self, simulation: Simulation):
        self.simulation = simulation
        self.directory = RunDirectory(simulation.paths.work)
        self._writers: dict[str, ZarrWriter] = {}
        self._statistics: dict[int, MemberStatistics] = {}
        self._background = BackgroundWriter("ngcm-output")

    def existing(self) -> ExistingRun | None:
        """Return what exists of the run in its output, if anything."""
        try:
            return ExistingRun.read(self.simulation.paths)
        except OutputError:
            return None

    def is_prepared(self) -> bool:
        """Return whether another process of the run has prepared the output."""
        existing = self.existing()
        return existing is not None and existing.run == self.simulation.processes.run

    def prepare(self) -> Failed | None:
        """Create the stores, or open those that exist.

        Returns:
            None, or if the output is complete the members that became unstable.

        Raises:
            OutputError: a store is gone, damaged, or belongs to another run.
        """
        simulation, existing, changes = self.simulation, self.existing(), []
        ours = existing is not None and existing.run == simulation.processes.run
        if existing is not None and (ours or simulation.is_resumed):
            if existing.is_finished:
                return existing.record["failed"]
            rewind = simulation.config.on_instability == "rewind"
            status = existing.record.get("status")  # an export may still be missing
            is_done = status == "unstable" or (status and simulation.paths.is_directory)
            if is_done and not ours and not (rewind and self.failed()):
                return self.failed()
            changes = version_changes(existing.record["versions"])
        if not ours:
            self._remove_leftovers()
            if not simulation.is_resumed:
                self._create()
            self._write_record()
        self.open()
        running = {"status": "running", "unstable_members": None, RUN_ATTRIBUTE: None}
        self.set_attributes(**running)
        for change in changes:
            self.add_history(f"{now()}: {change}")
        return None

    def open(self) -> None:
        """Open all stores."""
        with self.translated_errors():
            for stream in self.simulation.all_streams:
                path = self._path(stream)
                if not path.exists():
                    raise OutputError(
                        f"The store {path} is gone, and with it what was written.",
                        "Put it back, or start a new run.",
                    )
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

    def complete(self) -> Failed:
        """Complete the output, all of whose tasks are complete.

        Statistics that several processes share are written, then attributes, and the
        NetCDF file if one was asked for. If no member is stable, the run can be resumed
        to be rewound.

        Returns:
            The members that became unstable.
        """
        simulation, paths = self.simulation, self.simulation.paths
        for init in range(len(simulation.schedules)):
            statistics = self._member_statistics(init)
            if statistics and not self.directory.has_statistics(init):
                windows = simulation.schedules[init].windows
                blocks = self.completed_blocks(init)
                self._submit(
                    lambda s=statistics, b=blocks, n=windows: s.write_all(b, n)
                )
                self.wait()
                self.directory.mark_statistics(init)
        failed = self.failed()
        members = len(simulation.members) * len(simulation.schedules)
        status = "unstable" if len(failed) == members else "complete"
        record = self.directory.read_record() | {"status": status}
        unstable = json.dumps(failed) if failed else None
        outcome: dict[str, Any] = {"status": status, "unstable_members": unstable}
        if status == "complete":
            outcome[RUN_ATTRIBUTE] = json.dumps(record | {"failed": failed})
        with self.translated_errors():
            for stream in simulation.all_streams:
                if status == "complete":
                    outcome[stream.counter] = stream.schema.records
                self._writers[stream.path].set_attributes(**outcome)
            self.directory.write_record(record)
        if status == "unstable":
            return failed
        if paths.is_exported:
            export_netcdf(paths.stores, paths.output)
            try:
                shutil.rmtree(paths.stores)
            except OSError as error:
                log.warning(f"{paths.stores} could not be removed: {error}.")
        if not paths.is_directory:
            self.directory.remove()
        return failed

    def missing(self) -> int:
        """Return how many tasks are not complete."""
        tasks = self.simulation.tasks()
        return sum(self.directory.completed(task.name) is None for task in tasks)

    def failed(self) -> Failed:
        """Return the members that became unstable, in order, when and why."""
        found = list(self.simulation.failed)
        for task in self.simulation.tasks():
            outcome = self.directory.completed(task.name) or {"failed": []}
            found += outcome["failed"]
        return found

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

    def _create(self) -> None:
        """Create the stores, or make room in them for more members."""
        simulation = self.simulation
        overwrite = getattr(simulation.config, "overwrite", False)
        with self.translated_errors():
            self.directory.remove_tasks()
            for stream in simulation.all_streams:
                path = self._path(stream)
                if simulation.is_extended:
                    extend_store(path, stream.schema)
                    command = public_command(simulation.config)
                    ZarrWriter(path, stream.schema).add_history(f"{now()}: {command}")
                else:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    create_store(path, stream.schema, overwrite)

    def _write_record(self) -> None:
        """Write the settings, and what a resumed run must have in common with them."""
        simulation, config = self.simulation, self.simulation.config
        settings = {**with_absolute_paths(config), **simulation.identity["settings"]}
        for name in ("scheduler", "coordinator", "process", "offline"):
            settings.pop(name, None)
        settings["batch"] = str(simulation.batch)
        resume = f"ngcm {config.command} --resume {simulation.paths.output}"
        comment = f"ngcm {ngcm_cli.__version__}; resume with {resume}"
        record = {
            "command": config.command,
            **simulation.identity,
            "batch": simulation.batch,
            "members": simulation.members,
            "complete": sorted(simulation.complete),
            "failed": simulation.failed,
            "run": simulation.processes.run,
            "versions": versions(),
        }
        with self.translated_errors():
            self.directory.create(format_run_file(settings, comment), record)

    def _remove_leftovers(self) -> None:
        """Remove what killed processes left, while nobody else writes here."""
        paths = self.simulation.paths
        for path in dict.fromkeys((paths.stores, paths.output.resolve())):
            remove_temporary_siblings(path)
        for stream in self.simulation.all_streams:
            remove_partial_chunks(self._path(stream))
        for left in paths.work.rglob(".*.partial"):
            if left.is_file():
                left.unlink(missing_ok=True)

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

    def _path(self, stream: Stream) -> pathlib.Path:
        stores = self.simulation.paths.stores
        return stores / stream.path if stream.path else stores

    def _submit(self, work: Callable[[], None]) -> None:
        def translated() -> None:
            with self.translated_errors():
                work()

        self._background.submit(translated)
