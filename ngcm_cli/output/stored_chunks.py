"""The files of a Zarr store that hold records, and which records each of them holds."""

import dataclasses
import math
import pathlib
from collections.abc import Iterator, Mapping

import numpy as np

from ngcm_cli.output.schema import StoreSchema
from ngcm_cli.output.zarr import open_store


@dataclasses.dataclass(frozen=True)
class StoredChunk:
    """A file of a store.

    Attributes:
        path: within the store.
        records: which it holds: their indices along each record dimension that the
            variable has.
    """

    path: str
    records: Mapping[str, range]


def stored_chunks(store: pathlib.Path, schema: StoreSchema) -> Iterator[StoredChunk]:
    """Return all files that a store of a schema has when it is complete.

    Raises:
        OutputError: the store is damaged.
    """
    import zarr

    group = open_store(store, "r", use_consolidated=False)
    for name, variable in schema.variables.items():
        array = group.get(name)
        if not isinstance(array, zarr.Array):  # its metadata are missing: found there
            continue
        sizes = array.shards or array.chunks
        counts = (math.ceil(n / m) for n, m in zip(array.shape, sizes, strict=True))
        for index in np.ndindex(*counts):
            records = {
                dimension: range(i * size, min((i + 1) * size, end))
                for dimension, i, size, end in zip(
                    variable.dimensions, index, sizes, array.shape, strict=True
                )
                if dimension in schema.record_dimensions
            }
            path = f"{name}/{array.metadata.encode_chunk_key(index)}"
            yield StoredChunk(path, records)
