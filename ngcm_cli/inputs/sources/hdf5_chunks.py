"""Chunks of NetCDF-4 files that would decode to far more than their shape.

HDF5 decodes a chunk whole before it compares it with the shape, so that a chunk of a
megabyte may take gigabytes. Here the compressed bytes are read instead, and what they
decode to is counted. netCDF4 has no access to them; h5py does. Most chunks are so small
that they need not be read. Source: HDF5 File Format Specification, filter pipeline, and
the registered filters of HDF5.
"""

import contextlib
import dataclasses
import math
import pathlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ngcm_cli.errors import InputDataError, printable
from ngcm_cli.inputs.sources.decoded_size import decoded_size
from ngcm_cli.inputs.sources.local_file import MOST_BYTES
from ngcm_cli.io.progress import format_size

if TYPE_CHECKING:
    import h5py

_HEAD = b"\x89HDF\r\n\x1a\n"
_NOT_A_COORDINATE = "_nc4_non_coord_"  # netCDF's prefix of such names in HDF5
_SLACK = 2**20  # bytes
# Chunks that decode to no more are harmless: HDF5 holds them twice, in 1.4 GB.
_HARMLESS = 7 * 10**8
_DEFLATE, _SZIP, _NBIT, _SCALE_OFFSET = 1, 4, 5, 6  # numbers of filters
_CODECS = {_DEFLATE: "zlib", 307: "bz2", 32001: "blosc", 32015: "zstd"}
_COMPRESSORS = {_DEFLATE, _SZIP, _NBIT, _SCALE_OFFSET, *_CODECS}
_MOST_OF_DEFLATE = 1032  # bytes of output for one of input
# What h5py raises for damaged files; TypeError where two groups cannot be compared.
_OF_DAMAGE = OSError, RuntimeError, TypeError, ValueError, KeyError, OverflowError


