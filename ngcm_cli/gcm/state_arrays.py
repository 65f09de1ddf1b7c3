"""A model state as named arrays on the host and back, bit by bit: for exact restarts.

Names are the places in the state, joined by dots: ``vorticity``, ``tracers.…``, the
same behind ``memory.`` for the state before, ``random.fields``, ``random.key``,
``random.step``, ``water.fluxes.…``, ``water.accumulated.…``, ``substep`` and ``time``.
Numbers are as the model holds them, nondimensional; a random key is its key data.
"""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli.dynamics.state import TRACERS
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.physics.water_budget import FLUXES

BATCH = "realization"
"""Dimension of states side by side, before all others."""

_MODAL = "level", "m", "total_wavenumber"
_VARIABLES = {
    "vorticity": _MODAL,
    "divergence": _MODAL,
    "temperature_variation": _MODAL,
    "log_surface_pressure": ("surface", "m", "total_wavenumber"),
    **{f"tracers.{name}": _MODAL for name in TRACERS},
}
_DIMENSIONS = {
    **_VARIABLES,
    **{f"memory.{name}": axes for name, axes in _VARIABLES.items()},
    "random.fields": ("field", "m", "total_wavenumber"),
    "random.key": ("word",),
    "random.step": (),
    **{
        f"water.{account}.{name}": ("surface", "longitude", "latitude")
        for account in ("fluxes", "accumulated")
        for name in FLUXES
    },
    "substep": (),
    "time": (),
}


def dimensions(name: str, batched: bool = False) -> tuple[str, ...]:
    """Names of the dimensions of an array of a state.

    ``level`` counts sigma levels from the top; ``surface`` is the one level of fields
    at the surface; ``m``, ``total_wavenumber`` are those of ``SphericalHarmonics``.

    Args:
        name: as in ``to_arrays``.
        batched: whether the state has a leading axis of members.

    Raises:
        ValueError: no state has an array of this name.
    """
    if name not in _DIMENSIONS:
        raise ValueError(f"a state has no array '{name}'")
    return ((BATCH,) if batched else ()) + _DIMENSIONS[name]


def to_arrays(state: ModelState) -> dict[str, np.ndarray]:
    """Return all arrays of a state on the host; the random key as ``uint32`` data."""
    named = _named(state)
    leaves = [jax.random.key_data(x) if _is_key(x) else x for x in named.values()]
    return dict(zip(named, map(np.asarray, jax.device_get(leaves)), strict=True))


def from_arrays(like: ModelState, arrays: Mapping[str, np.ndarray]) -> ModelState:
    """Return the state that ``to_arrays`` took apart, on the default device.

    A program compiled for the one state serves the other.

    Args:
        like: a state of the same model and as many members, or the shapes of one from
            ``eqx.filter_eval_shape``.
        arrays: by name; left alone, and may be changed afterwards.

    Raises:
        ValueError: an array is missing, unknown, or of another shape or type; the
            message names the first.
    """
    expected = _named(like)
    for name in arrays:
        if name not in expected:
            raise ValueError(f"'{name}' is no part of a state of this model")
    leaves = []
    for name, x in expected.items():
        if name not in arrays:
            raise ValueError(f"'{name}' is missing")
        shape = jax.eval_shape(jax.random.key_data, x) if _is_key(x) else x
        array = arrays[name]
        if (array.shape, array.dtype) != (shape.shape, shape.dtype):
            raise ValueError(
                f"'{name}' is {array.dtype}{list(array.shape)}, "
                f"not {shape.dtype}{list(shape.shape)}"
            )
        # A copy: on a CPU, JAX could otherwise share the memory of the array.
        leaf = jnp.array(array, copy=True)
        if _is_key(x):
            leaf = jax.random.wrap_key_data(leaf, impl=_key_kind(x))
        leaves.append(leaf)
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def _named(state: ModelState) -> dict[str, Any]:
    """Return leaves by name, in the order of the tree."""
    leaves, _ = jax.tree.flatten_with_path(state)
    place = functools.partial(jax.tree_util.keystr, simple=True, separator=".")
    return {place(path).removeprefix("state."): x for path, x in leaves}


def _is_key(x: Any) -> bool:
    return jnp.issubdtype(x.dtype, jax.dtypes.prng_key)


def _key_kind(key: Any) -> str:
    """Return the generator of a key or of its shape; JAX tells in a trace only."""
    found = []

    def look(key: jax.Array) -> jax.Array:
        found.append(jax.random.key_impl(key))
        return jax.random.key_data(key)

    jax.eval_shape(look, key)
    return found[0]
