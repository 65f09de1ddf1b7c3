"""NetCDF files opened with xarray, whose chunks are checked before they are decoded."""

import pathlib
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from ngcm_cli.inputs.sources.hdf5_chunks import DoubtfulChunks, doubtful_chunks
from ngcm_cli.io.netcdf_library import open_with_xarray


def open_netcdf(place: pathlib.Path, name: str, **options: Any) -> xr.Dataset:
    """Open a NetCDF file with `open_with_xarray`, which has these options.

    Values are read when they are asked for, and refused where a chunk would take far
    more memory than its shape.

    Args:
        place: Path of the file.
        name: Name of the file for messages.
        options: Of xarray: ``cache`` and how to decode.

    Raises:
        InputDataError: A chunk of a variable of one dimension is such, or the chunks
            cannot be checked. Reading raises it as well.
    """
    doubtful = doubtful_chunks(place, name)
    if not doubtful:
        return open_with_xarray(place, **options)
    for chunks in doubtful.values():
        if len(chunks.chunk) == 1:  # xarray reads coordinates at once
            chunks.check()
    cache = options.pop("cache", True)
    raw = open_with_xarray(place, decode_cf=False, cache=cache)
    for key in doubtful.keys() & raw.variables.keys():
        checked = _CheckedArray(raw.variables[key], doubtful[key]).variable()
        raw = raw.assign({key: checked})
    return xr.decode_cf(raw, **options)


class _CheckedArray(BackendArray):
    """A lazy variable of a file whose chunks are checked before it is read."""

    def __init__(self, stored: xr.Variable, chunks: DoubtfulChunks):
        self.shape, self.dtype = stored.shape, stored.dtype
        self._stored, self._chunks = stored, chunks

    def __getitem__(self, key: Any) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple) -> np.ndarray:
        sizes = zip(key, self.shape, strict=True)
        self._chunks.check(tuple(np.atleast_1d(np.arange(n)[k]) for k, n in sizes))
        return self._stored.isel(dict(zip(self._stored.dims, key, strict=True))).values

    def variable(self) -> xr.Variable:
        """Return the array as a lazy variable."""
        lazy = indexing.LazilyIndexedArray(self)
        stored = self._stored
        return xr.Variable(stored.dims, lazy, stored.attrs, stored.encoding)
