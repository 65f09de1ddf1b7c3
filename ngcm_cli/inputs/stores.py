"""Zarr stores, here or on a server, that know what was read of them."""

import asyncio
import collections
import logging
import pathlib
import threading
from collections.abc import AsyncIterator, Iterable
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
from ngcm_cli.inputs import remote
from ngcm_cli.io.progress import ByteProgress, no_progress

if TYPE_CHECKING:
    from obstore import GetOptions

METADATA = ("zarr.json", ".zmetadata", ".zgroup", ".zattrs", ".zarray")

logger = logging.getLogger(__name__)


class WatchedStore(WrapperStore[Store]):
    """A store that counts the bytes of chunks and remembers which are not there.

    Zarr takes a chunk that is not there for one full of fill values, and says nothing;
    whoever cannot do with fill values asks ``missing_chunks`` after reading.

    Metadata are kept: each of their files is read once. Several threads may read.

    Args:
        store: read-only.
    """

    def __init__(self, store: Store):
        super().__init__(store)
        self._lock = threading.RLock()  # progress may ask what was read
        self._bytes = 0
        self._reads = collections.Counter[str]()
        self._missing: dict[str, None] = {}
        self._metadata: dict[str, bytes | None] = {}

    def chunk_reads(self, array: str) -> dict[str, int]:
        """How often each chunk of an array was asked for; by part, where sharded."""
        with self._lock:
            return {key: n for key, n in self._reads.items() if _is_of(key, array)}

    def missing_chunks(self, array: str) -> tuple[str, ...]:
        """Keys of the chunks of an array that were asked for and are not there."""
        with self._lock:
            return tuple(key for key in self._missing if _is_of(key, array))

    @property
    def bytes_read(self) -> int:
        """Bytes of chunks that arrived, as they are stored."""
        return self._bytes

    async def get(
        self,
        key: str,
        prototype: BufferPrototype,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """As of any store."""
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
        return value

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """As of any store."""
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
            self._arrived(len(value))
        return value

    def _arrived(self, count: int) -> None:
        with self._lock:
            self._bytes += count


class RemoteStore(WatchedStore):
    """A store on a server, read patiently; what goes wrong is said in our words.

    Args:
        url: of the store.
        progress: sees the bytes of chunks as they arrive, once ``expect`` has said how
            many chunks there will be; what is expected of their bytes is a guess.

    Attributes:
        denial: that the server denied access to metadata, which may mean that they are
            not there; None where it did not.
    """

    def __init__(self, url: str, progress: ByteProgress = no_progress):
        self._remote = remote.connect(url)
        lists = remote.connect(url, to_list=True)
        super().__init__(ObjectStore(lists, read_only=True))
        self._progress = progress
        self._expected: int | None = None  # chunks
        self._begun, self._sizes, self._before = 0, 0, 0
        self._name = remote.public_name(url)
        self.denial: InputDataError | None = None

    def expect(self, chunks: int) -> None:
        """Say how many chunks will be read from now on."""
        with self._lock:
            self._expected = chunks
            self._begun, self._sizes, self._before = 0, 0, self._bytes

    def _begins(self, size: int) -> None:
        with self._lock:
            self._begun += 1
            self._sizes += size

    def _arrived(self, count: int) -> None:
        super()._arrived(count)
        with self._lock:
            if self._expected is not None and 0 < self._begun <= self._expected:
                # All will be as large as those that began are in the mean.
                total = self._sizes * self._expected // self._begun
                self._progress(self._bytes - self._before, total)

    async def exists(self, key: str) -> bool:
        """As of any store."""
        return await self._read(key, {}, metadata=True) is not None

    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """As of any store; web servers cannot, and say so."""
        return self._listed(self._store.list_dir(prefix))

    def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """As of any store; web servers cannot, and say so."""
        return self._listed(self._store.list_prefix(prefix))

    async def _listed(self, keys: AsyncIterator[str]) -> AsyncIterator[str]:
        from obstore.exceptions import BaseError

        try:
            async for key in keys:
                yield key
        except (BaseError, FileNotFoundError) as error:
            raise InputDataError(
                f"The Zarr store '{self._name}' has no consolidated metadata, and its "
                "server does not list what it holds.",
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
        """The bytes, or None where there is nothing, or no metadata."""
        import obstore
        from obstore.exceptions import BaseError

        name = f"{self._name}/{key}" if not metadata else self._name
        counted, stalls, begun = 0, 0, False
        while True:
            try:
                result = await obstore.get_async(self._remote, key, options=options)
            except FileNotFoundError:
                return None
            except BaseError as error:
                status = remote.status_of(error)
                if metadata and status in (400, 401, 403, 405, 410):
                    # Some say so of what is not there.
                    if status in (401, 403):
                        self.denial = remote.explain(error, self._name)
                    return None
                raise remote.explain(error, name) from error
            if not metadata and not begun:
                begun = True
                self._begins(result.range[1] - result.range[0])
            pieces, size = [], 0
            try:
                async for piece in result.stream(min_chunk_size=remote.PIECE):
                    pieces.append(piece)
                    size += len(piece)
                    if metadata and not bytes(pieces[0]).lstrip().startswith(b"{"):
                        return None  # some send a web page, or a file, for any path
                    if not metadata and size > counted:  # not what came before it broke
                        self._arrived(size - counted)
                        counted, stalls = size, 0
                return b"".join(pieces)
            except BaseError as error:
                stalls += 1
                if stalls > remote.PATIENCE.stalls:
                    raise remote.explain(error, name) from error
                logger.info("The connection to '%s' broke; asking again.", name)
            await asyncio.sleep(remote.PATIENCE.wait(stalls))


def open_store(path: str, progress: ByteProgress = no_progress) -> WatchedStore:
    """The Zarr store at a path or an address, to be read; nothing is asked of it yet.

    Args:
        path: a directory, or an address with gs://, s3://, https:// or http://.
        progress: of a `RemoteStore`.

    Raises:
        InputDataError: the address is none. Reading raises it too: no access, no
            network, a server that stays busy or breaks every connection.
    """
    if remote.is_url(path):
        return RemoteStore(path, progress)
    return WatchedStore(LocalStore(pathlib.Path(path), read_only=True))


def _is_of(key: str, array: str) -> bool:
    return key.startswith(f"{array}/")
