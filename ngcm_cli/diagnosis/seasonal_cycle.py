"""The annual cycle: amplitude and phase of its first harmonic."""

import numpy as np


def annual_harmonic(climatology: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return amplitude and phase of the annual harmonic of a monthly climatology.

    With months of equal length, whose means stand for their middles,

        x(t) = mean + A cos(2 π (t - t₀)/12) + ...

    The mean over a month is smaller than the value in its middle by the factor
    sin(π/12)/(π/12) = 0.989, which is not corrected.

    Args:
        climatology: (month, ...), January first.

    Returns:
        Amplitude A, in the units of the climatology, and the time of the maximum t₀,
        in months since the beginning of January, from 0 to 12; both (...).

    Raises:
        ValueError: there are not twelve months.
    """
    climatology = np.asarray(climatology, np.float64)
    if len(climatology) != 12:
        raise ValueError(f"{len(climatology)} months instead of 12")
    angle = 2 * np.pi * (np.arange(12) + 0.5) / 12
    cosine = np.tensordot(np.cos(angle), climatology, 1) / 6
    sine = np.tensordot(np.sin(angle), climatology, 1) / 6
    phase = np.arctan2(sine, cosine) * 6 / np.pi
    return np.hypot(cosine, sine), phase % 12
