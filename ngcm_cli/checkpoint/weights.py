"""Named arrays that a model takes while it is built, each exactly once."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli.errors import CheckpointError

_MOST_FAULTS = 100
STATIC = "static."
"""Prefix of the names of static fields, such as the land-sea mask."""

# Of static fields: m2 s-2, 20 km, and a share with the overshoot of interpolation.
_RANGES = {"geopotential_at_surface": (-2e4, 2e5), "land_sea_mask": (-0.2, 1.2)}
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
        """Return a static field, such as the land-sea mask.

        ``finish`` also reports values that no surface of the Earth has.
        """
        array = self._take(STATIC + name, shape)
        least, most = _RANGES.get(name, (-np.inf, np.inf))
        if not ((least <= array) & (array <= most)).all():
            span = f"values from {array.min():g} to {array.max():g}"
            self._faults.append(
                f"{STATIC}{name} has {span}, beyond {least:g} to {most:g}"
            )
        return array

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
