"""The folder of a long run: its stores, restarts, run file and progress."""

import contextlib
import json
import logging
import os
import pathlib
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ngcm_cli.errors import OutputError
from ngcm_cli.output.place import Lock
from ngcm_cli.output.records import Records, RecordStore
from ngcm_cli.output.restart import RESTARTS, restart_path, restarts, write_restart
from ngcm_cli.output.writing import Background, blaming

log = logging.getLogger(__name__)

Put = Callable[[str, int, Mapping[str, np.ndarray], int | None], None]
"""Puts a record in its place: store, index, fields, and realization or None."""

PROGRESS, LOCK = "progress.json", ".lock"
_KEPT = 2  # restarts; the older one in case the newer is damaged


class RunFolder:
    """A context in which a long run writes to its folder, one process at a time.

    Writing happens in one background thread, at most one record behind. Whatever stops
    the run, the stores open, and the run can go on from the last restart.

    Args:
        path: of the folder, which exists.
    """

    def __init__(self, path: pathlib.Path):
        self.path = path
        self._lock = Lock(path / LOCK, path)
        for folder in (path, path / RESTARTS):
            for left in folder.glob(".*.partial"):  # by a process that was killed
                if left.is_file():  # unfinished stores are removed by `RecordStore`
                    left.unlink(missing_ok=True)
        self._stores: dict[str, RecordStore] = {}
        self._thread = Background("ngcm-folder")

    def open(self, name: str, records: Records, make: bool = True) -> None:
        """Make a store of the run, or open it where it is.

        Args:
            name: of the store.
            records: what it holds.
            make: whether it may be missing.

        Raises:
            OutputError: it is another, damaged, or gone.
        """
        with self._blaming():
            place = self.path / name
            if not make and not place.exists():
                raise OutputError(
                    f"The store {place} is gone, and with it what the run wrote there.",
                    "Put it back, or start a new run.",
                )
            place.parent.mkdir(parents=True, exist_ok=True)
            self._stores[name] = RecordStore(place, records)

    def write(self, work: Callable[[Put], None]) -> None:
        """Write records in the background.

        Args:
            work: is called there with what puts records in their places, and may wait
                for the device.

        Raises:
            OutputError: the write before this one failed.
        """

        def put(store, index, fields, run=None):
            self._stores[store].write(index, fields, run)

        self._submit(lambda: work(put))

    def flush(self, completed: Mapping[str, int]) -> None:
        """Put all records on disk, and say how many of every store are whole."""

        def flush() -> None:
            for name, store in self._stores.items():
                store.flush()
                store.mark(completed_records=completed[name])

        self._submit(flush)
        self.wait()

    def restart(
        self,
        time: np.datetime64,
        arrays: Mapping[str, tuple[tuple[str, ...], np.ndarray]],
        about: Mapping[str, Any],
        drop: bool = True,
    ) -> None:
        """Keep what the run can go on from; all records before must have been flushed.

        Args:
            time: of the first run.
            arrays: as for ``write_restart``.
            about: likewise.
            drop: whether restarts older than the last two are wanted no longer.
        """
        with self._blaming():
            folder = self.path / RESTARTS
            # Zarr leaves its files to the system: they must not be lost with the power
            # when the restart that counts on them is not.
            os.sync()
            write_restart(restart_path(folder, time), arrays, about)
            for old in restarts(folder)[:-_KEPT] if drop else ():
                old.unlink(missing_ok=True)

    def progress(self, words: Mapping[str, Any]) -> None:
        """Tell `ngcm status` how far the run is."""
        self.text(PROGRESS, json.dumps(words, indent=1))

    def text(self, name: str, content: str) -> None:
        """Write a small file at once."""
        path = self.path / name
        new = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
        with self._blaming():
            try:
                with open(new, "w", encoding="utf-8") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(new, path)
            finally:
                new.unlink(missing_ok=True)

    def mark(self, **attributes: Any) -> None:
        """Set global attributes of every store; None takes one away."""
        with self._blaming():
            for store in self._stores.values():
                store.mark(**attributes)

    def add_history(self, line: str) -> None:
        """Add a line to the history of every store, unless it is there."""
        with self._blaming():
            for store in self._stores.values():
                store.add_history(line)

    def wait(self) -> None:
        """Until all that was handed over is written."""
        self._thread.wait()

    def close(self) -> None:
        """Stop the thread and let other processes write here.

        What a failed write left out is of no account: no restart is from after it.
        """
        try:
            self._thread.close()
        finally:
            self._lock.release()

    def _submit(self, work: Callable[[], None]) -> None:
        def run() -> None:
            with self._blaming():
                work()

        self._thread.submit(run)

    def _blaming(self) -> contextlib.AbstractContextManager[None]:
        """Turn trouble with the disk into a sentence."""
        go_on = f"then go on with `ngcm amip --resume {self.path}`."
        return blaming(f"Writing to {self.path}", lambda action: f"{action}, {go_on}")
