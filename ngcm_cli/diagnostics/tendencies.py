"""Tendencies by the learned physics, by the dynamical core and by nudging.

The first two are those at the time of the state, at which the next step begins. The
physics is evaluated once in a step and held constant meanwhile; the dynamical core
integrates its own tendency in time and damps the smallest scales between its substeps,
which is in neither of the two. Their sum is the change over a short time. Nudging
follows each step; its tendency is the mean over the last one.
"""

import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli import units
from ngcm_cli.arrays import Nodal
from ngcm_cli.diagnostics.diagnostic import CmipVariable, Diagnostic
from ngcm_cli.diagnostics.prescribed_sea import prescribed_sea
from ngcm_cli.diagnostics.pressure_levels import NOT_CORRECTED
from ngcm_cli.dynamics import State
from ngcm_cli.dynamics.implicit import implicit_tendencies
from ngcm_cli.dynamics.tendencies import explicit_tendencies
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.integration import minutes
from ngcm_cli.gcm.model import Fields, NeuralGCM
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.spectral.filters import change_truncation
from ngcm_cli.spectral.operators import velocity
from ngcm_cli.spectral.transform import SphericalHarmonics


def physics_tendencies(
    model: NeuralGCM, state: ModelState, forcing: Fields | Forcing
) -> dict[str, Nodal]:
    """Return the tendencies by the learned physics on the sigma levels, per second.

    They are those that the next step uses, of the random fields that it uses.

    Args:
        model: of the state.
        state: one member.
        forcing: as for ``NeuralGCM.advance``.

    Returns:
        Of temperature [K s-1], wind [m s-2], specific humidity and cloud contents
        [s-1], by name, each (sigma level, longitude, latitude).
    """
    surface = prescribed_sea(model, state, forcing)
    features = model.step.features(state, surface)
    tendency = model.step.parameterization.tendency(features, state.state)
    return _named(tendency, model.harmonics, "physics")


def dynamics_tendencies(
    model: NeuralGCM, state: ModelState, forcing: None = None
) -> dict[str, Nodal]:
    """Return the tendencies by the dynamical core on the sigma levels, per second.

    The primitive equations, explicit and implicit terms, on the scales that the
    dynamical core resolves.

    Returns:
        As `physics_tendencies`.
    """
    dycore = model.dycore
    grid, orography = dycore.harmonics.grid, dycore.orography
    reference = np.array(dycore.reference_temperature).astype(np.float32)
    resolved = jax.tree.map(
        lambda x: change_truncation(x, grid.modal_shape), state.state
    )
    explicit = explicit_tendencies(
        resolved, dycore.harmonics, dycore.levels, reference, orography.modal(grid)
    )
    implicit = implicit_tendencies(resolved, dycore.levels, reference)
    shape = model.grid.modal_shape
    tendency = jax.tree.map(
        lambda x, y: change_truncation(x + y, shape), explicit, implicit
    )
    return _named(tendency, model.harmonics, "dynamics")


def nudging_tendencies(
    model: NeuralGCM, state: ModelState, forcing: Fields | Forcing
) -> dict[str, Nodal]:
    """Return the mean tendencies by nudging over the last model step, per second.

    Args:
        model: of the state.
        state: one member.
        forcing: as for ``NeuralGCM.advance``, with nudging.

    Returns:
        As `physics_tendencies`, of those variables that may be nudged; zero for those
        that are not.

    Raises:
        ValueError: there is no nudging.
    """
    nudging = getattr(forcing, "nudging", None)
    if nudging is None:
        raise ValueError("there are tendencies due to nudging in nudged runs only")
    now = minutes(state.substep, model.substep_minutes)
    duration = model.step_seconds * units.SECOND
    change = nudging.last_change(state.state, now)
    tendency = jax.tree.map(lambda x: x / duration, change)
    named = _named(tendency, model.harmonics, "nudging")
    return {name: x for name, x in named.items() if name in NUDGING}


