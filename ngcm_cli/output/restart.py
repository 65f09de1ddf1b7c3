"""Restarts of long runs: everything that the next day depends on, in one NetCDF file.

Every array has the name of its place in the state of the run and named dimensions, and
is kept bit by bit with a checksum. A file is there under its name when it is whole.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import uuid
from collections.abc import Mapping
from typing import Any

import netCDF4
import numpy as np

from ngcm_cli.errors import OutputError
from ngcm_cli.time_format import format_time

RESTARTS = "restarts"
"""The folder of them within that of a run."""

VERSION = 1
"""Of the format; another one is refused."""


def write_restart(
    path: pathlib.Path,
    arrays: Mapping[str, tuple[tuple[str, ...], np.ndarray]],
    about: Mapping[str, Any],
) -> None:
    """Write a restart; on any failure there is none.

    Args:
        path: of the file.
        arrays: dimensions and values by name.
        about: what the restart belongs to, kept as JSON.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(exist_ok=True)
    new = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    content = _content(arrays, json.dumps(about))
    try:
        with open(new, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not every system syncs folders
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _content(
    arrays: Mapping[str, tuple[tuple[str, ...], np.ndarray]], about: str
) -> memoryview:
    """Of the file.

    It is made in memory: on a full disk the C library does not say why it fails, and
    keeps the space of the file that it could not finish.
    """
    size = sum(values.nbytes for _, values in arrays.values())
    file = netCDF4.Dataset("restart", "w", format="NETCDF4", memory=size)
    checksum = _checksum({name: x for name, (_, x) in arrays.items()}, about)
    file.setncatts({"restart_version": VERSION, "about": about, "sha256": checksum})
    for name, (dimensions, values) in arrays.items():
        _write(file, name, dimensions, values)
    return file.close()


def _checksum(arrays: Mapping[str, np.ndarray], about: str) -> str:
    """Of all that a restart says, in whatever order."""
    digest = hashlib.sha256(about.encode())
    for name, x in sorted(arrays.items()):
        digest.update(f"\n{name} {x.dtype.str} {x.shape} ".encode())
        digest.update(np.ascontiguousarray(x).data)
    return digest.hexdigest()


def _write(
    file: netCDF4.Dataset, name: str, dimensions: tuple[str, ...], values: np.ndarray
) -> None:
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


def read_restart(
    path: pathlib.Path,
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what `write_restart` wrote: the arrays by name, and what they belong to.

    Raises:
        OutputError: it is no restart, or damaged, or of another version of the format.
    """
    try:
        with netCDF4.Dataset(path) as file:
            version = getattr(file, "restart_version", None)
            if version is None:
                raise OutputError(
                    f"{path} is not a restart of ngcm.", "Remove it from the folder."
                )
            if version != VERSION:
                raise OutputError(
                    f"{path} has version {version} of the format of restarts; this "
                    f"ngcm reads version {VERSION}.",
                    "Go on with the ngcm that wrote it.",
                )
            file.set_auto_maskandscale(False)
            arrays = {n: np.array(x[...]) for n, x in file.variables.items()}
            if _checksum(arrays, file.about) != file.sha256:
                raise ValueError("its checksum is another")
            return arrays, json.loads(file.about)
    except OutputError:
        raise
    except (RuntimeError, OSError, ValueError, AttributeError) as error:
        raise OutputError(
            f"The restart {path} is damaged: {error}.",
            "If no other is left in its folder, start again.",
        ) from error


def restart_path(folder: pathlib.Path, time: np.datetime64) -> pathlib.Path:
    """Where the restart of a time is."""
    return folder / f"{format_time(time)}.nc".replace(":", "")


def restarts(folder: pathlib.Path) -> list[pathlib.Path]:
    """All restarts in a folder, the oldest first."""
    return sorted(path for path in folder.glob("[0-9]*.nc") if path.is_file())
