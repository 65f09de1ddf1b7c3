"""The linear gravity-wave terms, and their exact implicit solution.

For each total wavenumber l, divergence, temperature and log surface pressure of a
column are coupled linearly around the reference temperature, with λ = −l(l + 1):

    ∂δ/∂t = −λ (G T′ + R T_ref π),   ∂T′/∂t = −H δ,   ∂π/∂t = −Δσᵀ δ

(Durran, Numerical Methods for Fluid Dynamics, 2nd ed., section 8.6.5). Treating them
implicitly lets the time step be set by the wind instead of the fastest gravity wave.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ngcm_cli import units
from ngcm_cli.dynamics.sigma import matvec
from ngcm_cli.dynamics.state import State
from ngcm_cli.dynamics.vertical_coordinate import VerticalCoordinate
from ngcm_cli.spectral.operators import laplacian


def implicit_tendencies(
    state: State, levels: VerticalCoordinate, reference_temperature: np.ndarray
) -> State:
    """Return modal gravity-wave tendencies per nondimensional time, else zero."""
    geopotential = levels.geopotential_matrix.astype(np.float32)
    pressure = (units.GAS_CONSTANT * reference_temperature).astype(np.float32)
    adiabatic = levels.adiabatic_matrix(reference_temperature).astype(np.float32)
    return State(
        vorticity=jnp.zeros_like(state.vorticity),
        divergence=-laplacian(
            matvec(geopotential, state.temperature_variation)
            + pressure[:, None, None] * state.log_surface_pressure
        ),
        temperature_variation=-matvec(adiabatic, state.divergence),
        log_surface_pressure=-levels.integral(state.divergence),
        tracers=jax.tree.map(jnp.zeros_like, state.tracers),
    )


def implicit_matrix(
    total_wavenumbers: int,
    levels: VerticalCoordinate,
    reference_temperature: np.ndarray,
) -> np.ndarray:
    """Return the operator as a matrix on (δ, T′, π), (l, 2n + 1, 2n + 1), float64."""
    n = levels.layers
    l = np.arange(total_wavenumbers)[:, None, None]
    eigenvalue = -l * (l + 1.0)
    pressure = units.GAS_CONSTANT * np.asarray(reference_temperature, np.float64)
    matrix = np.zeros((total_wavenumbers, 2 * n + 1, 2 * n + 1))
    matrix[:, :n, n : 2 * n] = -eigenvalue * levels.geopotential_matrix
    matrix[:, :n, 2 * n :] = -eigenvalue * pressure[:, None]
    matrix[:, n : 2 * n, :n] = -levels.adiabatic_matrix(reference_temperature)
    matrix[:, 2 * n, :n] = -levels.thickness
    return matrix


def implicit_inverse(matrix: np.ndarray, step: float) -> np.ndarray:
    """Return (1 − step · matrix)⁻¹ for each total wavenumber, inverted in float64."""
    return np.linalg.inv(np.eye(matrix.shape[-1]) - step * matrix)


class ImplicitSolve(eqx.Module):
    """State ↦ (1 − η · implicit)⁻¹ state, with the inverses computed beforehand.

    Attributes:
        inverses: one for the η of each stage of the time integrator.
    """

    inverses: Float[Array, "stage total_wavenumber a b"]

    def __call__(self, stage: Int[Array, ""], state: State) -> State:
        """Solve for divergence, temperature and pressure; the others pass through."""
        n = state.divergence.shape[0]
        stacked = jnp.concatenate(
            [state.divergence, state.temperature_variation, state.log_surface_pressure]
        )
        solved = jnp.einsum(
            "lab,brl->arl",
            self.inverses[stage],
            stacked,
            precision=jax.lax.Precision.HIGHEST,
        )
        return State(
            vorticity=state.vorticity,
            divergence=solved[:n],
            temperature_variation=solved[n : 2 * n],
            log_surface_pressure=solved[2 * n :],
            tracers=state.tracers,
        )
