"""A localized anomaly of sea-surface temperature, for Green's functions of the climate.

The response of the atmosphere to many small anomalies, one run each, predicts its
response to any change of sea-surface temperature.

Source: Barsugli & Sardeshmukh (2002, Global atmospheric sensitivity to tropical SST
anomalies throughout the Indo-Pacific basin, J. Climate 15, 3427-3442). The Green's
Function Model Intercomparison Project uses the same form.
"""

import dataclasses

import numpy as np

from ngcm_cli.errors import ConfigError
from ngcm_cli.spectral.grid import Grid

_NO_SEA = 0.9  # land fraction from which a cell holds at most lakes and rivers


@dataclasses.dataclass(frozen=True)
class SSTAnomaly:
    """A cos² anomaly: ΔT = A cos²(π/2 Δφ/w) cos²(π/2 Δλ/w), 0 beyond its edges.

    Attributes:
        latitude: Latitude of the centre, degrees north.
        longitude: Longitude of the centre, degrees east, 0 to 360 or -180 to 180.
        width: Half-width w, from the centre to the edge in latitude and in longitude,
            degrees.
        amplitude: Anomaly A at the centre, K.
    """

    latitude: float
    longitude: float
    width: float
    amplitude: float

    def on_grid(self, grid: Grid, land: np.ndarray | None = None) -> np.ndarray:
        """Return the anomaly on a grid, K, (longitude, latitude), float32.

        The land fraction is of the same shape; None if it is unknown.

        Raises:
            ConfigError: No node of the grid is inside the anomaly, or only land.
        """
        north = np.rad2deg(grid.latitude) - self.latitude
        east = (np.rad2deg(grid.longitude) - self.longitude + 180) % 360 - 180
        shape = _cos_squared(east / self.width)[:, None]
        anomaly = self.amplitude * shape * _cos_squared(north / self.width)
        if self.amplitude and not anomaly.any():
            size = "x".join(map(str, grid.nodal_shape))
            raise ConfigError(
                f"No node of the model's {size} grid is within {self.width:g}° of the "
                f"centre of the SST anomaly at {self._centre}: it would have no "
                "effect.",
                "Make the anomaly wider.",
            )
        anomaly = anomaly.astype(np.float32)
        if land is not None and anomaly.any() and land[anomaly != 0].min() >= _NO_SEA:
            raise ConfigError(
                f"The SST anomaly at {self._centre} covers land only: it would have no "
                "effect.",
                "Move its centre to the sea, or make it wider.",
            )
        return anomaly

    def describe(self) -> str:
        """Return the anomaly as a phrase for the notes of a run."""
        return (
            f"{self.amplitude:+g} K at {self._centre}, falling off as cos² to zero "
            f"{self.width:g}° away in latitude and in longitude."
        )

    @property
    def _centre(self) -> str:
        return f"latitude {self.latitude:g}, longitude {self.longitude:g}"


def _cos_squared(distance: np.ndarray) -> np.ndarray:
    """Return cos²(π/2 x) for |x| < 1 and 0 elsewhere."""
    return np.where(np.abs(distance) < 1, np.cos(np.pi / 2 * distance) ** 2, 0)