@dataclasses.dataclass(frozen=True, eq=False)
class DoubtfulChunks:
    """Chunks of one variable of which it is not known how much they decode to.

    Attributes:
        file: Path of the file.
        name: Name of the file for messages.
        variable: Name of the variable in HDF5, with its groups.
        chunk: Shape of a chunk.
        limit: Most bytes that a chunk may decode to.
        filters: Filters of the variable that compress: their place, number and values.
        offsets: First index of each doubtful chunk along each axis, (chunk, axis).
        checked: Offsets of chunks that keep the limit.
    """

    file: pathlib.Path
    name: str
    variable: str
    chunk: tuple[int, ...]
    limit: int
    filters: tuple[tuple[int, int, tuple[int, ...]], ...]
    offsets: np.ndarray
    checked: set[tuple[int, ...]] = dataclasses.field(default_factory=set)

    def check(self, wanted: tuple[np.ndarray, ...] | None = None) -> None:
        """Raise unless the chunks of the wanted indices along each axis keep the limit.

        Raises:
            InputDataError: One would take more memory, is compressed twice, or cannot
                be read.
        """
        chosen = np.ones(len(self.offsets), bool)
        for axis, indices in enumerate(wanted or ()):
            begins = np.unique(indices // self.chunk[axis]) * self.chunk[axis]
            chosen &= np.isin(self.offsets[:, axis], begins)
        offsets = {tuple(x) for x in self.offsets[chosen].tolist()} - self.checked
        if not offsets:
            return
        with _opened(self.file, self.name) as file:
            dataset: Any = file[self.variable]
            for offset in sorted(offsets):
                skipped, chunk = dataset.id.read_direct_chunk(offset)
                self._check_chunk(skipped, chunk, offset)
                self.checked.add(offset)

    def _check_chunk(self, skipped: int, chunk: bytes, offset: tuple[int, ...]) -> None:
        used = [x for x in self.filters if not skipped >> x[0] & 1]
        where = f"In '{self.name}' the chunk {list(offset)} of variable '{self.shown}'"
        if len(used) > 1:
            raise InputDataError(
                f"{where} is compressed {len(used)} times: what it takes in memory is "
                "unknown.",
                "Write the file again with one compressor.",
            )
        data = np.frombuffer(chunk, "u1")
        if used and _size(data, *used[0][1:], self.limit) > self.limit:
            raise InputDataError(
                f"{where} would take more than {format_size(self.limit)} in memory, "
                "far more than its shape.",
                "The file may be damaged: download or copy it again.",
            )

    @property
    def shown(self) -> str:
        """Name of the variable in NetCDF, for messages."""
        return printable(_netcdf_name(self.variable))


def doubtful_chunks(place: pathlib.Path, name: str) -> Mapping[str, DoubtfulChunks]:
    """Return the doubtful chunks of the variables of a file, by name, without groups.

    Raises:
        InputDataError: The file is in a version of HDF5 that cannot be checked.
    """
    found = (x for x in _all(place, name) if "/" not in x.variable.strip("/"))
    return {_netcdf_name(x.variable): x for x in found}


def check_chunks(place: pathlib.Path) -> None:
    """Raise unless every chunk of a file, also in groups, keeps its limit.

    A path at which there is no such file passes: who opens it says why.

    Raises:
        InputDataError: One would take more memory, or is compressed twice.
    """
    if place.is_file():
        for chunks in _all(place, str(place)):
            chunks.check()


def _all(place: pathlib.Path, name: str) -> Iterator[DoubtfulChunks]:
    with place.open("rb") as file:
        if file.read(len(_HEAD)) != _HEAD:  # NetCDF-3 is not compressed
            return
    with _opened(place, name) as opened:
        for path, dataset in _datasets(opened, set()):
            found = _doubtful(place, name, path, dataset)
            if found is not None:
                yield found


@contextlib.contextmanager
def _opened(place: pathlib.Path, name: str) -> Iterator["h5py.File"]:
    """Open a file; what h5py raises of damage in it becomes an `InputDataError`."""
    import h5py

    try:
        with h5py.File(place, "r", locking=False) as file:
            yield file
    except InputDataError:  # a ValueError, too
        raise
    except _OF_DAMAGE as error:
        raise InputDataError(
            f"'{name}' cannot be read: {printable(str(error))}.",
            "It may be truncated or of another version of HDF5: download it again, or "
            "rewrite it with `nccopy IN OUT.nc`.",
        ) from error


def _datasets(
    group: "h5py.Group", seen: set["h5py.Group"]
) -> Iterator[tuple[str, "h5py.Dataset"]]:
    """Yield the datasets of a group and of those in it, each group once."""
    import h5py

    seen.add(group)  # by its address in the file
    for key in group:
        found: Any = group.get(key)
        if found is None and isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise RuntimeError(f"{key} cannot be opened")
        if isinstance(found, h5py.Dataset):
            yield f"{group.name}/{key}", found
        if isinstance(found, h5py.Group) and found not in seen:
            yield from _datasets(found, seen)


def _doubtful(
    place: pathlib.Path, name: str, path: str, dataset: "h5py.Dataset"
) -> DoubtfulChunks | None:
    chunk = dataset.chunks
    if chunk is None:
        return None
    made = dataset.id.get_create_plist()
    pipeline = [made.get_filter(i) for i in range(made.get_nfilters())]
    filters = tuple(
        (i, x[0], tuple(x[2])) for i, x in enumerate(pipeline) if x[0] in _COMPRESSORS
    )
    if not filters:
        return None
    declared = math.prod(chunk) * dataset.id.get_type().get_size()
    limit = min(declared + _SLACK, MOST_BYTES)
    is_deflate = [x[1] for x in filters] == [_DEFLATE]
    smallest = max(limit, _HARMLESS) // _MOST_OF_DEFLATE if is_deflate else 0
    offsets = []

    def note(stored: Any) -> None:
        if stored.size > smallest:
            offsets.append(stored.chunk_offset)

    dataset.id.chunk_iter(note)
    if not offsets:
        return None
    array = np.array(offsets, np.int64)
    return DoubtfulChunks(place, name, path, chunk, limit, filters, array)


def _size(chunk: np.ndarray, number: int, values: tuple[int, ...], most: int) -> int:
    """Return the bytes that a chunk decodes to, or less if they are harmless."""
    if number in _CODECS:
        return decoded_size(chunk, _CODECS[number], most, _HARMLESS)
    if number == _SZIP:
        return int.from_bytes(chunk[:4].tobytes(), "little")
    return values[2] * values[4] if len(values) > 4 else 0  # numbers, and their bytes


def _netcdf_name(path: str) -> str:
    group, _, name = path.strip("/").rpartition("/")
    name = name.removeprefix(_NOT_A_COORDINATE)
    return f"{group}/{name}" if group else name