def _named(
    tendency: State, harmonics: SphericalHarmonics, process: str
) -> dict[str, Nodal]:
    """Nodal values in SI units, by the names of the diagnostics."""
    names = sorted(tendency.tracers)
    u, v = velocity(tendency.vorticity, tendency.divergence, harmonics)
    modal = [tendency.temperature_variation, *(tendency.tracers[n] for n in names)]
    scalars = harmonics.to_nodal(jnp.stack(modal))
    fields = {
        "temperature": scalars[0],
        "u_component_of_wind": u / units.METER_PER_SECOND,
        "v_component_of_wind": v / units.METER_PER_SECOND,
        **dict(zip(names, scalars[1:], strict=True)),
    }
    return {
        f"{name}_tendency_due_to_{process}": x * units.SECOND
        for name, x in fields.items()
    }


_QUANTITIES = {  # long name, units, CF names of the two tendencies
    "temperature": (
        "Temperature",
        "K s-1",
        "tendency_of_air_temperature_due_to_model_physics",
        "",
    ),
    "u_component_of_wind": (
        "U component of wind",
        "m s-2",
        "tendency_of_eastward_wind_due_to_parameterized_physics",
        "",
    ),
    "v_component_of_wind": (
        "V component of wind",
        "m s-2",
        "tendency_of_northward_wind_due_to_parameterized_physics",
        "",
    ),
    "specific_humidity": (
        "Specific humidity",
        "s-1",
        "tendency_of_specific_humidity_due_to_model_physics",
        "tendency_of_specific_humidity_due_to_advection",
    ),
    "specific_cloud_ice_water_content": (
        "Specific cloud ice water content",
        "s-1",
        "",
        "tendency_of_mass_fraction_of_cloud_ice_in_air_due_to_advection",
    ),
    "specific_cloud_liquid_water_content": (
        "Specific cloud liquid water content",
        "s-1",
        "",
        "tendency_of_mass_fraction_of_cloud_liquid_water_in_air_due_to_advection",
    ),
}
_CMIP = {
    "temperature": CmipVariable(
        "tntmp",
        "Tendency of Air Temperature Due to Model Physics",
        monthly="CFmon",
        daily="",
    ),
    "specific_humidity": CmipVariable(
        "tnhusmp",
        "Tendency of Specific Humidity Due to Model Physics",
        monthly="CFmon",
        daily="",
    ),
}

_NUDGING_ALIASES = {  # in the pattern of CF, which has no such names
    "temperature": "tendency_of_air_temperature_due_to_nudging",
    "u_component_of_wind": "tendency_of_eastward_wind_due_to_nudging",
    "v_component_of_wind": "tendency_of_northward_wind_due_to_nudging",
    "specific_humidity": "tendency_of_specific_humidity_due_to_nudging",
}

NUDGING = {
    f"{name}_tendency_due_to_nudging": name
    for name in list(_QUANTITIES)[:4]  # without cloud
}
"""Variables by the names of their tendencies due to nudging."""

TENDENCIES = (
    *(
        Diagnostic(
            name=f"{name}_tendency_due_to_physics",
            standard_name=physics,
            long_name=f"{long_name} tendency due to the learned physics",
            units=unit,
            needs="forcing",
            aliases=(_CMIP[name].name,) if name in _CMIP else (),
            comment=f"at the start of the next step; {NOT_CORRECTED}",
            cmip=_CMIP.get(name),
            from_state=physics_tendencies,
        )
        for name, (long_name, unit, physics, _) in _QUANTITIES.items()
    ),
    *(
        Diagnostic(
            name=f"{name}_tendency_due_to_dynamics",
            standard_name=dynamics,
            long_name=f"{long_name} tendency due to the dynamical core",
            units=unit,
            comment="without the damping of the smallest scales; " + NOT_CORRECTED,
            from_state=dynamics_tendencies,
        )
        for name, (long_name, unit, _, dynamics) in _QUANTITIES.items()
    ),
    *(
        Diagnostic(
            name=tendency,
            standard_name="",
            long_name=f"{_QUANTITIES[name][0]} tendency due to nudging",
            units=_QUANTITIES[name][1],
            needs="nudging",
            aliases=(_NUDGING_ALIASES[name],),
            comment=f"mean over the model step that ends then; {NOT_CORRECTED}",
            from_state=nudging_tendencies,
        )
        for tendency, name in NUDGING.items()
    ),
)
