"""Sigma levels: vertical integrals, vertical advection and the hydrostatic relation.

Sigma is pressure over surface pressure. Level 0 is at the top of the atmosphere, the
last level next to the surface. Layers lie between boundaries from σ = 0 to 1, equally
thick or not; variables live in the middle between two boundaries (Durran, Numerical
Methods for Fluid Dynamics, 2nd ed., section 8.6).
"""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli import units
from ngcm_cli.arrays import computed_once
from ngcm_cli.dynamics.vertical_coordinate import Column


@dataclasses.dataclass(frozen=True)
class SigmaLevels:
    """Sigma layers; static and hashable. A `VerticalCoordinate`.

    ``SigmaLevels(n)`` has n equally thick layers, `SigmaLevels.between` any. Levels are
    the third axis from the end of a field, or ``axis``.

    Attributes:
        layers: number of layers n.
        interior: the n − 1 boundaries between layers, ascending, of layers that are not
            equally thick; None of those that are.
    """

    layers: int
    interior: tuple[float, ...] | None = None

    @classmethod
    def between(cls, boundaries: Sequence[float]) -> "SigmaLevels":
        """Return the layers between boundaries, the same object for equal layers.

        Args:
            boundaries: ascending from exactly 0 to exactly 1.

        Raises:
            ValueError: they are not.
        """
        given = np.asarray(boundaries, np.float32)
        is_whole = len(given) > 1 and given[0] == 0 and given[-1] == 1
        if not is_whole or (np.diff(given) <= 0).any():
            raise ValueError("boundaries must ascend from 0 to 1")
        equal = cls(len(given) - 1)
        if (given == equal.boundaries).all():
            return equal
        return cls(len(given) - 1, tuple(map(float, given[1:-1])))

    @property
    def boundaries(self) -> np.ndarray:
        """Shape (layers + 1,), from 0 to 1, float32."""
        if self.interior is None:
            return np.linspace(0, 1, self.layers + 1, dtype=np.float32)
        return np.array([0, *self.interior, 1], np.float32)

    @property
    def centers(self) -> np.ndarray:
        """Shape (layers,), float32."""
        b = self.boundaries
        return (b[1:] + b[:-1]) / 2

    @property
    def thickness(self) -> np.ndarray:
        """Δσ, shape (layers,), float32."""
        return np.diff(self.boundaries)

    @property
    def log_ratios(self) -> np.ndarray:
        """α: half the log distance to the level below; −ln σ at the lowest level."""
        log_centers = np.log(self.centers)
        return np.append(np.diff(log_centers) / 2, -log_centers[-1])

    def integral(self, x: Column) -> Column:
        """Return ∫₀¹ x dσ = Σₖ xₖ Δσₖ; keeps the level axis with length 1."""
        return jnp.sum(x * self.thickness[:, None, None], axis=-3, keepdims=True)

    def cumulative_integral(self, x: Column, axis: int = -3) -> Column:
        """Return ∫₀^σ x dσ to the lower boundary of each layer: Σ_{i≤k} xᵢ Δσᵢ."""
        below = np.tri(self.layers, dtype=np.float32) * self.thickness
        return matvec(below, x, axis)

    def vertical_advection(self, velocity: Column, x: Column, axis: int = -3) -> Column:
        """Return −σ̇ ∂x/∂σ by centred differences.

        Args:
            velocity: σ̇ at the interior boundaries, (layers − 1) levels.
            x: what is advected, at the layer centres.
            axis: of the levels.
        """
        spacing = np.expand_dims(np.diff(self.centers), tuple(range(axis + 1, 0)))
        flux = velocity * (jnp.diff(x, axis=axis) / spacing)
        widths = [(0, 0)] * flux.ndim
        widths[axis] = (1, 1)  # none through the top and the surface
        flux = computed_once(jnp.pad(flux, widths))
        upper = jax.lax.slice_in_dim(flux, 0, -1, axis=axis)
        lower = jax.lax.slice_in_dim(flux, 1, None, axis=axis)
        return -0.5 * (lower + upper)

    @property
    def geopotential_matrix(self) -> np.ndarray:
        """G with Φ − Φₛ = G Tᵥ, upper triangular, shape (layers, layers), float64.

        Hydrostatic integration from the surface up with the log ratios α: Gⱼⱼ = R αⱼ
        and Gⱼₖ = R (αₖ + αₖ₋₁) for k > j (Durran, section 8.6.5).
        """
        alpha = self.log_ratios.astype(np.float64)
        pair = alpha + np.append(0.0, alpha[:-1])
        matrix = np.triu(np.broadcast_to(pair, (self.layers, self.layers)), 1)
        return units.GAS_CONSTANT * (matrix + np.diag(alpha))

    def adiabatic_matrix(self, reference_temperature: np.ndarray) -> np.ndarray:
        """Return H with ∂T/∂t = −H δ: adiabatic and vertical transport, float64.

        The part of κTω/p − σ̇∂T/∂σ that is linear in divergence around the reference
        temperature profile (Durran, section 8.6.5).
        """
        alpha, thickness = self.log_ratios[:, None], self.thickness.astype(np.float64)
        reference = np.asarray(reference_temperature, np.float64)
        lower = np.tri(self.layers)

        adiabatic = alpha * lower
        adiabatic = adiabatic + _shift_rows(adiabatic)
        adiabatic *= units.KAPPA * (reference / thickness)[:, None]

        gradient = np.diff(reference) / (thickness[1:] + thickness[:-1])
        transport = np.append(gradient, 0.0)[:, None] * (
            lower - np.cumsum(thickness)[:, None]
        )
        transport = transport + _shift_rows(transport)
        return (adiabatic - transport) * thickness

    def geopotential(self, temperature: Column, axis: int = -3) -> Column:
        """Return Φ − Φₛ at layer centres from (virtual) temperature."""
        return matvec(self.geopotential_matrix.astype(np.float32), temperature, axis)


def _shift_rows(x: np.ndarray) -> np.ndarray:
    """Move every row one down; the first becomes zero."""
    return np.vstack([np.zeros_like(x[:1]), x[:-1]])


def matvec(matrix: np.ndarray | jax.Array, x: Column, axis: int = -3) -> Column:
    """Multiply each column of x by a (level, level) matrix, in full float32.

    Args:
        matrix: of shape (level, level).
        x: columns.
        axis: of the levels in x, −3 or −2.
    """
    highest = jax.lax.Precision.HIGHEST
    if axis == -3:
        return jnp.einsum("ab,...bij->...aij", matrix, x, precision=highest)
    # One product for each longitude: a single one of all would transpose x twice.
    matrix = jnp.broadcast_to(matrix, (*x.shape[:-2], *matrix.shape))
    return jnp.matmul(matrix, x, precision=highest)
