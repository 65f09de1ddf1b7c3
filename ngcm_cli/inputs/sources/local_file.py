"""Local files and the sizes that datasets declare, checked before anything is read."""

import pathlib
import stat
from collections.abc import Mapping, Sequence

from ngcm_cli.errors import InputDataError
from ngcm_cli.io.progress import format_size

MOST_BYTES = 10**9
"""Of one time of a variable, and of one chunk: 37 levels at 0.1 degrees."""

_LONGEST_AXIS = 20 * 10**6  # hourly data of two thousand years
_LARGE, _LEAST_SHARE = 10**9, 1e-3  # bytes, and what is stored of them
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def check_file(place: pathlib.Path, name: str) -> None:
    """Refuse what is no file with content: a pipe, a device, a sparse file.

    Directories pass.

    Raises:
        InputDataError: There is nothing at the path, or no such file.
    """
    try:
        found = place.stat()
    except OSError as error:
        raise InputDataError(
            f"There is no file or directory '{name}'.", "Check the path."
        ) from error
    kind = _KINDS.get(stat.S_IFMT(found.st_mode))
    if kind is not None:
        raise InputDataError(f"'{name}' is {kind}, not a file.", "Name a file.")
    stored = 512 * getattr(found, "st_blocks", 0)  # 0 is unknown
    if found.st_size > _LARGE and 0 < stored < _LEAST_SHARE * found.st_size:
        raise InputDataError(
            f"'{name}' is a sparse file: of its {format_size(found.st_size)} only "
            f"{format_size(stored)} are stored.",
            "The download or copy may have stopped early: repeat it.",
        )


def check_axes(name: str, shapes: Mapping[str, Sequence[int]]) -> None:
    """Refuse coordinates, by variable of one dimension, that would fill the memory.

    Raises:
        InputDataError: One is longer than any axis of time or space.
    """
    for variable, shape in shapes.items():
        if len(shape) == 1 and shape[0] > _LONGEST_AXIS:
            raise InputDataError(
                f"In '{name}' the coordinate '{variable}' has {shape[0]} values, more "
                "than any axis of time or space.",
                "The file may be damaged: check how it was made.",
            )
