"""One exported file: its name, its contents, and how it is written."""

import dataclasses
import datetime
import logging
import os
import pathlib
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import netCDF4
import numpy as np

from ngcm_cli.errors import OutputError
from ngcm_cli.output.cell_bounds import Cells
from ngcm_cli.output.cmor.attributes import Labels, global_attributes, grid_label
from ngcm_cli.output.cmor.source import Means
from ngcm_cli.output.cmor.table import MISSING, CmorVariable
from ngcm_cli.output.field_selection import COORDINATES
from ngcm_cli.output.schema import CALENDAR

log = logging.getLogger(__name__)

_EPOCH = np.datetime64("1850-01-01T00", "h")
_NAME = re.compile(r"(.*)_(\d{6}|\d{8})-(\d{6}|\d{8})\.nc")
# The fastest level of the one compressor that every NetCDF-4 reader has.
_PACKING = {"compression": "zlib", "complevel": 1, "shuffle": True}
_COORDINATES: Mapping[str, Mapping[str, Any]] = {
    "time": {
        **COORDINATES["time"],
        **CALENDAR,
        "long_name": "time",
        "units": "days since 1850-01-01",
        "bounds": "time_bnds",
    },
    "plev": {**COORDINATES["level"], "long_name": "pressure", "units": "Pa"},
    "lat": {**COORDINATES["latitude"], "long_name": "latitude", "bounds": "lat_bnds"},
    "lon": {**COORDINATES["longitude"], "long_name": "longitude", "bounds": "lon_bnds"},
}


@dataclasses.dataclass(frozen=True)
class CmorFile:
    """A file to export: one variable of one realization.

    Attributes:
        means: store that it is made of.
        labels: in its name.
        variable: variable in it.
        levels: levels of the variable that the store has, in hPa, from the ground up.
        member: position of the realization in the store.
        folder: in which it is written.
    """

    means: Means
    labels: Labels
    variable: CmorVariable
    levels: tuple[int, ...]
    member: int
    folder: pathlib.Path

    @property
    def variant(self) -> str:
        """CMIP's label of the realization, as ``r1i1p1f1``."""
        return f"r{self.means.first + self.member}i1p1f1"

    def path(self, records: Sequence[int]) -> pathlib.Path:
        """Return the path of the file that holds these records of the store."""
        stem = self._stem(self.variable.name, self.means.table.name)
        return self.folder / f"{stem}_{self.means.period(records)}.nc"

    @property
    def planned(self) -> pathlib.Path:
        """Path of the file, if every complete record of the store is finite."""
        return self.path(self.means.records)

    @property
    def area(self) -> pathlib.Path:
        """Path of the file of cell areas that this one refers to."""
        return self.folder / f"{self._stem('areacella', 'fx')}.nc"

    def _stem(self, variable: str, table: str) -> str:
        labels, grid = self.labels, grid_label(self.means.attributes)
        model = f"{labels.source}_{labels.experiment}"
        return f"{variable}_{table}_{model}_{self.variant}_{grid}"

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
            records = self.means.records[:done]
            return self.path(records) if records else None

        written = _make(self.planned, fill, overwrite)
        left_out = self.means.records[done:]
        if left_out:
            begin = self.means.bounds[left_out[0], 0].astype("datetime64[D]")
            log.warning(
                f"{self.variable.name} of {self.variant} ends before {begin}: the mean "
                "from there is not finite."
            )
        return written

    def write_area(self) -> pathlib.Path:
        """Write the file of cell areas, replacing one that exists."""

        def fill(file: netCDF4.Dataset) -> pathlib.Path:
            self._describe_grid(file, "areacella")
            area = file.createVariable(
                "areacella", "f4", ("lat", "lon"), fill_value=MISSING, **_PACKING
            )
            area.setncatts(
                {
                    "standard_name": "cell_area",
                    "long_name": "Grid-Cell Area for Atmospheric Grid Variables",
                    "units": "m2",
                    "cell_methods": "area: sum",
                    "missing_value": MISSING,
                }
            )
            area[...] = self._cells.areas
            return self.area

        _make(self.area, fill, overwrite=True)
        return self.area

    @property
    def _cells(self) -> Cells:
        spacing = str(self.means.attributes.get("latitude_spacing"))
        latitude, longitude = map(self.means.values, ("latitude", "longitude"))
        return Cells.of(latitude, longitude, spacing)

    def _describe_grid(self, file: netCDF4.Dataset, variable: str) -> None:
        """Write global attributes, latitude and longitude."""
        means, cells = self.means, self._cells
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        realization, resolution = means.first + self.member, cells.nominal_resolution
        file.setncatts(
            global_attributes(
                means, self.labels, variable, realization, resolution, now
            )
        )
        file.createDimension("bnds", 2)
        for name, source, bounds in (
            ("lat", "latitude", cells.latitude_bounds),
            ("lon", "longitude", cells.longitude_bounds),
        ):
            file.createDimension(name, len(bounds))
            coordinate = file.createVariable(name, "f8", (name,))
            coordinate.setncatts(_COORDINATES[name])
            coordinate[...] = means.values(source)
            file.createVariable(f"{name}_bnds", "f8", (name, "bnds"))[...] = bounds

    def _describe(self, file: netCDF4.Dataset) -> None:
        """Write everything but the records."""
        variable = self.variable
        self._describe_grid(file, variable.name)
        file.createDimension("time", None)
        file.createVariable("time", "f8", ("time",)).setncatts(_COORDINATES["time"])
        file.createVariable("time_bnds", "f8", ("time", "bnds"))
        layers = ("plev",) if variable.is_layered else ()
        if layers:
            file.createDimension("plev", len(self.levels))
        if variable.levels:
            pressure = file.createVariable("plev", "f8", layers)
            pressure.setncatts(_COORDINATES["plev"])
            pascals = [100.0 * level for level in self.levels]
            pressure[...] = pascals if layers else pascals[0]
        dimensions = ("time", *layers, "lat", "lon")
        field = file.createVariable(
            variable.name,
            "f4",
            dimensions,
            chunksizes=(1, *(file.dimensions[name].size for name in dimensions[1:])),
            fill_value=MISSING,
            **_PACKING,
        )
        field.setncatts(self._field_attributes())

    def _field_attributes(self) -> dict[str, Any]:
        variable = self.variable
        methods = str(self.means.array(variable.source).attrs.get("cell_methods", ""))
        sampling = re.search(r"interval: ([^)]+)", methods)
        every = f"mean of values every {sampling[1]}" if sampling else ""
        is_at_one_level = variable.levels and not variable.is_layered
        attributes = {
            "standard_name": variable.standard_name,
            "long_name": variable.long_name,
            "units": variable.units,
            "units_metadata": "temperature: on_scale" if variable.units == "K" else "",
            "comment": "; ".join(filter(None, (variable.comment, every))),
            "original_name": variable.source,
            "cell_methods": variable.cell_methods,
            "cell_measures": "area: areacella",
            "coordinates": "plev" if is_at_one_level else "",
        }
        given = {name: text for name, text in attributes.items() if text}
        return {**given, "missing_value": MISSING}

    def _write_records(self, file: netCDF4.Dataset) -> int:
        """Copy records while they are finite, and return their number."""
        means, variable = self.means, self.variable
        in_store = list(means.levels)
        positions = [in_store.index(level) for level in self.levels]
        for done, record in enumerate(means.records):
            field = means.read(variable.source, self.member, record, positions)
            if not np.isfinite(field).all():
                return done
            days = (means.bounds[record] - _EPOCH) / np.timedelta64(1, "D")
            file["time_bnds"][done] = days
            file["time"][done] = days.mean()
            shape = file[variable.name].shape[1:]  # without a scalar's one level
            file[variable.name][done] = variable.converted(field).reshape(shape)
        return len(means.records)


