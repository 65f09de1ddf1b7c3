"""How a long run goes on exactly: its state and means, out of and into restarts."""

import dataclasses
import importlib.metadata
import logging
import pathlib
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import ngcm_cli
from ngcm_cli.climate.days import Carry, empty_mean
from ngcm_cli.climate.identity import identity
from ngcm_cli.climate.plan import ClimatePlan
from ngcm_cli.diagnostics.time_means import RunningMean
from ngcm_cli.errors import OutputError
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.gcm.state_arrays import BATCH, dimensions, from_arrays, to_arrays
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.output.restart import RESTARTS, read_restart, restarts
from ngcm_cli.output.run_folder import RunFolder
from ngcm_cli.provenance import device
from ngcm_cli.time_format import format_time

log = logging.getLogger(__name__)

_MONTH = "month."


@dataclasses.dataclass
class Events:
    """What happened to the runs.

    Attributes:
        lost: what was wrong with the runs that became unstable, by number.
        rewinds: from when to when the runs went back, and why, in order.
        changes: what is not as it was where the restart was written, in words.
    """

    lost: dict[int, str] = dataclasses.field(default_factory=dict)
    rewinds: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    changes: list[str] = dataclasses.field(default_factory=list)


def is_due(plan: ClimatePlan, day: int) -> bool:
    """Whether a restart is wanted when so many days are done."""
    return not day % plan.restart_days or day == plan.length


def save(folder: RunFolder, plan: ClimatePlan, carry: Carry, events: Events) -> None:
    """Write a restart; all records of the days before must be on disk.

    One that is not due drops none: unstable runs go back to those that are.
    """
    batched = len(plan.runs) > 1
    named = {
        name: (dimensions(name, batched), x)
        for name, x in to_arrays(carry.state).items()
    }
    first = (BATCH,) if batched else ()
    named[f"{_MONTH}count"] = (first, np.asarray(carry.month.count))
    for name, x in jax.device_get(carry.month.fields).items():
        level = "pressure_level" if VARIABLES[name].on_levels else "surface"
        named[_MONTH + name] = (*first, level, "longitude", "latitude"), x
    about = {
        **identity(plan),
        "day": carry.day,
        "lost": events.lost,
        "rewinds": events.rewinds,
        "times": [format_time(plan.time(r.start, carry.day)) for r in plan.runs],
        "versions": _versions(),
        "due": is_due(plan, carry.day),
    }
    folder.restart(plan.time(0, carry.day), named, about, drop=about["due"])


def load_latest(
    folder: pathlib.Path, plan: ClimatePlan, due: bool = False
) -> tuple[Carry, Events] | None:
    """The last restart of a run, or the one before if that is damaged.

    Args:
        folder: of the run.
        plan: of the run.
        due: pass over what an interruption left: whether a run was interrupted must
            not matter to where it goes back to.

    Raises:
        OutputError: it belongs to another model or configuration, or none can be read.
    """
    failure = None
    for path in reversed(restarts(folder / RESTARTS)):
        try:
            arrays, about = read_restart(path)
        except OutputError as error:
            log.warning(error.message)
            failure = failure or error
            continue
        if due and not about["due"]:
            continue
        _check_belongs(path, plan, about)
        carry = _carry(path, plan, arrays, about["day"])
        lost = {int(number): words for number, words in about["lost"].items()}
        return carry, Events(lost, about["rewinds"], changes(about))
    if failure is not None:
        raise failure
    return None


def _carry(
    path: pathlib.Path, plan: ClimatePlan, arrays: dict[str, np.ndarray], day: int
) -> Carry:
    like = _shapes(plan)
    month = {n: x for n, x in arrays.items() if n.startswith(_MONTH)}
    state = {n: x for n, x in arrays.items() if n not in month}
    try:
        state = from_arrays(like, state)
        empty = empty_mean(plan, like)
        fields = {n.removeprefix(_MONTH): x for n, x in month.items()}
        count = fields.pop("count")
        for name, x in empty.fields.items():
            if name not in fields or fields[name].shape != x.shape:
                raise ValueError(f"the mean of {name} is missing or of another shape")
    except (ValueError, KeyError) as error:
        raise OutputError(
            f"The restart {path} does not fit the model: {error}.",
            "Go on with the ngcm that wrote it, or start again.",
        ) from error
    # Copies: on a CPU, JAX could otherwise share the memory of the arrays.
    fields = {name: jnp.array(fields[name], copy=True) for name in empty.fields}
    return Carry(day, state, RunningMean(jnp.array(count, copy=True), fields))


def _shapes(plan: ClimatePlan) -> ModelState:
    """Of the state of all runs."""
    # Here, not within: what is made while shapes are traced must not be kept.
    model, time, forcing = plan.model, plan.time(0, 0), plan.forcing(0)
    shape = len(model.levels), *model.grid.nodal_shape
    fields = {
        n: jax.ShapeDtypeStruct(shape, jnp.float32) for n in model.input_variables
    }

    def encode(fields) -> ModelState:
        state = model.encode(fields, forcing, time, jax.random.key(0))
        if len(plan.runs) == 1:
            return state
        return jax.tree.map(lambda x: jnp.stack([x] * len(plan.runs)), state)

    return eqx.filter_eval_shape(encode, fields)


def _check_belongs(path: pathlib.Path, plan: ClimatePlan, about: dict) -> None:
    """Refuse what cannot go on exactly, and announce what may differ by rounding."""
    ours = identity(plan)
    for what, words in (
        ("weights", f"other weights than those of {plan.card.name}"),
        ("spec", f"another architecture than that on the card of {plan.card.name}"),
        ("sea", "another sea: the record has changed"),
    ):
        if about.get(f"{what}_sha256") != ours[f"{what}_sha256"]:
            raise OutputError(
                f"The restart {path} belongs to {words}.",
                "Go on with what the run was started with, or start a new run.",
            )
    now, before = ours["config"], about["config"]
    for name in dict.fromkeys((*now, *before)):
        if now.get(name) != before.get(name):
            raise OutputError(
                f"The restart {path} belongs to another configuration: {name} was "
                f"{before.get(name, 'not given')}, and is {now.get(name, 'not given')}"
                " in the run file.",
                "Put it back, or start a new run.",
            )
    for words in changes(about):
        log.warning(f"{words}: from here on the run may differ in its last digits.")


def changes(about: dict[str, Any]) -> list[str]:
    """What is not as it was where a restart was written, in words."""
    before = about["versions"]
    return [
        f"The restart was written with {name} {before.get(name)}, this is {now}"
        for name, now in _versions().items()
        if before.get(name) != now
    ]


def _versions() -> dict[str, str]:
    return {
        "ngcm": ngcm_cli.__version__,
        "jax": importlib.metadata.version("jax"),
        "jaxlib": importlib.metadata.version("jaxlib"),
        "device": device(),
    }
