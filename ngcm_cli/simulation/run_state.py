"""One window on the device: steps, means, and the numbers that are monitored."""

import dataclasses
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli.diagnostics import (
    DIAGNOSTICS,
    RunningMean,
    evaluate,
    global_means,
    mean_fluxes,
    monitor,
)
from ngcm_cli.diagnostics.negative_water import clip
from ngcm_cli.simulation.schedule import Window
from ngcm_cli.simulation.task import Task

if TYPE_CHECKING:
    from ngcm_cli.simulation.simulation import Simulation

Fields = dict[str, jax.Array]


@dataclasses.dataclass(frozen=True, eq=False)
class RunState:
    """Everything that the next window depends on; arrays lead with `realization`.

    Attributes:
        windows: number of windows that are complete.
        state: of the model.
        month: running mean since the month began.
        monitor: what is monitored of the state.
    """

    windows: int
    state: Any
    month: RunningMean
    monitor: Fields


@dataclasses.dataclass(frozen=True, eq=False)
class WindowResults:
    """What a window gives, on the device; arrays lead with `realization`.

    Attributes:
        window: that was computed.
        monitors: what is monitored of the state at the beginning of every sample.
        outputs: fields that are written, by sample.
        finite: for each of these, whether all values of a member are finite.
        day: mean of the window; without samples where there are no daily means.
        month: mean of the month up to the end of the window; likewise.
    """

    window: Window
    monitors: list[Fields]
    outputs: dict[int, Fields]
    finite: dict[int, jax.Array]
    day: RunningMean
    month: RunningMean


def first_state(simulation: "Simulation", task: Task) -> RunState:
    """Return the state of a task before its first window."""
    block = task.block
    states = (simulation.initial_state(task.init, n) for n in block.computed)
    return resumed_state(
        simulation, task, 0, simulation.batched.stack(states, block.size), None
    )


def resumed_state(
    simulation: "Simulation",
    task: Task,
    windows: int,
    state: Any,
    month: RunningMean | None,
) -> RunState:
    """Return the run state of a model state, whose monitor is computed anew."""
    return RunState(
        windows,
        state,
        month or empty_mean(simulation, task, state),
        simulation.batched.map(_monitor, state),
    )


def empty_mean(simulation: "Simulation", task: Task, state: Any) -> RunningMean:
    """Return a mean without samples for the fields that are averaged."""
    size = task.block.size
    shapes = {}
    schedule = simulation.schedules[task.init]
    if schedule.means:
        forcing = simulation.forcing(task.init).at(schedule.init)
        names = simulation.variables
        shapes = eqx.filter_eval_shape(
            lambda state: (
                _fields(simulation, state, forcing, _instantaneous(names))
                | _mean_fluxes(simulation, state, 1)
            ),
            state,
        )
    zeros = {name: np.zeros(x.shape, x.dtype) for name, x in shapes.items()}
    return jax.device_put(RunningMean(np.zeros(size, np.int32), zeros))  # pyright: ignore


def compute_window(
    simulation: "Simulation", task: Task, run: RunState
) -> tuple[RunState, WindowResults]:
    """Advance all members of a task by a window.

    The device is given the whole window at once; nothing here waits for it.
    """
    schedule = simulation.schedules[task.init]
    window = schedule.at(run.windows)
    steps = simulation.steps(schedule.sample)
    month = run.month.restart() if window.starts_month else run.month
    day, state = month.restart(), run.state
    monitors, outputs, finite = [run.monitor], {}, {}
    names, means = simulation.variables, schedule.means
    for sample, is_output in enumerate(window.outputs):
        fields: Fields = {}
        begin = window.start + sample * schedule.sample
        forcing = simulation.forcing(task.init).at(window.start, begin)
        if is_output or (means and window.samples):
            fields = _fields(simulation, state, forcing, _instantaneous(names))
        if is_output:
            fluxes = tuple(n for n in names if n not in _instantaneous(names))
            outputs[sample] = fields | _fields(simulation, state, forcing, fluxes)
            finite[sample] = _all_finite(outputs[sample])
        if not window.samples:
            break
        state = simulation.batched.advance(state, forcing, steps)
        if means:
            fields = fields | _mean_fluxes(simulation, state, steps)
            if _has_fluxes(names):
                state = simulation.batched.map(_reset_accumulations, state)
            day = day.add(fields) if "daily" in means else day
            month = month.add(fields) if "monthly" in means else month
        monitors.append(simulation.batched.map(_monitor, state))
    latest = monitors.pop() if len(monitors) > 1 else monitors[0]
    following = RunState(run.windows + 1, state, month, latest)
    return following, WindowResults(window, monitors, outputs, finite, day, month)


def _instantaneous(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the variables whose mean is that of their values at samples."""
    return tuple(n for n in names if n not in DIAGNOSTICS or not DIAGNOSTICS[n].is_flux)


def _has_fluxes(names: tuple[str, ...]) -> bool:
    return len(_instantaneous(names)) < len(names)


def _fields(
    simulation: "Simulation", state: Any, forcing: Any, names: tuple[str, ...]
) -> Fields:
    if not names:
        return {}
    fields = evaluate(
        simulation.model,
        state,
        forcing,
        names,
        simulation.levels,
        simulation.batched.map,
    )
    return clip(fields) if simulation.config.clip_humidity else fields


def _mean_fluxes(simulation: "Simulation", state: Any, steps: int) -> Fields:
    """Return the means of the fluxes since the last sample."""
    names = simulation.variables
    if not _has_fluxes(names):
        return {}
    return simulation.batched.map(mean_fluxes, state, steps, names)


def _monitor(model: Any, state: Any) -> Fields:
    return {**global_means(model, state), **monitor(model, state)}


def _reset_accumulations(model: Any, state: Any) -> Any:
    return state.reset_accumulations()


@jax.jit
def _all_finite(fields: Fields) -> jax.Array:
    """Return for every member whether all values of all fields are finite."""
    flags = [jnp.isfinite(x).all(range(1, x.ndim)) for x in fields.values()]
    return jnp.stack(flags).all(0)
