"""Departures of observations from the model: quality control and statistics."""

import dataclasses

import numpy as np

from ngcm_cli.assimilation.observations import OBSERVABLE, SURFACE, Observations
from ngcm_cli.inputs.variables import VARIABLES

USED, FAR_FROM_BACKGROUND, BELOW_GROUND = 0, 1, 2
STATUS = {
    USED: "used",
    FAR_FROM_BACKGROUND: "far_from_background",
    BELOW_GROUND: "below_ground",
}
"""What became of an observation, and why."""

_EDGES = 0.0, 100.0, 250.0, 400.0, 600.0, 800.0, 1100.0  # hPa, of layers


@dataclasses.dataclass(frozen=True, eq=False)
class Departures:
    """Observations beside what the model has in their place; arrays (observation,).

    Attributes:
        observations: those of the window.
        background: equivalents of the background, SI units.
        background_error: their standard deviation by the assumed errors.
        status: keys of `STATUS`.
        analysis: equivalents of the analysis; NaN before it is known.
    """

    observations: Observations
    background: np.ndarray
    background_error: np.ndarray
    status: np.ndarray
    analysis: np.ndarray

    def count(self, status: int) -> int:
        """Return how many observations have a status."""
        return int((self.status == status).sum())


def layer_of(observations: Observations) -> np.ndarray:
    """Return the layer of each observation: from 0 at the top, -1 at the surface."""
    layer = np.searchsorted(_EDGES, observations.pressure, side="right") - 1
    return np.where(np.isin(observations.variable, SURFACE), -1, layer)


def control_quality(
    observations: Observations,
    background: np.ndarray,
    samples: np.ndarray,
    surface_pressure: np.ndarray,
    limit: float,
) -> Departures:
    """Reject observations far from the background, or below its ground.

    Far is more than ``limit`` times the root of the sum of the squares of both errors.
    The error of the background is the root mean square of the samples of the same
    variable and layer.

    Args:
        observations: those of the window.
        background: its equivalents.
        samples: equivalents of errors of the background, (sample, observation).
        surface_pressure: of the background at the observations, hPa.
        limit: in standard deviations.
    """
    spread, layer = np.empty(len(observations)), layer_of(observations)
    for group in set(zip(observations.variable.tolist(), layer.tolist(), strict=True)):
        alike = (observations.variable == group[0]) & (layer == group[1])
        spread[alike] = np.sqrt((samples[:, alike].astype(np.float64) ** 2).mean())
    expected = np.hypot(observations.error, spread)
    is_far = np.abs(observations.value - background) > limit * expected
    status = np.where(is_far, FAR_FROM_BACKGROUND, USED)
    status[observations.pressure > surface_pressure] = BELOW_GROUND
    unknown = np.full(len(observations), np.nan)
    return Departures(observations, background, spread, status.astype(np.int8), unknown)


def statistics_table(departures: Departures) -> list[tuple[str, ...]]:
    """Return mean and rms of O - B and O - A of what was used, as rows of text.

    By variable and layer; rejected observations are counted only.
    """
    observations, layer = departures.observations, layer_of(departures.observations)
    rows = [
        ("variable", "layer (hPa)", "used", "rejected", "O-B mean", "O-B rms")
        + ("O-A mean", "O-A rms", "units")
    ]
    for name in OBSERVABLE:
        for number in range(-1, len(_EDGES) - 1):
            alike = (observations.variable == name) & (layer == number)
            used = alike & (departures.status == USED)
            if not alike.any():
                continue
            where = "surface"
            if number >= 0:
                where = f"{_EDGES[number]:g}-{_EDGES[number + 1]:g}"
            numbers = []
            for equivalents in (departures.background, departures.analysis):
                apart = (observations.value - equivalents)[used]
                known = (apart.mean(), np.sqrt((apart**2).mean())) if len(apart) else ()
                numbers += [f"{x:.3g}" for x in known] or ["-", "-"]
            counts = str(used.sum()), str(alike.sum() - used.sum())
            rows.append((name, where, *counts, *numbers, VARIABLES[name].units))
    return rows
