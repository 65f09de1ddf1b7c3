"""The forecast of an example: the states that are compared with its truth."""

import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from ngcm_cli.gcm import ModelState, NeuralGCM
from ngcm_cli.training.example import Example


def encoded(
    model: NeuralGCM, example: Example, index: int | jax.Array, key: PRNGKeyArray
) -> ModelState:
    """Return the encoded truth at one of the times of an example."""
    fields = {name: example.fields[name][index] for name in model.input_variables}
    clock, time = example.clock[index], example.time[index]
    return model.encode_at(fields, example.forcing, clock, time, key)


def trajectory(
    model: NeuralGCM, example: Example, key: PRNGKeyArray, steps_between: int
) -> ModelState:
    """Return the forecast from the start of an example at all of its times.

    Differentiable. On the way back a state of each time is at hand, and all else is
    computed again: the intermediate values of one step, and the states of about
    2 √steps_between steps, are in memory beside them.

    Args:
        model: the model.
        example: its first time is the start.
        key: of the random fields.
        steps_between: model steps from one time to the next; static.

    Returns:
        States with a leading time axis; the first is the encoded start.
    """

    @jax.checkpoint
    def advance(state: ModelState, _: None) -> tuple[ModelState, ModelState]:
        state = model.advance(state, example.forcing, steps_between)
        return state, state

    start = encoded(model, example, 0, key)
    _, later = jax.lax.scan(advance, start, None, length=len(example.clock) - 1)
    return jax.tree.map(lambda x, xs: jnp.concatenate([x[None], xs]), start, later)
