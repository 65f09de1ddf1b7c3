"""The checksums of a Zarr store: what every file of it must hold.

A store keeps them itself, in a file ``.checksums.txt`` and, while it is written, in one
more for every writer: within the folders of its arrays, which no reader lists. A line
has the checksum (CRC-32C) and the size of a file and its path in the store; ``absent``
is a chunk of missing values alone, which has no file. The line comes before the file is
written, as a process may be killed between the two: of what was added since the last
line ``flushed``, every state counts, and the one before.
"""

import concurrent.futures
import dataclasses
import os
import pathlib
import uuid
import weakref
from collections.abc import Mapping

from ngcm_cli.errors import OutputError
from ngcm_cli.io.atomic import write_text
from ngcm_cli.io.checksum import file_state

ABSENT = "absent"
_FLUSHED = "flushed"
_MERGED, _ALL = ".checksums.txt", "*/.checksums*.txt"
_NAMED = 3  # damaged files, at most
_READERS = 4  # threads; most of the time they wait for the disk

States = Mapping[str, tuple[str, ...]]
"""By path within the store: what a file may be, the last state last."""


class ChecksumLog:
    """The checksums of what one writer writes to a store.

    Args:
        store: directory of the store.
    """

    def __init__(self, store: pathlib.Path):
        self._store = store
        self._descriptor: int | None = None

    def add(self, path: str, state: str) -> None:
        """Add the state that a file is about to have."""
        if self._descriptor is None:
            name = f".checksums-{uuid.uuid4().hex[:8]}.txt"
            log = self._store / path.partition("/")[0] / name
            flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND
            self._descriptor = os.open(log, flags, 0o666)
            weakref.finalize(self, os.close, self._descriptor)
        os.write(self._descriptor, f"{state} {path}\n".encode())

    def flush(self) -> None:
        """Note that all files have the state that was added last."""
        if self._descriptor is not None:
            os.write(self._descriptor, f"{_FLUSHED}\n".encode())


@dataclasses.dataclass(frozen=True)
class Examination:
    """What the files of a store are, compared with their checksums.

    Attributes:
        states: of the files that are as they should be, by path.
        damaged: what is wrong with the others, by path.
    """

    states: Mapping[str, str]
    damaged: Mapping[str, str]


def read_checksums(store: pathlib.Path) -> States | None:
    """Return the checksums of a store; None if it was created without.

    Raises:
        OutputError: they are damaged.
        OSError: they cannot be read.
    """
    logs = sorted(store.glob(_ALL), key=lambda path: path.name != _MERGED)
    before: dict[str, list[str]] = {}
    settled: dict[str, list[str]] = {}
    since: dict[str, list[str]] = {}
    for log in logs:
        last: dict[str, list[str]] = {}
        flushed: dict[str, list[str]] = {}
        # A line without an end was being written by a process that was killed.
        for line in log.read_bytes().split(b"\n")[:-1]:
            if line == _FLUSHED.encode():
                flushed |= {path: states[-1:] for path, states in last.items()}
                last = {}
                continue
            path, state = _parse(line, log)
            last.setdefault(path, []).append(state)
        if log.name == _MERGED:
            before = flushed
            continue
        for found, into in (flushed, settled), (last, since):
            for path, states in found.items():
                into.setdefault(path, []).extend(states)
    if before == {}:
        return None
    known = before | settled
    return {
        path: (*known.get(path, [ABSENT]), *since.get(path, []))
        for path in known | since
    }


def examine(store: pathlib.Path, states: States, content: bool = True) -> Examination:
    """Compare the files of a store with their checksums.

    Args:
        store: directory of the store.
        states: what the files may be.
        content: whether to read all of them; otherwise only their sizes are compared.
    """

    def one(item: tuple[str, tuple[str, ...]]) -> tuple[str, str, str]:
        path, allowed = item
        try:
            found = _found(store / path, allowed, content or len(set(allowed)) > 1)
        except OSError as error:
            return path, "", f"cannot be read: {error.strerror}"
        if found in allowed:
            return path, found, ""
        return path, "", "is missing" if found == ABSENT else "is damaged"

    with concurrent.futures.ThreadPoolExecutor(_READERS) as readers:
        results = list(readers.map(one, states.items(), chunksize=64))
    return Examination(
        {path: state for path, state, wrong in results if not wrong},
        {path: wrong for path, _, wrong in results if wrong},
    )


def check_store(store: pathlib.Path) -> int:
    """Check that all files of a store hold what was written; return how many.

    Raises:
        OutputError: some do not, or it has no checksums.
        OSError: the checksums cannot be read.
    """
    states = read_checksums(store)
    if states is None:
        raise OutputError(
            f"{store} has no checksums to compare it with.",
            "It was written by an older version of ngcm, or they were removed.",
        )
    if damaged := examine(store, states).damaged:
        raise OutputError(
            describe_damage({store / path: why for path, why in damaged.items()}),
            "Put back what is named from a copy, or write the output again.",
        )
    return len(states)


def describe_damage(damaged: Mapping[pathlib.Path, str]) -> str:
    """Return a sentence on files that are not what they should be."""
    named = [f"{path} {reason}" for path, reason in sorted(damaged.items())]
    more = f", and {len(named) - _NAMED} more files" if named[_NAMED:] else ""
    return f"{', '.join(named[:_NAMED])}{more}."


def write_checksums(store: pathlib.Path, states: Mapping[str, str]) -> None:
    """Write the checksums of a store to which nobody writes now, as one file."""
    before = set(store.glob(_ALL))
    merged = store / min(path.partition("/")[0] for path in states) / _MERGED
    lines = [f"{state} {path}\n" for path, state in sorted(states.items())]
    write_text(merged, "".join([*lines, f"{_FLUSHED}\n"]))
    for log in before - {merged}:
        log.unlink(missing_ok=True)


def compute_checksums(store: pathlib.Path) -> dict[str, str]:
    """Return the states of all files in the folders of a store."""
    return {
        path.relative_to(store).as_posix(): file_state(path)
        for path in sorted(store.glob("*/**/*"))
        if path.is_file()
    }


def _parse(line: bytes, log: pathlib.Path) -> tuple[str, str]:
    """Return the path and the state of a line."""
    try:
        words = line.decode().split(" ", 2)
        if words[0] == ABSENT:
            return " ".join(words[1:]), ABSENT
        checksum, size, path = words
        return path, f"{int(checksum, 16):08x} {int(size)}"
    except ValueError:
        raise OutputError(
            f"{log}, the checksums of what was written, is damaged.",
            "Put it back from a copy, or start a new run.",
        ) from None


def _found(path: pathlib.Path, allowed: tuple[str, ...], content: bool) -> str:
    """Return the state of a file; an allowed one of its size, unless it is read."""
    try:
        if content:
            return file_state(path)
        size = path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    return next((x for x in allowed if x.endswith(f" {size}")), f"? {size}")
