"""Names for array shapes in signatures (jaxtyping), and arrays on the device.

Axis order inside the model is everywhere ``level longitude latitude`` on the grid and
``level m total_wavenumber`` in spectral space; surface fields have one level. Leading
axes (ensemble members, stacked variables) are added by ``jax.vmap`` at the call site.
"""

from typing import TypeVar

import jax
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

Nodal = Float[Array, "level longitude latitude"]
NodalSurface = Float[Array, "1 longitude latitude"]
Modal = Float[Array, "level m total_wavenumber"]
Columns = Float[Array, "channel longitude latitude"]


_Tree = TypeVar("_Tree")


def computed_once(x: _Tree) -> _Tree:
    """Return x; on a CPU, have it computed before what uses it.

    XLA fuses what is cheap into each of its uses and computes it anew there. On a CPU
    that costs more than it saves if there are several uses, or if x is padded: a loop
    with a condition in it is not vectorised.
    """
    return jax.lax.optimization_barrier(x) if jax.default_backend() == "cpu" else x


def on_device(x: ArrayLike) -> jax.Array:
    """Return an array on the device, of a type that JAX has.

    The same as ``jnp.asarray``, which compiles or loads a program for every new shape;
    before a run that takes longer than the copy.
    """
    return x if isinstance(x, jax.Array) else jax.device_put(np.asarray(x))
