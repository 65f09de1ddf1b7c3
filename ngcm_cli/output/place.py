"""The place of an output: whether a forecast may be written there, by one run only."""

import pathlib
import shutil
import tempfile

from ngcm_cli.errors import ConfigError, OutputError
from ngcm_cli.io import lock as disk
from ngcm_cli.io.progress import format_size

RUN_FILE = "run.yaml"
"""In the folder of a long run: its settings."""


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


def check_folder(path: pathlib.Path) -> None:
    """Raise unless the folder of a long run can be made at the path.

    Args:
        path: where nothing is, or an empty folder.
    """
    parent = path.resolve().parent
    try:
        # What is hidden was left by a process that was killed before it wrote anything.
        used = path.exists() and not (
            path.is_dir() and all(x.name.startswith(".") for x in path.iterdir())
        )
        is_there = parent.is_dir()
    except OSError as error:
        raise OutputError(
            f"The output {path} cannot be made: {error.strerror}.",
            "Choose another --output.",
        ) from None
    if used:
        is_run = (path / RUN_FILE).is_file()
        go_on = f", or go on with it, by `ngcm amip --resume {path}`" if is_run else ""
        raise OutputError(
            f"The output {path} exists.", f"Choose another --output{go_on}."
        )
    if not is_there:
        raise OutputError(
            f"The folder of the output, {parent}, does not exist.",
            "Create it, or choose another --output.",
        )


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


def lock_file(path: pathlib.Path) -> pathlib.Path:
    """Path of the lock that is held while something writes to an output."""
    place = store_path(path).resolve()
    return place.with_name(f".{place.name}.lock")


def check_space(path: pathlib.Path, size: int) -> None:
    """Raise if a forecast cannot fit on its disk, however well it compresses.

    Args:
        path: of the output.
        size: of its fields without compression, in bytes.
    """
    copies = 1 if path.suffix == ".zarr" else 2  # the store and the file made of it
    check_free(path, copies * size / 3, "The forecast")


def check_free(path: pathlib.Path, needed: float, what: str) -> None:
    """Raise if so many bytes are not free on the disk of an output.

    Args:
        path: of the output.
        needed: in bytes.
        what: will be written there, at the beginning of a sentence.
    """
    parent = path.resolve().parent
    free = shutil.disk_usage(parent).free
    if needed > free:
        raise OutputError(
            f"{what} takes at least {format_size(needed)}, and {parent} has "
            f"{format_size(free)} left.",
            "Free some space, choose another --output, or write less: fewer variables "
            "or levels, less often.",
        )


class Lock(disk.Lock):
    """Held while a run writes to an output; gone with the process, however it ends.

    Args:
        file: of the lock, which exists while it is held.
        output: that the lock is for, in the words of the user.
    """

    def __init__(self, file: pathlib.Path, output: pathlib.Path):
        try:
            super().__init__(file)
        except disk.LockedError:
            raise OutputError(
                f"Another run is writing to {output}.",
                "Wait until it ends, or choose another --output.",
            ) from None
