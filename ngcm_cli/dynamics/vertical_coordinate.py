"""What the equations need of the vertical levels, as a protocol."""

from typing import Protocol

import numpy as np
from jaxtyping import Array, Float

Column = Float[Array, "*batch level longitude latitude"]


class VerticalCoordinate(Protocol):
    """Discrete vertical operators of the primitive equations; static and hashable.

    Level 0 is at the top. Integrals are over mass relative to the mass of the column,
    so that ∫ 1 = 1; with `SigmaLevels`, over σ. ``axis`` is that of the levels.
    """

    @property
    def layers(self) -> int:
        """Number of layers."""
        ...

    @property
    def centers(self) -> np.ndarray:
        """Pressure over surface pressure at the layer centres, (layers,), float32."""
        ...

    @property
    def thickness(self) -> np.ndarray:
        """Share of the mass of the column in each layer, shape (layers,), float32."""
        ...

    @property
    def log_ratios(self) -> np.ndarray:
        """α of the hydrostatic relation, shape (layers,)."""
        ...

    @property
    def geopotential_matrix(self) -> np.ndarray:
        """G with Φ − Φₛ = G Tᵥ, shape (layers, layers), float64."""
        ...

    def adiabatic_matrix(self, reference_temperature: np.ndarray) -> np.ndarray:
        """Return H with ∂T/∂t = −H δ around a reference temperature, float64."""
        ...

    def integral(self, x: Column) -> Column:
        """Return the integral over the column; keeps the level axis with length 1."""
        ...

    def cumulative_integral(self, x: Column, axis: int = -3) -> Column:
        """Return the integral from the top to the lower boundary of each layer."""
        ...

    def vertical_advection(self, velocity: Column, x: Column, axis: int = -3) -> Column:
        """Return −velocity ∂x/∂σ, the velocity being given at interior boundaries."""
        ...

    def geopotential(self, temperature: Column, axis: int = -3) -> Column:
        """Return Φ − Φₛ at the layer centres from (virtual) temperature."""
        ...
