"""Held and Suarez (1994): a dry climate with relaxed temperature and surface drag.

A Proposal for the Intercomparison of the Dynamical Cores of Atmospheric General
Circulation Models, Bulletin of the American Meteorological Society 75, 1825-1830,
doi:10.1175/1520-0477(1994)075<1825:APFTIO>2.0.CO;2. The paper has no numbers on its
equations, which are on page 1826.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ngcm_cli import units
from ngcm_cli.arrays import Nodal, NodalSurface
from ngcm_cli.dynamics import SigmaLevels, State
from ngcm_cli.idealized.case import Case, Resolution
from ngcm_cli.idealized.initial_fields import InitialFields, angle_from, coordinates
from ngcm_cli.idealized.primitive import PrimitiveEquations, primitive_equations
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.operators import clip_wavenumbers
from ngcm_cli.spectral.transform import SphericalHarmonics

_DAY = np.timedelta64(86400, "s")
_BOUNDARY_LAYER = 0.7  # σ_b
_DRAG = 1 / units.DAY  # k_f
_SLOW, _FAST = 1 / (40 * units.DAY), 1 / (4 * units.DAY)  # k_a, k_s
_CONTRAST, _STABILITY = 60.0, 10.0  # ΔT_y and Δθ_z, K
_WARMEST, _COLDEST = 315.0, 200.0  # K
_PRESSURE = 1000 * units.HECTOPASCAL  # p₀


def equilibrium_temperature(
    sin_latitude: Float[Array, "..."], pressure: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Return the radiative equilibrium temperature in K.

        T_eq = max{200, [315 − ΔT_y sin²φ − Δθ_z ln(p/p₀) cos²φ] (p/p₀)^κ}

    Args:
        sin_latitude: sin φ.
        pressure: p, nondimensional; broadcasts to ``sin_latitude``.
    """
    ratio, sin2 = pressure / np.float32(_PRESSURE), sin_latitude**2
    profile = _WARMEST - _CONTRAST * sin2 - _STABILITY * jnp.log(ratio) * (1 - sin2)
    return jnp.maximum(_COLDEST, profile * ratio ** np.float32(units.KAPPA))


def _in_boundary_layer(sigma: np.ndarray) -> np.ndarray:
    """Return max(0, (σ − σ_b)/(1 − σ_b))."""
    return np.maximum(0, (sigma - _BOUNDARY_LAYER) / (1 - _BOUNDARY_LAYER))


def relaxation_rate(grid: Grid, sigma: np.ndarray) -> np.ndarray:
    """Return k_T = k_a + (k_s − k_a) max(0, (σ − σ_b)/(1 − σ_b)) cos⁴φ.

    Args:
        grid: whose latitudes are meant.
        sigma: of the levels, shape (level,).

    Returns:
        Per nondimensional time, (level, 1, latitude).
    """
    near = _in_boundary_layer(sigma)[:, None, None] * grid.cos_latitude**4
    return _SLOW + (_FAST - _SLOW) * near


def drag_rate(sigma: np.ndarray) -> np.ndarray:
    """Return k_v = k_f max(0, (σ − σ_b)/(1 − σ_b)) per nondimensional time."""
    return _DRAG * _in_boundary_layer(sigma)


class HeldSuarezForcing(eqx.Module):
    """Tendencies of the benchmark.

        ∂v/∂t = … − k_v(σ) v,   ∂T/∂t = … − k_T(φ, σ) [T − T_eq(φ, p)]

    Attributes:
        harmonics: transforms of the grid.
        levels: sigma levels.
        reference_temperature: K, of which states hold the deviation.
    """

    harmonics: SphericalHarmonics
    levels: SigmaLevels = eqx.field(static=True)
    reference_temperature: float = eqx.field(static=True)

    def __call__(self, state: State) -> State:
        """Return modal tendencies of a modal state, per nondimensional time."""
        drag = jnp.asarray(drag_rate(self.levels.centers), jnp.float32)[:, None, None]
        nodal = self.harmonics.to_nodal(
            jnp.concatenate([state.temperature_variation, state.log_surface_pressure])
        )
        heating = self.heating(nodal[:-1] + self.reference_temperature, nodal[-1:])
        return State(
            vorticity=-drag * state.vorticity,
            divergence=-drag * state.divergence,
            temperature_variation=clip_wavenumbers(self.harmonics.to_modal(heating)),
            log_surface_pressure=jnp.zeros_like(state.log_surface_pressure),
            tracers={},
        )

    def heating(self, temperature: Nodal, log_surface_pressure: NodalSurface) -> Nodal:
        """Return −k_T (T − T_eq), K per nondimensional time."""
        grid, sigma = self.harmonics.grid, self.levels.centers
        pressure = jnp.exp(log_surface_pressure) * sigma[:, None, None]
        sin_latitude = jnp.asarray(grid.sin_latitude, jnp.float32)
        equilibrium = equilibrium_temperature(sin_latitude, pressure)
        rate = jnp.asarray(relaxation_rate(grid, sigma), jnp.float32)
        return -rate * (temperature - equilibrium)


def build(resolution: Resolution) -> PrimitiveEquations:
    """Return the model, which starts at rest from 300 K.

    The paper leaves the initial state open. Here one warm spot of 1 K in each
    hemisphere, at another longitude, lets waves grow.
    """
    harmonics = resolution.harmonics()
    longitude, latitude, _ = coordinates(harmonics, resolution.levels)
    reference = 300.0

    def spot(where: float, side: int) -> np.ndarray:
        distance = angle_from((where, side * np.pi / 4), longitude, latitude)
        return np.exp(-((distance / 0.2) ** 2))

    initial = InitialFields(
        harmonics,
        resolution.levels,
        temperature=reference + spot(np.pi / 2, 1) + spot(3 * np.pi / 2, -1),
        surface_pressure=1e5,
    )
    return primitive_equations(
        HELD_SUAREZ.name,
        resolution.step_seconds,
        initial,
        forcing=HeldSuarezForcing(harmonics, resolution.levels, reference),
        reference_temperature=reference,
    )


HELD_SUAREZ = Case(
    name="held-suarez",
    title="Dry climate with relaxed temperature and surface drag",
    paper="https://doi.org/10.1175/1520-0477(1994)075<1825:APFTIO>2.0.CO;2",
    build=build,
    truncation=42,
    layers=20,
    lead=200 * _DAY,
    every=_DAY,
    speed=100.0,
)
