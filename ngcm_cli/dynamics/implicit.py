"""The linear gravity-wave terms, and their exact implicit solution.

For each total wavenumber l, divergence, temperature and log surface pressure of a
column are coupled linearly around the reference temperature, with λ = −l(l + 1):

    ∂δ/∂t = −λ (G T′ + R T_ref π),   ∂T′/∂t = −H δ,   ∂π/∂t = −Δσᵀ δ

(Durran, Numerical Methods for Fluid Dynamics, 2nd ed., section 8.6.5). Treating them
implicitly lets the time step be set by the wind instead of the fastest gravity wave.
"""

import dataclasses
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ngcm_cli import units
from ngcm_cli.arrays import on_device
from ngcm_cli.dynamics.sigma import matvec
from ngcm_cli.dynamics.state import State
from ngcm_cli.dynamics.vertical_coordinate import VerticalCoordinate
from ngcm_cli.spectral.operators import laplacian


def implicit_tendencies(
    state: State, levels: VerticalCoordinate, reference_temperature: np.ndarray
) -> State:
    """Return modal gravity-wave tendencies per nondimensional time.

    Those of vorticity and tracers are a single zero: no whole field is carried about.
    """
    geopotential = levels.geopotential_matrix.astype(np.float32)
    pressure = (units.GAS_CONSTANT * reference_temperature).astype(np.float32)
    adiabatic = levels.adiabatic_matrix(reference_temperature).astype(np.float32)
    zero = jnp.zeros((1, 1, 1), state.vorticity.dtype)
    return State(
        vorticity=zero,
        divergence=-laplacian(
            matvec(geopotential, state.temperature_variation)
            + pressure[:, None, None] * state.log_surface_pressure
        ),
        temperature_variation=-matvec(adiabatic, state.divergence),
        log_surface_pressure=-levels.integral(state.divergence),
        tracers=dict.fromkeys(state.tracers, zero),
    )


def vertical_modes(
    levels: VerticalCoordinate, reference_temperature: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the vertical normal modes of gravity waves, in float64.

    They are the eigenvectors of A = G H + R T_ref Δσᵀ, which couples the levels of the
    divergence in ∂²δ/∂t² = λ A δ; see the equations of this module.

    Returns:
        Squared speeds of the waves, (mode,), nondimensional, fastest first, and the
        modes in columns, (level, mode).

    Raises:
        ValueError: an atmosphere of the reference temperature is not stable.
    """
    temperature = np.asarray(reference_temperature, np.float64)
    coupling = levels.geopotential_matrix @ levels.adiabatic_matrix(temperature)
    coupling += np.outer(units.GAS_CONSTANT * temperature, levels.thickness)
    speeds, modes = np.linalg.eig(coupling)
    if np.iscomplexobj(speeds) or speeds.min() <= 0:
        raise ValueError("an atmosphere of the reference temperature is not stable")
    order = np.argsort(-speeds)
    return speeds[order], modes[:, order]


class ImplicitSolve(eqx.Module):
    """State ↦ (1 − η · implicit)⁻¹ state, by elimination and vertical modes.

    Without T′ and π, of which λ = −l(l + 1) and A as in `vertical_modes`,

        (1 − η² λ A) δ = δ* − η λ (G T* + R T_ref π*)

    and of each vertical mode, of speed c, the left-hand side is 1 + r times it, where
    r = −η² λ c². No product mixes wavenumbers, so nothing is transposed. The change of
    δ is computed, so that rounding is small against δ.

    Attributes:
        levels: vertical levels.
        reference_temperature: of each level, K.
        to_modes: of divergence, V⁻¹.
        temperature_to_modes: V⁻¹ G.
        pressure_to_modes: V⁻¹ R T_ref.
        from_modes: V.
        step: η of each stage of the time integrator.
        ratio: r of each stage.
    """

    levels: VerticalCoordinate = eqx.field(static=True)
    reference_temperature: tuple[float, ...] = eqx.field(static=True)
    to_modes: Float[Array, "mode level"]
    temperature_to_modes: Float[Array, "mode level"]
    pressure_to_modes: Float[Array, " mode"]
    from_modes: Float[Array, "level mode"]
    step: Float[Array, " stage"]
    ratio: Float[Array, "stage mode total_wavenumber"]

    def __init__(
        self,
        total_wavenumbers: int,
        levels: VerticalCoordinate,
        reference_temperature: tuple[float, ...],
        steps: Sequence[float],
    ):
        """Compute modes and ratios in float64 and round them once.

        Args:
            total_wavenumbers: number of them.
            levels: vertical levels.
            reference_temperature: of each level, K.
            steps: η of each stage of the time integrator.

        Raises:
            ValueError: an atmosphere of the reference temperature is not stable.
        """
        temperature = np.array(reference_temperature)
        squares, modes = vertical_modes(levels, temperature)
        inverse = np.linalg.inv(modes)
        l = np.arange(total_wavenumbers)
        eta = np.array(steps)
        ratio = eta[:, None, None] ** 2 * squares[:, None] * (l * (l + 1.0))
        self.levels = levels
        self.reference_temperature = reference_temperature
        self.to_modes = _rounded(inverse)
        self.temperature_to_modes = _rounded(inverse @ levels.geopotential_matrix)
        self.pressure_to_modes = _rounded(inverse @ (units.GAS_CONSTANT * temperature))
        self.from_modes = _rounded(modes)
        self.step = _rounded(eta)
        self.ratio = _rounded(ratio)

    def __call__(self, stage: Int[Array, ""], state: State) -> State:
        """Solve for divergence, temperature and pressure; the others pass through."""
        step, ratio = self.step[stage], self.ratio[stage][:, None]
        waves = (
            matvec(self.temperature_to_modes, state.temperature_variation)
            + self.pressure_to_modes[:, None, None] * state.log_surface_pressure
        )
        modes = ratio * matvec(self.to_modes, state.divergence) + step * laplacian(
            waves
        )
        change = -matvec(self.from_modes, modes / (1 + ratio))
        solved = dataclasses.replace(state, divergence=state.divergence + change)
        temperature = np.array(self.reference_temperature, np.float32)
        fast = implicit_tendencies(solved, self.levels, temperature)
        return dataclasses.replace(
            solved,
            temperature_variation=state.temperature_variation
            + step * fast.temperature_variation,
            log_surface_pressure=state.log_surface_pressure
            + step * fast.log_surface_pressure,
        )


def _rounded(x: np.ndarray) -> jax.Array:
    return on_device(x.astype(np.float32))
