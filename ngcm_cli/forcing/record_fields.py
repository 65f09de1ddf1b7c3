"""Single fields of sea-surface temperature and sea ice, or their substitutes."""

import dataclasses

import numpy as np

from ngcm_cli import units
from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.input_dataset import InputDataset
from ngcm_cli.inputs.input_field import InputField
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.physical_consistency import check_land
from ngcm_cli.inputs.regrid import fill_nan_with_nearest
from ngcm_cli.inputs.source_grid import SourceGrid
from ngcm_cli.inputs.sources.location import naming_file
from ngcm_cli.inputs.sources.open import missing_chunks
from ngcm_cli.inputs.variables import LAND_SEA_MASK, SEA_ICE, SKIN_TEMPERATURE, SST
from ngcm_cli.spectral.grid import Grid

# ERA5 has 271.46 K under sea ice; the rest is the rounding of packed files.
FREEZING_SST = 271.47
# Cells with less land than this are open sea; lakes may be without data.
_OPEN_SEA, _FEW = 0.1, 0.01


@dataclasses.dataclass(frozen=True, eq=False)
class RecordFields:
    """Reads sea-surface temperature and sea ice out of a dataset, on the model's grid.

    Raises:
        InputDataError: The dataset has neither sea-surface nor skin temperature.
    """

    dataset: InputDataset  # opened with `variables.SURFACE_VARIABLES`
    model_inputs: ModelInputs

    def __post_init__(self):
        if self.temperature not in self.dataset.fields:
            found = ", ".join(self.dataset.variable_names)
            rejected = "".join(f" ({reason})" for reason in self.dataset.rejected)
            raise InputDataError(
                f"'{self.dataset.path}' has no {SST} (sst). Found the variables "
                f"{found}{rejected}.",
                "Add it, give it this name or its CF standard_name, or name data that "
                "have it with --sst-data.",
            )

    @property
    def temperature(self) -> str:
        """Name of the variable from which sea-surface temperature is taken."""
        return SST if SST in self.dataset.fields else SKIN_TEMPERATURE

    def read(
        self, name: str, time: np.datetime64 | None, notes: list[str]
    ) -> np.ndarray:
        """Return `SST`, K, or `SEA_ICE`, 0 to 1, (longitude, latitude), no NaN.

        The time is one of the variable, or None if it has none. Sources, conversions
        and substitutions are appended to the notes.

        Raises:
            InputDataError: The field cannot be read, or is not plausible.
        """
        field = self.dataset.field(self.temperature, time)
        with naming_file(field.path):
            if name == SEA_ICE and SEA_ICE in self.dataset.fields:
                field = self.dataset.field(SEA_ICE, time)
                values = field.values(time, notes)
            elif name == SEA_ICE:
                sst = self._read_temperature(field, time, [])
                values = np.where(np.isnan(sst), np.nan, sst <= FREEZING_SST)
                notes.append(
                    f"{SEA_ICE} is not in the data: set to 1 where {SST} is at "
                    f"freezing (at most {FREEZING_SST} K), 0 elsewhere; this is about "
                    "a tenth too much ice, because leads are ignored."
                )
            else:
                values = self._read_temperature(field, time, notes)
            if not field.grid.is_on(self.model_inputs.grid):
                size = "x".join(map(str, self.model_inputs.grid.nodal_shape))
                notes.append(
                    f"Regridded conservatively from {field.grid.description} to the "
                    f"model's {size} Gaussian grid."
                )
            values = self._regrid_and_fill(name, field, values, notes)
        return np.clip(values, 0, 1) if name == SEA_ICE else values

    def _regrid_and_fill(
        self, name: str, field: InputField, values: np.ndarray, notes: list[str]
    ) -> np.ndarray:
        """Return values on the model's grid, filled over land from the nearest sea."""
        values = field.regrid(self.model_inputs.grid, values)
        missing, land = np.isnan(values), self.model_inputs.land
        if not missing.any():
            return values
        of_sea = ""
        if land is not None:
            check_land(missing, land, field.found)
            sea = missing & (land < _OPEN_SEA)
            absent = missing_chunks(field.dataset, field.array.attrs["found"])
            # A chunk of land only need not be stored.
            if absent and sea.sum() > _FEW * (land < _OPEN_SEA).sum():
                raise InputDataError(
                    f"Variable {field.found} is incomplete: chunks with open sea, such "
                    f"as {absent[0]}, are not in the store.",
                    "Copy the whole store again, or choose another initial time.",
                )
            of_sea = f", {sea.sum()} of them sea" if sea.any() else ""
        notes.append(
            f"{name}: {missing.sum()} of {values.size} cells of the model's grid have "
            f"no data (land){of_sea}; filled from the nearest cell with data."
        )
        return fill_nan_with_nearest(values, self.model_inputs.grid)

    def _read_temperature(
        self, field: InputField, time: np.datetime64 | None, notes: list[str]
    ) -> np.ndarray:
        """Return the temperature of the sea on the grid of the file, NaN over land."""
        values = field.values(time, notes)
        if field.name == SST:
            return values
        masks = self.dataset.fields.get(LAND_SEA_MASK)
        where = "everywhere, over land too"
        if masks and masks[0].grid.matches(field.grid):
            times = masks[0].times  # the mask is the same at any time
            land = masks[0].values(times[0] if len(times) else None, [])
            values = np.where(land > 0.5, np.nan, values)
            where = f"where {LAND_SEA_MASK} is at most 0.5"
        elif self.model_inputs.land is not None:
            grid = self.model_inputs.grid
            land = _nearest_values(self.model_inputs.land, grid, field.grid) > 0.5
            values = np.where(land, np.nan, values)
            where = "where the land fraction of the model is at most 0.5"
        notes.append(
            f"{SST} is not in the data: taken from {field.found} {where}, at least "
            f"{units.SEA_FREEZING_SI} K."
        )
        return np.maximum(values, units.SEA_FREEZING_SI)  # NaN stays NaN


def _nearest_values(values: np.ndarray, grid: Grid, nodes: SourceGrid) -> np.ndarray:
    """Return values of the model's grid at the nodes of another, from the nearest."""
    apart = nodes.longitude[:, None] - np.rad2deg(grid.longitude)
    east = np.abs((apart + 180) % 360 - 180).argmin(axis=1)
    north = np.abs(nodes.latitude[:, None] - np.rad2deg(grid.latitude)).argmin(axis=1)
    return values[np.ix_(east, north)]
