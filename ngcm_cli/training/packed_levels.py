"""All variables of one space as one array, in which errors have their weights."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ngcm_cli.training.loss_settings import LossSettings


class PackedLevels(NamedTuple):
    """The levels of all variables, one after the other.

    Attributes:
        names: of the variables, in their order.
        root: what values are multiplied by: the root of the weight of their squares.
        share: of each level in the mean over the levels of its variable.
    """

    names: tuple[str, ...]
    root: Float[Array, "level 1 1"]
    share: Float[np.ndarray, " level"]

    @classmethod
    def of(
        cls,
        scales: Mapping[str, jax.Array],
        masses: np.ndarray,
        settings: LossSettings,
    ) -> "PackedLevels":
        """Return the levels of those variables for which there are scales.

        Args:
            scales: by name, what the values of each level are divided by; zero where a
                level does not count.
            masses: of the layers of variables that have so many.
            settings: weights of variables.
        """
        names, roots = tuple(sorted(scales)), [jnp.zeros(0)]
        shares = [np.zeros(0, np.float32)]
        for name in names:
            scale = jnp.asarray(scales[name])
            weight = np.full(len(scale), settings.variable_weight(name))
            if len(scale) == len(masses):
                weight *= masses / masses.mean()
            counts = scale > 0
            root = np.sqrt(weight) / jnp.where(counts, scale, 1)
            roots.append(jnp.where(counts, root, 0))
            shares.append(np.full(len(scale), 1 / len(scale), np.float32))
        root = jnp.concatenate(roots)[:, None, None]
        return cls(names, root, np.concatenate(shares))

    def pack(self, fields: Mapping[str, jax.Array]) -> jax.Array:
        """Return fields with axes (…, level, …, …) as one array, weighted."""
        packed = [jnp.asarray(fields[name]) for name in self.names]
        return jnp.concatenate(packed, -3) * self.root
