"""The loop of every run: its tasks, one after the other, and how far they are."""

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import numpy as np

from ngcm_cli.io.progress import begin_phase
from ngcm_cli.simulation.recorder import Recorder
from ngcm_cli.simulation.run_state import WindowResults
from ngcm_cli.simulation.simulation import Simulation
from ngcm_cli.simulation.task import Task
from ngcm_cli.simulation.task_run import TaskRun
from ngcm_cli.time_format import format_time

# Between updates of the progress file and of files that records share: at least this
# time, and so much that writing them takes at most one part in 20.
_PROGRESS_SECONDS, _PROGRESS_SHARE = 30.0, 20


@dataclasses.dataclass(frozen=True, eq=False)
class Progress:
    """How far a run is, after a window.

    Attributes:
        task: that the window belongs to.
        tasks_done: tasks that this process has completed before it.
        tasks: of this process.
        windows: complete windows of the task.
        total_windows: of the task.
        time: valid time of the last output or of the end of the window.
        lead: the same since the initial time.
        stable: members of the task that are stable.
        failed: members of the task that became unstable.
        monitor: what is monitored of the first stable member, by name; empty if none.
    """

    task: Task
    tasks_done: int
    tasks: int
    windows: int
    total_windows: int
    time: np.datetime64
    lead: np.timedelta64
    stable: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    monitor: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)


ProgressCallback = Callable[[Iterator[Progress], Simulation], Iterable[Progress]]


class RunLoop:
    """All tasks of this process, one after the other."""

    def __init__(
        self, simulation: Simulation, recorder: Recorder, inits: set[int] | None = None
    ):
        self.simulation = simulation
        self.recorder = recorder
        self.current: TaskRun | None = None
        self.done = 0
        self.tasks = [
            task
            for task in simulation.own_tasks()
            if (inits is None or task.init in inits) and self._is_missing(task)
        ]
        self._started = self._written = time.monotonic()
        self._computed = 0  # windows
        self._interval = _PROGRESS_SECONDS

    def progress(self) -> Iterator[Progress]:
        """Compute what is missing; yield after every window.

        Raises:
            OutputError: the disk.
        """
        for task in self.tasks:
            begin_phase("Compiling the model")
            self.current = TaskRun(
                self.simulation, self.recorder, task, self._is_final(task)
            )
            self.write_progress("running")
            for results in self.current.windows():
                self._computed += 1
                started = time.monotonic()
                if started - self._written > self._interval:
                    self.recorder.flush(task, self.current.run.windows)
                    self.write_progress("running")
                    flushed = _PROGRESS_SHARE * (self._written - started)
                    self._interval = max(_PROGRESS_SECONDS, flushed)
                yield self._progress(self.current, results)
            self.recorder.flush(task, self.current.run.windows)
            self.recorder.finish_task(task, self.current.outcome())
            self.current, self.done = None, self.done + 1

    def write_progress(self, status: str) -> None:
        """Write how far this process is, for ``ngcm status``."""
        self._written, run = time.monotonic(), self.current
        progress: dict[str, Any] = {
            "status": status,
            "tasks_done": self.done,
            "tasks": len(self.tasks),
        }
        if run is not None:
            schedule, seconds = run.schedule, self._written - self._started
            progress |= {
                **run.outcome(),
                "time": format_time(schedule.time(run.run.windows)),
                "windows": run.run.windows,
                "total_windows": schedule.windows,
                "window_seconds": int(schedule.window / np.timedelta64(1, "s")),
                "windows_per_second": self._computed / seconds if seconds else 0,
            }
        with self.recorder.translated_errors():
            index = self.simulation.processes.index
            self.recorder.directory.write_progress(index, progress)

    def _progress(self, run: TaskRun, results: WindowResults) -> Progress:
        window, schedule, monitor = results.window, run.schedule, {}
        time = schedule.time(run.run.windows)
        if schedule.has_final_output:
            time = window.start
        if run.stable:
            row = run.task.block.row(run.stable[0])
            numbers = jax.device_get(results.monitors[-1])
            monitor = {name: x[row] for name, x in numbers.items()}
        return Progress(
            run.task,
            self.done,
            len(self.tasks),
            run.run.windows,
            schedule.windows,
            time,
            time - schedule.init,
            run.stable,
            tuple(sorted(run.record.failed)),
            monitor,
        )

    def _is_missing(self, task: Task) -> bool:
        """Return whether a task must be computed, perhaps again."""
        recorder, simulation = self.recorder, self.simulation
        outcome = recorder.directory.completed(task.name)
        if outcome is None:
            return True
        rewind = simulation.config.on_instability == "rewind"
        if rewind and outcome["failed"] and not outcome["rewinds"]:
            recorder.directory.unmark_complete(task.name)
            return True
        if simulation.keeps_members or recorder.directory.has_statistics(task.init):
            return False
        # Without members, a block counts only if the statistics have seen it.
        if set(task.block.members) <= recorder.known_members(task.init):
            return False
        for other in simulation.own_tasks():  # those after it counted on it
            is_incomplete = recorder.directory.completed(other.name) is None
            if other == task or (other.init == task.init and is_incomplete):
                recorder.directory.discard(other.name)
        return True

    def _is_final(self, task: Task) -> bool:
        """Return whether all other members from its initial time are complete."""
        own = {t.block.number for t in self.simulation.tasks() if t.init == task.init}
        rest = own - {task.block.number} - self.recorder.completed_blocks(task.init)
        return self.simulation.processes.count == 1 and not rest
