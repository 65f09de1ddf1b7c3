"""The grid on which forecasts and truth are compared."""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.regrid import ConservativeRegridder

_TOLERANCE = 1e-3  # degrees: coordinates closer than this are the same


@dataclasses.dataclass(frozen=True, eq=False)
class ComparisonGrid:
    """A longitude-latitude grid to which fields are regridded conservatively.

    Attributes:
        latitude: latitudes in degrees, ascending.
        longitude: longitudes in degrees, ascending from 0.
    """

    latitude: np.ndarray
    longitude: np.ndarray

    @classmethod
    def regular(cls, spacing: float) -> "ComparisonGrid":
        """Return the regular grid with poles of a spacing in degrees."""
        rows, columns = round(180 / spacing), round(360 / spacing)
        return cls(np.linspace(-90, 90, rows + 1), np.arange(columns) * 360 / columns)

    @classmethod
    def coarsest(cls, datasets: Sequence[xr.Dataset]) -> "ComparisonGrid":
        """Return the grid with the fewest points among those of some datasets.

        Of grids with as many points that of the first dataset is taken.
        """
        grids = [cls.of(dataset) for dataset in datasets]
        return min(grids, key=lambda grid: len(grid.latitude) * len(grid.longitude))

    @classmethod
    def of(cls, dataset: xr.Dataset) -> "ComparisonGrid":
        """Return the grid of a dataset.

        Raises:
            InputDataError: it has no longitudes.
        """
        if "longitude" not in dataset.dims:
            raise InputDataError(
                f"{dataset.attrs.get('location', 'A dataset')} has no longitudes: it "
                "holds zonal means.",
                "Give fields: scores are means over an area.",
            )
        return cls(
            dataset["latitude"].values.astype(np.float64),
            dataset["longitude"].values.astype(np.float64),
        )

    @property
    def description(self) -> str:
        """Number of longitudes and latitudes, and spacing, as ``2x2 (90 degrees)``."""
        count = len(self.longitude)
        return f"{count}x{len(self.latitude)} ({360 / count:.4g} degrees)"

    def has_nodes_of(self, other: "ComparisonGrid") -> bool:
        """Return whether two grids have the same nodes, to 0.001 degrees."""
        pairs = (
            (self.latitude, other.latitude),
            (self.longitude, other.longitude),
        )
        return all(
            len(a) == len(b) and np.allclose(a, b, rtol=0, atol=_TOLERANCE)
            for a, b in pairs
        )

    def regrid(self, values: np.ndarray, source: "ComparisonGrid") -> np.ndarray:
        """Return an array (..., latitude, longitude) of another grid on this one.

        Cells without data (NaN) are left out of means; a cell that overlaps no others
        is NaN.
        """
        if self.has_nodes_of(source):
            return values
        regridder = self._regridder(
            source.latitude.tobytes(), source.longitude.tobytes()
        )
        return np.swapaxes(regridder(np.swapaxes(values, -1, -2)), -1, -2)

    @functools.lru_cache(maxsize=16)  # noqa: B019  # grids live as long as a command
    def _regridder(self, latitude: bytes, longitude: bytes) -> ConservativeRegridder:
        return ConservativeRegridder(
            np.deg2rad(np.frombuffer(longitude)),
            np.deg2rad(np.frombuffer(latitude)),
            np.deg2rad(self.longitude),
            np.deg2rad(self.latitude),
        )
