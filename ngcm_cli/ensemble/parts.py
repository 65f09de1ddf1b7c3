"""Summaries of the members so far, on disk beside the store while an ensemble runs.

After each of its blocks a process writes a summary for every lead time and variable,
then which members these are of, and only then says that the block is whole. So, killed
at any moment, it leaves what it knew after its last whole block; of what it had written
after that one nothing counts.
"""

import contextlib
import json
import os
import pathlib
import shutil
import uuid
import zipfile
from collections.abc import Collection, Iterator
from typing import IO, NamedTuple

import numpy as np

from ngcm_cli.diagnostics.ensemble_statistics import Summary
from ngcm_cli.errors import OutputError
from ngcm_cli.io.lock import exclusive_file_lock
from ngcm_cli.output.place import store_path

_MEMBERS = "members.json"


class Known(NamedTuple):
    """What a process knew after a block.

    Attributes:
        process: its number.
        block: its number.
        members: whose values are in the summaries.
    """

    process: int
    block: int
    members: frozenset[int]


class Parts:
    """Summaries of the members from one initial time.

    Args:
        output: of the ensemble.
        init: place of the initial time.
    """

    def __init__(self, output: pathlib.Path, init: int):
        self.folder = parts_folder(output) / str(init)

    def write(
        self, lead: int, name: str, process: int, block: int, summary: Summary
    ) -> None:
        """Keep the summary of a process after a block."""
        with _whole(self._folder(process, block) / f"{lead}.{name}.npz") as file:
            np.savez(
                file,
                members=np.array(summary.members),
                count=summary.count,
                total=summary.total,
                squares=summary.squares,
                least=summary.least,
                greatest=summary.greatest,
            )

    def close(self, known: Known) -> None:
        """Say that all summaries of a process after a block are there."""
        with _whole(self._folder(*known[:2]) / _MEMBERS) as file:
            file.write(json.dumps(sorted(known.members)).encode())

    def read(self, lead: int, name: str, known: Known) -> Summary:
        """The summary of a process after a block.

        Raises:
            OutputError: it is damaged.
        """
        path = self._folder(*known[:2]) / f"{lead}.{name}.npz"
        try:
            with np.load(path) as there:
                return Summary(
                    tuple(there["members"].tolist()),
                    int(there["count"]),
                    *(there[key] for key in ("total", "squares", "least", "greatest")),
                )
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile):
            raise OutputError(
                f"{path} is damaged.",
                f"Remove {path.parent}: what is lost with it is computed again.",
            ) from None

    def known(self, whole: Collection[int], process: int | None = None) -> list[Known]:
        """What counts: what every process knew when it knew most, of no member twice.

        Args:
            whole: numbers of the blocks that are; nothing counts after another.
            process: whose summaries count; None is those of all.
        """
        best: dict[int, Known] = {}
        for folder in self._folders():
            owner, block = map(int, folder.name.split("-"))
            if block not in whole or process not in (None, owner):
                continue
            # The process may be removing it, as it has newer ones; what is damaged is
            # computed again.
            with contextlib.suppress(FileNotFoundError, ValueError):
                members = frozenset(json.loads((folder / _MEMBERS).read_text()))
                if owner not in best or len(members) > len(best[owner].members):
                    best[owner] = Known(owner, block, members)
        chosen: list[Known] = []
        for _, known in sorted(best.items()):
            if not any(known.members & other.members for other in chosen):
                chosen.append(known)
        return chosen

    def forget_but(self, process: int, block: int | None) -> None:
        """Remove the summaries of a process but for those after a block."""
        for folder in self._folders():
            owner, there = map(int, folder.name.split("-"))
            if owner == process and there != block:
                _remove(folder)

    def tidy(self, whole: Collection[int]) -> None:
        """Remove all that does not count; while no process is at work."""
        for folder in self._folders():
            if int(folder.name.split("-")[1]) not in whole:
                _remove(folder)

    def forget(self) -> None:
        """Remove all of them."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextlib.contextmanager
    def alone(self, work: str) -> Iterator[None]:
        """A context in which no other process does such work on the initial time."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with exclusive_file_lock(self.folder.with_suffix(f".{work}")):
            yield

    def _folders(self) -> list[pathlib.Path]:
        return sorted(self.folder.glob("*-*"))

    def _folder(self, process: int, block: int) -> pathlib.Path:
        return self.folder / f"{process}-{block}"


def parts_folder(output: pathlib.Path) -> pathlib.Path:
    """Where the summaries of an ensemble are."""
    place = store_path(output).resolve()
    return place.with_name(f".{place.name}.parts")


def forget(output: pathlib.Path) -> None:
    """Remove all summaries of an ensemble."""
    shutil.rmtree(parts_folder(output), ignore_errors=True)


def _remove(folder: pathlib.Path) -> None:
    (folder / _MEMBERS).unlink(missing_ok=True)  # first: the rest does not count then
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _whole(path: pathlib.Path) -> Iterator[IO[bytes]]:
    """A file that has its name when it is on disk as a whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{uuid.uuid4().hex}")
    try:
        with new.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
