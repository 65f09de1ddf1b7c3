"""The loop of every run: windows of tasks, computed, checked, written, kept."""

import dataclasses
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import numpy as np

from ngcm_cli.errors import UnstableRunError
from ngcm_cli.gcm.perturbation import relative_perturbation
from ngcm_cli.simulation import checkpoint, stability
from ngcm_cli.simulation.recorder import Recorder
from ngcm_cli.simulation.run_state import (
    RunState,
    WindowResults,
    compute_window,
    first_state,
)
from ngcm_cli.simulation.simulation import Simulation
from ngcm_cli.simulation.stability import StabilityRecord
from ngcm_cli.simulation.task import Task
from ngcm_cli.time_format import format_duration, format_time

log = logging.getLogger(__name__)

_RESTART_SECONDS = 300.0  # between restart files that no schedule asks for
_PROGRESS_SECONDS = 30.0  # between updates of the progress file


@dataclasses.dataclass(frozen=True, eq=False)
class Progress:
    """How far a run is, after a window.

    Attributes:
        task: that the window belongs to.
        tasks_done: tasks that this process has completed before it.
        tasks: of this process.
        windows: complete windows of the task.
        total_windows: of the task.
        time: valid time of the last output or end of the window.
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
    stable: tuple[int, ...]
    failed: tuple[int, ...]
    monitor: dict[str, np.ndarray]


ProgressCallback = Callable[[Iterator[Progress], Simulation], Iterable[Progress]]


class TaskRun:
    """One task from its last restart file, or its beginning, to its end.

    Args:
        simulation: the run.
        recorder: of its output.
        task: to be computed.
        is_final: whether its statistics are those of all members.
    """

    def __init__(
        self, simulation: Simulation, recorder: Recorder, task: Task, is_final: bool
    ):
        self.simulation = simulation
        self.recorder = recorder
        self.task = task
        self.schedule = simulation.schedules[task.init]
        self._conditions: dict[str, Any] = {}
        if simulation.has_statistics:
            # What the statistics have seen so far is kept under these.
            process = simulation.processes.index
            self._conditions = {"process": process, "is_final": is_final}
        recorder.begin(task, is_final)
        resumed = checkpoint.load_latest(
            simulation, recorder.directory, task, self._conditions
        )
        self.run, self.record = resumed or (
            first_state(simulation, task),
            StabilityRecord(),
        )
        self._saved_at = time.monotonic()

    @property
    def stable(self) -> tuple[int, ...]:
        """Members that have not become unstable."""
        return tuple(m for m in self.task.block.members if m not in self.record.failed)

    def windows(self) -> Iterator[WindowResults]:
        """Compute the task to its end; yield every window when it is being written.

        While a window is checked and written, the device computes the next one.

        Raises:
            OutputError: the disk.
        """
        simulation, task, last = self.simulation, self.task, self.schedule.windows
        pending = (
            compute_window(simulation, task, self.run) if self._goes_on() else None
        )
        while pending is not None:
            following, results = pending
            more = following.windows < last
            pending = compute_window(simulation, task, following) if more else None
            unstable = self._find_instabilities(results)  # waits for the device
            if unstable and self._rewind(unstable):
                pending = compute_window(simulation, task, self.run)
                continue
            if not self.stable:
                return
            self.recorder.write(task, results, self.stable)
            self.run = following
            if self._is_restart_wanted():
                self.save()
            yield results

    def save(self) -> None:
        """Write a restart file, unless the state has become unstable."""
        self.recorder.flush(self.task, self.run.windows)
        if self._instabilities(self.run.monitor):
            return
        with self.recorder.translated_errors():
            checkpoint.save(
                self.simulation,
                self.recorder.directory,
                self.task,
                self.run,
                self.record,
                self._conditions,
            )
        self._saved_at = time.monotonic()

    def _goes_on(self) -> bool:
        return self.run.windows < self.schedule.windows and bool(self.stable)

    def _is_restart_wanted(self) -> bool:
        if self.run.windows == self.schedule.windows:
            return self.simulation.paths.is_directory
        is_late = time.monotonic() - self._saved_at > _RESTART_SECONDS
        return is_late or self.schedule.is_restart_due(self.run.windows)

    def _find_instabilities(self, results: WindowResults) -> dict[int, str]:
        """Return when and why members became unstable in a window, by member."""
        found: dict[int, str] = {}
        for sample, monitor in enumerate(results.monitors):
            when = results.window.start + sample * self.schedule.sample
            reasons = self._instabilities(monitor)
            if sample in results.finite:
                finite = jax.device_get(results.finite[sample])
                for member in self.stable:
                    if not finite[self.task.block.row(member)]:
                        name = self._not_finite(results.outputs[sample], member)
                        reasons.setdefault(member, f"{name} is not finite")
            for member, reason in reasons.items():
                found.setdefault(member, f"at {format_time(when)} {reason}")
        return found

    def _instabilities(self, monitor: dict[str, jax.Array]) -> dict[int, str]:
        numbers, found = jax.device_get(monitor), {}
        for member in self.stable:
            row = self.task.block.row(member)
            own = {name: x[row] for name, x in numbers.items()}
            reason = stability.find_instability(own, self.simulation.sigma)
            if reason:
                found[member] = reason
        return found

    def _not_finite(self, fields: dict[str, jax.Array], member: int) -> str:
        row = self.task.block.row(member)
        return next(
            name
            for name, x in fields.items()
            if not np.isfinite(np.asarray(x[row])).all()
        )

    def _rewind(self, unstable: dict[int, str]) -> bool:
        """Rewind unstable members, or mark them as failed; return whether rewound.

        The state of all members goes back to the last restart file that was due, or to
        the initial state, and those that were unstable are perturbed there.
        """
        if self.simulation.config.on_instability != "rewind":
            self._fail(unstable)
            return False
        earlier = checkpoint.load_latest(
            self.simulation, self.recorder.directory, self.task, self._conditions, True
        )
        run = earlier[0] if earlier else first_state(self.simulation, self.task)
        to = format_time(self.schedule.time(run.windows))
        hopeless = {
            member: reason
            for member, reason in unstable.items()
            if self.record.attempts(member, to) >= stability.MAX_REWINDS
        }
        self._fail(hopeless)
        if len(hopeless) == len(unstable):
            return False
        self.recorder.wait()
        record = self.record.copy()
        for member, reason in unstable.items():
            if member in hopeless:
                continue
            log.warning(f"{self.name(member)} is rewound to {to}: {reason}.")
            run = self._perturbed(run, member, len(record.rewinds))
            record.rewinds.append(
                {
                    "init_time": format_time(self.schedule.init),
                    "realization": member,
                    "reason": reason,
                    "to": to,
                    "relative_perturbation": stability.REWIND_PERTURBATION,
                }
            )
        self.run, self.record = run, record  # together: an interruption keeps both
        self.recorder.set_attributes(rewinds=self.rewinds_attribute())
        return True

    def _perturbed(self, run: RunState, member: int, rewinds: int) -> RunState:
        row = self.task.block.row(member)
        key = jax.random.key(self.simulation.config.seed)
        own = jax.tree.map(lambda x: x[row], run.state)
        own = relative_perturbation(
            own, jax.random.fold_in(key, rewinds), stability.REWIND_PERTURBATION
        )
        state = jax.tree.map(lambda all_, x: all_.at[row].set(x), run.state, own)
        return dataclasses.replace(run, state=self.simulation.batched.place(state))

    def _fail(self, unstable: dict[int, str]) -> None:
        """Give up members; what they wrote beyond the stable windows is erased."""
        for member, reason in unstable.items():
            log.warning(f"{self.name(member)} became unstable: {reason}.")
            when = self.schedule.time(self.run.windows)
            self.record.failed[member] = {"time": format_time(when), "reason": reason}
            # Before a rewind it may have come as far as just before a restart file.
            last = self.schedule.last_restart_due(self.run.windows)
            self.recorder.erase(self.task, member, self.run.windows, last)

    def name(self, member: int) -> str:
        """Return how messages name a member."""
        simulation = self.simulation
        if len(simulation.members) * len(simulation.schedules) == 1:
            return "The run"
        init = f" from {format_time(self.schedule.init)}"
        return f"Member {member}{init if len(simulation.schedules) > 1 else ''}"

    def outcome(self) -> dict[str, Any]:
        """Return what happened to the members, for files."""
        return {
            "init_time": format_time(self.schedule.init),
            "members": list(self.task.block.members),
            "failed": self.record.failed,
            "rewinds": self.record.rewinds,
        }

    def rewinds_attribute(self) -> str | None:
        """Return the rewinds of this task as JSON, or None."""
        return json.dumps(self.record.rewinds) if self.record.rewinds else None


class RunLoop:
    """All tasks of this process, one after the other.

    Args:
        simulation: the run.
        recorder: of its output, whose stores are open.
        inits: indices of the initial times; None is all.
    """

    def __init__(
        self, simulation: Simulation, recorder: Recorder, inits: set[int] | None = None
    ):
        self.simulation = simulation
        self.recorder = recorder
        self.current: TaskRun | None = None
        self.tasks = [
            task
            for task in simulation.own_tasks()
            if (inits is None or task.init in inits) and self._is_missing(task)
        ]
        self._started = time.monotonic()
        self._told = 0.0
        self._done_windows = 0
        self.done = 0

    def progress(self) -> Iterator[Progress]:
        """Compute what is missing; yield after every window.

        Raises:
            OutputError: the disk.
        """
        for done, task in enumerate(self.tasks):
            self.current = run = TaskRun(
                self.simulation, self.recorder, task, self._is_final(task)
            )
            self.tell("running", done, force=True)
            for results in run.windows():
                self._done_windows += 1
                self.tell("running", done)
                yield self._progress(run, done, results)
            self.recorder.flush(task, run.run.windows)
            self.recorder.finish_task(task, run.outcome())
            self.current, self.done = None, done + 1

    def tell(self, status: str, done: int, force: bool = False) -> None:
        """Write how far this process is, for ``ngcm status``."""
        now = time.monotonic()
        if not force and now - self._told < _PROGRESS_SECONDS:
            return
        self._told = now
        run, simulation = self.current, self.simulation
        progress: dict[str, Any] = {
            "status": status,
            "tasks_done": done,
            "tasks": len(self.tasks),
        }
        if run is not None:
            if not force:
                self.recorder.flush(run.task, run.run.windows)
            schedule, seconds = run.schedule, now - self._started
            progress |= {
                **run.outcome(),
                "time": format_time(schedule.time(run.run.windows)),
                "windows": run.run.windows,
                "total_windows": schedule.windows,
                "window_seconds": int(schedule.window / np.timedelta64(1, "s")),
                "windows_per_second": self._done_windows / seconds if seconds else 0,
            }
        with self.recorder.translated_errors():
            self.recorder.directory.write_progress(simulation.processes.index, progress)

    def _progress(self, run: TaskRun, done: int, results: WindowResults) -> Progress:
        window, schedule = results.window, run.schedule
        ends = schedule.time(run.run.windows)
        reached = window.start if schedule.has_final_output else ends
        monitor: dict[str, np.ndarray] = {}
        if run.stable:
            row = run.task.block.row(run.stable[0])
            numbers = jax.device_get(results.monitors[-1])
            monitor = {name: x[row] for name, x in numbers.items()}
        return Progress(
            run.task,
            done,
            len(self.tasks),
            run.run.windows,
            schedule.windows,
            reached,
            reached - schedule.init,
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
            if other.init == task.init and (
                other == task or recorder.directory.completed(other.name) is None
            ):
                recorder.directory.discard(other.name)
        return True

    def _is_final(self, task: Task) -> bool:
        """Return whether all other members from its initial time are complete."""
        blocks = {
            t.block.number for t in self.simulation.tasks() if t.init == task.init
        }
        rest = blocks - {task.block.number}
        alone = self.simulation.processes.count == 1
        return alone and rest <= self.recorder.completed_blocks(task.init)


def failed_members(simulation: Simulation, recorder: Recorder) -> list[dict[str, Any]]:
    """Return the members that became unstable, in order, when and why."""
    found = list(simulation.failed)
    for task in simulation.tasks():
        outcome = recorder.directory.completed(task.name) or {}
        for member, about in sorted(
            (int(number), about) for number, about in outcome.get("failed", {}).items()
        ):
            schedule = simulation.schedules[task.init]
            since = np.datetime64(about["time"], "s") - schedule.init
            found.append(
                {
                    "init_time": format_time(schedule.init),
                    "realization": member,
                    "lead_time": format_duration(since),
                    "reason": about["reason"],
                }
            )
    return found


def unstable_error(
    simulation: Simulation, failed: list[dict[str, Any]], shown: int = 5
) -> UnstableRunError:
    """Return the error that ends a run some or all members of which are unstable."""
    members = len(simulation.members) * len(simulation.schedules)
    output = simulation.paths.output
    if members == 1:
        hint = "Try another seed or initial state."
        if simulation.config.on_instability != "rewind":
            hint = (
                "Resume it with "
                f"`ngcm {simulation.config.command} --resume {output} "
                "--on-instability rewind`, or try another seed or initial state."
            )
        return UnstableRunError(
            f"The run became unstable: {failed[0]['reason']}.",
            f"What was written before is in {output}. {hint}",
        )
    named = [
        f"{one['realization']} from {one['init_time']} after {one['lead_time']}"
        for one in failed[:shown]
    ]
    if len(failed) > shown:
        named.append(f"and {len(failed) - shown} more")
    return UnstableRunError(
        f"{len(failed)} of {members} members became unstable: {', '.join(named)}.",
        f"From there on they are NaN in {output} and no part of its statistics; all "
        "others are unaffected.",
    )
