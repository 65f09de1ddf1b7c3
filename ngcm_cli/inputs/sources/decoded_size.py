"""How many bytes a compressed chunk decodes to, before it is decoded into memory.

A chunk of a megabyte may hold gigabytes of zeros. Sources: Blosc chunk format 1;
RFC 8878, section 3.1.1; RFC 1950 and 1952.
"""

import bz2
import dataclasses
import lzma
import math
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources.local_file import MOST_BYTES
from ngcm_cli.io.progress import format_size

if TYPE_CHECKING:
    import zarr

_SLACK = 2**20  # bytes; filters may widen values of one byte to eight
# The most that a byte decodes to. What cannot reach this many bytes is not counted.
_RATIOS = {"zlib": 1032, "gzip": 1032, "bz2": 10**6, "lzma": 10**5}
_NOT_COUNTED = 10**8
_PIECE, _COUNTED_AT_ONCE = 2**16, 2**23  # bytes of input and of output
_ABSENT = 2**64 - 1  # of a chunk in a shard


@dataclasses.dataclass(frozen=True)
class ChunkLimit:
    """What a chunk of one array may decode to.

    Attributes:
        codecs: names of its codecs that compress.
        size: bytes.
        in_shard: number of chunks in each shard; 0 without shards.
        index_at: first byte of the index of a shard, negative from its end.
    """

    codecs: tuple[str, ...]
    size: int
    in_shard: int = 0
    index_at: int = 0

    @classmethod
    def of(cls, array: "zarr.Array") -> "ChunkLimit":
        """Return the limit of an array, by its metadata."""
        filters = array.filters if array.metadata.zarr_format == 2 else ()
        names = tuple(map(_codec_name, (*(filters or ()), *array.compressors)))
        codecs = tuple(name for name in names if name in {*_SIZES, *_STREAMS})
        declared = math.prod(array.chunks) * array.dtype.itemsize
        size = min(8 * declared + _SLACK, MOST_BYTES)
        if array.shards is None:
            return cls(codecs, size)
        number = math.prod(array.shards) // math.prod(array.chunks)
        sharding: Any = array.metadata.to_dict()["codecs"][0]  # pyright: ignore
        settings = sharding["configuration"]
        checks = [c for c in settings["index_codecs"] if c["name"] == "crc32c"]
        at_start = settings.get("index_location", "end") == "start"
        index_at = 0 if at_start else -16 * number - 4 * len(checks)
        return cls(codecs, size, number, index_at)

    def check(self, key: str, chunk: np.ndarray, is_whole: bool) -> None:
        """Raise unless a chunk, or all chunks of a whole shard, keep the limit.

        Raises:
            InputDataError: it would take more memory, or is compressed twice.
        """
        if len(self.codecs) > 1:
            raise InputDataError(
                f"The chunk {key} is compressed {len(self.codecs)} times, by "
                f"{', '.join(self.codecs)}: what it takes in memory is unknown.",
                "Write the store again with one compressor.",
            )
        parts = [chunk]
        if self.in_shard and is_whole:
            parts = list(self._parts(chunk))
        for codec in self.codecs:
            if any(decoded_size(x, codec, self.size) > self.size for x in parts):
                raise InputDataError(
                    f"The chunk {key} would take more than {format_size(self.size)} "
                    "in memory, far more than its shape.",
                    "The store may be damaged: copy it again.",
                )

    def _parts(self, shard: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the chunks of a shard."""
        begin = self.index_at % len(shard) if len(shard) else 0
        table = shard[begin : begin + 16 * self.in_shard].tobytes()
        for at in range(0, len(table) // 16 * 16, 16):
            offset, size = struct.unpack_from("<QQ", table, at)
            if offset != _ABSENT:
                yield shard[offset : offset + size]


def decoded_size(
    chunk: np.ndarray, codec: str, at_most: int, harmless: int = _NOT_COUNTED
) -> int:
    """Return the bytes that a chunk decodes to by a codec, or a little more.

    Streams are counted up to ``at_most``, and only until what is left of them cannot
    take them beyond that and ``harmless`` bytes. The result is 0 where the chunk is not
    of this codec, which will be noticed when it is decoded.
    """
    if codec in _STREAMS:
        return _stream_size(chunk, codec, at_most, max(at_most, harmless))
    return _SIZES[codec](chunk, at_most)


def _codec_name(codec: Any) -> str:
    name = getattr(codec, "codec_id", None)  # of numcodecs
    name = codec.to_dict()["name"] if name is None else name
    return str(name).removeprefix("numcodecs.")


def _blosc_size(chunk: np.ndarray, at_most: int) -> int:
    return struct.unpack("<I", chunk[4:8].tobytes())[0] if len(chunk) >= 16 else 0


def _lz4_size(chunk: np.ndarray, at_most: int) -> int:
    return struct.unpack("<I", chunk[:4].tobytes())[0] if len(chunk) >= 4 else 0


def _zstandard_size(chunk: np.ndarray, at_most: int) -> int:
    """Return the sum of the sizes of blocks, of which headers say at most how much."""
    data, total, at = chunk.view("u1").data, 0, 0
    while at + 5 < len(data) and total <= at_most:
        (magic,) = struct.unpack_from("<I", data, at)
        if magic & 0xFFFFFFF0 == 0x184D2A50 and at + 8 <= len(data):  # skippable
            at += 8 + struct.unpack_from("<I", data, at + 4)[0]
            continue
        if magic != 0xFD2FB528:
            break
        flags = data[at + 4]
        single = flags >> 5 & 1
        width = (single, 2, 4, 8)[flags >> 6]
        begin = at + 6 - single + (0, 1, 2, 4)[flags & 3]
        stated = int.from_bytes(data[begin : begin + width], "little")
        if width:  # space for it is reserved, whatever the blocks hold
            stated += 256 * (width == 2)
            total += stated
        at, in_blocks, last = begin + width, 0, False
        while not last and at + 3 <= len(data) and in_blocks <= at_most:
            header = int.from_bytes(data[at : at + 3], "little")
            last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
            in_blocks += 2**17 if kind == 2 else size
            at += 3 + (1 if kind == 1 else size)
        total += 0 if width else in_blocks
        at += 4 * (flags >> 2 & 1)  # a checksum
    return total


def _stream_size(chunk: np.ndarray, codec: str, at_most: int, harmless: int) -> int:
    """Decode a stream piece by piece, and keep nothing."""
    ratio, start = _RATIOS.get(codec, math.inf), _STREAMS[codec]
    total, decoder = 0, start()
    try:
        for at in range(0, len(chunk), _PIECE):
            if total + ratio * (len(chunk) - at) <= harmless:
                return total
            data = chunk[at : at + _PIECE].tobytes()
            while data or not getattr(decoder, "needs_input", True):
                total += len(decoder.decompress(data, _COUNTED_AT_ONCE))
                if total > at_most:
                    return total
                data = getattr(decoder, "unconsumed_tail", b"")  # of zlib
                if decoder.eof:  # another member may follow
                    data, decoder = decoder.unused_data, start()
    except (zlib.error, lzma.LZMAError, OSError, EOFError):
        pass  # it is damaged, which will be noticed when it is decoded
    return total


_SIZES: dict[str, Callable[[np.ndarray, int], int]] = {
    "blosc": _blosc_size,
    "lz4": _lz4_size,
    "zstd": _zstandard_size,
}
_STREAMS: dict[str, Callable[[], Any]] = {
    "zlib": lambda: zlib.decompressobj(47),
    "gzip": lambda: zlib.decompressobj(47),
    "bz2": bz2.BZ2Decompressor,
    "lzma": lzma.LZMADecompressor,
}
