"""Where a time lies in a series of fields that are linear in time between them."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def neighbours(
    series: Int[Array, " time"], minutes: Int[Array, ""]
) -> tuple[jax.Array, jax.Array, Float[Array, ""]]:
    """Return the indices of the times around a time, and where it is between them.

    Args:
        series: whole minutes, ascending.
        minutes: the time; before the first and after the last they persist.

    Returns:
        Index before, index after, and the share 0 … 1 of the way that has passed.
    """
    last = len(series) - 1
    before = jnp.searchsorted(series, minutes, side="right") - 1
    before = jnp.clip(before, 0, last)
    after = jnp.minimum(before + 1, last)
    # Whole minutes: float32 could not tell an hour from the next in a century.
    span = series[after] - series[before]
    passed = jnp.clip(minutes - series[before], 0, span)
    return (
        before,
        after,
        passed.astype(jnp.float32) / jnp.maximum(span, 1).astype(jnp.float32),
    )
