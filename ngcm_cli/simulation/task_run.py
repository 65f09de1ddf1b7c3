"""One task of a run: windows computed, checked for stability, written and kept."""

import dataclasses
import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from ngcm_cli.gcm.perturbation import relative_perturbation
from ngcm_cli.io.progress import begin_phase
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


class TaskRun:
    """One task from its last restart file, or its beginning, to its end."""

    def __init__(
        self, simulation: Simulation, recorder: Recorder, task: Task, is_final: bool
    ):
        self.simulation = simulation
        self.recorder = recorder
        self.task = task
        self.schedule = simulation.schedules[task.init]
        # What the statistics have seen so far is kept under these conditions.
        self._conditions: dict[str, Any] = {}
        if simulation.has_statistics:
            process = simulation.processes.index
            self._conditions = {"process": process, "is_final": is_final}
        recorder.begin(task, is_final)
        self.run, self.record = self._load() or (
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
        pending = self._compute(self.run)
        # It was compiled before the device was given it.
        begin_phase(f"Computing the first {format_duration(self.schedule.window)}")
        while pending is not None and self.stable:
            following, results = pending
            pending = self._compute(following)
            unstable = self._find_instabilities(results)  # waits for the device
            if unstable and self._rewind(unstable):
                pending = self._compute(self.run)
            elif self.stable:
                self.recorder.write(self.task, results, self.stable)
                self.run = following
                if self._is_restart_wanted():
                    self.save()
                yield results

    def save(self) -> None:
        """Write a restart file, unless the state has become unstable."""
        self.recorder.flush(self.task, self.run.windows)
        if not self._instabilities(self.run.monitor):
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

    def outcome(self) -> dict[str, Any]:
        """Return what happened to the members, for files."""
        return {
            "init_time": format_time(self.schedule.init),
            "members": self.task.block.members,
            "failed": list(self.record.failed.values()),
            "rewinds": self.record.rewinds,
        }

    def _compute(self, run: RunState) -> tuple[RunState, WindowResults] | None:
        if run.windows == self.schedule.windows:
            return None
        return compute_window(self.simulation, self.task, run)

    def _load(self, due: bool = False) -> tuple[RunState, StabilityRecord] | None:
        return checkpoint.load_latest(
            self.simulation, self.recorder.directory, self.task, self._conditions, due
        )

    def _is_restart_wanted(self) -> bool:
        if self.run.windows == self.schedule.windows:
            return self.simulation.paths.is_directory
        is_late = time.monotonic() - self._saved_at > _RESTART_SECONDS
        return is_late or self.schedule.is_restart_due(self.run.windows)

    def _find_instabilities(self, results: WindowResults) -> dict[int, str]:
        """Return when and why members became unstable in a window, by member."""
        found: dict[int, str] = {}
        for sample, monitor in enumerate(results.monitors):
            reasons = self._instabilities(monitor)
            if sample in results.finite:
                finite = jax.device_get(results.finite[sample])
                for member in self.stable:
                    row = self.task.block.row(member)
                    if not finite[row]:
                        name = _first_not_finite(results.outputs[sample], row)
                        reasons.setdefault(member, f"{name} is not finite")
            when = results.window.start + sample * self.schedule.sample
            for member, reason in reasons.items():
                found.setdefault(member, f"at {format_time(when)} {reason}")
        return found

    def _instabilities(self, monitor: dict[str, jax.Array]) -> dict[int, str]:
        numbers, found = jax.device_get(monitor), {}
        for member in self.stable:
            row = self.task.block.row(member)
            own = {name: x[row] for name, x in numbers.items()}
            if reason := stability.find_instability(own, self.simulation.sigma):
                found[member] = reason
        return found

    def _rewind(self, unstable: dict[int, str]) -> bool:
        """Rewind unstable members, or mark them as failed; return whether rewound.

        The state of all members goes back to the last restart file that was due, or to
        the initial state, and those that were unstable are perturbed there.
        """
        if self.simulation.config.on_instability != "rewind":
            self._fail(unstable)
            return False
        earlier = self._load(due=True)
        run = earlier[0] if earlier else first_state(self.simulation, self.task)
        to = format_time(self.schedule.time(run.windows))
        record = self.record.copy()
        for member, reason in unstable.items():
            if self.record.attempts(member, to) >= stability.MAX_REWINDS:
                self._fail({member: reason})
                continue
            log.warning(f"{self._name(member)} is rewound to {to}: {reason}.")
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
        if len(record.rewinds) == len(self.record.rewinds):
            return False
        self.recorder.wait()
        record.failed = self.record.failed
        self.run, self.record = run, record  # together: an interruption keeps both
        self.recorder.set_attributes(rewinds=json.dumps(record.rewinds))
        return True

    def _perturbed(self, run: RunState, member: int, rewinds: int) -> RunState:
        row = self.task.block.row(member)
        key = jax.random.fold_in(jax.random.key(self.simulation.config.seed), rewinds)
        own = jax.tree.map(lambda x: x[row], run.state)
        own = relative_perturbation(own, key, stability.REWIND_PERTURBATION)
        state = jax.tree.map(lambda all_, x: all_.at[row].set(x), run.state, own)
        return dataclasses.replace(run, state=self.simulation.batched.place(state))

    def _fail(self, unstable: dict[int, str]) -> None:
        """Give up members; what they wrote beyond the stable windows is erased."""
        for member, reason in unstable.items():
            log.warning(f"{self._name(member)} became unstable: {reason}.")
            since = self.schedule.time(self.run.windows) - self.schedule.init
            self.record.failed[member] = {
                "init_time": format_time(self.schedule.init),
                "realization": member,
                "lead_time": format_duration(since),
                "reason": reason,
            }
            # Before a rewind it may have come as far as just before a restart file.
            last = self.schedule.last_restart_due(self.run.windows)
            self.recorder.erase(self.task, member, self.run.windows, last)

    def _name(self, member: int) -> str:
        simulation = self.simulation
        if len(simulation.members) * len(simulation.schedules) == 1:
            return "The run"
        init = f" from {format_time(self.schedule.init)}"
        return f"Member {member}{init if simulation.schedules[1:] else ''}"


def _first_not_finite(fields: dict[str, jax.Array], row: int) -> str:
    """Return the name of the first field of a member that is not finite."""
    return next(n for n, x in fields.items() if not np.isfinite(x[row]).all())
