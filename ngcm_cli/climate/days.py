"""One day of long runs on the device: steps, means, and numbers to watch."""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli.climate.plan import ClimatePlan
from ngcm_cli.gcm.fields import RATES
from ngcm_cli.gcm.global_means import global_means, watch
from ngcm_cli.gcm.members import SideBySide
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.gcm.running_mean import RunningMean
from ngcm_cli.inputs.analysis import Analysis

Fields = dict[str, jax.Array]


@dataclasses.dataclass(frozen=True, eq=False)
class Carry:
    """Everything that the next day depends on.

    Arrays of several runs have a leading axis for them.

    Attributes:
        day: how many are done.
        state: of the model.
        month: mean since the month began.
    """

    day: int
    state: ModelState
    month: RunningMean


@dataclasses.dataclass(frozen=True, eq=False)
class Day:
    """What a day gave; arrays of several runs have a leading axis for them.

    Attributes:
        looks: global means and extremes of the state at every sample and, last, at the
            end of the day, on the host.
        mean: of the day; without samples where daily means are not written.
        month: of the month up to the end of the day; likewise.
        instants: fields at every sample, if these are written.
    """

    looks: list[dict[str, np.ndarray]]
    mean: RunningMean
    month: RunningMean
    instants: list[Fields]


def first_carry(plan: ClimatePlan, beginnings: list[Analysis]) -> Carry:
    """The runs before their first day."""
    runs, states = plan.runs, []
    for run in runs:
        key = jax.random.key(plan.config.seed)
        if len(runs) > 1:
            key = jax.random.fold_in(key, run.number)
        fields, time = beginnings[run.start].fields, plan.time(run.start, 0)
        states.append(plan.model.encode(fields, plan.forcing(0), time, key))
    state = states[0]
    if len(states) > 1:
        state = jax.tree.map(lambda *x: jnp.stack(x), *states)
    return Carry(0, state, empty_mean(plan, state))


def empty_mean(plan: ClimatePlan, state: ModelState) -> RunningMean:
    """Without samples yet, for states of this shape."""
    shapes = eqx.filter_eval_shape(
        lambda state: _fields(plan, state) | _rates(plan, state), state
    )
    if len(plan.runs) == 1:
        return RunningMean.zeros_like(shapes)
    return jax.vmap(RunningMean.zeros_like)(
        jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)
    )


def one_day(plan: ClimatePlan, carry: Carry) -> tuple[Carry, Day]:
    """Advance all runs by a day.

    The device is given the whole day at once; the host waits only for the numbers that
    say whether all is well.
    """
    forcing, state = plan.forcing(carry.day), carry.state
    month = carry.month.restart(_new_months(plan, carry.day))
    today, looks, instants, means = month.restart(), [], [], plan.config.means
    for sample in range(plan.samples):
        looks.append(_each(plan, _look, state))
        is_instant = plan.is_instant(carry.day, sample)
        fields = _fields(plan, state) if means or is_instant else {}
        if is_instant:
            instants.append(fields | _fluxes(plan, state))
        state = _each(plan, NeuralGCM.advance, state, forcing, plan.steps)
        if means:
            fields |= _rates(plan, state)
        state = state.counting_water_anew()
        today = today.add(fields) if "daily" in means else today
        month = month.add(fields) if "monthly" in means else month
    looks.append(_each(plan, _look, state))
    day = Day(jax.device_get(looks), today, month, instants)
    return Carry(carry.day + 1, state, month), day


def _new_months(plan: ClimatePlan, day: int) -> np.ndarray:
    """For which runs a calendar month begins; of the shape of their counts."""
    new = np.array([plan.is_new_month(run.start, day) for run in plan.runs])
    return new if len(new) > 1 else new[0]


def _look(model: NeuralGCM, state: ModelState) -> Fields:
    """A few numbers that say how a run is doing."""
    return global_means(model, state) | watch(model, state)


def _fields(plan: ClimatePlan, state: ModelState) -> Fields:
    """What is known of a state at its own time."""
    names = tuple(name for name in plan.variables if name not in RATES)
    return _each(plan, NeuralGCM.decode, state, names) if names else {}


def _fluxes(plan: ClimatePlan, state: ModelState) -> Fields:
    """Fluxes during the last step."""
    names = tuple(name for name in plan.variables if name in RATES)
    return _each(plan, NeuralGCM.decode, state, names) if names else {}


def _rates(plan: ClimatePlan, state: ModelState) -> Fields:
    """Means of the fluxes since the last sample."""
    if not set(plan.variables) & set(RATES):
        return {}
    rates = _each(plan, NeuralGCM.mean_fluxes, state, plan.steps)
    return {name: x for name, x in rates.items() if name in plan.variables}


def _each(plan: ClimatePlan, f: Callable[..., Any], state: ModelState, *shared: Any):
    """f(model, state, …) of the one run, or of all that are side by side."""
    if len(plan.runs) == 1:
        return f(plan.model, state, *shared)
    return SideBySide(plan.model).each(f, state, *shared)
