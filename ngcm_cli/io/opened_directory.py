"""A directory that must stay the one that was opened while files are written to it."""

import os
import pathlib

from ngcm_cli.errors import OutputError


class OpenedDirectory:
    """A directory, recognised whatever happens to its name.

    Args:
        path: of the directory.

    Raises:
        OSError: it does not exist.
    """

    def __init__(self, path: pathlib.Path):
        self.path = path
        self._status = os.stat(path)

    def check(self) -> None:
        """Check that the directory is still there under its name.

        Raises:
            OutputError: it was removed, moved, or replaced by another one.
        """
        try:
            is_same = os.path.samestat(os.stat(self.path), self._status)
        except (FileNotFoundError, NotADirectoryError):
            is_same = False
        if not is_same:
            raise OutputError(
                f"{self.path} was removed, moved or replaced while it was written.",
                "Put it back and resume the run, or start again with another --output.",
            )
