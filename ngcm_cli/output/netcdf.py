"""NetCDF-4 as an export of a finished Zarr store, copied as it is encoded."""

import math
import os
import pathlib
from typing import TYPE_CHECKING, Any

import netCDF4
import numpy as np

from ngcm_cli.errors import OutputError
from ngcm_cli.io.atomic import temporary_sibling

if TYPE_CHECKING:
    import zarr


def export_netcdf(source: pathlib.Path, target: pathlib.Path) -> None:
    """Copy a store to a compressed NetCDF-4 file, one chunk in memory at a time.

    The file appears under its name when it is whole, and replaces what was there.

    Args:
        source: Zarr store of a forecast or an ensemble.
        target: file to write.

    Raises:
        OutputError: the file could not be written.
    """
    import zarr

    path = target.resolve()
    new = temporary_sibling(path)
    try:
        with netCDF4.Dataset(new, "w", format="NETCDF4") as file:
            _copy(zarr.open_group(source, mode="r"), file)
        os.replace(new, path)
    except (OSError, RuntimeError) as error:  # the C library's errors are the latter
        raise OutputError(
            f"{target} could not be written: {error}.",
            f"The whole output is in {source}, which opens as Zarr; convert that, or "
            "free some space and resume the run.",
        ) from error
    finally:
        new.unlink(missing_ok=True)


def read_attributes(path: pathlib.Path) -> dict[str, Any]:
    """Return the global attributes of a NetCDF file.

    Raises:
        OutputError: it cannot be opened.
    """
    try:
        with netCDF4.Dataset(path) as file:
            return {name: file.getncattr(name) for name in file.ncattrs()}
    except OSError as error:
        raise OutputError(
            f"{path} cannot be opened: {error}.", "Check its name."
        ) from None


def read_through(path: pathlib.Path) -> int:
    """Read all of a NetCDF file, whose packed variables have checksums.

    Returns:
        The number of its variables.

    Raises:
        OutputError: it is damaged.
    """
    try:
        with netCDF4.Dataset(path) as file:
            for variable in file.variables.values():
                variable.set_auto_maskandscale(False)
                for index in np.ndindex(variable.shape[:-2]):
                    variable[index]
            return len(file.variables)
    except (OSError, RuntimeError) as error:
        raise OutputError(
            f"{path} is damaged: {error}.",
            "Put it back from a copy, or write it again.",
        ) from None


def _copy(group: "zarr.Group", file: netCDF4.Dataset) -> None:
    file.setncatts(dict(group.attrs))
    for name, array in group.arrays():
        dimensions = tuple(str(d) for d in array.metadata.dimension_names or ())  # pyright: ignore
        for dimension, size in zip(dimensions, array.shape, strict=True):
            if dimension not in file.dimensions:
                file.createDimension(dimension, size)
        is_field = "latitude" in dimensions and "lead_time" in dimensions
        # The fastest level of the one compressor that every NetCDF-4 reader has.
        packing = {
            "compression": "zlib",
            "complevel": 1,
            "chunksizes": array.chunks,
            "chunk_cache": math.prod(array.chunks) * array.dtype.itemsize,
        }
        create = file.createVariable
        kind = array.dtype.str
        variable = create(name, kind, dimensions, **(packing if is_field else {}))
        variable.setncatts(dict(array.attrs))
        if not is_field:
            variable[...] = array[...]
            continue
        depth = dimensions.index("lead_time") + 1
        for index in np.ndindex(array.shape[:depth]):
            variable[index] = array[index]
