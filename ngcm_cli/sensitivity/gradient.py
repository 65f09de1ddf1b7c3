"""The derivatives of targets with respect to what a forecast starts from.

Reverse mode: one forward run, and one backward for each target. The encoder is
differentiated apart from the steps, so that another initial time compiles nothing.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, PRNGKeyArray

from ngcm_cli.errors import ConfigError
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.interface import Model
from ngcm_cli.io.progress import format_size
from ngcm_cli.sensitivity.target import Functional, target_fields, target_values
from ngcm_cli.simulation.batch import free_memory

LESS_MEMORY = "Give a shorter --lead or a coarser model, or use a larger device."

Fields = dict[str, jax.Array]


@dataclasses.dataclass(frozen=True, eq=False)
class Gradients:
    """Values of targets and their derivatives.

    Attributes:
        values: of the targets.
        fields: derivatives with respect to the analysis by ERA5 name, (target, level,
            longitude, latitude), and to surface fields that are held in time, with one
            level; the units are those of the target per unit of the field.
    """

    values: Float[Array, " target"]
    fields: Fields


def gradients(
    model: Model,
    fields: Mapping[str, ArrayLike],
    forcing: Forcing,
    time: np.datetime64,
    key: PRNGKeyArray,
    functionals: Sequence[Functional],
    steps: int,
    is_limited: bool = False,
) -> Gradients:
    """Return targets of a forecast and their gradients at its initial state.

    Args:
        model: a `Model` that JAX can differentiate.
        fields: the analysis by ERA5 name, SI units, (level, longitude, latitude).
        forcing: of the whole forecast. Its derivatives are those with respect to a
            change that is the same at all times of the forecast.
        time: initial time, UTC.
        key: of the random fields, which are held fixed.
        functionals: the targets.
        steps: model steps of the forecast.
        is_limited: whether to compare first what XLA needs with what is free.

    Raises:
        ConfigError: the way back needs more memory than the device has.
    """
    given = {name: jnp.asarray(fields[name]) for name in model.input_variables}
    none = no_change(forcing)

    def encode(given: Fields, sea: Fields) -> tuple[Any, Any]:
        state = model.encode(given, with_change(forcing, sea), time, key)
        return eqx.partition(state, eqx.is_inexact_array)

    def targets(varying: Any, sea: Fields) -> jax.Array:
        state = eqx.combine(varying, fixed)
        return target_values(model, state, with_change(forcing, sea), functionals)

    start, through_encoder, fixed = jax.vjp(encode, given, none, has_aux=True)
    (end, fixed), through_steps = advance(model, start, fixed, forcing, steps)
    values, through_targets = jax.vjp(targets, end, none)
    rows = []
    for one in jnp.eye(len(functionals)):
        at_end, by_sea = through_targets(one)
        if is_limited and not rows:
            _check_memory(steps, through_steps, at_end)
        at_start, more = pull_back(through_steps, at_end)
        by_fields, first = through_encoder(at_start)
        rows.append(by_fields | jax.tree.map(lambda *x: sum(x), by_sea, more, first))
    return Gradients(values, {n: jnp.stack([row[n] for row in rows]) for n in rows[0]})


@eqx.filter_jit
def advance(
    model: Model, varying: Any, fixed: Any, forcing: Forcing, steps: int
) -> tuple[tuple[Any, Any], Any]:
    """Return a state some steps later, and what takes derivatives back through them.

    Args:
        model: of the state.
        varying: the floating-point arrays of the state.
        fixed: the rest of it.
        forcing: of all steps.
        steps: number of model steps.

    Returns:
        The two parts of the later state, and an argument of `pull_back`.
    """

    def later(varying: Any, sea: Fields) -> tuple[Any, Any]:
        state = eqx.combine(varying, fixed)
        state = model.advance(state, with_change(forcing, sea), steps)
        return eqx.partition(state, eqx.is_inexact_array)

    end, pullback, rest = jax.vjp(later, varying, no_change(forcing), has_aux=True)
    return (end, rest), pullback


@eqx.filter_jit
def pull_back(through_steps: Any, at_end: Any) -> tuple[Any, Fields]:
    """Return derivatives with respect to a state and to a constant change of the sea.

    Args:
        through_steps: of `advance`.
        at_end: derivatives with respect to the later state.
    """
    return through_steps(at_end)


def _check_memory(steps: int, *arguments: Any) -> None:
    """Raise if XLA's program of `pull_back` does not fit on the device."""
    # Its arguments are in memory already. What is compiled here is in the cache then.
    sizes = pull_back.lower(*arguments).compile().compiled.memory_analysis()  # pyright: ignore
    needed = sizes.temp_size_in_bytes + sizes.output_size_in_bytes
    free = free_memory(jax.local_devices()[0])
    if needed > free:
        raise ConfigError(
            f"The gradient over {steps} steps needs {format_size(needed)} of memory, "
            f"and {format_size(free)} are free.",
            LESS_MEMORY,
        )


@eqx.filter_jit
def push_forward(
    model: Model, varying: Any, fixed: Any, forcing: Forcing, steps: int, change: Any
) -> Any:
    """Return what a small change of a state becomes some steps later, to first order.

    Args:
        model: of the state.
        varying: the floating-point arrays of the state.
        fixed: the rest of it.
        forcing: of all steps.
        steps: number of model steps.
        change: of the same structure as ``varying``.
    """

    def later(varying: Any) -> Any:
        state = model.advance(eqx.combine(varying, fixed), forcing, steps)
        return eqx.filter(state, eqx.is_inexact_array)

    return jax.jvp(later, (varying,), (change,))[1]


def forecast_targets(
    model: Model,
    fields: Mapping[str, ArrayLike],
    forcing: Forcing,
    time: np.datetime64,
    key: PRNGKeyArray,
    functionals: Sequence[Functional],
    steps: int,
) -> np.ndarray:
    """Return targets of a forecast, (target,), whose sums are in double precision.

    Arguments are those of `gradients`; no other program of the steps is compiled.
    """
    state = model.encode(fields, forcing, time, key)
    varying, fixed = eqx.partition(state, eqx.is_inexact_array)
    (end, fixed), _ = advance(model, varying, fixed, forcing, steps)
    found = target_fields(model, eqx.combine(end, fixed), forcing, functionals)
    return np.array([functional.exactly(found) for functional in functionals])


def no_change(forcing: Forcing) -> Fields:
    """Return zeros for every surface field, (1, longitude, latitude)."""
    return {name: jnp.zeros_like(x[0]) for name, x in forcing.fields.items()}


def with_change(forcing: Forcing, change: Mapping[str, ArrayLike]) -> Forcing:
    """Return a forcing with a change of some fields that is the same at all times."""
    changed = {
        name: x + change[name] if name in change else x
        for name, x in forcing.fields.items()
    }
    return dataclasses.replace(forcing, fields=changed)
