"""An output in the hands of one run, however many processes it has."""

import contextlib
import os
import pathlib
import time
from types import TracebackType
from typing import Self

from ngcm_cli.ensemble.processes import Processes
from ngcm_cli.errors import OutputError
from ngcm_cli.io.lock import fcntl
from ngcm_cli.output.place import lock_file

_TRIES = 20  # a tenth of a second apart, while a process of ours may write its name


class Claim:
    """A context in which no other run writes to an output.

    The processes of a run share a lock on a file that says whose it is; it is gone with
    them, however they end. While one of them has it alone, the others wait.

    Args:
        output: of the run.
        processes: that share it.
    """

    def __init__(self, output: pathlib.Path, processes: Processes):
        self.output = output
        self.processes = processes
        self._file = lock_file(output)
        self._descriptor: int | None = None
        self._locks = fcntl is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._descriptor is not None and self.last():
            with contextlib.suppress(OSError):
                self._file.unlink()
        self._close()

    def take(self) -> bool:
        """Take it; whether no other process of the run has it.

        Raises:
            OutputError: another run has it, or the disk has no locks to share.
        """
        for _ in range(_TRIES):
            self._close()
            if not self._locks:
                return self._without()
            try:
                self._descriptor = os.open(self._file, os.O_CREAT | os.O_RDWR, 0o666)
            except OSError as error:
                raise OutputError(
                    f"{self._file} cannot be made: {error.strerror}.",
                    "Choose another --output.",
                ) from None
            try:
                if self._flock(fcntl.LOCK_EX | fcntl.LOCK_NB):
                    os.ftruncate(self._descriptor, 0)
                    os.pwrite(self._descriptor, self.processes.run.encode(), 0)
                    return True
                name = os.pread(self._descriptor, 100, 0).decode()
                if name == self.processes.run:
                    if self._flock(fcntl.LOCK_SH):
                        return False
                    continue
            except OSError:  # a disk without locks
                return self._without()
            time.sleep(0.1)
        self._close()
        raise OutputError(
            f"Another run is writing to {self.output}.",
            "Wait until it ends, or choose another --output.",
        )

    def share(self) -> None:
        """Let the other processes of the run have it, too."""
        if self._descriptor is not None and self._locks:
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def last(self) -> bool:
        """Give it up, unless no other process has it; whether none has."""
        if not self._locks:
            return self.processes.count == 1
        if self._descriptor is None:
            return False
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        last = self._flock(fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not last:
            self._close()  # not to be in the way of who asks next
        return last

    def _flock(self, kind: int) -> bool:
        """Whether the lock is ours now; not if its file is another by now."""
        assert self._descriptor is not None
        try:
            fcntl.flock(self._descriptor, kind)
            there = os.stat(self._file)
        except (BlockingIOError, FileNotFoundError):
            return False
        return os.path.samestat(os.fstat(self._descriptor), there)

    def _without(self) -> bool:
        """Whether a run may do without a lock."""
        self._close()
        self._locks = False
        if self.processes.count > 1:
            raise OutputError(
                f"The disk of {self.output} has no locks, so several processes cannot "
                "share the output.",
                "Choose another --output, or run one process.",
            )
        return True

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
