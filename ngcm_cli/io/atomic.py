"""Files and directories that appear under their names only when they are complete."""

import contextlib
import errno
import glob
import os
import pathlib
import shutil
import uuid
from collections.abc import Callable, Iterator
from typing import IO

from ngcm_cli.errors import OutputError


def temporary_sibling(path: pathlib.Path) -> pathlib.Path:
    """Return a hidden, unused path beside a path, for content not yet complete."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")


def remove_temporary_siblings(path: pathlib.Path) -> None:
    """Remove temporary siblings that killed processes left; nobody may write now."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


@contextlib.contextmanager
def complete_file(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Return a path whose file takes another name when the context succeeds."""
    new = temporary_sibling(path)
    try:
        yield new
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_file(path: pathlib.Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its name, synced to disk, when the context succeeds.

    Raises:
        OSError: the file cannot be written; what had its name before is unchanged.
    """
    new = temporary_sibling(path)
    try:
        with new.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not every system syncs directories
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_text(path: pathlib.Path, text: str) -> None:
    """Write a small text file atomically, as UTF-8."""
    with atomic_file(path) as file:
        file.write(text.encode())


def replace_directory(
    new: pathlib.Path, target: pathlib.Path, overwrite: bool = False
) -> None:
    """Rename a complete directory, and only then remove what had its name before.

    Args:
        new: complete directory, named by `temporary_sibling`.
        target: final path of the directory.
        overwrite: whether the target may exist.
    """
    old = temporary_sibling(target)
    if overwrite and target.exists():
        os.rename(target, old)
    try:
        os.rename(new, target)
    except BaseException:
        if old.exists():
            os.rename(old, target)
        raise
    if old.is_dir():
        shutil.rmtree(old, ignore_errors=True)
    else:
        old.unlink(missing_ok=True)


def make_directory(path: pathlib.Path, within: pathlib.Path) -> None:
    """Create a directory, and those between it and one that must exist.

    Raises:
        OSError: the outer one does not exist, or it cannot be written to.
    """
    if path != within:
        make_directory(path.parent, within)
        path.mkdir(exist_ok=True)


@contextlib.contextmanager
def translate_os_errors(work: str, hint: Callable[[str], str]) -> Iterator[None]:
    """Raise an `OSError` of the context as an error that a user can act on.

    Args:
        work: activity that fails, the beginning of a sentence.
        hint: function from the advice about the disk to the hint of the error.

    Raises:
        OutputError: the disk is full, or fails.
    """
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        reason, action = error.strerror or str(error), "Check the disk"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            reason, action = "the disk is full", "Free some space"
        raise OutputError(f"{work} stopped: {reason}.", hint(action)) from error
