"""A few numbers that say how a run is doing: global means, and what to watch.

All are computed on the device from the modal state, without any network, and are small
enough to fetch at every output. Nothing is hidden: what is not a number in a state is
not a number in what is computed from it.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ngcm_cli import units
from ngcm_cli.arrays import Nodal
from ngcm_cli.dynamics import Dycore
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.physics.radiation import (
    SOLAR_CONSTANT,
    SOLAR_VARIATION,
    incident_radiation,
)
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.operators import velocity
from ngcm_cli.spectral.transform import SphericalHarmonics

_MASS = units.KILOGRAM_PER_SQUARE_METER
_ENERGY = _MASS * units.SQUARE_METER_PER_SQUARE_SECOND
_VAPOUR = "specific_humidity"


def global_means(model: NeuralGCM, state: ModelState) -> dict[str, jax.Array]:
    """Means over the area of the Earth, at the time of the state.

    Args:
        model: of the state.
        state: one member; map over several with ``jax.vmap``.

    Returns:
        ``temperature`` [K], (sigma level), and these numbers: ``surface_pressure``
        [Pa]; ``total_mass`` of the air with its water and ``dry_mass`` without,
        ``water_vapour`` and ``cloud_water``, ice and liquid, [kg m-2];
        ``kinetic_energy`` of the horizontal wind [J m-2]; ``insolation`` at the top of
        the atmosphere [W m-2], at this instant.
    """
    return _global_means(model.encoder.harmonics, model.step.dycore, state)


def watch(model: NeuralGCM, state: ModelState) -> dict[str, jax.Array]:
    """What tells a run that goes wrong.

    Args:
        model: of the state.
        state: one member; map over several with ``jax.vmap``.

    Returns:
        ``finite``, whether every number of the state is; (sigma level) the largest
        speed of the wind ``max_wind`` [m s-1], ``min_temperature`` and
        ``max_temperature`` [K]; the global mean ``surface_pressure``,
        ``min_surface_pressure`` and ``max_surface_pressure`` [Pa].
    """
    return _watch(model.encoder.harmonics, model.step.dycore, state)


@eqx.filter_jit
def _global_means(
    harmonics: SphericalHarmonics, dycore: Dycore, state: ModelState
) -> dict[str, jax.Array]:
    prognostic, levels, grid = state.state, dycore.levels, harmonics.grid
    tracers = prognostic.tracers
    # The sums over the column first: one level is transformed instead of all.
    columns = {name: levels.integral(x) for name, x in tracers.items()}
    water = columns.pop(_VAPOUR), sum(columns.values(), jnp.float32(0))
    nodal = harmonics.to_nodal(
        jnp.concatenate([prognostic.log_surface_pressure, *water])
    )
    pressure = jnp.exp(nodal[0])
    mass = pressure / units.GRAVITY
    u, v = velocity(prognostic.vorticity, prognostic.divergence, harmonics)
    energy = levels.integral(0.5 * (u**2 + v**2))[0]

    total = area_mean(mass, grid)
    vapour, cloud = (area_mean(mass * x, grid) for x in nodal[1:])
    sun = area_mean(incident_radiation(state.time, grid)[0], grid)
    # Y₀₀ = 1/√(4π), and the mean of any other harmonic is zero.
    warmth = prognostic.temperature_variation[:, 0, 0] / np.sqrt(4 * np.pi)
    return {
        "temperature": warmth + np.array(dycore.reference_temperature, np.float32),
        "surface_pressure": area_mean(pressure, grid) / units.PASCAL,
        "total_mass": total / _MASS,
        "dry_mass": (total - vapour - cloud) / _MASS,
        "water_vapour": vapour / _MASS,
        "cloud_water": cloud / _MASS,
        "kinetic_energy": area_mean(mass * energy, grid) / _ENERGY,
        "insolation": sun * (SOLAR_CONSTANT + SOLAR_VARIATION),
    }


@eqx.filter_jit
def _watch(
    harmonics: SphericalHarmonics, dycore: Dycore, state: ModelState
) -> dict[str, jax.Array]:
    prognostic, grid = state.state, harmonics.grid
    u, v = velocity(prognostic.vorticity, prognostic.divergence, harmonics)
    scalars = prognostic.temperature_variation, prognostic.log_surface_pressure
    nodal = harmonics.to_nodal(jnp.concatenate(scalars))
    temperature, pressure = nodal[:-1], jnp.exp(nodal[-1]) / units.PASCAL
    reference = np.array(dycore.reference_temperature, np.float32)
    speed = jnp.sqrt(u**2 + v**2) / units.METER_PER_SECOND
    return {
        "finite": jnp.stack([jnp.isfinite(x).all() for x in _numbers(state)]).all(),
        "max_wind": _extreme(jnp.max, speed),
        "min_temperature": _extreme(jnp.min, temperature) + reference,
        "max_temperature": _extreme(jnp.max, temperature) + reference,
        "surface_pressure": area_mean(pressure, grid),
        "min_surface_pressure": _extreme(jnp.min, pressure),
        "max_surface_pressure": _extreme(jnp.max, pressure),
    }


def _extreme(extreme: Callable, x: jax.Array) -> jax.Array:
    """The largest or smallest over the last two axes, or NaN where there is one.

    On a CPU, XLA leaves NaN out of extremes, even if there is nothing else.
    """
    everywhere = (-2, -1)
    return jnp.where(jnp.isnan(x).any(everywhere), jnp.nan, extreme(x, everywhere))


def area_mean(x: Nodal, grid: Grid) -> Float[Array, "..."]:
    """Mean over the sphere by Gaussian quadrature, over the last two axes.

    Longitudes first: a sum in two stages loses less to rounding.
    """
    weights = grid.area_weights / grid.area_weights.sum()
    return (x.mean(-2) * weights.astype(np.float32)).sum(-1)


def _numbers(state: ModelState) -> list[jax.Array]:
    """All floating-point arrays of a state."""
    leaves = jax.tree.leaves(state)
    return [x for x in leaves if jnp.issubdtype(x.dtype, jnp.floating)]
