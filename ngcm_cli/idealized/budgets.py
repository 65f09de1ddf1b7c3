"""Energy and angular momentum of each column, and what changes their global means.

With dm = pₛ dσ/g the mass per area of a layer, the dry hydrostatic equations without
forcing and diffusion keep the global means of mass ∫ dm = pₛ/g, of total energy and,
over flat ground, of angular momentum around the axis (Peixoto and Oort 1992, Physics of
Climate, chapters 11 and 13). The mean of a field here is `plots.means.area_mean`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli import units
from ngcm_cli.arrays import Modal, Nodal, NodalSurface
from ngcm_cli.diagnostics import Diagnostic
from ngcm_cli.gcm.surface_outputs import column_mass
from ngcm_cli.idealized.model import IdealizedState
from ngcm_cli.spectral.operators import cos_lat_velocity, sec_lat
from ngcm_cli.spectral.transform import SphericalHarmonics

if TYPE_CHECKING:
    from ngcm_cli.idealized.primitive import PrimitiveEquations

_ENERGY = units.KILOGRAM_PER_SQUARE_METER * units.SQUARE_METER_PER_SQUARE_SECOND
_MOMENTUM = units.KILOGRAM_PER_SQUARE_METER * units.METER_PER_SECOND * units.METER
_HEAT_CAPACITY = np.float32(units.HEAT_CAPACITY)


def contents(
    model: "PrimitiveEquations", state: IdealizedState, forcing: None = None
) -> dict[str, NodalSurface]:
    """Return energy and angular momentum per area.

        K = ∫ ½|**v**|² dm,  E = K + ∫ c_p T dm + Φₛ pₛ/g
        M = ∫ u a cos φ dm,  M_Ω = Ω a² cos²φ pₛ/g

    In hydrostatic balance, ∫ (c_v T + Φ) dm = ∫ c_p T dm + Φₛ pₛ/g: internal and
    potential energy.

    Returns:
        ``kinetic_energy`` K and ``total_energy`` E [J m-2],
        ``relative_angular_momentum`` M and ``planetary_angular_momentum`` M_Ω [kg s-1],
        each (1, longitude, latitude).
    """
    harmonics, dycore, prognostic = model.harmonics, model.dycore, state.state
    u, v = _wind(prognostic.vorticity, prognostic.divergence, harmonics)
    height = dycore.orography.modal(harmonics.grid)[None]
    nodal = harmonics.to_nodal(
        jnp.concatenate([prognostic.temperature_variation, height])
    )
    reference = np.array(dycore.reference_temperature, np.float32)[:, None, None]
    pressure = _surface_pressure(prognostic.log_surface_pressure, harmonics)
    kinetic = column_mass(0.5 * (u**2 + v**2), pressure, dycore.levels)
    heat = column_mass(
        _HEAT_CAPACITY * (nodal[:-1] + reference), pressure, dycore.levels
    )
    arm = jnp.asarray(harmonics.grid.cos_latitude, jnp.float32)  # the radius is 1
    planetary = units.ANGULAR_VELOCITY * arm**2 * pressure / units.GRAVITY
    return {
        "total_energy": (kinetic + heat + nodal[-1:] * pressure) / _ENERGY,
        "kinetic_energy": kinetic / _ENERGY,
        "relative_angular_momentum": column_mass(arm * u, pressure, dycore.levels)
        / _MOMENTUM,
        "planetary_angular_momentum": planetary / _MOMENTUM,
    }


def changes_by_forcing(
    model: "PrimitiveEquations", state: IdealizedState, forcing: None = None
) -> dict[str, NodalSurface]:
    """Return what the forcing of a case does to energy and angular momentum.

    With its tendencies Q of temperature and **F** of the wind:

        ∫ c_p Q dm,  ∫ **v**·**F** dm,  ∫ F_λ a cos φ dm

    A tendency of surface pressure, which no case has, is not counted.

    Returns:
        ``heating_by_forcing`` and ``work_by_forcing`` [W m-2], ``torque_by_forcing``
        [N m-1], each (1, longitude, latitude).
    """
    assert model.forcing is not None
    harmonics, prognostic = model.harmonics, state.state
    tendency = model.forcing(prognostic)
    heating, work, torque = _changes(
        model,
        prognostic.log_surface_pressure,
        _wind(prognostic.vorticity, prognostic.divergence, harmonics),
        _wind(tendency.vorticity, tendency.divergence, harmonics),
        harmonics.to_nodal(tendency.temperature_variation),
    )
    return {
        "heating_by_forcing": heating,
        "work_by_forcing": work,
        "torque_by_forcing": torque,
    }


def changes_by_diffusion(
    model: "PrimitiveEquations", state: IdealizedState, forcing: None = None
) -> dict[str, NodalSurface]:
    """Return what the diffusion after a time step does to energy and angular momentum.

    As `changes_by_forcing`, with the difference that a diffusion of this state makes,
    divided by the time step; **v** is the mean of the wind before and after it.

    Returns:
        ``energy_change_by_diffusion`` [W m-2], of the temperature and of the wind, and
        ``torque_by_diffusion`` [N m-1], each (1, longitude, latitude).
    """
    harmonics, prognostic = model.harmonics, state.state
    step = model.dycore.step_size
    change = jax.tree.map(
        lambda after, before: (after - before) / step,
        model.diffusion(prognostic),
        prognostic,
    )
    wind = _wind(prognostic.vorticity, prognostic.divergence, harmonics)
    tendency = _wind(change.vorticity, change.divergence, harmonics)
    heating, work, torque = _changes(
        model,
        prognostic.log_surface_pressure,
        wind + step / 2 * tendency,
        tendency,
        harmonics.to_nodal(change.temperature_variation),
    )
    return {
        "energy_change_by_diffusion": heating + work,
        "torque_by_diffusion": torque,
    }


def _changes(
    model: "PrimitiveEquations",
    log_surface_pressure: Modal,
    wind: Nodal,
    acceleration: Nodal,
    heating: Nodal,
) -> tuple[NodalSurface, NodalSurface, NodalSurface]:
    """Return heating and work in W m-2, and torque in N m-1."""
    levels, arm = model.dycore.levels, model.grid.cos_latitude.astype(np.float32)
    pressure = _surface_pressure(log_surface_pressure, model.harmonics)
    (u, v), (du, dv) = wind, acceleration
    per_mass = _HEAT_CAPACITY * heating, u * du + v * dv, arm * du
    heat, work, torque = (column_mass(x, pressure, levels) for x in per_mass)
    power = _ENERGY / units.SECOND
    return heat / power, work / power, torque / (_MOMENTUM / units.SECOND)


def _wind(vorticity: Modal, divergence: Modal, harmonics: SphericalHarmonics) -> Nodal:
    """Return the eastward and northward wind, (2, level, longitude, latitude)."""
    modal = jnp.stack(cos_lat_velocity(vorticity, divergence, clip=False))
    return harmonics.to_nodal(modal) * sec_lat(harmonics.grid)


def _surface_pressure(log: Modal, harmonics: SphericalHarmonics) -> NodalSurface:
    return jnp.exp(harmonics.to_nodal(log))


def _declare(
    compute: Callable[..., dict[str, NodalSurface]], *variables: tuple[str, str, str]
) -> tuple[Diagnostic, ...]:
    """Return the declarations of variables: of each its name, units and long name."""
    return tuple(
        Diagnostic(
            name=name,
            standard_name=_STANDARD_NAMES.get(name, ""),
            long_name=long_name,
            units=unit,
            vertical="surface",
            from_state=compute,
        )
        for name, unit, long_name in variables
    )


_STANDARD_NAMES = {"kinetic_energy": "atmosphere_kinetic_energy_content"}
_RELATIVE = "Relative angular momentum of the column"
_PLANETARY = "Planetary angular momentum of the column"
_CONTENTS = _declare(
    contents,
    ("total_energy", "J m-2", "Total energy of the column"),
    ("kinetic_energy", "J m-2", "Kinetic energy of the column"),
    ("relative_angular_momentum", "kg s-1", _RELATIVE),
    ("planetary_angular_momentum", "kg s-1", _PLANETARY),
)
_FORCING = _declare(
    changes_by_forcing,
    ("heating_by_forcing", "W m-2", "Heating by the forcing"),
    ("work_by_forcing", "W m-2", "Work of the forcing on the wind"),
    ("torque_by_forcing", "N m-1", "Torque of the forcing"),
)
_DIFFUSION = _declare(
    changes_by_diffusion,
    ("energy_change_by_diffusion", "W m-2", "Change of energy by diffusion"),
    ("torque_by_diffusion", "N m-1", "Torque of diffusion"),
)


def budgets(is_forced: bool) -> Mapping[str, Diagnostic]:
    """Return the output variables of budgets by name.

    Args:
        is_forced: whether the case has a forcing.
    """
    declared = (*_CONTENTS, *(_FORCING if is_forced else ()), *_DIFFUSION)
    return MappingProxyType({x.name: x for x in declared})
