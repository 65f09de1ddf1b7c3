"""NetCDF-4 as an export of a finished Zarr store, with the same values.

A single forecast has the dimensions ``time, level, latitude, longitude``, where
``time`` is the valid time; several initial times or members have those of the store.
"""

import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import netCDF4
import numpy as np

from ngcm_cli.errors import InputDataError, OutputError
from ngcm_cli.inputs.sources.hdf5_chunks import check_chunks
from ngcm_cli.io.atomic import complete_file
from ngcm_cli.io.netcdf_library import netcdf_file
from ngcm_cli.output.field_selection import COORDINATES, Coordinate
from ngcm_cli.output.zarr import dimensions_of

if TYPE_CHECKING:
    import zarr

_TIMES = {"time", "forecast_reference_time", "forecast_period"}


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

    try:
        with (
            complete_file(target.resolve()) as new,
            netcdf_file(new, "w", format="NETCDF4") as file,
        ):
            _copy(zarr.open_group(source, mode="r"), file)
    except (OSError, RuntimeError) as error:  # the C library's errors are the latter
        raise OutputError(
            f"{target} could not be written: {error}.",
            f"The whole output is in {source}, which opens as Zarr; convert that, or "
            "free some space and resume the run.",
        ) from error


def read_attributes(path: pathlib.Path) -> dict[str, Any]:
    """Return the global attributes of a NetCDF file.

    Raises:
        OutputError: it cannot be opened.
    """
    try:
        with netcdf_file(path) as file:
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
        check_chunks(path)
        with netcdf_file(path) as file:
            for variable in file.variables.values():
                variable.set_auto_maskandscale(False)
                for index in np.ndindex(variable.shape[:-2]):
                    variable[index]
            return len(file.variables)
    except (InputDataError, OSError, RuntimeError) as error:
        raise OutputError(
            f"{path} is damaged: {error}.",
            "Put it back from a copy, or write it again.",
        ) from None


def _copy(group: "zarr.Group", file: netCDF4.Dataset) -> None:
    fields, coordinates = {}, {}
    for name, array in group.arrays():
        dimensions = dimensions_of(array)
        if "latitude" in dimensions and "lead_time" in dimensions:
            fields[name] = array
        else:
            values = np.asarray(array[...])
            coordinates[name] = Coordinate(dimensions, values, dict(array.attrs))
    is_single = len(coordinates["init_time"].values) == 1 and not any(
        "realization" in dimensions_of(array) for array in fields.values()
    )
    file.setncatts(dict(group.attrs))
    if is_single:
        coordinates = _along_valid_time(coordinates)
        file.createDimension("time", None)  # unlimited, so that files can be joined
    for name, coordinate in coordinates.items():
        values = _portable(coordinate)
        _create_dimensions(file, coordinate.dimensions, values.shape)
        variable = file.createVariable(name, values.dtype.str, coordinate.dimensions)
        variable.setncatts(dict(coordinate.attributes))
        variable[...] = values
    for name, array in fields.items():
        _copy_field(file, name, array, is_single)


def _along_valid_time(coordinates: Mapping[str, Coordinate]) -> dict[str, Coordinate]:
    """Return the coordinates of one forecast, whose only time dimension is valid time.

    Programs that know fields of time, level, latitude and longitude read no others.
    """
    others = dict(coordinates)
    valid, init, lead = map(others.pop, ("valid_time", "init_time", "lead_time"))
    attributes = {**COORDINATES["time"], **valid.attributes}
    return {
        "time": Coordinate(("time",), valid.values[0], attributes),
        "init_time": Coordinate((), init.values[0], init.attributes),
        "lead_time": Coordinate(("time",), lead.values, lead.attributes),
        **others,
    }


def _portable(coordinate: Coordinate) -> np.ndarray:
    """Return the values of a coordinate in a type that every reader of NetCDF knows."""
    values = np.asarray(coordinate.values)
    if values.dtype != np.int64:
        return values
    is_time = coordinate.attributes["standard_name"] in _TIMES
    return values.astype(np.float64 if is_time else np.int32)


def _copy_field(
    file: netCDF4.Dataset, name: str, array: "zarr.Array", is_single: bool
) -> None:
    """Copy a field, as many records at a time as share a chunk of the store."""
    dimensions, attributes = dimensions_of(array), dict(array.attrs)
    last = dimensions.index("lead_time")
    shape, step = array.shape[last + 1 :], array.chunks[last]
    only: tuple[int, ...] = ()
    if is_single:
        only, dimensions = (0,), ("time", *dimensions[last + 1 :])
        attributes["coordinates"] = "init_time lead_time"
    _create_dimensions(file, dimensions, array.shape[len(only) :])
    variable = file.createVariable(
        name,
        array.dtype.str,
        dimensions,
        # The fastest level of the one compressor that every NetCDF-4 reader has.
        compression="zlib",
        complevel=1,
        chunksizes=(*(1 for _ in dimensions[: -len(shape)]), *shape),
        chunk_cache=math.prod(shape) * array.dtype.itemsize,
    )
    variable.setncatts(attributes)
    for index in np.ndindex(array.shape[len(only) : last]):
        for start in range(0, array.shape[last], step):
            records = slice(start, min(start + step, array.shape[last]))
            variable[(*index, records)] = array[(*only, *index, records)]


def _create_dimensions(
    file: netCDF4.Dataset, names: Sequence[str], sizes: Sequence[int]
) -> None:
    for name, size in zip(names, sizes, strict=True):
        if name not in file.dimensions:
            file.createDimension(name, size)
