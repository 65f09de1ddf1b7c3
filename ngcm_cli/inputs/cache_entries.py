"""Listing and clearing the cache of fetched fields and downloaded files."""

import contextlib
import dataclasses
import json
import pathlib
import shutil

from ngcm_cli.errors import OutputError
from ngcm_cli.inputs.input_cache import ABOUT_FILE, cache_root

_UNFINISHED = (".partial", ".lock")


@dataclasses.dataclass(frozen=True)
class CacheEntry:
    """A folder of the cache.

    Attributes:
        folder: Its path.
        source: Source of the fields, without passwords; or that these are downloads.
        grid: Grid of the fields.
        names: Names of the complete files, in order.
        size: Size of all files, complete or not, bytes.
    """

    folder: pathlib.Path
    source: str
    grid: str
    names: tuple[str, ...]
    size: int

    def remove(self) -> None:
        """Remove the folder.

        Raises:
            OutputError: It cannot be removed.
        """
        try:
            shutil.rmtree(self.folder)
        except OSError as error:
            raise OutputError(
                f"{self.folder} cannot be removed: {error}.", "Check its permissions."
            ) from error


def list_cache() -> list[CacheEntry]:
    """Return all folders of the cache, also those of interrupted runs."""
    entries = []
    for folder in sorted(path for path in cache_root().glob("*") if path.is_dir()):
        about, files = {}, [f for f in sorted(folder.iterdir()) if f.is_file()]
        with contextlib.suppress(OSError, ValueError):
            about = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
        if not files:
            continue
        complete = [
            f.stem if about else f.name
            for f in files
            if f.name != ABOUT_FILE and f.name[0] != "." and f.suffix not in _UNFINISHED
        ]
        entries.append(
            CacheEntry(
                folder,
                about.get("source", "downloaded files"),
                about.get("grid", "as downloaded"),
                tuple(complete),
                sum(f.stat().st_size for f in files),
            )
        )
    return entries
