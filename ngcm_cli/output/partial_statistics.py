"""Partial statistics: summaries of the members so far, on disk while an ensemble runs.

After each of its blocks a process writes a summary for every lead time and variable,
then the list of members in these summaries, and only then marks the block as complete.
Killed at any moment, it leaves the summaries of its last complete block; later ones are
ignored.
"""

import contextlib
import json
import pathlib
import shutil
import zipfile
from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from ngcm_cli.diagnostics.ensemble_statistics import Summary
from ngcm_cli.errors import OutputError
from ngcm_cli.io.atomic import atomic_file, make_directory, write_text

_MEMBERS = "members.json"


class SavedPartial(NamedTuple):
    """The summaries of a process after a block, and the members in them."""

    process: int
    block: int
    members: frozenset[int]


class PartialStatistics:
    """Summaries of the members from one initial time.

    Args:
        folder: directory of the summaries.
    """

    def __init__(self, folder: pathlib.Path):
        self.folder = folder

    def write(
        self, lead: int, name: str, process: int, block: int, summary: Summary
    ) -> None:
        """Write the summary of a process after a block."""
        path = self._folder(process, block) / f"{lead}.{name}.npz"
        make_directory(path.parent, self.folder.parent.parent)
        with atomic_file(path) as file:
            np.savez(file, **vars(summary))

    def complete(self, partial: SavedPartial) -> None:
        """Write which members are in the summaries, all of which are written."""
        folder = self._folder(partial.process, partial.block)
        write_text(folder / _MEMBERS, json.dumps(sorted(partial.members)))

    def read(self, lead: int, name: str, partial: SavedPartial) -> Summary:
        """Return the summary of a process after a block.

        Raises:
            OutputError: it is damaged or missing.
        """
        path = self._folder(partial.process, partial.block) / f"{lead}.{name}.npz"
        try:
            with path.open("rb") as file, np.load(file) as there:
                return Summary(
                    tuple(there["members"].tolist()),
                    int(there["count"]),
                    *(there[key] for key in ("total", "squares", "least", "greatest")),
                )
        except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile):
            raise OutputError(
                f"{path} is damaged or missing.",
                f"Remove {path.parent}; its members are computed again.",
            ) from None

    def saved(
        self, complete: Collection[int], process: int | None = None
    ) -> list[SavedPartial]:
        """Return the summaries of most members of every process, no member twice.

        Args:
            complete: numbers of the complete blocks; those of others are ignored.
            process: number of the process; None is all processes.
        """
        best: dict[int, SavedPartial] = {}
        for folder, owner, block in self._folders():
            if block not in complete or process not in (None, owner):
                continue
            # The process may be removing it, as it has newer ones; the members of
            # damaged summaries are computed again.
            with contextlib.suppress(FileNotFoundError, ValueError):
                members = frozenset(json.loads((folder / _MEMBERS).read_text()))
                if owner not in best or len(members) > len(best[owner].members):
                    best[owner] = SavedPartial(owner, block, members)
        chosen: list[SavedPartial] = []
        for _, partial in sorted(best.items()):
            if not any(partial.members & other.members for other in chosen):
                chosen.append(partial)
        return chosen

    def keep_only(self, process: int, blocks: Collection[int]) -> None:
        """Remove the summaries of a process except those after the given blocks."""
        for folder, owner, block in self._folders():
            if owner == process and block not in blocks:
                # The list of members first: without it the summaries are ignored.
                (folder / _MEMBERS).unlink(missing_ok=True)
                shutil.rmtree(folder, ignore_errors=True)

    def remove(self) -> None:
        """Remove all summaries."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _folders(self) -> list[tuple[pathlib.Path, int, int]]:
        """Return the directories, with the number of their process and block."""
        found = [(path, path.name.split("-")) for path in self.folder.glob("*-*")]
        return sorted((path, int(owner), int(block)) for path, (owner, block) in found)

    def _folder(self, process: int, block: int) -> pathlib.Path:
        return self.folder / f"{process}-{block}"
