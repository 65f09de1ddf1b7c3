"""Explicit tendencies of the moist or dry primitive equations on sigma levels.

Vorticity-divergence form with humidity and cloud water in the equation of state, after
Durran, Numerical Methods for Fluid Dynamics (2nd ed.), section 8.6, with the moist
terms of Kochkov et al. (2024), supplement. Nonlinear products are formed on a grid
without aliasing; what remains linear around the reference temperature and would limit
the time step (gravity waves) is in ``implicit``.

Fields have levels in the middle here, (m, level, total_wavenumber) and (longitude,
level, latitude), as the products of the transforms have them, which would otherwise
transpose all fields four times in each evaluation.

Letters as in the papers: U, V = u cos φ, v cos φ; ζ, δ vorticity and divergence;
T′ temperature variation; q humidity; π = ln pₛ; σ̇ vertical velocity.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ngcm_cli import units
from ngcm_cli.arrays import computed_once
from ngcm_cli.dynamics.state import State
from ngcm_cli.dynamics.vertical_coordinate import VerticalCoordinate
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.operators import (
    clip_wavenumbers,
    cos_lat_grad,
    cos_lat_velocity,
    curl_cos_lat,
    div_cos_lat,
    laplacian,
    sec2_lat,
)
from ngcm_cli.spectral.transform import SphericalHarmonics

GAS_RATIO = units.VAPOR_GAS_CONSTANT / units.GAS_CONSTANT  # R_v/R
HEAT_RATIO = units.VAPOR_HEAT_CAPACITY / units.HEAT_CAPACITY  # c_pv/c_p

M, LEVEL = -3, -2
"""Axes of fields in this module; M is that of longitude, too."""


def explicit_tendencies(
    state: State,
    harmonics: SphericalHarmonics,
    levels: VerticalCoordinate,
    reference_temperature: np.ndarray,
    orography: Float[Array, "m total_wavenumber"],
) -> State:
    """Return tendencies of all variables per nondimensional time, modal, clipped.

    Args:
        state: modal state on the dynamical core's grid; without tracers, of dry air.
        harmonics: transforms of that grid.
        levels: vertical levels.
        reference_temperature: of each level, K, shape (level,), float32.
        orography: modal surface height, nondimensional.
    """
    state = _with_levels_in_the_middle(state)
    fields = {
        "vorticity": state.vorticity,
        "divergence": state.divergence,
        "temperature": state.temperature_variation,
        "velocity": cos_lat_velocity(
            state.vorticity, state.divergence, clip=False, axis=M
        ),
        "pressure_gradient": cos_lat_grad(
            state.log_surface_pressure, clip=False, axis=M
        ),
        "tracers": state.tracers,
    }
    is_moist = "specific_humidity" in state.tracers
    if is_moist:
        humidity = state.tracers["specific_humidity"]
        fields["humidity_gradient"] = cos_lat_grad(humidity, clip=False, axis=M)
        fields["pressure_laplacian"] = laplacian(state.log_surface_pressure)
    products = harmonics.apply_on_grid(
        functools.partial(_products, harmonics.grid, levels, reference_temperature),
        fields,
    )

    force = products["force"]
    vorticity = -curl_cos_lat(*force, clip=False, axis=M)
    divergence = -div_cos_lat(*force, clip=False, axis=M)
    divergence -= laplacian(products["energy"])
    if is_moist:
        curl_of_force, div_of_force = products["humidity_force"]
        vorticity, divergence = vorticity + curl_of_force, divergence - div_of_force
    scalars = {
        name: products["local"][name] - div_cos_lat(*flux, clip=False, axis=M)
        for name, flux in products["flux"].items()
    }
    tendency = State(
        vorticity=vorticity,
        divergence=divergence - units.GRAVITY * laplacian(orography)[:, None],
        temperature_variation=scalars["temperature"],
        log_surface_pressure=products["surface_pressure"],
        tracers={name: scalars[name] for name in state.tracers},
    )
    return _with_levels_in_the_middle(jax.tree.map(clip_wavenumbers, tendency))


def _products(
    grid: Grid,
    levels: VerticalCoordinate,
    reference_temperature: np.ndarray,
    fields: dict[str, Any],
) -> dict[str, Any]:
    """Return everything nonlinear, on the grid.

    Args:
        grid: of the fields, which may be at some of its longitudes only.
        levels: vertical levels.
        reference_temperature: of each level.
        fields: ζ, δ, T′, (U, V), ∇π times cos φ and tracers; in moist air also ∇q times
            cos φ, and ∇²π.

    Returns:
        ``force``, minus the force over cos φ, whose curl and divergence are minus the
        tendencies of ζ and δ; in moist air ``humidity_force``, curl and divergence of
        what humidity adds; ``energy``, whose Laplacian is minus a tendency of δ;
        of temperature and each tracer its ``local`` tendency, and the ``flux`` over
        cos φ whose divergence is minus a tendency; the tendency of π,
        ``surface_pressure``, on one level.
    """
    vorticity, divergence = fields["vorticity"], fields["divergence"]
    t, tracers = fields["temperature"], fields["tracers"]
    (u, v), (p_x, p_y) = fields["velocity"], fields["pressure_gradient"]
    names = sorted(tracers)
    is_moist = "specific_humidity" in names
    sec2 = sec2_lat(grid)
    coriolis = (2 * units.ANGULAR_VELOCITY * grid.sin_latitude).astype(np.float32)
    t_ref = jnp.asarray(reference_temperature)[:, None]
    products = {}

    # Continuity: σ̇ at the interior boundaries, with and without divergence.
    wind_dot_grad_p = (u * p_x + v * p_y) * sec2
    column, column_full = (
        levels.cumulative_integral(x, axis=LEVEL)
        for x in (wind_dot_grad_p, wind_dot_grad_p + divergence)
    )
    depth = np.cumsum(levels.thickness)[:-1, None]
    sigma_dot, sigma_dot_full = (
        x[:, -1:] * depth - x[:, :-1] for x in (column, column_full)
    )
    products["surface_pressure"] = -column[:, -1:]

    # Virtual temperature, and humidity in the pressure gradient of the reference one.
    t_virtual, r_t = t, units.GAS_CONSTANT * t
    if is_moist:
        q, (q_x, q_y) = tracers["specific_humidity"], fields["humidity_gradient"]
        clouds = sum(tracers[name] for name in names if name != "specific_humidity")
        r_t = units.GAS_CONSTANT * t * (1 + (GAS_RATIO - 1) * q - clouds)
        heat = 1 + (HEAT_RATIO - 1) * q
        t_virtual = t * ((1 + (GAS_RATIO - 1) * q) / heat) + t_ref * (
            (GAS_RATIO - HEAT_RATIO) * q / heat
        )
        # Curl and divergence of q ∇π by the product rule, not as a part of the force
        # below: gradients lack what the highest wavenumber has beyond the truncation,
        # so that the two differ (by a thousandth, in the bundled model's vorticity).
        buoyancy = t_ref * np.float32(units.VAPOR_GAS_CONSTANT - units.GAS_CONSTANT)
        along = sec2 * (q_x * p_x + q_y * p_y)
        products["humidity_force"] = (
            buoyancy * sec2 * (p_x * q_y - p_y * q_x),
            buoyancy * (along + q * fields["pressure_laplacian"]),
        )

    # Momentum: the vector whose curl and divergence are the tendencies.
    advect = functools.partial(levels.vertical_advection, axis=LEVEL)
    absolute_vorticity = vorticity + coriolis
    force_x = -v * absolute_vorticity + (r_t * p_x - advect(sigma_dot_full, u))
    force_y = u * absolute_vorticity + (r_t * p_y - advect(sigma_dot_full, v))
    products["force"] = force_x * sec2, force_y * sec2
    energy = 0.5 * (u**2 + v**2) * sec2
    if is_moist:
        energy += levels.geopotential(q * (t + t_ref) * (GAS_RATIO - 1), axis=LEVEL)
    products["energy"] = energy

    # Thermodynamics: adiabatic heating κ T ω/p and vertical transport.
    def adiabatic(temperature, x, integral):
        """Return T times ω/p of the flow component x, from its cumulative integral."""
        y = levels.log_ratios[:, None] * integral
        y = computed_once(jnp.pad(y, [(0, 0), (1, 0), (0, 0)]))  # zero above the top
        pairs = y[:, 1:] + y[:, :-1]
        return temperature * (x - pairs / levels.thickness[:, None])

    heating = adiabatic(t_ref, wind_dot_grad_p, column) + adiabatic(
        t_virtual, wind_dot_grad_p, column_full
    )
    temperature = (
        t * divergence
        + advect(sigma_dot_full, t)
        + advect(sigma_dot, t_ref)
        + units.KAPPA * heating
    )
    scalars = {"temperature": t, **tracers}
    products["flux"] = {n: (u * x * sec2, v * x * sec2) for n, x in scalars.items()}
    products["local"] = {"temperature": temperature} | {
        n: advect(sigma_dot_full, x) + x * divergence for n, x in tracers.items()
    }
    return products


def _with_levels_in_the_middle(state: State) -> State:
    """Return a state with its first two axes swapped; applied twice, the state."""
    return jax.tree.map(lambda x: jnp.swapaxes(x, M, LEVEL), state)
