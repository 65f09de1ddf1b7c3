"""One thread at a time in the NetCDF library, whoever calls it.

The C libraries of NetCDF and HDF5, as netCDF4 brings them, crash the process if two
threads are in them at once, even with different files: a run writes restart files in
one thread while another reads the sea. xarray's own lock does not cover the variables
of a file that is being opened. So files are opened here and nowhere else.
"""

import contextlib
import pathlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import netCDF4

if TYPE_CHECKING:
    import xarray


class _Lock:
    """A reentrant lock; unpickled in another process, it is the one of that process."""

    def __init__(self):
        self._lock = threading.RLock()
        self.acquire, self.release = self._lock.acquire, self._lock.release

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __reduce__(self) -> str:
        return "NETCDF_LOCK"


NETCDF_LOCK = _Lock()
"""To be held by whoever calls the NetCDF library."""


@contextlib.contextmanager
def netcdf_file(
    path: pathlib.Path | str, mode: Literal["r", "w", "a"] = "r", **options: Any
) -> Iterator[netCDF4.Dataset]:
    """Open a file with `netCDF4.Dataset`, which has these arguments, and close it.

    Other threads wait meanwhile: within, do not wait for one that reads NetCDF.

    Raises:
        OSError: it cannot be opened, written or closed.
        RuntimeError: likewise, by the C library.
    """
    with NETCDF_LOCK, netCDF4.Dataset(path, mode, **options) as file:
        yield file


def open_with_xarray(path: pathlib.Path | str, **options: Any) -> "xarray.Dataset":
    """Open a file with `xarray.open_dataset`, which has these options.

    Its values may be read in any thread.

    Raises:
        OSError: it cannot be opened.
        ValueError: it cannot be decoded.
    """
    import xarray as xr

    with NETCDF_LOCK:
        return xr.open_dataset(path, engine="netcdf4", lock=NETCDF_LOCK, **options)
