"""Vertical interpolation between pressure levels and sigma levels.

Values are linear in pressure between two levels. Outside them they are either held
constant or continued along the outermost two levels.
"""

import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli.arrays import Nodal, NodalSurface


def surface_pressure(
    geopotential: Nodal, pressure: np.ndarray, surface_geopotential: NodalSurface
) -> NodalSurface:
    """Return the pressure at which the geopotential is that of the surface.

    Linear between the levels around it; continued below the lowest level.

    Args:
        geopotential: on the pressure levels, top first.
        pressure: of those levels, ascending, shape (level,).
        surface_geopotential: of the ground.
    """
    above = surface_geopotential - geopotential  # ascending downwards, zero at surface
    lower = jnp.sum(above <= 0, axis=0, keepdims=True)
    lower = jnp.clip(lower, 1, len(pressure) - 1)
    x0 = jnp.take_along_axis(above, lower - 1, axis=0)
    x1 = jnp.take_along_axis(above, lower, axis=0)
    p0, p1 = jnp.asarray(pressure)[lower - 1], jnp.asarray(pressure)[lower]
    weight = (0 - x0) / (x1 - x0)
    return (1 - weight) * p0 + weight * p1


def interpolate(
    fields: dict[str, Nodal],
    source: np.ndarray,
    target: Nodal,
    extrapolate: tuple[str, ...] = (),
) -> dict[str, Nodal]:
    """Interpolate fields from fixed levels to targets that differ by column.

    Args:
        fields: by name, each (source level, longitude, latitude).
        source: coordinate of the levels, ascending, shape (source level,).
        target: coordinate wanted, (target level, longitude, latitude).
        extrapolate: names of fields continued linearly outside the levels; the others
            are held constant there.

    Returns:
        Fields of shape (target level, longitude, latitude).
    """
    source = source.astype(np.float32)
    lower = jnp.sum(target[None] >= source[:, None, None, None], axis=0)
    lower = jnp.clip(lower, 1, len(source) - 1)
    levels = jnp.asarray(source)
    x0, x1 = levels[lower - 1], levels[lower]
    weight = (target - x0) / (x1 - x0)
    inside = jnp.clip(weight, 0, 1)

    def one(name: str, x: jax.Array) -> jax.Array:
        y0 = jnp.take_along_axis(x, lower - 1, axis=0)
        y1 = jnp.take_along_axis(x, lower, axis=0)
        w = weight if name in extrapolate else inside
        return (1 - w) * y0 + w * y1

    return {name: one(name, x) for name, x in fields.items()}
