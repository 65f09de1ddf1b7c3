"""One exported file: its name, its contents, and how it is written."""

import dataclasses
import logging
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import netCDF4
import numpy as np

from ngcm_cli.output.cmor.attributes import Identity
from ngcm_cli.output.cmor.grid_file import GridFile, create_field
from ngcm_cli.output.cmor.replacement import write_whole
from ngcm_cli.output.cmor.table import CELL_AREA, MISSING, CmorVariable
from ngcm_cli.output.field_selection import COORDINATES
from ngcm_cli.output.schema import CALENDAR

log = logging.getLogger(__name__)

SURFACE_PRESSURE = "surface_pressure"
"""Variable that tells what is below the ground."""

_EPOCH = np.datetime64("1850-01-01T00", "h")
_TIME: Mapping[str, Any] = {
    **COORDINATES["time"],
    **CALENDAR,
    "long_name": "time",
    "units": "days since 1850-01-01",
    "bounds": "time_bnds",
}
_PRESSURE_LEVELS: Mapping[str, Any] = {
    **COORDINATES["level"],
    "long_name": "pressure",
    "units": "Pa",
}


@dataclasses.dataclass(frozen=True)
class CmorFile(GridFile):
    """A file of one variable of one realization.

    Attributes:
        variable: variable in it.
        table: CMIP's table.
        levels: levels of the variable that the store has, in hPa, from the ground up.
        records: consecutive records of the store, at least one.
        is_masked: whether values below the ground are missing.
        land: cells without sea, (latitude, longitude), where values of the sea are
            missing; None if it is not known.
    """

    variable: CmorVariable
    table: str
    levels: tuple[int, ...]
    records: range
    is_masked: bool
    land: np.ndarray | None = None

    @property
    def identity(self) -> Identity:
        """What the file holds, in CMIP's terms."""
        frequency = self.means.table.frequency
        return Identity(self.variable.name, self.table, frequency, self.variable.realm)

    def path(self, records: Sequence[int]) -> pathlib.Path:
        """Return the path of the file that holds these records of the store."""
        return self.named(self.means.period(records))

    @property
    def planned(self) -> pathlib.Path:
        """Path of the file, if all records are finite."""
        return self.path(self.records)

    def write(self, overwrite: bool = False) -> pathlib.Path | None:
        """Write the file, of the records up to the first that is not finite.

        It appears under its name when it is complete.

        Args:
            overwrite: replace files that share months or days with it.

        Returns:
            Path of the file; None if not even the first record is finite.

        Raises:
            OutputError: the file cannot be written, or would replace another.
        """
        done = 0

        def fill(file: netCDF4.Dataset) -> pathlib.Path | None:
            nonlocal done
            self._describe(file)
            done = self._write_records(file)
            return self.path(self.records[:done]) if done else None

        written = write_whole(self.planned, fill, overwrite)
        left_out = self.records[done:]
        if left_out:
            begin = self.means.bounds[left_out[0], 0].astype("datetime64[D]")
            log.warning(
                f"{self.variable.name} of {self.variant} ends before {begin}: the mean "
                "from there is not finite."
            )
        return written

    def _describe(self, file: netCDF4.Dataset) -> None:
        """Write everything but the records."""
        variable = self.variable
        self.describe_grid(file)
        file.createDimension("time", None)
        file.createVariable("time", "f8", ("time",)).setncatts(_TIME)
        file.createVariable("time_bnds", "f8", ("time", "bnds"))
        layers = ("plev",) if variable.is_layered else ()
        if layers:
            file.createDimension("plev", len(self.levels))
        if self.levels:
            pressure = file.createVariable("plev", "f8", layers)
            pressure.setncatts(_PRESSURE_LEVELS)
            pascals = [100.0 * level for level in self.levels]
            pressure[...] = pascals if layers else pascals[0]
        create_field(
            file,
            variable.name,
            ("time", *layers, "lat", "lon"),
            self._field_attributes(),
            coordinates=("plev",) if self.levels and not layers else (),
            area_type=variable.area_type,
        )

    @property
    def _has_land(self) -> bool:
        """Whether values are of the sea, and missing on land."""
        return bool(self.variable.where) and self.land is not None

    def _field_attributes(self) -> dict[str, Any]:
        variable, top = self.variable, self.means.top
        is_filled = bool(variable.where) and not self._has_land
        if is_filled:
            variable = dataclasses.replace(variable, where="")
        methods = str(self.means.array(variable.source).attrs.get("cell_methods", ""))
        sampling = re.search(r"interval: ([^)]+)", methods)
        above = [f"{level}" for level in self.levels if level < top]
        comments = (
            variable.comment,
            "over land of the nearest sea" if is_filled else "",
            f"mean of values every {sampling[1]}" if sampling else "",
            "missing where the mean surface pressure is lower than that of the level"
            if self._masks_ground
            else "",
            f"{', '.join(above)} hPa: extrapolated, above the highest level of the "
            f"model at about {top:.3g} hPa"
            if above
            else "",
        )
        return {
            "standard_name": variable.standard_name,
            "long_name": variable.long_name,
            "units": variable.units,
            "units_metadata": "temperature: on_scale"
            if variable.units in ("K", "degC")
            else "",
            "positive": variable.positive,
            "comment": "; ".join(filter(None, comments)),
            "original_name": variable.source,
            "cell_methods": variable.cell_methods,
            "cell_measures": f"area: {CELL_AREA.name}",
        }

    @property
    def _masks_ground(self) -> bool:
        return self.is_masked and bool(self.levels)

    def _write_records(self, file: netCDF4.Dataset) -> int:
        """Copy records while they are finite, and return their number."""
        means, variable = self.means, self.variable
        in_store = list(means.levels)
        positions = [in_store.index(level) for level in self.levels]
        shape = file[variable.name].shape[1:]  # without a scalar's one level
        for done, record in enumerate(self.records):
            field = means.read(variable.source, self.member, record, positions)
            if not np.isfinite(field).all():
                return done
            days = (means.bounds[record] - _EPOCH) / np.timedelta64(1, "D")
            file["time_bnds"][done] = days
            file["time"][done] = days.mean()
            values = variable.converted(field)
            if self._masks_ground:
                ground = means.read(SURFACE_PRESSURE, self.member, record, [])
                pressure = 100.0 * np.array(self.levels)[:, None, None]
                values[pressure > ground] = MISSING
            if self._has_land:
                values[self.land] = MISSING
            file[variable.name][done] = values.reshape(shape)
        return len(self.records)
