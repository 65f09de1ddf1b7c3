"""The shallow-water equations as a model that the run machinery knows.

Without the damping of the wind the equations keep the means over the sphere of the
depth h, of energy per density and of potential enstrophy,

    h |**v**|²/2 + g h (h/2 + hₛ),  (ζ + f)²/(2h)

with the height of the ground hₛ (Williamson et al. 1992, whose g (h² − hₛ²)/2 has the
height of the surface for h, and is the same).
"""

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType

import equinox as eqx
import jax
import jax.numpy as jnp

from ngcm_cli import diagnostics, units
from ngcm_cli.diagnostics import Diagnostic
from ngcm_cli.dynamics.shallow_water import ShallowWater, ShallowWaterState
from ngcm_cli.idealized.case import Resolution
from ngcm_cli.idealized.layer_flow import LayerFlow
from ngcm_cli.idealized.model import IdealizedModel, IdealizedState
from ngcm_cli.spectral.filters import exponential_filter
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.operators import velocity
from ngcm_cli.spectral.transform import SphericalHarmonics

DAMPING_TIME = 3600.0
"""Within which the wind of the smallest scale is damped by a factor e, s."""
DAMPING_ORDER = 8
"""p of `exponential_filter`: ∇¹⁶ diffusion, which leaves larger scales alone."""

_DIAGNOSTICS = (
    Diagnostic(
        name="geopotential_height",
        standard_name="geopotential_height",
        long_name="Height of the surface of the layer",
        units="m",
        vertical="surface",
        aliases=("height", "zg"),
    ),
    Diagnostic(
        name="depth",
        standard_name="",
        long_name="Depth of the layer",
        units="m",
        vertical="surface",
    ),
    Diagnostic(
        name="total_energy",
        standard_name="",
        long_name="Total energy of the layer per density",
        units="m3 s-2",
        vertical="surface",
    ),
    Diagnostic(
        name="potential_enstrophy",
        standard_name="",
        long_name="Potential enstrophy of the layer per density",
        units="m-1 s-2",
        vertical="surface",
    ),
    *(
        dataclasses.replace(
            diagnostics.DIAGNOSTICS[name],
            vertical="surface",
            needs="state",
            cmip=None,  # those have levels
            comment="",
            from_state=None,
        )
        for name in (
            *("u_component_of_wind", "v_component_of_wind"),
            *("vorticity", "divergence"),
        )
    ),
)
DIAGNOSTICS: Mapping[str, Diagnostic] = MappingProxyType(
    {diagnostic.name: diagnostic for diagnostic in _DIAGNOSTICS}
)
"""Output variables of one layer by name."""
_BUDGETS = "total_energy", "potential_enstrophy"


class ShallowWaterModel(IdealizedModel):
    """One layer of fluid on the rotating sphere, and the flow it begins with.

    Attributes:
        name: of the case.
        step_seconds: length of the time step.
        initial: modal state at the beginning.
        system: equations and time integrator; a call of it is one time step.
    """

    name: str = eqx.field(static=True)
    step_seconds: int = eqx.field(static=True)
    initial: ShallowWaterState
    system: ShallowWater

    @property
    def harmonics(self) -> SphericalHarmonics:
        """Transforms between grid and modal fields."""
        return self.system.harmonics

    @property
    def grid(self) -> Grid:
        """Horizontal grid."""
        return self.harmonics.grid

    @property
    def mean_depth(self) -> float:
        """Mean depth of the layer over the sphere, m."""
        return self.system.mean_geopotential / (units.GRAVITY * units.METER)

    @property
    def equations(self) -> str:
        """What is solved."""
        return f"shallow-water equations, mean depth {self.mean_depth:.0f} m"

    @property
    def diagnostics(self) -> Mapping[str, Diagnostic]:
        """Output variables, all of the one layer."""
        return DIAGNOSTICS

    @property
    def default_outputs(self) -> tuple[str, ...]:
        """Names of all output variables but those of budgets."""
        return tuple(name for name in DIAGNOSTICS if name not in _BUDGETS)

    def step(self, state: ShallowWaterState) -> ShallowWaterState:
        """Return the modal state one time step later."""
        return self.system(state)

    def decode(
        self,
        state: IdealizedState,
        variables: tuple[str, ...] | None = None,
        forcing: object = None,
    ) -> dict[str, jax.Array]:
        """Return fields by name, SI units, each (1, longitude, latitude)."""
        fields = _fields(self.system, state.state)
        return {name: fields[name] for name in variables or self.default_outputs}

    def monitor(self, state: IdealizedState) -> dict[str, jax.Array]:
        """Return ``finite``; (level,) ``max_wind`` [m s-1] and ``min_depth`` [m]."""
        leaves = jax.tree.leaves(state.state)
        finite = jnp.stack([jnp.isfinite(x).all() for x in leaves]).all()
        fields = _fields(self.system, state.state)
        speed = jnp.hypot(fields["u_component_of_wind"], fields["v_component_of_wind"])
        extremes = {
            "max_wind": speed.max((-2, -1)),
            "min_depth": fields["depth"].min((-2, -1)),
        }
        # On a CPU, XLA leaves NaN out of extremes.
        known = {name: jnp.where(finite, x, jnp.nan) for name, x in extremes.items()}
        return {"finite": finite, **known}


@eqx.filter_jit
def _fields(system: ShallowWater, state: ShallowWaterState) -> dict[str, jax.Array]:
    harmonics = system.harmonics
    modal = [state.vorticity, state.divergence, state.geopotential, system.ground[None]]
    nodal = harmonics.to_nodal(jnp.concatenate(modal))
    vorticity, divergence, geopotential, ground = jnp.split(nodal, 4)
    metre = units.GRAVITY * units.METER
    depth = (geopotential + system.mean_geopotential) / metre
    u, v = velocity(state.vorticity, state.divergence, harmonics)
    kinetic = (u**2 + v**2) / 2 / units.SQUARE_METER_PER_SQUARE_SECOND
    weight = units.GRAVITY_SI * (depth / 2 + ground / metre)  # m2 s-2
    absolute_vorticity = (vorticity + system.coriolis) * units.SECOND
    return {
        "geopotential_height": depth + ground / metre,
        "depth": depth,
        "total_energy": depth * (kinetic + weight),
        "potential_enstrophy": absolute_vorticity**2 / (2 * depth),
        "u_component_of_wind": u / units.METER_PER_SECOND,
        "v_component_of_wind": v / units.METER_PER_SECOND,
        "vorticity": vorticity * units.SECOND,
        "divergence": divergence * units.SECOND,
    }


def shallow_water_model(
    name: str, flow: Callable[[Grid], LayerFlow], resolution: Resolution
) -> ShallowWaterModel:
    """Return the model of a case.

    Args:
        name: of the case.
        flow: returns the initial flow on a grid.
        resolution: of the model.
    """
    harmonics = resolution.harmonics()
    initial = flow(harmonics.grid)
    damping = exponential_filter(
        harmonics.grid.total_wavenumbers,
        resolution.step_seconds / DAMPING_TIME,
        DAMPING_ORDER,
    )
    return ShallowWaterModel(
        name=name,
        step_seconds=resolution.step_seconds,
        initial=initial.state(harmonics),
        system=initial.system(harmonics, resolution.step_seconds, damping),
    )
