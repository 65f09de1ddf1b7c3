"""Single fields of sea-surface temperature and sea ice, or their substitutes."""

import dataclasses
import functools

import numpy as np

from ngcm_cli import units
from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.climatology import amip_months
from ngcm_cli.forcing.ice_on_land import check_ice_is_cold, without_ice_on_land
from ngcm_cli.forcing.undefined_sea import (
    FREEZING_SST,
    check_full,
    check_ice_is_whole,
    climatological_ice,
    complete_ice,
    complete_temperature,
    ice_from_freezing,
    land_constant,
    share_under_ice,
    without_land_constant,
)
from ngcm_cli.inputs.input_dataset import InputDataset
from ngcm_cli.inputs.input_field import InputField
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.physical_consistency import check_land, check_longitudes
from ngcm_cli.inputs.regrid import fill_nan_with_nearest
from ngcm_cli.inputs.sources.bundled import climatology_path
from ngcm_cli.inputs.sources.location import naming_file
from ngcm_cli.inputs.sources.open import missing_chunks
from ngcm_cli.inputs.time_meaning import is_mid_month_value
from ngcm_cli.inputs.variables import LAND_SEA_MASK, SEA_ICE, SKIN_TEMPERATURE, SST

# Cells with less land than this are open sea; lakes may be without data.
_OPEN_SEA, _FEW = 0.1, 0.01
# Temperature and ice of times no further apart complete each other.
_NEAR = np.timedelta64(31, "D")


