"""A background thread that writes while the model computes."""

import concurrent.futures
import contextlib
from collections.abc import Callable

from ngcm_cli.errors import OutputError


class BackgroundWriter:
    """A thread that runs submitted work in order, at most one piece behind.

    Args:
        name: name of the thread.
    """

    def __init__(self, name: str):
        self._thread = concurrent.futures.ThreadPoolExecutor(1, name)
        self._pending: concurrent.futures.Future[None] | None = None

    def submit(self, work: Callable[[], None]) -> None:
        """Start a piece of work when the one before is done; raise if that failed."""
        self.wait()
        self._pending = self._thread.submit(work)

    def wait(self) -> None:
        """Wait until everything submitted is done; raise if it failed."""
        if self._pending is not None:
            try:
                self._pending.result()
            finally:
                # Ctrl-C may have ended the waiting, not the writing, which may fail.
                if self._pending.done():
                    self._pending = None

    def close(self) -> None:
        """End the thread, whatever the outcome of the last piece of work."""
        try:
            with contextlib.suppress(OutputError):  # another error is on its way
                self.wait()
        finally:
            self._thread.shutdown()
