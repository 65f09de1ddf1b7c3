"""The horizontal grid of an output: the model's own, or a regular one with poles."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from ngcm_cli.inputs.regrid import ConservativeRegridder
from ngcm_cli.spectral.grid import Grid


@dataclasses.dataclass(frozen=True, eq=False)
class OutputGrid:
    """A horizontal grid of an output, and the regridding to it.

    Attributes:
        longitude: longitudes in degrees, from 0 eastwards.
        latitude: latitudes in degrees, from south to north.
        description: lines of text about the grid.
        attributes: global attributes of an output that describe the grid.
        regridder: regridder from the model's grid; None where it is the same.
    """

    longitude: np.ndarray
    latitude: np.ndarray
    description: tuple[str, ...]
    attributes: Mapping[str, Any]
    regridder: ConservativeRegridder | None = None

    @classmethod
    def native(cls, model: Grid) -> Self:
        """Return the Gaussian grid of the model, on which fields are not regridded."""
        return cls(
            # Twelve decimals, so that 90 degrees is exactly 90.0 and can be selected.
            np.rad2deg(model.longitude).round(12),
            np.rad2deg(model.latitude).round(12),
            (
                f"{model.longitude_nodes} x {model.latitude_nodes} Gaussian "
                f"({360 / model.longitude_nodes:.2g} degrees)",
            ),
            {
                "longitude_wavenumbers": model.longitude_wavenumbers,
                "total_wavenumbers": model.total_wavenumbers,
                "longitude_nodes": model.longitude_nodes,
                "latitude_nodes": model.latitude_nodes,
                "latitude_spacing": "gauss",
            },
        )

    @classmethod
    def regular(cls, model: Grid, spacing: float) -> Self:
        """Return equally spaced nodes from pole to pole, with conservative regridding.

        With 1.5 degrees this is ``240x121_equiangular_with_poles_conservative`` of
        WeatherBench 2 (https://doi.org/10.1029/2023MS004019).

        Args:
            model: grid of the model.
            spacing: spacing of the nodes in degrees, which divides 180.
        """
        native = cls.native(model)
        count = round(180 / spacing)
        # Each rounded once from the exact number: 0.3 is not 3 * 0.1.
        longitude = np.arange(2 * count) * 180 / count
        latitude = (2 * np.arange(count + 1) - count) * 90 / count
        regridder = ConservativeRegridder(
            model.longitude, model.latitude, np.deg2rad(longitude), np.deg2rad(latitude)
        )
        return cls(
            longitude,
            latitude,
            (
                f"{len(longitude)} x {len(latitude)} regular with poles "
                f"({spacing:g} degrees),",
                f"by conservative regridding from {native.description[0]}",
            ),
            {
                "longitude_nodes": len(longitude),
                "latitude_nodes": len(latitude),
                "latitude_spacing": "equiangular_with_poles",
                "regridding": "conservative",
                **{f"native_{name}": x for name, x in native.attributes.items()},
            },
            regridder,
        )

    def regrid(self, field: np.ndarray) -> np.ndarray:
        """Return fields on this grid, (…, longitude, latitude), of the same dtype."""
        return field if self.regridder is None else self.regridder(field)
