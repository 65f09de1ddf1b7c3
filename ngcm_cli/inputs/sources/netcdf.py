"""What the header of a NetCDF file declares: its size, to know if it is truncated.

netCDF-C reads zeros where a NetCDF-3 file is truncated, without an error. The layout is
described in the NetCDF Users Guide, "File Format Specifications".
"""

import math
import pathlib
import struct
from typing import BinaryIO

from ngcm_cli.io.netcdf_library import netcdf_file

HEADS = (b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF\r\n\x1a\n")
"""First bytes of NetCDF files."""

_DIMENSIONS, _VARIABLES, _ATTRIBUTES = 10, 11, 12
# Bytes of a value, by the number of its type.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 8}


def declared_size(place: pathlib.Path) -> int | None:
    """Return the least size of a file by its header, bytes; None if it is unknown.

    If the header itself is truncated, return one byte more than the file has.
    """
    with place.open("rb") as file:
        head = file.read(8)
        if head == HEADS[-1]:
            return _hdf5_size(file)
        if head[:4] not in HEADS:
            return None
        file.seek(4)
        try:
            return _Header(file, version=head[3]).end()
        except EOFError:
            return place.stat().st_size + 1
        except (ValueError, KeyError, IndexError):  # netCDF-C reports what is wrong
            return None


def shapes(place: pathlib.Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all variables of a file."""
    with netcdf_file(place) as file:
        return {name: variable.shape for name, variable in file.variables.items()}


def _hdf5_size(file: BinaryIO) -> int | None:
    """Return the end of the file that the superblock declares."""
    block = file.read(64)
    version = block[0] if block else 0
    # Versions 0 and 1 hold four addresses, 2 and 3 three before it; 8 bytes as a rule.
    size_at, end_at = (5, {0: 32, 1: 36}.get(version)) if version < 2 else (1, 20)
    if end_at is None or len(block) < end_at + 8 or block[size_at] != 8:
        return None
    return struct.unpack_from("<Q", block, end_at)[0]


class _Header:
    """Reads the header of a NetCDF-3 file, from after its magic number."""

    def __init__(self, file: BinaryIO, version: int):
        self._file = file
        self._count = ">Q" if version == 5 else ">I"
        self._offset = ">I" if version == 1 else ">Q"

    def end(self) -> int | None:
        """Return where the last value ends."""
        records = self._number(self._count)
        if records == 2 ** (8 * struct.calcsize(self._count)) - 1:  # being written
            records = 0
        dimensions = [self._dimension() for _ in range(self._items(_DIMENSIONS))]
        self._skip_attributes()
        fixed, recorded = 0, []
        for _ in range(self._items(_VARIABLES)):
            shape, size, begin = self._variable(dimensions)
            if shape and shape[0] == 0:
                recorded.append((begin, size * math.prod(shape[1:])))
            else:
                fixed = max(fixed, begin + size * math.prod(shape))
        # Records of several variables are padded; those of a single one are not.
        padded = [size if len(recorded) == 1 else _padded(size) for _, size in recorded]
        last = (max(records, 1) - 1) * sum(padded)
        ends = [begin + last + size for begin, size in recorded] if records else []
        return max([fixed, self._file.tell(), *ends])

    def _read(self, count: int) -> bytes:
        data = self._file.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def _number(self, kind: str) -> int:
        return struct.unpack(kind, self._read(struct.calcsize(kind)))[0]

    def _skip(self, count: int) -> None:
        if count:
            self._file.seek(_padded(count) - 1, 1)
            self._read(1)

    def _items(self, tag: int) -> int:
        """Return the number of items in a list; an absent list has the tag zero."""
        found, count = self._number(">I"), self._number(self._count)
        if found not in (0, tag) or (found == 0 and count):
            raise ValueError(found)
        return count

    def _skip_name(self) -> None:
        self._skip(self._number(self._count))

    def _dimension(self) -> int:
        self._skip_name()
        return self._number(self._count)  # zero for the record dimension

    def _skip_attributes(self) -> None:
        for _ in range(self._items(_ATTRIBUTES)):
            self._skip_name()
            size = _SIZES[self._number(">I")]
            self._skip(size * self._number(self._count))

    def _variable(self, dimensions: list[int]) -> tuple[list[int], int, int]:
        """Return the shape, the bytes of a value, and where the values begin."""
        self._skip_name()
        rank = self._number(self._count)
        shape = [dimensions[self._number(self._count)] for _ in range(rank)]
        self._skip_attributes()
        size = _SIZES[self._number(">I")]
        self._number(self._count)  # its size, which overflows in large files
        return shape, size, self._number(self._offset)


def _padded(size: int) -> int:
    return -(-size // 4) * 4
