"""Locks on files, released when the process that holds them ends."""

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


_ATTEMPTS = 20  # a tenth of a second apart, while another process writes the owner
_WAITS = 0, 0.01, 0.1  # seconds: `Lock.is_held` may hold a lock for a moment


class LockedError(Exception):
    """Another process holds the lock."""


class _LockFile:
    """A lock file, and its descriptor while it is open."""

    def __init__(self, file: pathlib.Path):
        self._file = file
        self._descriptor: int | None = None

    def _open(self) -> int:
        self._close()
        descriptor = os.open(self._file, os.O_CREAT | os.O_RDWR, 0o666)
        self._descriptor = descriptor
        return descriptor

    def _flock(self, kind: int) -> bool:
        """Return whether the lock is ours now; not if its file was replaced."""
        assert self._descriptor is not None and fcntl is not None
        try:
            fcntl.flock(self._descriptor, kind)
            current = os.stat(self._file)
        except (BlockingIOError, FileNotFoundError):
            return False
        return os.path.samestat(os.fstat(self._descriptor), current)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


class Lock(_LockFile):
    """A lock of one process, released when the process ends, however it ends.

    Args:
        file: lock file, which exists while the lock is held.

    Raises:
        LockedError: another process holds the lock.
    """

    def __init__(self, file: pathlib.Path):
        super().__init__(file)
        if fcntl is None:
            return
        for wait in _WAITS:
            time.sleep(wait)
            try:
                self._open()
                if self._flock(fcntl.LOCK_EX | fcntl.LOCK_NB):
                    return
            except OSError:  # no locks there, or writing will fail and report it
                return
        self._close()
        raise LockedError(str(file))

    @staticmethod
    def is_held(file: pathlib.Path) -> bool:
        """Return whether a process holds the lock, or a `SharedLock` of the file."""
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
            self._close()


@contextlib.contextmanager
def exclusive_file_lock(file: pathlib.Path) -> Iterator[None]:
    """Enter a context that other processes wait to enter until this one leaves it."""
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


class SharedLock(_LockFile):
    """A lock that the processes of one run share, and no other run can acquire.

    The lock file holds the name of the run. While one process holds the lock
    exclusively, the others of the run wait. It is a context manager, and released when
    the processes end, however they end.

    Args:
        file: lock file.
        target: path that the lock protects, for messages.
        owner: name of the run.
        several: whether the run has several processes, which need a file system with
            locks.
    """

    def __init__(
        self, file: pathlib.Path, target: pathlib.Path, owner: str, several: bool
    ):
        super().__init__(file)
        self._target = target
        self._owner = owner
        self._several = several
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
            if fcntl is None or not self._supported:
                return self._without_locks()
            try:
                file = self._open()
            except OSError as error:
                raise OutputError(
                    f"The output {self._target} cannot be written to: "
                    f"{error.strerror}.",
                    "Choose another --output.",
                ) from None
            try:
                if self._flock(fcntl.LOCK_EX | fcntl.LOCK_NB):
                    os.ftruncate(file, 0)
                    os.pwrite(file, self._owner.encode(), 0)
                    return True
                owner = os.pread(file, 100, 0).decode()
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
        for wait in _WAITS:
            time.sleep(wait)
            if self._flock(fcntl.LOCK_EX | fcntl.LOCK_NB):
                return True
        self._close()  # for the next process that asks
        return False

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
