"""Which fields are written: variables, levels and horizontal grid, in output order."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ngcm_cli.output.grid import OutputGrid

if TYPE_CHECKING:
    from ngcm_cli.diagnostics import Diagnostic

COORDINATES: dict[str, dict[str, Any]] = {
    "time": {"standard_name": "time", "axis": "T"},
    "level": {
        "standard_name": "air_pressure",
        "long_name": "Pressure level",
        "units": "hPa",
        "positive": "down",
        "axis": "Z",
    },
    # Without its standard name, which CF allows only with formula_terms.
    "sigma": {
        "long_name": "Pressure divided by surface pressure",
        "units": "1",
        "positive": "down",
        "axis": "Z",
    },
    "latitude": {
        "standard_name": "latitude",
        "long_name": "Latitude",
        "units": "degrees_north",
        "axis": "Y",
    },
    "longitude": {
        "standard_name": "longitude",
        "long_name": "Longitude",
        "units": "degrees_east",
        "axis": "X",
    },
}
"""CF attributes of coordinates by name."""


@dataclasses.dataclass(frozen=True)
class Coordinate:
    """A coordinate as it is stored: encoded values, attributes that decode them."""

    dimensions: tuple[str, ...]
    values: np.ndarray
    attributes: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class FieldSelection:
    """The fields of an output.

    Attributes:
        variables: variables by name, in the order of the output.
        levels: levels on disk, ascending: pressures in hPa, or sigma.
        model_levels: levels of the fields to select from, of the same kind.
        vertical: name of the vertical dimension: ``level`` or ``sigma``.
        grid: horizontal grid on disk, which regrids from that of the model.
        top: pressure in hPa of the highest sigma level of the model at a surface
            pressure of 1000 hPa; None if it does not matter.
    """

    variables: Mapping[str, "Diagnostic"]
    levels: Sequence[float]
    model_levels: Sequence[float]
    vertical: str
    grid: OutputGrid
    top: float | None = None

    @property
    def extrapolated(self) -> tuple[float, ...]:
        """Pressure levels above the highest level of the model, hPa, ascending."""
        if self.top is None or self.vertical != "level" or not self.has_levels:
            return ()
        return tuple(level for level in self.levels if level < self.top)

    @property
    def has_levels(self) -> bool:
        """Whether any variable is on levels."""
        return any(map(self.is_on_levels, self.variables))

    @property
    def nbytes(self) -> int:
        """Bytes of all fields at one time, float32 without compression."""
        return 4 * sum(math.prod(self.shape(name)) for name in self.variables)

    def is_on_levels(self, name: str) -> bool:
        """Return whether a variable has a vertical dimension."""
        return self.variables[name].on_levels

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a variable at one time."""
        levels = (len(self.levels),) if self.is_on_levels(name) else ()
        return (*levels, len(self.grid.latitude), len(self.grid.longitude))

    def describe(
        self, name: str
    ) -> tuple[tuple[str, ...], tuple[int, ...], dict[str, Any]]:
        """Return dimensions and shape at one time, and CF attributes, of a variable."""
        levels = (self.vertical,) if self.is_on_levels(name) else ()
        dimensions = (*levels, "latitude", "longitude")
        return dimensions, self.shape(name), self.variables[name].attributes()

    def coordinates(self) -> dict[str, Coordinate]:
        """Return levels, where a variable has them, latitude and longitude."""
        values = np.asarray(self.levels, float)
        attributes = {name: dict(text) for name, text in COORDINATES.items()}
        if self.top is not None and self.vertical == "level":
            attributes["level"]["highest_model_level"] = self.top
        if self.extrapolated:
            attributes["level"]["comment"] = (
                f"{', '.join(f'{x:g}' for x in self.extrapolated)} hPa: above the "
                "highest level of the model, extrapolated, possibly far off"
            )
        whole = values.astype(np.int64)
        coordinates = {
            self.vertical: whole if (values == whole).all() else values,
            "latitude": self.grid.latitude,
            "longitude": self.grid.longitude,
        }
        return {
            name: Coordinate((name,), x, attributes[name])
            for name, x in coordinates.items()
            if name != self.vertical or self.has_levels
        }

    def select(self, name: str, field: np.ndarray) -> np.ndarray:
        """Return a field on the levels and grid of the output, in its order, float32.

        Args:
            name: name of the variable.
            field: values, (..., model level, longitude, latitude), with one level at
                the surface.

        Returns:
            The selected values, (..., [level,] latitude, longitude).
        """
        if not self.is_on_levels(name):
            field = field[..., 0, :, :]
        elif len(self.levels) < len(self.model_levels):
            chosen = [list(self.model_levels).index(level) for level in self.levels]
            field = field[..., chosen, :, :]
        field = self.grid.regrid(field)
        return np.ascontiguousarray(np.swapaxes(field, -1, -2), np.float32)
