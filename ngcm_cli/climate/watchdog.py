"""When a long run has become unstable: numbers that no atmosphere has."""

from collections.abc import Mapping

import numpy as np

MAX_WIND = 300.0
"""m/s; the fastest jets of the stratosphere reach 180."""
TEMPERATURES = 120.0, 400.0
"""K; the air has 130 at the summer mesopause and 330 over deserts."""
MEAN_PRESSURE = 95e3, 102e3
"""Pa, global mean; Earth's is 98.5e3, and an atmosphere that drifts from it loses or
gains mass."""
PRESSURES = 25e3, 115e3
"""Pa, anywhere at the surface, mountains included."""


def trouble(look: Mapping[str, np.ndarray], sigma: np.ndarray) -> str | None:
    """What is wrong with a state, in words; None where nothing is.

    Args:
        look: numbers of one state, as ``gcm.global_means.watch`` gives them.
        sigma: centres of the levels.
    """
    low, high = TEMPERATURES
    on_levels = (
        ("temperature", look["min_temperature"], "K", low, np.inf),
        ("temperature", look["max_temperature"], "K", -np.inf, high),
        ("wind", look["max_wind"], "m/s", -np.inf, MAX_WIND),
    )
    at_surface = (
        (
            "the global mean of surface pressure",
            look["surface_pressure"],
            MEAN_PRESSURE,
        ),
        ("surface pressure", look["min_surface_pressure"], PRESSURES),
        ("surface pressure", look["max_surface_pressure"], PRESSURES),
    )
    for name, values, _, _, _ in on_levels:
        gone = np.flatnonzero(~np.isfinite(values))
        if len(gone):
            return f"{name} is not finite at sigma {sigma[gone[0]]:.3g}"
    for name, value, _ in at_surface:
        if not np.isfinite(value):
            return f"{name} is not finite"
    if not look["finite"]:
        return "a variable is not finite"
    for name, values, unit, least, most in on_levels:
        beyond = np.flatnonzero((values < least) | (values > most))
        if len(beyond):
            level = beyond[0]
            return f"{name} is {values[level]:.0f} {unit} at sigma {sigma[level]:.3g}"
    for name, value, (least, most) in at_surface:
        if not least <= value <= most:
            return f"{name} is {value / 100:.0f} hPa"
    return None
