"""Restart files: the run state of a task, written and read bit by bit."""

import importlib.metadata
import logging
import pathlib
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import ngcm_cli
from ngcm_cli.diagnostics import RunningMean, diagnostics_of
from ngcm_cli.errors import OutputError
from ngcm_cli.gcm.state_arrays import BATCH, dimensions, from_arrays, to_arrays
from ngcm_cli.output.restart_file import (
    list_restarts,
    read_restart,
    restart_path,
    write_restart,
)
from ngcm_cli.output.run_directory import RunDirectory
from ngcm_cli.simulation.provenance import device, numerical_settings
from ngcm_cli.simulation.run_state import (
    RunState,
    empty_mean,
    resumed_state,
)
from ngcm_cli.simulation.simulation import Simulation
from ngcm_cli.simulation.stability import StabilityRecord
from ngcm_cli.simulation.task import Task
from ngcm_cli.time_format import format_time

log = logging.getLogger(__name__)

_MONTH = "month."
_KEPT = 2  # restart files; the older one in case the newer is damaged


def save(
    simulation: Simulation,
    directory: RunDirectory,
    task: Task,
    run: RunState,
    record: StabilityRecord,
    conditions: dict[str, Any],
) -> None:
    """Write a restart file; all output of the windows before must be on disk."""
    schedule = simulation.schedules[task.init]
    is_due = schedule.is_restart_due(run.windows)
    arrays = {
        name: (_dimensions(name, x), x) for name, x in to_arrays(run.state).items()
    }
    arrays[f"{_MONTH}count"] = (BATCH,), np.asarray(run.month.count)
    table = diagnostics_of(simulation.model)
    for name, x in jax.device_get(run.month.fields).items():
        level = "output_level" if table[name].on_levels else "surface"
        arrays[_MONTH + name] = (BATCH, level, "longitude", "latitude"), x
    time = schedule.time(run.windows)
    metadata = {
        "run": simulation.processes.run,
        "windows": run.windows,
        "time": format_time(time),
        "members": list(task.block.computed),
        "failed": record.failed,
        "rewinds": record.rewinds,
        "versions": versions(),
        "due": is_due,
        "conditions": conditions,
    }
    folder = directory.make_restarts(task.name)
    write_restart(restart_path(folder, time), arrays, metadata)
    if is_due:  # others are kept: an unstable member goes back to those that are due
        for old in list_restarts(folder)[:-_KEPT]:
            old.unlink(missing_ok=True)


def load_latest(
    simulation: Simulation,
    directory: RunDirectory,
    task: Task,
    conditions: dict[str, Any],
    due: bool = False,
) -> tuple[RunState, StabilityRecord] | None:
    """Return the state of the last restart file, or of the one before if damaged.

    Args:
        simulation: the run.
        directory: of the run.
        task: to be resumed.
        conditions: as when the restart file was written; others are passed over.
        due: pass over what an interruption left: whether a run was interrupted must
            not matter to where it is rewound to.

    Returns:
        None where there is no restart file.

    Raises:
        OutputError: the restart files are damaged or do not fit the model.
    """
    failure = None
    for path in reversed(list_restarts(directory.restarts(task.name))):
        try:
            arrays, metadata = read_restart(path)
        except OutputError as error:
            log.warning(error.message)
            failure = failure or error
            continue
        if (due and not metadata["due"]) or metadata["conditions"] != conditions:
            continue
        if metadata["members"] != list(task.block.computed):
            continue
        try:
            run = _restore(simulation, task, arrays, metadata["windows"])
        except (ValueError, KeyError) as error:
            raise OutputError(
                f"The restart file {path} does not fit the model: {error}.",
                "Resume with the ngcm that wrote it, or start a new run.",
            ) from error
        failed = {int(number): about for number, about in metadata["failed"].items()}
        for change in version_changes(metadata["versions"]):
            log.warning(f"{change}: from here on the run may differ in its last bits.")
        return run, StabilityRecord(failed, metadata["rewinds"])
    if failure is not None:
        raise failure
    return None


def saved(directory: RunDirectory, task: Task) -> dict[pathlib.Path, dict[str, Any]]:
    """Return the metadata of the restart files of a task; damaged ones are left out."""
    found = {}
    for path in list_restarts(directory.restarts(task.name)):
        try:
            _, found[path] = read_restart(path)
        except OutputError as error:
            log.warning(error.message)
    return found


def _dimensions(name: str, x: np.ndarray) -> tuple[str, ...]:
    """Return the dimensions of an array of a batched state, of whatever model."""
    try:
        return dimensions(name, True)
    except ValueError:  # no state of NeuralGCM
        return BATCH, *(f"{name}_{axis}" for axis in range(1, x.ndim))


def _restore(
    simulation: Simulation, task: Task, arrays: dict[str, np.ndarray], windows: int
) -> RunState:
    like = _shapes(simulation, task)
    month = {
        n.removeprefix(_MONTH): x for n, x in arrays.items() if n.startswith(_MONTH)
    }
    state = from_arrays(
        like, {n: x for n, x in arrays.items() if not n.startswith(_MONTH)}
    )
    count, empty = month.pop("count"), empty_mean(simulation, task, like)
    for name, x in empty.fields.items():
        if name not in month or month[name].shape != x.shape:
            raise ValueError(f"the mean of {name} is missing or has another shape")
    # Copies: on a CPU, JAX could otherwise share the memory of the arrays.
    fields = {name: jnp.array(month[name], copy=True) for name in empty.fields}
    mean = RunningMean(jnp.array(count, copy=True), fields)
    return resumed_state(
        simulation, task, windows, simulation.batched.place(state), mean
    )


def _shapes(simulation: Simulation, task: Task) -> Any:
    """Return the shapes of the state of all members of a task."""
    # Here, not within: what is made while shapes are traced must not be kept.
    model, time = simulation.model, simulation.schedules[task.init].init
    forcing = simulation.forcing(task.init).at(time)
    fields = {
        name: jax.ShapeDtypeStruct(
            (len(model.levels), *model.grid.nodal_shape), jnp.float32
        )
        for name in model.input_variables
    }

    def encode(fields) -> Any:
        state = model.encode(fields, forcing, time, jax.random.key(0))
        return jax.tree.map(lambda x: jnp.stack([x] * task.block.size), state)

    return eqx.filter_eval_shape(encode, fields)


def version_changes(before: dict[str, str]) -> list[str]:
    """Return how software and device differ from those that wrote a restart file."""
    return [
        f"The restart file was written with {name} {before.get(name)}, this is {now}"
        for name, now in versions().items()
        if before.get(name, now) != now
    ]


def versions() -> dict[str, str]:
    """Return the versions, the device and the settings that decide the last bits."""
    return {
        "ngcm": ngcm_cli.__version__,
        "jax": importlib.metadata.version("jax"),
        "jaxlib": importlib.metadata.version("jaxlib"),
        "device": device(),
        # Every name each time, so that what was unset before is seen, too.
        **{"xla_flags": "none", "nvidia_tf32_override": "none", **numerical_settings()},
    }
