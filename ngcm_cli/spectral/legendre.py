"""Gauss-Legendre quadrature and associated Legendre functions, in NumPy float64."""

import functools

import numpy as np


@functools.cache
def gauss_legendre_nodes(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ascending nodes x = sin φ and weights w of ∫₋₁¹ f dx ≈ Σ w f(x)."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return nodes, weights


def associated_legendre(m_count: int, l_count: int, x: np.ndarray) -> np.ndarray:
    """Return normalised associated Legendre functions P̄ₗᵐ(x).

    Normalised to ∫₋₁¹ P̄² dx = 1 and with the Condon-Shortley phase (−1)ᵐ, by the stable
    recurrence in l at fixed m (Press et al., Numerical Recipes):

        P̄ₘᵐ = −√(1 + 1/2m) √(1 − x²) P̄ₘ₋₁ᵐ⁻¹
        P̄ₗᵐ = √((4l² − 1)/(l² − m²)) (x P̄ₗ₋₁ᵐ − √(((l−1)² − m²)/(4(l−1)² − 1)) P̄ₗ₋₂ᵐ)

    Returns:
        Array of shape (m, x, l), zero where l < m.
    """
    p = np.zeros((m_count, len(x), l_count))
    cos = np.sqrt(1 - x**2)
    diagonal = np.full(len(x), np.sqrt(0.5))
    for m in range(m_count):
        if m > 0:
            diagonal = -np.sqrt(1 + 1 / (2 * m)) * cos * diagonal
        if m < l_count:
            p[m, :, m] = diagonal
    m = np.arange(m_count)[:, None]
    for l in range(1, l_count):
        below = slice(0, min(l, m_count))  # only m < l has a two-term recurrence
        mm = m[below]
        scale = np.sqrt((4 * l**2 - 1) / (l**2 - mm**2))
        older = np.sqrt(np.maximum((l - 1) ** 2 - mm**2, 0) / (4 * (l - 1) ** 2 - 1))
        before = p[below, :, l - 2] if l > 1 else 0.0
        p[below, :, l] = scale * (x * p[below, :, l - 1] - older * before)
    return p
