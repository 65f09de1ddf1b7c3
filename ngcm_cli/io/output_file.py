"""One file as output: one process writes it, and none of what is read is lost."""

import contextlib
import glob
import os
import pathlib
from collections.abc import Iterable, Iterator

from ngcm_cli.errors import OutputError
from ngcm_cli.io import atomic
from ngcm_cli.io.lock import Lock, LockedError

_ROOTS = "zarr.json", ".zgroup", ".zmetadata"  # files of a Zarr store


@contextlib.contextmanager
def sole_writer(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Enter a context in which no other process writes a file in this way.

    What killed processes left of it is removed.

    Args:
        path: of the file.

    Yields:
        The path to write to: a link is followed, so that it stays one.

    Raises:
        OutputError: another process writes it.
    """
    target = pathlib.Path(os.path.realpath(path))
    try:
        lock = Lock(target.with_name(f".{target.name}.lock"))
    except LockedError:
        raise OutputError(
            f"Another process writes {path}.",
            "Wait for it, or choose another output.",
        ) from None
    try:
        with contextlib.suppress(OSError):  # writing will fail and report it
            atomic.remove_temporary_siblings(target)
        yield target
    finally:
        lock.release()


def check_writable(path: pathlib.Path, inputs: Iterable[str]) -> None:
    """Check, before long work, that a file may be written beside what is read.

    Args:
        path: of the file, in a folder that exists.
        inputs: locations of what is read: paths, patterns, URLs or names.

    Raises:
        OutputError: the file is an input or in a Zarr store that is one, or nothing
            can be written to its folder.
    """
    target = pathlib.Path(os.path.realpath(path))
    for location in inputs:
        for read in _files(location):
            is_store = any((read / name).exists() for name in _ROOTS)
            if (
                target == read
                or (is_store and read in target.parents)
                or (
                    target.exists() and read.exists() and os.path.samefile(target, read)
                )
            ):
                raise OutputError(
                    f"The output {path} would overwrite the data, {location}.",
                    "Choose another --output.",
                )
    probe = atomic.temporary_sibling(target)
    try:
        probe.open("xb").close()
        probe.unlink()
    except OSError as error:
        raise OutputError(
            f"The output {path} cannot be written to: {error.strerror}.",
            "Choose another --output.",
        ) from None


def stamp(location: str) -> str:
    """Return sizes and times of change of local files, by which a change is noticed.

    Args:
        location: path, pattern, URL or name; of the last two the text is empty.
    """
    found = []
    for path in _files(location):
        roots = [path / name for name in _ROOTS] if path.is_dir() else [path]
        for file in roots:
            with contextlib.suppress(OSError):
                status = file.stat()
                found.append(f"{file} {status.st_size} {status.st_mtime_ns}")
    return "; ".join(found)


def _files(location: str) -> list[pathlib.Path]:
    """Return the files and folders that a location stands for, without links."""
    if "://" in location or "\0" in location:
        return []
    found = [location]
    if glob.has_magic(location) and not os.path.exists(location):
        found = sorted(glob.glob(location))
    return [pathlib.Path(os.path.realpath(path)) for path in found]
