"""Global means, and the numbers by which the stability of a run is monitored.

All are computed on the device from the modal state, without any network, and are small
enough to fetch at every output. Nothing is hidden: what is not a number in a state is
not a number in what is computed from it.
"""

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ngcm_cli import units
from ngcm_cli.arrays import Nodal
from ngcm_cli.diagnostics.atmosphere import COLUMN_OF_STATE
from ngcm_cli.diagnostics.diagnostic import units_metadata
from ngcm_cli.dynamics import Dycore
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.physics.radiation import (
    CIRCULAR_ORBIT,
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


@dataclasses.dataclass(frozen=True)
class GlobalMean:
    """A series of global means or extremes.

    Attributes:
        name: name in the output.
        standard_name: CF standard name; empty where CF has none.
        long_name: description for plots and listings.
        units: SI units in UDUNITS notation.
        statistic: how the globe, and then the instants of a period, are reduced.
        on_sigma_levels: whether there is one for each sigma level.
        comment: CF comment: what the names leave open.
    """

    name: str
    standard_name: str
    long_name: str
    units: str
    statistic: Literal["mean", "minimum", "maximum"] = "mean"
    on_sigma_levels: bool = False
    comment: str = ""

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Dimensions after time."""
        return ("sigma",) if self.on_sigma_levels else ()

    def attributes(self) -> dict[str, Any]:
        """Return the CF attributes of the series, ``cell_methods`` apart."""
        attributes = {
            "standard_name": self.standard_name,
            "long_name": self.long_name,
            "units": self.units,
            "comment": self.comment,
            "units_metadata": units_metadata(self.units),
        }
        return {name: text for name, text in attributes.items() if text}


_SERIES = (
    GlobalMean(
        "temperature", "air_temperature", "Temperature", "K", on_sigma_levels=True
    ),
    GlobalMean("surface_pressure", "surface_air_pressure", "Surface pressure", "Pa"),
    GlobalMean(
        "total_mass",
        "atmosphere_mass_per_unit_area",
        "Mass of the atmosphere per area",
        "kg m-2",
    ),
    GlobalMean("dry_mass", "", "Mass of dry air per area", "kg m-2"),
    GlobalMean(
        "water_vapour",
        "atmosphere_mass_content_of_water_vapor",
        "Total column water vapour",
        "kg m-2",
        comment=COLUMN_OF_STATE,
    ),
    GlobalMean(
        "negative_humidity",
        "",
        "Share of the area with negative specific humidity",
        "1",
        on_sigma_levels=True,
    ),
    GlobalMean(
        "cloud_water",
        "atmosphere_mass_content_of_cloud_condensed_water",
        "Cloud liquid water and ice",
        "kg m-2",
    ),
    GlobalMean(
        "kinetic_energy",
        "atmosphere_kinetic_energy_content",
        "Kinetic energy per area",
        "J m-2",
    ),
    GlobalMean(
        "insolation",
        "toa_incoming_shortwave_flux",
        "Solar radiation at the top of the atmosphere",
        "W m-2",
        comment=CIRCULAR_ORBIT,
    ),
    GlobalMean(
        "max_wind", "wind_speed", "Fastest wind anywhere", "m s-1", "maximum", True
    ),
    GlobalMean(
        "min_temperature",
        "air_temperature",
        "Lowest temperature anywhere",
        "K",
        "minimum",
        True,
    ),
    GlobalMean(
        "max_temperature",
        "air_temperature",
        "Highest temperature anywhere",
        "K",
        "maximum",
        True,
    ),
)

GLOBAL_MEANS: Mapping[str, GlobalMean] = MappingProxyType({x.name: x for x in _SERIES})
"""Series of global means and extremes by name, in the order of listings.

The extremes are among what `monitor` returns, the others are those of `global_means`.
"""


def global_means(model: Any, state: Any) -> dict[str, jax.Array]:
    """Return means over the area of the Earth, at the time of the state.

    Args:
        model: of the state; for one that is not a `NeuralGCM`, what its ``monitor``
            returns under names of `GLOBAL_MEANS`, if it has that method.
        state: one member; map over several with ``jax.vmap``.

    Returns:
        (sigma level) ``temperature`` [K] and ``negative_humidity``, the share of the
        area where specific humidity is; and these numbers: ``surface_pressure``
        [Pa]; ``total_mass`` of the air with its water and ``dry_mass`` without,
        ``water_vapour`` and ``cloud_water``, ice and liquid, [kg m-2];
        ``kinetic_energy`` of the horizontal wind [J m-2]; ``insolation`` at the top of
        the atmosphere [W m-2], at this instant.
    """
    if isinstance(model, NeuralGCM):
        return _global_means(model.harmonics, model.dycore, state)
    return {k: x for k, x in monitor(model, state).items() if k in GLOBAL_MEANS}


def monitor(model: Any, state: Any) -> dict[str, jax.Array]:
    """Return the numbers that show whether a run becomes unstable.

    Args:
        model: of the state; for one that is not a `NeuralGCM`, its own ``monitor`` is
            called, or ``finite`` returned alone if it has no such method.
        state: one member; map over several with ``jax.vmap``.

    Returns:
        ``finite``, whether every number of the state is; (sigma level) the largest
        speed of the wind ``max_wind`` [m s-1], ``min_temperature`` and
        ``max_temperature`` [K]; the global mean ``surface_pressure``,
        ``min_surface_pressure`` and ``max_surface_pressure`` [Pa].
    """
    if isinstance(model, NeuralGCM):
        return monitor_primitive_equations(model.harmonics, model.dycore, state)
    if hasattr(model, "monitor"):
        return model.monitor(state)
    return {"finite": _all_finite(state)}


@eqx.filter_jit
def _global_means(
    harmonics: SphericalHarmonics, dycore: Dycore, state: ModelState
) -> dict[str, jax.Array]:
    prognostic, levels, grid = state.state, dycore.levels, harmonics.grid
    tracers = prognostic.tracers
    # The sums over the column first: one level is transformed instead of all. Of
    # humidity all are needed, too, for their signs.
    columns = {name: levels.integral(x) for name, x in tracers.items()}
    water = columns.pop(_VAPOUR), sum(columns.values(), jnp.float32(0))
    surface = jnp.concatenate([prognostic.log_surface_pressure, *water])
    nodal = harmonics.to_nodal(surface)
    humidity = harmonics.to_nodal(tracers[_VAPOUR])
    negative = jnp.where(jnp.isfinite(humidity), humidity < 0, jnp.nan)
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
        "negative_humidity": area_mean(negative, grid),
        "cloud_water": cloud / _MASS,
        "kinetic_energy": area_mean(mass * energy, grid) / _ENERGY,
        "insolation": sun * (SOLAR_CONSTANT + SOLAR_VARIATION),
    }


@eqx.filter_jit
def monitor_primitive_equations(
    harmonics: SphericalHarmonics, dycore: Dycore, state: Any
) -> dict[str, jax.Array]:
    """Return what `monitor` does, of a state whose ``state`` is that of the dycore."""
    prognostic, grid = state.state, harmonics.grid
    u, v = velocity(prognostic.vorticity, prognostic.divergence, harmonics)
    scalars = prognostic.temperature_variation, prognostic.log_surface_pressure
    nodal = harmonics.to_nodal(jnp.concatenate(scalars))
    temperature, pressure = nodal[:-1], jnp.exp(nodal[-1]) / units.PASCAL
    reference = np.array(dycore.reference_temperature, np.float32)
    speed = jnp.sqrt(u**2 + v**2) / units.METER_PER_SECOND
    return {
        "finite": _all_finite(state),
        "max_wind": _extreme(jnp.max, speed),
        "min_temperature": _extreme(jnp.min, temperature) + reference,
        "max_temperature": _extreme(jnp.max, temperature) + reference,
        "surface_pressure": area_mean(pressure, grid),
        "min_surface_pressure": _extreme(jnp.min, pressure),
        "max_surface_pressure": _extreme(jnp.max, pressure),
    }


def _extreme(extreme: Callable, x: jax.Array) -> jax.Array:
    """Return the extreme over the last two axes, or NaN where there is one.

    On a CPU, XLA leaves NaN out of extremes, even if there is nothing else.
    """
    everywhere = (-2, -1)
    return jnp.where(jnp.isnan(x).any(everywhere), jnp.nan, extreme(x, everywhere))


def area_mean(x: Nodal, grid: Grid) -> Float[Array, "..."]:
    """Return the mean over the sphere by Gaussian quadrature, over the last two axes.

    Longitudes first: a sum in two stages loses less to rounding.
    """
    weights = grid.area_weights / grid.area_weights.sum()
    return (x.mean(-2) * weights.astype(np.float32)).sum(-1)


def _all_finite(state: Any) -> jax.Array:
    """Whether all floating-point numbers of a state are finite."""
    leaves = jax.tree.leaves(state)
    numbers = [x for x in leaves if jnp.issubdtype(x.dtype, jnp.floating)]
    return jnp.stack([jnp.isfinite(x).all() for x in numbers]).all()