def _make(
    planned: pathlib.Path,
    fill: Callable[[netCDF4.Dataset], pathlib.Path | None],
    overwrite: bool,
) -> pathlib.Path | None:
    """Fill a temporary sibling, then rename it to the path that ``fill`` returns."""
    new = planned.with_name(f".{planned.name}.{uuid.uuid4().hex[:8]}")
    try:
        with netCDF4.Dataset(new, "w", format="NETCDF4_CLASSIC") as file:
            target = fill(file)
        if target is None:
            return None
        old = overlapping(target)
        if not overwrite:
            refuse_to_replace([target])
        os.replace(new, target)
        for path in set(old) - {target}:
            path.unlink()
        return target
    except OutputError:
        raise
    except (OSError, RuntimeError) as error:  # the C library's errors are the latter
        raise OutputError(
            f"{planned} could not be written: {error}.",
            "Free some space, or choose another --output, and export again; files that "
            "exist are complete.",
        ) from error
    finally:
        new.unlink(missing_ok=True)


def overlapping(target: pathlib.Path) -> list[pathlib.Path]:
    """Return files of the same variable and realization with a common month or day."""
    own = _NAME.fullmatch(target.name)
    if own is None or not target.parent.is_dir():
        return []
    return sorted(
        path
        for path in target.parent.iterdir()
        if (other := _NAME.fullmatch(path.name))
        and other[1] == own[1]
        and other[2] <= own[3]
        and own[2] <= other[3]
    )


def refuse_to_replace(targets: Sequence[pathlib.Path]) -> None:
    """Raise `OutputError` if a file of an overlapping period exists."""
    existing = sorted({path for target in targets for path in overlapping(target)})
    if existing:
        more = f" and {len(existing) - 1} more files" if len(existing) > 1 else ""
        raise OutputError(
            f"{existing[0]}{more} would be replaced.",
            "Choose another --output, or give --overwrite to replace them.",
        )
