"""The cells of a longitude-latitude grid: bounds, areas and nominal resolution."""

import dataclasses
from typing import Self

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.regrid import latitude_bounds
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.units import LENGTH

# Nominal resolutions in km, and the mean resolution below which each holds.
_NOMINAL = (0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)
_BELOW = (0.72, 1.6, 3.6, 7.2, 16, 36, 72, 160, 360, 720, 1600, 3600, 7200)
_CMIP_RADIUS = 6371.0  # km, in the definition of nominal resolution


@dataclasses.dataclass(frozen=True, eq=False)
class Cells:
    """Cells that cover the globe, one for each node of a grid.

    Attributes:
        latitude_bounds: southern and northern bounds in degrees, (latitude, 2),
            float64.
        longitude_bounds: western and eastern bounds in degrees, (longitude, 2),
            float64; the first cell may begin west of 0.
    """

    latitude_bounds: np.ndarray
    longitude_bounds: np.ndarray

    @classmethod
    def of(cls, latitude: np.ndarray, longitude: np.ndarray, spacing: str) -> Self:
        """Return the cells of the grid of an output.

        They are those that regridding uses: cells meet halfway between nodes, so that
        a field and the field that it is regridded to have the same area-weighted mean.

        Args:
            latitude: latitudes in degrees, from pole to pole, ascending.
            longitude: longitudes in degrees, equally spaced around the globe.
            spacing: attribute ``latitude_spacing`` of the output.

        Raises:
            InputDataError: the latitudes are not those of the spacing.
        """
        count = len(latitude)
        if spacing == "gauss":
            nodes = np.rad2deg(Grid.linear(count - 1).latitude)
        elif spacing == "equiangular_with_poles":
            nodes = np.linspace(-90, 90, count)
        else:
            raise InputDataError(
                f"The grid of the run has the unknown latitude spacing '{spacing}'.",
                "Export a run on the model's grid, or on a regular one with poles.",
            )
        if not np.allclose(latitude, nodes, rtol=0, atol=1e-6):
            raise InputDataError(
                f"The {count} latitudes of the run are not those of its attribute "
                f"latitude_spacing, '{spacing}'.",
                "Export a store that ngcm wrote and nothing else changed.",
            )
        edges = latitude_bounds(nodes, pole=90.0)
        half = 180 / len(longitude)
        return cls(
            np.stack([edges[:-1], edges[1:]], axis=1),
            np.stack([longitude - half, longitude + half], axis=1),
        )

    @property
    def areas(self) -> np.ndarray:
        """Areas on the model's sphere in m², (latitude, longitude), float64."""
        south, north = np.deg2rad(self.latitude_bounds).T
        west, east = np.deg2rad(self.longitude_bounds).T
        return LENGTH**2 * np.outer(np.sin(north) - np.sin(south), east - west)

    @property
    def nominal_resolution(self) -> str:
        """CMIP6 label of the size of the cells, such as ``250 km``.

        It is the greatest distance between two corners of a cell, averaged over the
        cells with their areas (https://github.com/PCMDI/nominal_resolution).
        """
        south, north = np.deg2rad(self.latitude_bounds).T
        west, east = np.deg2rad(self.longitude_bounds[0])
        corners = ((south, south), (north, north), (south, north))
        along = np.stack([_distance(a, b, east - west) for a, b in corners])
        across = _distance(south, north, 0.0)
        greatest = np.maximum(along.max(axis=0), across)
        mean = np.average(greatest, weights=np.sin(north) - np.sin(south))
        label = _NOMINAL[np.searchsorted(_BELOW, mean * _CMIP_RADIUS, side="right")]
        return f"{label:g} km"


def _distance(a: np.ndarray, b: np.ndarray, turn: float) -> np.ndarray:
    """Return the great-circle distance of points at two latitudes, in radians.

    Args:
        a: latitudes of the first points, radians.
        b: latitudes of the second points, radians.
        turn: difference of their longitudes, radians.
    """
    haversine = np.sin((a - b) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(turn / 2) ** 2
    return 2 * np.arcsin(np.sqrt(haversine))
