"""The file that a finished store becomes where the name of the output asks for one."""

import pathlib
from typing import Any

from ngcm_cli.output import grib, netcdf


def export_store(source: pathlib.Path, target: pathlib.Path) -> None:
    """Write a store as the kind of file that the name of the target ends in.

    Raises:
        OutputError: the file could not be written.
    """
    if target.suffix == grib.SUFFIX:
        grib.export_grib(source, target)
    else:
        netcdf.export_netcdf(source, target)


def read_attributes(path: pathlib.Path) -> dict[str, Any]:
    """Return the global attributes of a file that was made of a store.

    Raises:
        OutputError: they cannot be read.
    """
    reader = grib if path.suffix == grib.SUFFIX else netcdf
    return reader.read_attributes(path)
