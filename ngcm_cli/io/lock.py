"""Locks on files, gone with the process that holds them, however it ends."""

import contextlib
import os
import pathlib
import time
from collections.abc import Iterator

try:
    import fcntl
except ImportError:  # not on Windows, which has no such locks
    fcntl = None


class LockedError(Exception):
    """Another process holds the lock."""


class Lock:
    """Held while something is written; gone with the process, however it ends.

    Args:
        file: of the lock, which exists while it is held.

    Raises:
        LockedError: it is held already.
    """

    def __init__(self, file: pathlib.Path):
        self._file = file
        self._descriptor = None
        while fcntl is not None and self._descriptor is None:
            try:
                descriptor = os.open(file, os.O_CREAT | os.O_RDWR)
            except OSError:  # nor will anything be written here, which says why
                return
            try:
                _lock(descriptor)
            except BlockingIOError:
                os.close(descriptor)
                raise LockedError(str(file)) from None
            except OSError:
                pass  # a disk without locks
            with contextlib.suppress(FileNotFoundError):
                # Another process may have removed the file after we opened it.
                if os.path.samestat(os.fstat(descriptor), os.stat(file)):
                    self._descriptor = descriptor
            if self._descriptor is None:
                os.close(descriptor)

    @staticmethod
    def is_held(file: pathlib.Path) -> bool:
        """Whether a process holds it, as far as this disk tells."""
        if fcntl is None:
            return False
        try:
            with open(file, "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # no such file, or a disk without locks
            return False
        return False

    def release(self) -> None:
        """Remove the lock, if it is held."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                self._file.unlink()
            os.close(self._descriptor)
            self._descriptor = None


def _lock(descriptor: int) -> None:
    """Take the lock, even if `Lock.is_held` is just looking at it."""
    assert fcntl is not None
    for wait in (0.01, 0.1):
        with contextlib.suppress(BlockingIOError):
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(wait)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def exclusive_file_lock(file: pathlib.Path) -> Iterator[None]:
    """A context that one process at a time is in; the others wait before it."""
    if fcntl is None:
        yield
        return
    descriptor = os.open(file, os.O_CREAT | os.O_RDWR, 0o666)
    try:
        with contextlib.suppress(OSError):  # a disk without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
