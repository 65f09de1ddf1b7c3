"""Means of fields over time, accumulated on the device."""

from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Int


class RunningMean(eqx.Module):
    """The mean of the samples added since the last restart.

    The n-th sample x moves the mean by (x − mean)/n (Welford 1962, Note on a Method
    for Calculating Corrected Sums of Squares and Products, doi:10.2307/1266577), so
    that float32 holds it to a few spacings however many samples there are: no large
    sum is kept. One sample is its own mean, bit by bit.

    Several members have a count each, with the leading axes of all their fields:
    ``jax.vmap(RunningMean.zeros_like)`` makes their empty mean; the methods are the
    same.

    Attributes:
        count: samples since the last restart.
        fields: their mean by name; undefined while the count is zero.
    """

    count: Int[Array, "*member"]
    fields: dict[str, Array]

    @classmethod
    def zeros_like(
        cls, fields: Mapping[str, ArrayLike | jax.ShapeDtypeStruct]
    ) -> "RunningMean":
        """Return an empty mean of fields of these shapes; shapes alone are enough."""
        zeros = {name: jnp.zeros(jnp.shape(x)) for name, x in fields.items()}
        return cls(jnp.int32(0), zeros)

    def add(
        self, fields: Mapping[str, ArrayLike], keep: ArrayLike | None = None
    ) -> "RunningMean":
        """Return the mean with one more sample.

        Args:
            fields: the sample, with the same names.
            keep: false where nothing is added; shape of the count.

        Raises:
            ValueError: the sample has other names.
        """
        if set(fields) != set(self.fields):
            raise ValueError(
                f"the mean is of {', '.join(sorted(self.fields))}; "
                f"what is added is {', '.join(sorted(fields))}"
            )
        keep = None if keep is None else jnp.asarray(keep)
        return _add(self, {name: jnp.asarray(x) for name, x in fields.items()}, keep)

    def restart(self, where: ArrayLike = True) -> "RunningMean":
        """Return the mean without samples.

        Args:
            where: false for members that keep their samples; shape of the count.
        """
        return RunningMean(jnp.where(where, 0, self.count), self.fields)


@jax.jit
def _add(
    mean: RunningMean, fields: dict[str, Array], keep: Array | None
) -> RunningMean:
    count = mean.count + 1

    def update(mean: Array, x: Array) -> Array:
        each = lambda flag: flag.reshape(*count.shape, *[1] * (x.ndim - count.ndim))
        n = each(count)
        # Chosen, not computed: what was there before may not even be a number.
        new = jnp.where(n == 1, x, mean + (x - mean) / n.astype(x.dtype))
        return new if keep is None else jnp.where(each(keep), new, mean)

    return RunningMean(
        count if keep is None else jnp.where(keep, count, mean.count),
        jax.tree.map(update, mean.fields, fields),
    )
