"""Zarr stores, local or on a server, that record what was read from them."""

import asyncio
import collections
import logging
import pathlib
import threading
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING

from zarr.abc.buffer import Buffer, BufferPrototype
from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.storage import LocalStore, ObjectStore, WrapperStore

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources import object_store
from ngcm_cli.inputs.sources.decoded_size import ChunkLimit
from ngcm_cli.io.progress import ByteProgress, no_progress

if TYPE_CHECKING:
    import zarr
    from obstore import GetOptions

METADATA = ("zarr.json", ".zmetadata", ".zgroup", ".zattrs", ".zarray")

logger = logging.getLogger(__name__)


class MonitoredStore(WrapperStore[Store]):
    """A store that counts the bytes of chunks and records which chunks are missing.

    Zarr replaces a missing chunk by fill values without a warning; a reader that must
    not do so asks ``missing_chunks`` after reading.

    Metadata are kept in memory: each of their files is read once. Several threads may
    read at the same time.
    """

    def __init__(self, store: Store):
        super().__init__(store)
        self._lock = threading.RLock()  # progress may call back into the store
        self._bytes = 0
        self._reads = collections.Counter[str]()
        self._missing: dict[str, None] = {}
        self._metadata: dict[str, bytes | None] = {}
        self._limits: dict[str, ChunkLimit] = {}

    def limit_chunks(self, arrays: Mapping[str, "zarr.Array"]) -> None:
        """Refuse chunks of arrays, by name, that would take more than they declare."""
        self._limits = {name: ChunkLimit.of(x) for name, x in arrays.items()}

    def chunk_reads(self, array: str) -> dict[str, int]:
        """Return how often each chunk of an array was read; by shard, where sharded."""
        with self._lock:
            return {key: n for key, n in self._reads.items() if _belongs_to(key, array)}

    def missing_chunks(self, array: str) -> tuple[str, ...]:
        """Return the keys of the chunks of an array that were read and are missing."""
        with self._lock:
            return tuple(key for key in self._missing if _belongs_to(key, array))

    @property
    def bytes_read(self) -> int:
        """Bytes of chunks read so far, as they are stored."""
        return self._bytes

    async def get(
        self,
        key: str,
        prototype: BufferPrototype,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """See `zarr.abc.store.Store`."""
        if key.rpartition("/")[2] in METADATA and byte_range is None:
            if key not in self._metadata:
                found = await self._read_metadata(key, prototype)
                self._metadata[key] = None if found is None else found.to_bytes()
            kept = self._metadata[key]
            return None if kept is None else prototype.buffer.from_bytes(kept)
        with self._lock:
            self._reads[key] += 1
        value = await self._read_chunk(key, prototype, byte_range)
        if value is None:
            with self._lock:
                self._missing[key] = None
            return None
        limit = self._limits.get(_array_of(key))
        if limit is not None:
            chunk = value.as_numpy_array()
            await asyncio.to_thread(limit.check, key, chunk, byte_range is None)
        return value

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """See `zarr.abc.store.Store`."""
        reads = (self.get(key, prototype, part) for key, part in key_ranges)
        return list(await asyncio.gather(*reads))

    async def _get_many(
        self, requests: Iterable[tuple[str, BufferPrototype, ByteRequest | None]]
    ) -> AsyncIterator[tuple[str, Buffer | None]]:
        for request in requests:
            yield request[0], await self.get(*request)

    async def _read_metadata(
        self, key: str, prototype: BufferPrototype
    ) -> Buffer | None:
        return await self._store.get(key, prototype)

    async def _read_chunk(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None
    ) -> Buffer | None:
        value = await self._store.get(key, prototype, byte_range)
        if value is not None:
            self._count_bytes(len(value))
        return value

    def _count_bytes(self, count: int) -> None:
        with self._lock:
            self._bytes += count


class RemoteStore(MonitoredStore):
    """A store on a server; failed reads are tried again, then explained.

    Progress is reported once ``expect_chunks`` was told how many chunks will be read;
    its total is an estimate.

    Attributes:
        denial: Error where the server denied access to metadata, which may also mean
            that they do not exist; None where it did not.
    """

    def __init__(self, url: str, progress: ByteProgress = no_progress):
        self._remote = object_store.open_object_store(url)
        lists = object_store.open_object_store(url, to_list=True)
        super().__init__(ObjectStore(lists, read_only=True))
        self._progress = progress
        self._expected: int | None = None  # chunks
        self._started, self._sizes, self._before = 0, 0, 0
        self._name = object_store.redacted_url(url)
        self.denial: InputDataError | None = None

    def expect_chunks(self, chunks: int) -> None:
        """Set how many chunks will be read from now on, for the progress."""
        with self._lock:
            self._expected = chunks
            self._started, self._sizes, self._before = 0, 0, self._bytes

    def _count_bytes(self, count: int) -> None:
        super()._count_bytes(count)
        with self._lock:
            if self._expected is not None and 0 < self._started <= self._expected:
                # Assumes the mean size of the chunks that were started.
                total = self._sizes * self._expected // self._started
                self._progress(self._bytes - self._before, total)

    async def exists(self, key: str) -> bool:
        """See `zarr.abc.store.Store`."""
        return await self._read(key, {}, metadata=True) is not None

    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """See `zarr.abc.store.Store`; raises on web servers, which cannot list."""
        return self._listed(self._store.list_dir(prefix))

    def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """See `zarr.abc.store.Store`; raises on web servers, which cannot list."""
        return self._listed(self._store.list_prefix(prefix))

    async def _listed(self, keys: AsyncIterator[str]) -> AsyncIterator[str]:
        from obstore.exceptions import BaseError

        try:
            async for key in keys:
                yield key
        except (BaseError, FileNotFoundError) as error:
            raise InputDataError(
                f"The Zarr store '{self._name}' has no consolidated metadata, and its "
                "server cannot list files.",
                "Consolidate its metadata, with zarr.consolidate_metadata in Python, "
                "or name a local copy.",
            ) from error

    async def _read_metadata(
        self, key: str, prototype: BufferPrototype
    ) -> Buffer | None:
        found = await self._read(key, {}, metadata=True)
        return None if found is None else prototype.buffer.from_bytes(found)

    async def _read_chunk(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None
    ) -> Buffer | None:
        options: GetOptions = {}
        if isinstance(byte_range, RangeByteRequest):
            options["range"] = byte_range.start, byte_range.end
        elif isinstance(byte_range, OffsetByteRequest):
            options["range"] = {"offset": byte_range.offset}
        elif isinstance(byte_range, SuffixByteRequest):
            options["range"] = {"suffix": byte_range.suffix}
        found = await self._read(key, options)
        return None if found is None else prototype.buffer.from_bytes(found)

    async def _read(
        self, key: str, options: "GetOptions", metadata: bool = False
    ) -> bytes | None:
        """Return the bytes of a key, or None if there is no such key."""
        import obstore
        from obstore.exceptions import BaseError

        name = f"{self._name}/{key}" if not metadata else self._name
        counted, failures, started = 0, 0, False
        while True:
            try:
                result = await obstore.get_async(self._remote, key, options=options)
            except FileNotFoundError:
                return None
            except BaseError as error:
                status = object_store.http_status(error)
                if metadata and status in (400, 401, 403, 405, 410):
                    # Some servers answer so where a file does not exist.
                    if status in (401, 403):
                        self.denial = object_store.explain_error(error, self._name)
                    return None
                raise object_store.explain_error(error, name) from error
            if not metadata and not started:
                started = True
                with self._lock:
                    self._started += 1
                    self._sizes += result.range[1] - result.range[0]
            pieces, size = [], 0
            try:
                async for piece in result.stream(
                    min_chunk_size=object_store.MIN_CHUNK_BYTES
                ):
                    pieces.append(piece)
                    size += len(piece)
                    if metadata and not bytes(pieces[0]).lstrip().startswith(b"{"):
                        return None  # some servers send a web page for any path
                    if not metadata and size > counted:  # beyond what arrived before
                        self._count_bytes(size - counted)
                        counted, failures = size, 0
                return b"".join(pieces)
            except BaseError as error:
                failures += 1
                if failures > object_store.RETRY.failed_transfers:
                    raise object_store.explain_error(error, name) from error
                logger.info("The connection to '%s' broke; trying again.", name)
            await asyncio.sleep(object_store.RETRY.wait(failures))


def open_store(path: str, progress: ByteProgress = no_progress) -> MonitoredStore:
    """Return the Zarr store at a path or URL; nothing is read yet.

    Raises:
        InputDataError: The URL is malformed. Reading raises it as well: no access, no
            network, a server that stays busy or breaks every connection.
    """
    if object_store.is_url(path):
        return RemoteStore(path, progress)
    return MonitoredStore(LocalStore(pathlib.Path(path), read_only=True))


def _array_of(key: str) -> str:
    """Return the array of a chunk, ``a/c/0/1``, ``a/0.1`` or ``a/0/1``."""
    return key.partition("/")[0]


def _belongs_to(key: str, array: str) -> bool:
    return key.startswith(f"{array}/")
