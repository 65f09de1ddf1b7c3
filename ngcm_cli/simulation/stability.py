"""When a run has become unstable: values that no atmosphere has, and what is done."""

import dataclasses
from collections.abc import Mapping
from typing import Any

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
MAX_REWINDS = 3
"""Number of times a member is rewound to the same restart file."""
REWIND_PERTURBATION = 1e-6
"""Relative perturbation of a state to which an unstable member is rewound."""


@dataclasses.dataclass
class StabilityRecord:
    """What happened to the members of a task.

    Attributes:
        failed: members that became unstable: ``init_time``, ``realization``,
            ``lead_time`` of the first window without them, and ``reason``.
        rewinds: every rewind, in order: ``realization``, ``reason``, ``to`` (the time
            of the restart file) and ``relative_perturbation``.
    """

    failed: dict[int, dict[str, Any]] = dataclasses.field(default_factory=dict)
    rewinds: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def attempts(self, member: int, to: str) -> int:
        """Return how often a member was rewound to a time."""
        return sum(r["realization"] == member and r["to"] == to for r in self.rewinds)

    def copy(self) -> "StabilityRecord":
        """Return an independent record of the same."""
        return StabilityRecord(dict(self.failed), list(self.rewinds))


def find_instability(monitor: Mapping[str, np.ndarray], sigma: np.ndarray) -> str:
    """Return what is wrong with a state, as a clause; empty where nothing is.

    Args:
        monitor: of one member, as `diagnostics.monitor` returns it; what a model does
            not monitor is not checked.
        sigma: centres of the model's levels; not named where there is but one.
    """

    def at(level: int) -> str:
        return f" at sigma {sigma[level]:.3g}" if len(sigma) > 1 else ""

    low, high = TEMPERATURES
    on_levels = (
        ("temperature", "min_temperature", "K", low, np.inf),
        ("temperature", "max_temperature", "K", -np.inf, high),
        ("wind", "max_wind", "m/s", -np.inf, MAX_WIND),
        ("the depth of the layer", "min_depth", "m", 0.0, np.inf),
    )
    at_surface = (
        ("the global mean of surface pressure", "surface_pressure", MEAN_PRESSURE),
        ("surface pressure", "min_surface_pressure", PRESSURES),
        ("surface pressure", "max_surface_pressure", PRESSURES),
    )
    on_levels = [x for x in on_levels if x[1] in monitor]
    at_surface = [x for x in at_surface if x[1] in monitor]
    for name, key, *_ in on_levels:
        bad = np.flatnonzero(~np.isfinite(monitor[key]))
        if len(bad):
            return f"{name} is not finite{at(bad[0])}"
    for name, key, _ in at_surface:
        if not np.isfinite(monitor[key]):
            return f"{name} is not finite"
    if not monitor["finite"]:
        return "a variable is not finite"
    for name, key, unit, least, most in on_levels:
        values = monitor[key]
        beyond = np.flatnonzero((values < least) | (values > most))
        if len(beyond):
            level = beyond[0]
            return f"{name} is {values[level]:.0f} {unit}{at(level)}"
    for name, key, (least, most) in at_surface:
        if not least <= monitor[key] <= most:
            return f"{name} is {monitor[key] / 100:.0f} hPa"
    return ""
