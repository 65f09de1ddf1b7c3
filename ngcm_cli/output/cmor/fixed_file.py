"""Files of CMIP's table fx: cell areas, land and the height of the ground."""

import dataclasses
import pathlib
from collections.abc import Mapping

import netCDF4
import numpy as np

from ngcm_cli.output.cmor.attributes import Identity
from ngcm_cli.output.cmor.grid_file import GridFile, create_field
from ngcm_cli.output.cmor.replacement import write_whole
from ngcm_cli.output.cmor.table import CELL_AREA, GROUND, FixedVariable


@dataclasses.dataclass(frozen=True)
class FixedFile(GridFile):
    """A file of a field that does not change, one for all realizations and periods.

    Attributes:
        variable: variable in it.
        values: of the variable in CMIP's unit, (latitude, longitude).
    """

    variable: FixedVariable
    values: np.ndarray

    @property
    def identity(self) -> Identity:
        """What the file holds, in CMIP's terms."""
        return Identity(self.variable.name, "fx", "fx", self.variable.realm)

    def write(self) -> pathlib.Path:
        """Write the file, replacing one that exists."""
        variable, path = self.variable, self.named()

        def fill(file: netCDF4.Dataset) -> pathlib.Path:
            self.describe_grid(file)
            attributes = {
                "standard_name": variable.standard_name,
                "long_name": variable.long_name,
                "units": variable.units,
                "comment": variable.comment,
                "cell_methods": variable.cell_methods,
                "cell_measures": ""
                if variable is CELL_AREA
                else f"area: {CELL_AREA.name}",
            }
            field = create_field(
                file,
                variable.name,
                ("lat", "lon"),
                attributes,
                area_type=variable.area_type,
            )
            field[...] = self.values
            return path

        write_whole(path, fill, overwrite=True)
        return path


def fixed_files(
    like: GridFile, ground: Mapping[str, np.ndarray] | None
) -> list[FixedFile]:
    """Return the files of cell areas and, where it is known, of the ground.

    Args:
        like: a file of the same realization.
        ground: ``sftlf`` in % and ``orog`` in m, each (latitude, longitude).
    """
    fields = [(CELL_AREA, like.cells.areas)]
    fields += [(v, ground[v.name]) for v in GROUND if ground and v.name in ground]
    place = like.means, like.labels, like.member, like.folder, like.version
    return [FixedFile(*place, variable, values) for variable, values in fields]
