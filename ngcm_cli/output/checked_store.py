"""A Zarr store on a disk, of which every file is written and read with a checksum."""

import pathlib
from typing import TYPE_CHECKING, Any

import numpy as np
from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    SuffixByteRequest,
)
from zarr.storage import LocalStore, WrapperStore

from ngcm_cli.errors import OutputError
from ngcm_cli.io.checksum import state_of
from ngcm_cli.io.opened_directory import OpenedDirectory
from ngcm_cli.output.checksums import ABSENT, ChecksumLog, read_checksums

if TYPE_CHECKING:
    from zarr.core.buffer import Buffer, BufferPrototype


class CheckedStore(WrapperStore[LocalStore]):
    """The directory of a store that exists, opened for writing.

    Nothing is written unless the store, and the folder of the variable, are those that
    were opened; nothing is read that was not written. The metadata of the store itself,
    which several processes change, have no checksum.

    Args:
        path: of the directory.

    Raises:
        OSError: it does not exist.
    """

    def __init__(self, path: pathlib.Path):
        super().__init__(LocalStore(path))
        self.path = path
        self._folders = {"": OpenedDirectory(path)}
        self._log = ChecksumLog(path)
        self._states: dict[str, tuple[str, ...]] = {}
        self._read: set[str] = set()  # and found to be as they were written

    def check(self, folder: str = "") -> None:
        """Raise if the store, or a folder in it, is not the one that was opened."""
        if folder not in self._folders:
            self._folders[folder] = OpenedDirectory(self.path / folder)
        self._folders[folder].check()

    def flush(self) -> None:
        """Note that everything is on the disk."""
        self._log.flush()

    async def get(
        self,
        key: str,
        prototype: "BufferPrototype",
        byte_range: ByteRequest | None = None,
    ) -> "Buffer | None":
        """Return a file, or a part of it.

        Raises:
            OutputError: it does not hold what was written.
        """
        if byte_range is not None and key in self._read:
            return await super().get(key, prototype, byte_range)
        content = await super().get(key, prototype)
        if "/" in key:
            state = ABSENT
            if content is not None:
                state = state_of(content.as_numpy_array())
            if not self._is_known(key, state):
                raise OutputError(
                    f"{self.path / key} is {'damaged' if content else 'missing'}.",
                    "Resume the run, or start again with another --output.",
                )
            self._read.add(key)
        return content if content is None else content[_slice(byte_range)]

    async def set(self, key: str, value: "Buffer") -> None:
        """Write a file."""
        self._begin(key, value.as_numpy_array())
        await super().set(key, value)

    async def set_if_not_exists(self, key: str, value: "Buffer") -> None:
        """Write a file, unless there is one."""
        if not await self.exists(key):
            await self.set(key, value)

    async def delete(self, key: str) -> None:
        """Remove a file."""
        self._begin(key, None)
        await super().delete(key)

    def _is_known(self, key: str, state: str) -> bool:
        """Return whether a file may have a state; one without a checksum may."""
        if not self._states:  # not before they are needed
            self._states |= read_checksums(self.path) or {}
        if state not in self._states.get(key, (state,)):  # another process wrote it
            self._states |= read_checksums(self.path) or {}
        return state in self._states.get(key, (state,))

    def _begin(self, key: str, content: np.ndarray | None) -> None:
        """Note what a file is about to hold, if this is still the store."""
        self.check()
        folder, slash, _ = key.partition("/")
        if slash:
            self.check(folder)
            state = ABSENT if content is None else state_of(content)
            self._log.add(key, state)
            self._states[key] = (state,)


def _slice(byte_range: Any) -> slice:
    """Return a range of bytes as Zarr describes it."""
    match byte_range:
        case RangeByteRequest():
            return slice(byte_range.start, byte_range.end)
        case OffsetByteRequest():
            return slice(byte_range.offset, None)
        case SuffixByteRequest():
            return slice(-byte_range.suffix, None)
    return slice(None)
