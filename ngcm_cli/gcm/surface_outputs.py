"""Fields at the surface that follow from the state, without the decoder's network.

All are at the time of the state; fluxes of water are means over the physics step that
ended then, or begins at the initial state. Letters: pₛ surface pressure, Φₛ
surface geopotential, N the lowest sigma level, T temperature, Γ = −dT/dz.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ngcm_cli import units
from ngcm_cli.arrays import Nodal, NodalSurface
from ngcm_cli.dynamics import Dycore, State, VerticalCoordinate
from ngcm_cli.gcm.fields import RATES
from ngcm_cli.physics.water_budget import Water
from ngcm_cli.spectral.filters import change_truncation
from ngcm_cli.spectral.transform import SphericalHarmonics

LAPSE_RATE = 6.5e-3 / units.METER
"""Γ of the standard atmosphere, 6.5 K/km, nondimensional."""

_ALPHA = LAPSE_RATE * units.GAS_CONSTANT / units.GRAVITY
_WARM, _COLD = 290.5, 255.0  # K


def surface_fields(
    state: State, harmonics: SphericalHarmonics, dycore: Dycore
) -> dict[str, NodalSurface]:
    """Return the fields of `ngcm_cli.gcm.fields.SURFACE`, nondimensional.

    Args:
        state: modal state; of dry air, there is no water vapour among the fields.
        harmonics: transforms of the grid of the fields.
        dycore: gives the levels of the state and the orography below its surface
            pressure. Models learn this orography; that of the bundled one differs by
            up to 1200 m from the orography of its encoder and decoder.
    """
    height = dycore.orography.modal(dycore.harmonics.grid)[None]
    modal = [
        state.log_surface_pressure,
        state.temperature_variation[-1:],
        change_truncation(height, harmonics.grid.modal_shape),
        *(x for name, x in state.tracers.items() if name == "specific_humidity"),
    ]
    nodal = harmonics.each_to_nodal(modal)
    log_pressure, temperature, height, *humidity = nodal
    p_surface = jnp.exp(log_pressure)
    fields = {
        "surface_pressure": p_surface,
        "mean_sea_level_pressure": sea_level_pressure(
            p_surface,
            temperature + dycore.reference_temperature[-1],
            float(dycore.levels.centers[-1]),
            height * units.GRAVITY,
        ),
    }
    if humidity:
        vapour = column_mass(humidity[0], p_surface, dycore.levels)
        fields["total_column_water_vapour"] = vapour
    return fields


def water_fields(water: Water) -> dict[str, NodalSurface]:
    """Return fluxes and amounts of water by the names of the outputs, nondimensional.

    Those of ``NET_WATER`` in `ngcm_cli.gcm.fields` and, where the model predicts it,
    those of ``PRECIPITATION``. Positive downwards: evaporation is negative.
    """
    fields = {
        "P_minus_E_rate": water.fluxes["P_minus_E"],
        "P_minus_E_cumulative": water.accumulated["P_minus_E"],
    }
    if "precipitation" in water.fluxes:
        fields |= {
            "precipitation_rate": water.fluxes["precipitation"],
            "precipitation_cumulative_mean": water.accumulated["precipitation"],
            "evaporation": water.fluxes["evaporation"],
            "evaporation_cumulative": water.accumulated["evaporation"],
        }
    return fields


def mean_rates(water: Water, duration: Float[Array, ""]) -> dict[str, NodalSurface]:
    """Return the rates among ``water_fields`` as means over the accumulation time.

    Args:
        water: fluxes, and the amounts accumulated during ``duration``.
        duration: nondimensional.
    """
    means = {name: x / duration for name, x in water.accumulated.items()}
    fields = water_fields(Water(means, water.accumulated))
    return {name: fields[name] for name in RATES if name in fields}


def sea_level_pressure(
    surface_pressure: NodalSurface,
    temperature: NodalSurface,
    sigma: float,
    surface_geopotential: NodalSurface,
) -> NodalSurface:
    """Return the surface pressure reduced to sea level, in the unit of its argument.

    Below the ground the air is hydrostatic and warms downwards by Γ = 6.5 K/km from the
    temperature T* at the ground, itself continued from the lowest level:

        T* = T_N σ_N^(−α),  α = ΓR/g
        ln(p₀/pₛ) = Φₛ/(RT*) · ln(1 + x)/x,  x = (T₀ − T*)/T*,  T₀ = T* + ΓΦₛ/g

    Where the ground is warm or cold this would give too low or too high a pressure:
    T₀ is at most 290.5 K, or T* where that is warmer, and T* moves half of the way to
    290.5 K from above it, and to 255 K from below it.

    Trenberth, Berry and Buja (1993), Vertical Interpolation and Truncation of
    Model-Coordinate Data, NCAR/TN-396+STR, section 3.1.b, doi:10.5065/D6HX19NH; the
    method of ECMWF and of the NCAR models. These expand σ^(−α) to first and the
    logarithm to third order; here both are whole, so that an atmosphere of that lapse
    rate gives its sea-level pressure. At 5 km that is 20 to 35 Pa less.

    Args:
        surface_pressure: pₛ.
        temperature: T_N, K.
        sigma: σ_N.
        surface_geopotential: Φₛ, nondimensional; negative below sea level.
    """
    at_ground = temperature * sigma**-_ALPHA
    warming = surface_geopotential * (LAPSE_RATE / units.GRAVITY)
    is_warm = at_ground + warming > _WARM
    warming = jnp.where(is_warm, jnp.maximum(_WARM - at_ground, 0), warming)
    # Below sea level the ground can be that warm and T₀ not: it stays as it is.
    nearest = jnp.clip(at_ground, _COLD, jnp.where(is_warm, _WARM, jnp.inf))
    at_ground = (at_ground + nearest) / 2
    x = warming / at_ground
    small = jnp.abs(x) < 1e-6  # where the quotient is 1 in float32
    quotient = jnp.where(small, 1, jnp.log1p(x) / jnp.where(small, 1, x))
    beta = surface_geopotential / (units.GAS_CONSTANT * at_ground)
    return surface_pressure * jnp.exp(beta * quotient)


def column_mass(
    mass_fraction: Nodal, surface_pressure: NodalSurface, levels: VerticalCoordinate
) -> NodalSurface:
    """Return the mass of a tracer per area, ∫ q dp/g = pₛ/g ∫₀¹ q dσ, nondimensional.

    Args:
        mass_fraction: q on the sigma levels.
        surface_pressure: pₛ, nondimensional.
        levels: sigma levels.
    """
    return surface_pressure / units.GRAVITY * levels.integral(mass_fraction)