@dataclasses.dataclass(frozen=True, eq=False)
class RecordFields:
    """Reads sea-surface temperature and sea ice out of a dataset, on the model's grid.

    Raises:
        InputDataError: The dataset has neither sea-surface nor skin temperature.
    """

    dataset: InputDataset  # opened with `variables.SURFACE_VARIABLES`
    model_inputs: ModelInputs
    # How many cells were filled, all and of open sea, by name.
    _filled: dict[str, set[tuple[int, int]]] = dataclasses.field(
        default_factory=dict, init=False, repr=False
    )
    # What a variable has on land, by its name.
    _land_constants: dict[str, float | None] = dataclasses.field(
        default_factory=dict, init=False, repr=False
    )
    # Variables whose longitudes were checked.
    _upright: set[str] = dataclasses.field(default_factory=set, init=False, repr=False)
    # The fields read last, with their notes: temperature and ice are read together.
    _read_last: dict[str, tuple[np.datetime64 | None, np.ndarray, list[str]]] = (
        dataclasses.field(default_factory=dict, init=False, repr=False)
    )

    def __post_init__(self):
        if self.temperature not in self.dataset.fields:
            found = ", ".join(self.dataset.variable_names)
            raise InputDataError(
                f"'{self.dataset.path}' has no {SST} (sst). Found the variables "
                f"{found}{self.dataset.rejections}.",
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
        """Return `SST`, K, or `SEA_ICE`, (longitude, latitude), no NaN.

        The time is one of the variable, or None if it has none. Sources, conversions
        and substitutions are appended to the notes, but for those on filled cells, see
        `fill_notes`. Ice is 0 to 1 but where the data are mid-month values for an
        interpolation that is clipped afterwards.

        Raises:
            InputDataError: The field cannot be read, or is not plausible.
        """
        field = self.dataset.field(self._variable(name), time)
        with naming_file(field.path):
            values, is_on_grid = self._complete(name, field, time, notes)
            if not field.grid.is_on(self.model_inputs.grid):
                size = "x".join(map(str, self.model_inputs.grid.nodal_shape))
                notes.append(
                    f"Regridded conservatively from {field.grid.description} to the "
                    f"model's {size} Gaussian grid."
                )
            if not is_on_grid:
                values = self._regrid(name, field, values, time, notes)
            if name == SST and not np.isnan(values).any():
                self._check_longitudes(field, values, time)
            values = self._fill(name, field, values)
        if name == SST or is_mid_month_value(field.array.attrs["found"]):
            return values
        return np.clip(values, 0, 1)

    def fill_notes(self) -> list[str]:
        """Return sentences on the cells that were filled in what was read so far."""
        size = np.prod(self.model_inputs.grid.nodal_shape)
        notes = []
        for name, counts in self._filled.items():
            most, sea = max(counts)
            notes.append(
                f"{name}: {'up to ' if len(counts) > 1 else ''}{most} of {size} cells "
                "of the model's grid have no data (land)"
                f"{f', {sea} of them sea' if sea else ''}; filled from the nearest "
                "cell with data."
            )
        return notes

    def _variable(self, name: str) -> str:
        """Return the variable from which a field is taken or derived."""
        return name if name in self.dataset.fields else self.temperature

    def _complete(
        self,
        name: str,
        field: InputField,
        time: np.datetime64 | None,
        notes: list[str],
    ) -> tuple[np.ndarray, bool]:
        """Return a field, completed by the other, and whether it is regridded already.

        It is on the grid of the file if the other one is on the same.
        """
        if SEA_ICE not in self.dataset.fields:
            if name == SST:
                return self._stored(SST, field, time, notes), False
            notes.append(
                f"{SEA_ICE} is not in the data: set to 1 where {SST} is at freezing "
                f"(at most {FREEZING_SST} K), 0 elsewhere; this is about a tenth too "
                "much ice, because leads are ignored."
            )
            return ice_from_freezing(self._stored(SST, field, time, [])), False
        other = SST if name == SEA_ICE else SEA_ICE
        partner, when = self._partner(other, time)
        values = self._stored(name, field, time, notes)
        if partner is None or not (name == SEA_ICE or np.isnan(values).any()):
            return values, False
        others = self._stored(other, partner, when, [])
        on_grid = not partner.grid.matches(field.grid)
        if on_grid:
            values = field.regrid(self.model_inputs.grid, values)
            others = partner.regrid(self.model_inputs.grid, others)
        if not on_grid:
            ice, water = (values, others) if name == SEA_ICE else (others, values)
            find_land = functools.partial(self._nearest_land, field)
            north = field.grid.latitude
            ice = without_ice_on_land(ice, water, north, find_land, notes)
            check_ice_is_cold(ice, water, find_land)
            values, others = (ice, water) if name == SEA_ICE else (water, ice)
        absent = missing_chunks(field.dataset, field.array.attrs["found"])
        if name == SEA_ICE and absent:
            check_ice_is_whole(field.found, values, others, absent[0])
        complete = complete_ice if name == SEA_ICE else complete_temperature
        return complete(values, others, notes), on_grid

    def _partner(
        self, name: str, time: np.datetime64 | None
    ) -> tuple[InputField | None, np.datetime64 | None]:
        """Return the other field and its time nearest to one; None if far from it."""
        variable = self._variable(name)
        times = self.dataset.times(variable)
        if time is None or not len(times):
            return self.dataset.field(variable, None), times[0] if len(times) else None
        nearest = times[np.abs(times - time).argmin()]
        if np.abs(nearest - time) > _NEAR:
            return None, None
        return self.dataset.field(variable, nearest), nearest

    def _regrid(
        self,
        name: str,
        field: InputField,
        values: np.ndarray,
        time: np.datetime64 | None,
        notes: list[str],
    ) -> np.ndarray:
        """Return values on the model's grid, NaN where there are none.

        Without sea ice in the data, water that is undefined where there may be ice
        counts as covered by it.
        """
        grid, land = self.model_inputs.grid, self.model_inputs.land
        regridded = field.regrid(grid, values)
        if land is None or SEA_ICE in self.dataset.fields:
            return regridded
        undefined = np.isnan(regridded) & (land < _OPEN_SEA)
        if undefined.sum() <= _FEW * (land < _OPEN_SEA).sum():
            return regridded
        month = _month_of(time)
        may_be, cover = climatological_ice(
            amip_months(self.model_inputs)[SEA_ICE], month
        )
        if (undefined & may_be).sum() <= _FEW * (land < _OPEN_SEA).sum():
            return regridded
        defined = field.regrid(grid, (~np.isnan(values)).astype(float))
        hidden = share_under_ice(defined, land, may_be)
        text = f"there it is set to freezing, {units.SEA_FREEZING_SI} K"
        under_ice = units.SEA_FREEZING_SI
        if name == SEA_ICE:
            text, under_ice = f"there {SEA_ICE} is that of AMIP's climatology", cover
        notes.append(
            f"{SST} is undefined on much of the sea that may be under ice in the "
            f"season: {text}."
        )
        known = np.where(defined > 0, regridded * defined, 0)
        whole = np.where(hidden > 0, defined + hidden, 1)
        mixed = (known + hidden * under_ice) / whole
        return np.where(hidden > 0, mixed, regridded).astype(np.float32)

    def _check_longitudes(
        self, field: InputField, values: np.ndarray, time: np.datetime64 | None
    ) -> None:
        """Refuse a temperature without a mask of land whose longitudes are shifted."""
        is_amip = self.dataset.path == climatology_path()
        if is_amip or self._filled or field.found in self._upright:
            return
        self._upright.add(field.found)
        usual = amip_months(self.model_inputs)[SST][_month_of(time) or 0]
        check_longitudes(values, usual, self.model_inputs.land, field.found)

    def _fill(self, name: str, field: InputField, values: np.ndarray) -> np.ndarray:
        """Return values filled over land from the nearest sea."""
        missing, land = np.isnan(values), self.model_inputs.land
        if not missing.any():
            return values
        sea = 0
        if land is not None:
            check_land(missing, land, field.found)
            at_sea = missing & (land < _OPEN_SEA)
            absent = missing_chunks(field.dataset, field.array.attrs["found"])
            # A chunk of land only need not be stored.
            if absent and at_sea.sum() > _FEW * (land < _OPEN_SEA).sum():
                raise InputDataError(
                    f"Variable {field.found} is incomplete: chunks with open sea, such "
                    f"as {absent[0]}, are not in the store.",
                    "Copy the whole store again, or choose another initial time.",
                )
            sea = int(at_sea.sum())
        self._filled.setdefault(name, set()).add((int(missing.sum()), sea))
        return fill_nan_with_nearest(values, self.model_inputs.grid)

    def _stored(
        self,
        name: str,
        field: InputField,
        time: np.datetime64 | None,
        notes: list[str],
    ) -> np.ndarray:
        """Return a field of the file, not completed by the other."""
        last = self._read_last.get(name)
        if last is None or last[0] != time:
            known: list[str] = []
            if name == SEA_ICE:
                values = field.values(time, known)
            else:
                values = self._temperature(field, time, known)
            last = self._read_last[name] = (time, values, known)
        notes += last[2]
        return last[1]

    def _temperature(
        self, field: InputField, time: np.datetime64 | None, notes: list[str]
    ) -> np.ndarray:
        """Return the temperature of the sea on the grid of the file, NaN over land."""
        values = field.values(time, notes)
        check_full(field.found, values)
        land = self.model_inputs.land
        if field.name == SST:
            if field.found not in self._land_constants:  # the first time tells
                constant = land_constant(values, field.grid.latitude)
                self._land_constants[field.found] = constant
            constant = self._land_constants[field.found]
            if constant is None:
                return values
            notes.append(
                f"{SST}: {field.found} is {constant:g} K on land; this is taken as "
                "missing."
            )
            under_ice = None
            if land is not None:
                ice = amip_months(self.model_inputs)[SEA_ICE]
                may_have_ice = climatological_ice(ice, _month_of(time))[0]
                under_ice = self._nearest(may_have_ice & (land == 0), field)
            return without_land_constant(values, under_ice, constant)
        masks = self.dataset.fields.get(LAND_SEA_MASK)
        where = "everywhere, over land too"
        if masks and masks[0].grid.matches(field.grid):
            times = masks[0].times  # the mask is the same at any time
            mask = masks[0].values(times[0] if len(times) else None, [])
            values = np.where(mask > 0.5, np.nan, values)
            where = f"where {LAND_SEA_MASK} is at most 0.5"
        elif land is not None:
            values = np.where(self._nearest(land, field) > 0.5, np.nan, values)
            where = "where the land fraction of the model is at most 0.5"
        notes.append(
            f"{SST} is not in the data: taken from {field.found} {where}, at least "
            f"{units.SEA_FREEZING_SI} K."
        )
        return np.maximum(values, units.SEA_FREEZING_SI)  # NaN stays NaN

    def _nearest_land(self, field: InputField) -> np.ndarray | None:
        """Return the land fraction of the model at the nodes of a file, or None."""
        land = self.model_inputs.land
        return None if land is None else self._nearest(land, field)

    def _nearest(self, values: np.ndarray, field: InputField) -> np.ndarray:
        """Return values on the grid of the model at the nodes of a file."""
        grid, nodes = self.model_inputs.grid, field.grid
        apart = nodes.longitude[:, None] - np.rad2deg(grid.longitude)
        east = np.abs((apart + 180) % 360 - 180).argmin(axis=1)
        north = np.abs(nodes.latitude[:, None] - np.rad2deg(grid.latitude))
        return values[np.ix_(east, north.argmin(axis=1))]


def _month_of(time: np.datetime64 | None) -> int | None:
    """Return the month of a time, 0 to 11, or None."""
    return None if time is None else int(time.astype("datetime64[M]").astype(int)) % 12
