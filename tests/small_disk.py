"""A disk that is soon full, where the machine lets us have one."""

import contextlib
import pathlib
import subprocess
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def small_disk(place: pathlib.Path, size: str) -> Iterator[pathlib.Path]:
    """A file system in memory, of a size as 16m.

    The test is skipped where none may be mounted: that takes Linux, and root.
    """
    place.mkdir()
    try:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
        done = subprocess.run(mount, capture_output=True)
    except OSError:
        pytest.skip("there is no mount")
    if done.returncode:
        pytest.skip("a file system may not be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: pathlib.Path) -> pathlib.Path:
    """Leave no room; the file that takes it."""
    ballast = disk / "ballast"
    with contextlib.suppress(OSError), open(ballast, "wb", 0) as file:
        while file.write(bytes(4096)):
            pass
    return ballast
