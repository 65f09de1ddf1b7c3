"""Restart files: the state of a task, bit by bit, in one NetCDF file.

Every array is named after its position in the state of the run and has named
dimensions; a checksum covers all of them. A file takes its name when it is complete.
"""

import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import netCDF4
import numpy as np

from ngcm_cli.errors import OutputError
from ngcm_cli.inputs.sources.hdf5_chunks import check_chunks
from ngcm_cli.io.array_digest import named_arrays_sha256
from ngcm_cli.io.atomic import atomic_file, remove_temporary_siblings
from ngcm_cli.io.netcdf_library import NETCDF_LOCK, netcdf_file
from ngcm_cli.output.run_directory import VERSION
from ngcm_cli.time_format import format_time


def write_restart(
    path: pathlib.Path,
    arrays: Mapping[str, tuple[tuple[str, ...], np.ndarray]],
    metadata: Mapping[str, Any],
) -> None:
    """Write a restart file, after all output so far is safe on disk.

    Args:
        path: path of the file.
        arrays: dimensions and values by name.
        metadata: description of the run and its progress, stored as JSON.

    Raises:
        OSError: the file cannot be written; what had its name before is unchanged.
    """
    remove_temporary_siblings(path)
    # Zarr leaves its files to the system: they must not be lost in a power failure
    # when the restart that counts on them is not.
    os.sync()
    with NETCDF_LOCK:
        content = _content(arrays, json.dumps(metadata))
    with atomic_file(path) as file:
        file.write(content)


def _content(
    arrays: Mapping[str, tuple[tuple[str, ...], np.ndarray]], metadata: str
) -> memoryview:
    """Return the content of the file.

    It is made in memory: on a full disk the C library does not say why it fails, and
    keeps the space of the file that it could not finish.
    """
    size = sum(values.nbytes for _, values in arrays.values())
    file = netCDF4.Dataset("restart", "w", format="NETCDF4", memory=size)
    checksum = named_arrays_sha256(
        {name: x for name, (_, x) in arrays.items()}, metadata
    )
    file.setncatts(
        {"restart_version": VERSION, "metadata": metadata, "sha256": checksum}
    )
    for name, (dimensions, values) in arrays.items():
        named = []
        for dimension, size in zip(dimensions, values.shape, strict=True):
            # Levels of the atmosphere and of the surface share a name, not a size.
            known = file.dimensions.get(dimension)
            if known is not None and len(known) != size:
                dimension = f"{dimension}_{size}"
            if dimension not in file.dimensions:
                file.createDimension(dimension, size)
            named.append(dimension)
        variable = file.createVariable(name, values.dtype.str, named, fill_value=False)
        variable.set_auto_maskandscale(False)
        variable[...] = values
    return file.close()


def read_restart(path: pathlib.Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays by name, and the metadata, of a restart file.

    Raises:
        OutputError: it is no restart file, damaged, or of another version.
    """
    try:
        check_chunks(path)
        with netcdf_file(path) as file:
            version = getattr(file, "restart_version", None)
            if version is None:
                raise OutputError(
                    f"{path} is not a restart file of ngcm.", "Remove it."
                )
            if version != VERSION:
                raise OutputError(
                    f"{path} has version {version} of the format of restart files; "
                    f"this ngcm reads version {VERSION}.",
                    "Resume with the ngcm that wrote it.",
                )
            file.set_auto_maskandscale(False)
            arrays = {n: np.array(x[...]) for n, x in file.variables.items()}
            if named_arrays_sha256(arrays, file.metadata) != file.sha256:
                raise ValueError("its checksum differs")
            return arrays, json.loads(file.metadata)
    except OutputError:
        raise
    except (RuntimeError, OSError, ValueError, AttributeError) as error:
        raise OutputError(
            f"The restart file {path} is damaged: {error}.",
            "If there is no older one in its directory, start again.",
        ) from error


def restart_path(folder: pathlib.Path, time: np.datetime64) -> pathlib.Path:
    """Return the path of the restart file of a valid time."""
    return folder / f"{format_time(time)}.nc".replace(":", "")


def list_restarts(folder: pathlib.Path) -> list[pathlib.Path]:
    """Return all restart files in a directory, the oldest first."""
    return sorted(path for path in folder.glob("[0-9]*.nc") if path.is_file())
