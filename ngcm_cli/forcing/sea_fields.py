"""One field of the sea at one time, and what stands for it where it is absent."""

import dataclasses

import numpy as np

from ngcm_cli import units
from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.sea import LAND, SEA_ICE, SKIN, SST
from ngcm_cli.inputs.needs import Needs
from ngcm_cli.inputs.opening import missing_chunks
from ngcm_cli.inputs.places import blamed_on
from ngcm_cli.inputs.plausibility import check_land
from ngcm_cli.inputs.regrid import fill_nan_with_nearest
from ngcm_cli.inputs.source import Field, Source
from ngcm_cli.inputs.source_grid import SourceGrid
from ngcm_cli.spectral.grid import Grid

# ERA5 holds the sea under ice at 271.46 K; the rest is the rounding of packed files.
ICE_BELOW = 271.47
_ALL_SEA, _FEW = 0.1, 0.01  # land fraction of open sea; lakes need have no data


@dataclasses.dataclass(frozen=True, eq=False)
class SeaFields:
    """Reads sea-surface temperature and sea ice out of a source.

    Attributes:
        source: opened with `sea.WANTED`.
        needs: of the model; its grid is that of everything returned.

    Raises:
        InputDataError: nothing there tells the temperature of the sea.
    """

    source: Source
    needs: Needs

    def __post_init__(self):
        if self.temperature not in self.source.fields:
            there = ", ".join(self.source.there)
            unfit = "".join(f" ({words})" for words in self.source.unfit)
            raise InputDataError(
                f"'{self.source.path}' has no {SST} (sst). Found the variables "
                f"{there}{unfit}.",
                "Add it, give it this name or its CF standard_name, or name data that "
                "have it with --sst-data.",
            )

    @property
    def temperature(self) -> str:
        """The variable that the temperature of the sea is taken from."""
        return SST if SST in self.source.fields else SKIN

    def read(
        self, name: str, time: np.datetime64 | None, notes: list[str]
    ) -> np.ndarray:
        """One field on the model's grid, (longitude, latitude), no NaN.

        Args:
            name: `SST` or `SEA_ICE`.
            time: one of its times, or None where it has none.
            notes: where it comes from and what was done is added here, in words.

        Raises:
            InputDataError: it cannot be read, or is not what it should be.
        """
        field = self.source.field(self.temperature, time)
        with blamed_on(field.path):
            if name == SEA_ICE and SEA_ICE in self.source.fields:
                field = self.source.field(SEA_ICE, time)
                values = field.values(time, notes)
            elif name == SEA_ICE:
                sst = self._temperature(field, time, [])
                values = np.where(np.isnan(sst), np.nan, sst <= ICE_BELOW)
                notes.append(
                    f"{SEA_ICE} is not in the data: taken as 1 where {SST} is at "
                    f"freezing (at most {ICE_BELOW} K), 0 elsewhere; expect about a "
                    "tenth too much ice, for want of leads."
                )
            else:
                values = self._temperature(field, time, notes)
            if not field.grid.is_on(self.needs.grid):
                size = "x".join(map(str, self.needs.grid.nodal_shape))
                notes.append(
                    f"Regridded conservatively from {field.grid.words} to the model's "
                    f"{size} Gaussian grid."
                )
            values = self._filled(name, field, values, notes)
        return np.clip(values, 0, 1) if name == SEA_ICE else values

    def _filled(
        self, name: str, field: Field, values: np.ndarray, notes: list[str]
    ) -> np.ndarray:
        """On the model's grid, with the sea's values over land, too."""
        values = field.on(self.needs.grid, values)
        missing, land = np.isnan(values), self.needs.land
        if not missing.any():
            return values
        words = ""
        if land is not None:
            check_land(missing, land, field.found)
            sea = missing & (land < _ALL_SEA)
            gone = missing_chunks(field.dataset, field.array.attrs["found"])
            # Chunks of nothing but land may be stored as nothing.
            if gone and sea.sum() > _FEW * (land < _ALL_SEA).sum():
                raise InputDataError(
                    f"Variable {field.found} is incomplete: chunks such as {gone[0]} "
                    "are not in the store, and there is sea in them.",
                    "Copy the store again, whole, or choose another time with --init.",
                )
            words = f", {sea.sum()} of them sea" if sea.any() else ""
        notes.append(
            f"{name}: {missing.sum()} of {values.size} cells of the model's grid have "
            f"no data (land){words}, filled from the nearest cell that has."
        )
        return fill_nan_with_nearest(values, self.needs.grid)

    def _temperature(
        self, field: Field, time: np.datetime64 | None, notes: list[str]
    ) -> np.ndarray:
        """Temperature of the sea on the grid of the file, NaN over land."""
        values = field.values(time, notes)
        if field.name == SST:
            return values
        masked = self.source.fields.get(LAND)
        where = "everywhere, land too"
        if masked and masked[0].grid.matches(field.grid):
            known = masked[0].times  # land is land at any time
            land = masked[0].values(known[0] if len(known) else None, [])
            values = np.where(land > 0.5, np.nan, values)
            where = f"where {LAND} is at most one half"
        elif self.needs.land is not None:
            dry = _at_nodes(self.needs.land, self.needs.grid, field.grid) > 0.5
            values = np.where(dry, np.nan, values)
            where = "where the model has more sea than land"
        notes.append(
            f"{SST} is not in the data: taken from {field.found} {where}, at least "
            f"{units.SEA_FREEZING_SI} K."
        )
        return np.maximum(values, units.SEA_FREEZING_SI)  # NaN stays NaN


def _at_nodes(values: np.ndarray, grid: Grid, nodes: SourceGrid) -> np.ndarray:
    """Values of the model's grid at the nodes of another: those of the nearest node."""
    apart = nodes.longitude[:, None] - np.rad2deg(grid.longitude)
    east = np.abs((apart + 180) % 360 - 180).argmin(axis=1)
    north = np.abs(nodes.latitude[:, None] - np.rad2deg(grid.latitude)).argmin(axis=1)
    return values[np.ix_(east, north)]
