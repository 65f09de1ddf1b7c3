"""What all exported files have: a path, global attributes, latitude and longitude."""

import abc
import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

import netCDF4
import numpy as np

from ngcm_cli.output.cell_bounds import Cells
from ngcm_cli.output.cmor.attributes import (
    Identity,
    global_attributes,
    grid_label,
    variant_of,
)
from ngcm_cli.output.cmor.labels import Labels
from ngcm_cli.output.cmor.source import Means
from ngcm_cli.output.cmor.table import MISSING
from ngcm_cli.output.field_selection import COORDINATES
from ngcm_cli.time_format import utc_now

# The fastest level of the one compressor that every NetCDF-4 reader has.
_PACKING = {"compression": "zlib", "complevel": 1, "shuffle": True}
_COORDINATES: Mapping[str, Mapping[str, Any]] = {
    "lat": {**COORDINATES["latitude"], "long_name": "latitude", "bounds": "lat_bnds"},
    "lon": {**COORDINATES["longitude"], "long_name": "longitude", "bounds": "lon_bnds"},
}


@dataclasses.dataclass(frozen=True)
class GridFile(abc.ABC):
    """A file to export.

    Attributes:
        means: store that it is made of.
        labels: in its name.
        member: position of the realization in the store.
        folder: in which it is written.
        version: last directory of the tree in the folder, as ``v20260102``; None puts
            the file into the folder itself.
    """

    means: Means
    labels: Labels
    member: int
    folder: pathlib.Path
    version: str | None

    @property
    @abc.abstractmethod
    def identity(self) -> Identity:
        """What the file holds, in CMIP's terms."""

    @property
    def variant(self) -> str:
        """CMIP's label of the realization, as ``r1i1p1f1``."""
        return variant_of(self.means, self.labels, self.member).label

    def named(self, period: str = "") -> pathlib.Path:
        """Return the path of the file; the period ends its name, where it has one.

        The tree is that of AIMIP: institution, model, experiment, realization, table,
        variable, grid and version.
        """
        labels, identity = self.labels, self.identity
        grid = grid_label(self.means.attributes)
        place = labels.source, labels.experiment, self.variant
        names = (identity.variable, identity.table, *place, grid, period)
        folder = self.folder
        if self.version is not None:
            variable = identity.table, identity.variable, grid, self.version
            folder = folder.joinpath(labels.institution_id, *place, *variable)
        return folder / f"{'_'.join(filter(None, names))}.nc"

    def describe_grid(self, file: netCDF4.Dataset) -> None:
        """Write global attributes, latitude and longitude."""
        means, cells = self.means, self.cells
        now = utc_now()
        file.setncatts(
            global_attributes(
                *(means, self.labels, self.identity, self.member),
                cells.nominal_resolution,
                now,
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

    @property
    def cells(self) -> Cells:
        """Cells of the grid."""
        spacing = str(self.means.attributes.get("latitude_spacing"))
        latitude, longitude = map(self.means.values, ("latitude", "longitude"))
        return Cells.of(latitude, longitude, spacing)


def create_field(
    file: netCDF4.Dataset,
    name: str,
    dimensions: tuple[str, ...],
    attributes: Mapping[str, Any],
    coordinates: tuple[str, ...] = (),
    area_type: str = "",
) -> netCDF4.Variable:
    """Return a new packed float32 variable, a record of time in each chunk.

    Args:
        file: has the dimensions.
        name: of the variable.
        dimensions: of the variable.
        attributes: of the variable; those that are empty are left out.
        coordinates: names of its scalar coordinates.
        area_type: CF area type, a further scalar coordinate; none if empty.
    """
    if area_type:
        file.createDimension("strlen", len(area_type))
        kind = file.createVariable("type", "S1", ("strlen",))
        kind.setncatts({"standard_name": "area_type", "long_name": "area type"})
        kind[...] = np.array(list(area_type), "S1")
        coordinates = (*coordinates, "type")
    chunks = (1 if d == "time" else file.dimensions[d].size for d in dimensions)
    field = file.createVariable(
        name,
        "f4",
        dimensions,
        chunksizes=tuple(chunks),
        fill_value=MISSING,
        **_PACKING,
    )
    known = {**attributes, "coordinates": " ".join(coordinates)}
    field.setncatts({key: text for key, text in known.items() if text})
    field.setncattr("missing_value", MISSING)
    return field
