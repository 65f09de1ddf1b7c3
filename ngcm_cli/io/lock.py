"""Locks on files, gone with the process that holds them, however it ends."""

import contextlib
import os
import pathlib
import time
from collections.abc import Iterator
from typing import Self

from ngcm_cli.errors import OutputError

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
        """Whether a process holds it, or shares it, as far as this disk tells."""
        if fcntl is None:
            return False
        try:
            with open(file, "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
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


_ATTEMPTS = 20  # a tenth of a second apart, while another process writes the owner


class SharedLock:
    """A lock that the processes of one run share, and no other run gets.

    The file says whose the lock is. While one process holds it exclusively, the others
    of the run wait. Use it as a context; it is gone with the processes, however they
    end.

    Args:
        file: of the lock.
        target: what it protects, named in messages.
        owner: name of the run.
        several: whether the run has several processes, which need a file system with
            locks.
    """

    def __init__(
        self, file: pathlib.Path, target: pathlib.Path, owner: str, several: bool
    ):
        self._file = file
        self._target = target
        self._owner = owner
        self._several = several
        self._descriptor: int | None = None
        self._supported = fcntl is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None and self.is_last_holder():
            with contextlib.suppress(OSError):
                self._file.unlink()
        self._close()

    def acquire(self) -> bool:
        """Acquire the lock; return whether it is exclusive, with no other holder.

        Raises:
            OutputError: another run holds it, or the file system has no locks to share.
        """
        for _ in range(_ATTEMPTS):
            self._close()
            if fcntl is None or not self._supported:
                return self._without_locks()
            try:
                self._descriptor = os.open(self._file, os.O_CREAT | os.O_RDWR, 0o666)
            except OSError as error:
                raise OutputError(
                    f"The output {self._target} cannot be written to: "
                    f"{error.strerror}.",
                    "Choose another --output.",
                ) from None
            try:
                if self._flock(fcntl.LOCK_EX | fcntl.LOCK_NB):
                    os.ftruncate(self._descriptor, 0)
                    os.pwrite(self._descriptor, self._owner.encode(), 0)
                    return True
                owner = os.pread(self._descriptor, 100, 0).decode()
                if owner == self._owner:
                    if self._flock(fcntl.LOCK_SH):
                        return False
                    continue
            except OSError:  # a file system without locks
                return self._without_locks()
            time.sleep(0.1 if self._several else 0.01)
        self._close()
        raise OutputError(
            f"Another run is writing to {self._target}.",
            "Wait until it ends, or choose another --output.",
        )

    def share(self) -> None:
        """Let the other processes of the run acquire it, too."""
        if self._descriptor is not None and fcntl is not None and self._supported:
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def is_last_holder(self) -> bool:
        """Return whether no other process holds it; release it if one does."""
        if fcntl is None or not self._supported:
            return not self._several
        if self._descriptor is None:
            return False
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        last = self._flock(fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not last:
            self._close()  # not to be in the way of who asks next
        return last

    def _flock(self, kind: int) -> bool:
        """Return whether the lock is ours now; not if its file was replaced."""
        assert self._descriptor is not None and fcntl is not None
        try:
            fcntl.flock(self._descriptor, kind)
            current = os.stat(self._file)
        except (BlockingIOError, FileNotFoundError):
            return False
        return os.path.samestat(os.fstat(self._descriptor), current)

    def _without_locks(self) -> bool:
        """Return that the run may do without a lock, unless it has to share one."""
        self._close()
        self._supported = False
        if self._several:
            raise OutputError(
                f"The file system of {self._target} has no locks, so several processes "
                "cannot share the output.",
                "Choose another --output, or run one process.",
            )
        return True

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
