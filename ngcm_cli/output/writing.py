"""Writing in the background, new things in the place of old ones, and what fails."""

import concurrent.futures
import contextlib
import errno
import os
import pathlib
import shutil
import uuid
from collections.abc import Callable, Iterator

from ngcm_cli.errors import OutputError


def why(error: OSError) -> tuple[str, str]:
    """What stopped a writer, and what to do about it, in words."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full", "Free some space"
    return error.strerror or str(error), "Look after the disk"


@contextlib.contextmanager
def blaming(work: str, hint: Callable[[str], str]) -> Iterator[None]:
    """A context in which a failure to write is said as a user can act on it.

    Args:
        work: that is done, at the beginning of a sentence.
        hint: what to do, made of what to do about the disk.

    Raises:
        OutputError: the disk is full, or fails.
    """
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        reason, action = why(error)
        raise OutputError(f"{work} stopped: {reason}.", hint(action)) from error


class Background:
    """A thread that writes, at most one piece of work behind.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str):
        self._thread = concurrent.futures.ThreadPoolExecutor(1, name)
        self._write: concurrent.futures.Future[None] | None = None

    def submit(self, work: Callable[[], None]) -> None:
        """Do a piece of work once the one before is done; raise if that one failed."""
        self.wait()
        self._write = self._thread.submit(work)

    def wait(self) -> None:
        """Until everything submitted is done; raise if it failed."""
        if self._write is not None:
            try:
                self._write.result()
            finally:
                # Ctrl-C may have ended the waiting, not the writing, which may fail.
                if self._write.done():
                    self._write = None

    def close(self) -> None:
        """End the thread, whatever comes of the last piece of work."""
        try:
            with contextlib.suppress(OutputError):  # another error is on its way
                self.wait()
        finally:
            self._thread.shutdown()


def put_aside(place: pathlib.Path) -> pathlib.Path:
    """A hidden name beside a place, for what will be put there when it is whole."""
    return place.with_name(f".{place.name}.{uuid.uuid4().hex[:8]}")


def put(new: pathlib.Path, place: pathlib.Path, overwrite: bool) -> None:
    """Give a folder its name, and only then remove what had it before.

    Args:
        new: the folder, as `put_aside` named it.
        place: where it belongs.
        overwrite: whether something may be there.
    """
    old = place.with_name(f"{new.name}.old")
    if overwrite and place.exists():
        os.rename(place, old)
    try:
        os.rename(new, place)
    except BaseException:
        if old.exists():
            os.rename(old, place)
        raise
    shutil.rmtree(old, ignore_errors=True)
