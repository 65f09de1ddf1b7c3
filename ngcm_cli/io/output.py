"""The place of an output: whether a forecast may be written there, by one run only."""

import contextlib
import os
import pathlib
import shutil
import tempfile

from ngcm_cli.errors import ConfigError, OutputError

try:
    import fcntl
except ImportError:  # not on Windows, which has no such locks
    fcntl = None


def check_output(path: pathlib.Path, overwrite: bool = False) -> None:
    """Raise unless a forecast can be written to the path; leaves nothing behind.

    Args:
        path: a name that ends in ``.zarr`` or ``.nc``.
        overwrite: accept an existing forecast there.
    """
    if path.suffix not in (".zarr", ".nc"):
        raise ConfigError(
            f"The output {path} has no known format.", "End its name in .zarr or .nc."
        )
    parent = path.resolve().parent
    if not parent.is_dir():
        raise OutputError(
            f"The folder of the output, {parent}, does not exist.",
            "Create it, or choose another --output.",
        )
    try:
        tempfile.TemporaryDirectory(prefix=".ngcm-", dir=parent).cleanup()
    except OSError as error:
        raise OutputError(
            f"The folder of the output, {parent}, cannot be written to: "
            f"{error.strerror}.",
            "Choose another --output.",
        ) from None
    for existing in {path, store_path(path)}:
        if existing.exists():
            left = "" if existing == path else ", left by an interrupted run"
            _check_replaceable(existing, overwrite, left)


def _check_replaceable(path: pathlib.Path, overwrite: bool, left: str) -> None:
    if not overwrite:
        raise OutputError(
            f"The output {path} exists{left}.",
            "Choose another --output, or give --overwrite to replace it.",
        )
    marks = ("zarr.json", ".zgroup", ".zmetadata")
    is_store = path.is_dir() and any((path / mark).is_file() for mark in marks)
    if not (is_store if path.suffix == ".zarr" else path.is_file()):
        kind = "Zarr store" if path.suffix == ".zarr" else "file"
        raise OutputError(
            f"The output {path} exists and is not a {kind}, so it is not overwritten.",
            "Choose another --output, or remove it yourself.",
        )


def store_path(path: pathlib.Path) -> pathlib.Path:
    """Where the run writes: the output itself, or the store a NetCDF is made of."""
    return path if path.suffix == ".zarr" else path.with_suffix(".partial.zarr")


def check_space(path: pathlib.Path, size: int) -> None:
    """Raise if a forecast cannot fit on its disk, however well it compresses.

    Args:
        path: of the output.
        size: of its fields without compression, in bytes.
    """
    copies = 1 if path.suffix == ".zarr" else 2  # the store and the file made of it
    needed = copies * size / 3
    parent = path.resolve().parent
    free = shutil.disk_usage(parent).free
    if needed > free:
        raise OutputError(
            f"The forecast takes at least {format_size(needed)}, and {parent} has "
            f"{format_size(free)} left.",
            "Free some space, choose another --output, or write less: fewer variables "
            "or levels, less often.",
        )


def format_size(count: float) -> str:
    """A number of bytes, for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


class Lock:
    """Held while a run writes to an output; gone with the process, however it ends.

    Args:
        file: of the lock, which exists while it is held.
        output: that the lock is for, in the words of the user.
    """

    def __init__(self, file: pathlib.Path, output: pathlib.Path):
        self._file = file
        self._descriptor = None
        while fcntl is not None and self._descriptor is None:
            try:
                descriptor = os.open(file, os.O_CREAT | os.O_RDWR)
            except OSError:  # nor will the output be written, which says why
                return
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                raise OutputError(
                    f"Another run is writing to {output}.",
                    "Wait until it ends, or choose another --output.",
                ) from None
            except OSError:
                pass  # a disk without locks
            with contextlib.suppress(FileNotFoundError):
                # Another run may have removed the file after we opened it.
                if os.path.samestat(os.fstat(descriptor), os.stat(file)):
                    self._descriptor = descriptor
            if self._descriptor is None:
                os.close(descriptor)

    def release(self) -> None:
        """Remove the lock, if it is held."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                self._file.unlink()
            os.close(self._descriptor)
            self._descriptor = None
