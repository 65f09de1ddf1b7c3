"""The grid, levels and variables that a model must be given to start from."""

import dataclasses
from typing import Protocol, Self

import numpy as np

from ngcm_cli.inputs.humidity import SUBSTITUTES
from ngcm_cli.inputs.variables import SURFACE_VARIABLES
from ngcm_cli.spectral.grid import Grid


class _ModelWithInputs(Protocol):
    """The properties of a model that tell what it must be given."""

    @property
    def grid(self) -> Grid: ...
    @property
    def levels(self) -> tuple[float, ...]: ...
    @property
    def input_variables(self) -> tuple[str, ...]: ...
    @property
    def land_fraction(self) -> np.ndarray: ...


@dataclasses.dataclass(frozen=True)
class ModelInputs:
    """Grid, levels and variables of a model's input.

    Sea-surface temperature and sea ice are needed on the same grid.

    Attributes:
        levels: Pressure levels of the analysis, hPa, from the top down.
        fields: ERA5 names of the variables on pressure levels.
        land: Land fraction, 0 to 1, shape (longitude, latitude), for data without a
            land mask; None if unknown.
    """

    grid: Grid
    levels: tuple[float, ...]
    fields: tuple[str, ...]
    land: np.ndarray | None = dataclasses.field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, model: _ModelWithInputs) -> Self:
        """Return the inputs that a model needs."""
        fields, land = model.input_variables, model.land_fraction
        return cls(grid=model.grid, levels=model.levels, fields=fields, land=land)

    @property
    def readable(self) -> tuple[str, ...]:
        """ERA5 names of all variables that may be taken from data, or stand in."""
        moist = "specific_humidity" in self.fields
        return (*self.fields, *(SUBSTITUTES if moist else ()), *SURFACE_VARIABLES)
