"""Files that appear whole under their names, and those that they replace."""

import os
import pathlib
import re
from collections.abc import Callable, Sequence

import netCDF4

from ngcm_cli.errors import OutputError
from ngcm_cli.io.atomic import remove_temporary_siblings, temporary_sibling
from ngcm_cli.io.netcdf_library import netcdf_file

_NAME = re.compile(r"(.*)_(\d{6}|\d{8})-(\d{6}|\d{8})\.nc")


def write_whole(
    planned: pathlib.Path,
    fill: Callable[[netCDF4.Dataset], pathlib.Path | None],
    overwrite: bool,
) -> pathlib.Path | None:
    """Fill a temporary sibling, then rename it to the path that ``fill`` returns.

    What a killed export of the same file has left is removed.

    Args:
        planned: path in the folder of the file, which is created if it does not exist.
        fill: writes the content; None for a file that is not to be.
        overwrite: replace files of a common period.

    Raises:
        OutputError: the file cannot be written, or would replace another.
    """
    new = temporary_sibling(planned)
    try:
        planned.parent.mkdir(parents=True, exist_ok=True)
        remove_temporary_siblings(planned)
        with netcdf_file(new, "w", format="NETCDF4_CLASSIC") as file:
            target = fill(file)
        if target is None:
            return None
        old = overlapping(target)
        if not overwrite:
            refuse_to_replace([target])
        os.replace(new, target)
        for path in set(old) - {target}:
            path.unlink()
        return target
    except OutputError:
        raise
    except (OSError, RuntimeError) as error:  # the C library's errors are the latter
        raise OutputError(
            f"{planned} could not be written: {error}.",
            "Free some space, or choose another --output, and export again; files that "
            "exist are complete.",
        ) from error
    finally:
        if os.path.exists(new):
            new.unlink()


def overlapping(target: pathlib.Path) -> list[pathlib.Path]:
    """Return files of the same variable and realization with a common month or day."""
    own = _NAME.fullmatch(target.name)
    if own is None or not target.parent.is_dir():
        return []
    return sorted(
        path
        for path in target.parent.iterdir()
        if (other := _NAME.fullmatch(path.name))
        and other[1] == own[1]
        and other[2] <= own[3]
        and own[2] <= other[3]
    )


def refuse_to_replace(targets: Sequence[pathlib.Path]) -> None:
    """Raise `OutputError` if a file of an overlapping period exists."""
    existing = sorted({path for target in targets for path in overlapping(target)})
    if existing:
        raise OutputError(
            f"{_listed(existing)} would be replaced.",
            "Choose another --output, or give --overwrite to replace them.",
        )


def check_replaced(groups: Sequence[Sequence[pathlib.Path]], overwrite: bool) -> None:
    """Check the existing files that planned files would replace.

    Args:
        groups: planned files, consecutive ones of the same variable and realization.
        overwrite: whether files may be replaced; not by those of a shorter period.

    Raises:
        OutputError: some may not be replaced.
    """
    if not overwrite:
        refuse_to_replace([target for group in groups for target in group])
        return
    longer = set()
    for group in groups:
        names = [_NAME.fullmatch(target.name) for target in (group[0], group[-1])]
        begin, end = (name and name[2 + i] for i, name in enumerate(names))
        for path in {path for target in group for path in overlapping(target)}:
            other = _NAME.fullmatch(path.name)
            if other and begin and end and (other[2] < begin or end < other[3]):
                longer.add(path)
    if longer:
        raise OutputError(
            f"{_listed(sorted(longer))} would be lost: what is exported is shorter.",
            "Choose another --output or --period, or remove them.",
        )


def _listed(paths: Sequence[pathlib.Path]) -> str:
    more = f" and {len(paths) - 1} more files" if len(paths) > 1 else ""
    return f"{paths[0]}{more}"
