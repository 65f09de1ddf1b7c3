"""Named arrays that a model takes while it is built, each exactly once."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli.errors import CheckpointError

_MOST_FAULTS = 100
STATIC = "static."
"""Prefix of the names of static fields, such as the land-sea mask."""

_HINT = "The file does not belong to this model, or is of another version."


class Weights:
    """Arrays by name, each to be taken once.

    Args:
        arrays: learned parameters by their place in the model; static fields under
            ``static.`` and their name.
    """

    def __init__(self, arrays: dict[str, np.ndarray]):
        self._arrays = dict(arrays)
        self._size = sum(x.size for x in arrays.values())
        self._faults: list[str] = []

    def take(self, name: str, shape: tuple[int, ...]) -> jax.Array:
        """Take a learned parameter; ``finish`` reports a missing or misshapen one."""
        return jnp.asarray(self._take(name, shape), jnp.float32)

    def static(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return a static field, such as the land-sea mask."""
        return self._take(STATIC + name, shape)

    def _take(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        array = self._arrays.pop(name, None)
        if array is None:
            self._faults.append(f"{name} is missing")
        elif array.shape != shape:
            self._faults.append(f"{name} has shape {array.shape}, not {shape}")
        else:
            return array
        # Sizes are claims of a card: no memory for what the file does not hold.
        if len(self._faults) > _MOST_FAULTS or math.prod(shape) > self._size:
            self.finish()
        return np.zeros(shape, np.float32)

    def finish(self) -> None:
        """Check that every array was taken and every place filled.

        Raises:
            CheckpointError: listing the first five differences.
        """
        faults = self._faults + [f"{name} is not used" for name in self._arrays]
        if faults:
            more = f" and {len(faults) - 5} more" if len(faults) > 5 else ""
            raise CheckpointError(
                f"The weights do not fit the model: {'; '.join(faults[:5])}{more}.",
                _HINT,
            )
