"""How a test compares two arrays of numbers, and what it says when they differ.

A tolerance is absolute, in the unit of the variable, and bounds the root mean square of
the difference. It comes from rounding (``k * EPS * rms(expected)``) or from a measured
sensitivity (``k * sensitivity``), never from what happens to pass.
"""

import numpy as np

EPS = float(np.finfo(np.float32).eps)
"""Spacing of float32 numbers at 1."""


def rms(x) -> float:
    """Root mean square over all elements, in float64."""
    return float(np.sqrt(np.mean(np.square(np.asarray(x, np.float64)))))


def perturbed(x, seed: int = 0, amount: float = 1e-7) -> np.ndarray:
    """X with relative noise, to measure how much rounding of an input matters."""
    x = np.asarray(x)
    noise = np.random.default_rng(seed).standard_normal(x.shape)
    return (x * (1 + amount * noise)).astype(x.dtype)


def assert_agrees(name: str, unit: str, ours, expected, tolerance: float) -> None:
    """Fail unless the RMS difference is at most ``tolerance`` and all is finite.

    Args:
        name: of the variable.
        unit: of the variable and of the tolerance; "1" for a pure number.
        ours: what the package computed.
        expected: what it should be, of the same shape.
        tolerance: largest allowed RMS difference, in ``unit``.
    """
    ours, expected = np.asarray(ours), np.asarray(expected)
    if ours.shape != expected.shape:
        raise AssertionError(f"{name}: shape {ours.shape}, expected {expected.shape}")
    difference = ours.astype(np.float64) - expected.astype(np.float64)
    error = rms(difference)
    if np.all(np.isfinite(ours)) and error <= tolerance:
        return
    worst = np.unravel_index(np.argmax(np.abs(difference)), difference.shape)
    at = tuple(int(i) for i in worst)
    raise AssertionError(
        f"{name} [{unit}]: RMS difference {error:.3g}, tolerance {tolerance:.3g}, "
        f"RMS expected {rms(expected):.3g}; most at {at}: "
        f"{ours[worst]:.9g} instead of {expected[worst]:.9g}; "
        f"{np.count_nonzero(~np.isfinite(ours))} of {ours.size} not finite"
    )
