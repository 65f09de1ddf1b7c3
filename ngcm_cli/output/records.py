"""A Zarr store of records along time, written in any order, again after a restart.

A record is whole or reads as NaN: chunks are replaced at once. Writing the same record
again gives the same bytes, so that a run that was killed may go on from before what it
had written, and leaves what it would have left.
"""

import dataclasses
import os
import pathlib
import shutil
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ngcm_cli.errors import OutputError
from ngcm_cli.output.layout import Coordinate
from ngcm_cli.output.template import Variable, write_template

if TYPE_CHECKING:
    import zarr


@dataclasses.dataclass(frozen=True)
class Records:
    """What a store will hold, before any of it exists.

    Attributes:
        count: number of records.
        coordinates: by name, ``time`` among them.
        fields: dimensions after ``time`` and attributes of every variable.
        attributes: global attributes.
        realizations: how many runs share the store, as its first dimension; None for
            one run, without that dimension.
        chunk: records in one chunk of the store.
    """

    count: int
    coordinates: Mapping[str, Coordinate]
    fields: Mapping[str, tuple[tuple[str, ...], Mapping[str, Any]]]
    attributes: Mapping[str, Any]
    realizations: int | None = None
    chunk: int = 1

    def dimensions(self, name: str) -> tuple[str, ...]:
        """Of one variable."""
        first = () if self.realizations is None else ("realization",)
        return (*first, "time", *self.fields[name][0])

    def shape(self, name: str) -> tuple[int, ...]:
        """Of one variable, along its `dimensions`."""
        first = () if self.realizations is None else (self.realizations,)
        sizes = {d: len(c.values) for d, c in self.coordinates.items()}
        return (*first, self.count, *(sizes[d] for d in self.fields[name][0]))

    def chunks(self, name: str) -> tuple[int, ...]:
        """Of one variable: some records of one realization, whole otherwise."""
        first = () if self.realizations is None else (1,)
        shape = self.shape(name)
        return (*first, min(self.chunk, self.count), *shape[len(first) + 1 :])


class RecordStore:
    """The store of `Records` at a path; made if it is not there.

    Args:
        path: of the store.
        records: what it holds.

    Raises:
        OutputError: another store is there, or a damaged one.
        OSError: it cannot be made or opened.
    """

    def __init__(self, path: pathlib.Path, records: Records):
        self.path = path
        self.records = records
        self._held: dict[int | None, tuple[int, dict[str, np.ndarray]]] = {}
        self._dirty: set[int | None] = set()
        if not path.exists():
            _create(path, records)
        for left in path.rglob("*.partial"):  # by a process that was killed
            left.unlink(missing_ok=True)
        self._group = open_store(path, "r+")
        for name in records.fields:
            there = self._group.get(name)
            if getattr(there, "shape", None) != records.shape(name):
                raise OutputError(
                    f"{path} does not hold what this run writes: {name} is another.",
                    "Choose another --output.",
                )

    def write(
        self, index: int, fields: Mapping[str, np.ndarray], run: int | None = None
    ) -> None:
        """Put one record in its place; it is on disk after the next `flush`.

        Args:
            index: of the record along time.
            fields: by name, along the dimensions after time.
            run: which realization, None for a store without.
        """
        chunk, place = divmod(index, self.records.chunk)
        held = self._held.get(run)
        if held is None or held[0] != chunk:
            self._flush(run)
            self._held[run] = chunk, self._read(chunk, run)
        buffer = self._held[run][1]
        for name, field in fields.items():
            buffer[name][place] = field
        self._dirty.add(run)
        if self.records.chunk == 1:
            self._flush(run)
            del self._held[run]

    def flush(self) -> None:
        """Put on disk what is not there yet."""
        for run in list(self._dirty):
            self._flush(run)

    def mark(self, **attributes: Any) -> None:
        """Set global attributes; None takes one away."""
        there = dict(self._group.attrs)
        new = {n: x for n, x in {**there, **attributes}.items() if x is not None}
        if new != there:
            self._group.attrs.put(new)

    def add_history(self, line: str) -> None:
        """Add a line to the history, unless it is there."""
        lines = str(self._group.attrs.get("history", "")).splitlines()
        if line not in lines:
            self.mark(history="\n".join([*lines, line]))

    def _where(self, chunk: int, run: int | None) -> tuple[int | slice, ...]:
        size = self.records.chunk
        times = slice(chunk * size, min((chunk + 1) * size, self.records.count))
        return (times,) if run is None else (run, times)

    def _read(self, chunk: int, run: int | None) -> dict[str, np.ndarray]:
        """What there is of a chunk; NaN where nothing was written."""
        where = self._where(chunk, run)
        if self.records.chunk == 1:
            after = {
                name: self.records.shape(name)[len(where) :] for name in self._names
            }
            return {n: np.full((1, *s), np.nan, np.float32) for n, s in after.items()}
        return {name: np.array(self._array(name)[where]) for name in self._names}

    def _flush(self, run: int | None) -> None:
        if run in self._dirty:
            chunk, buffer = self._held[run]
            for name, values in buffer.items():
                self._array(name)[self._where(chunk, run)] = values
            self._dirty.discard(run)

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(self.records.fields)

    def _array(self, name: str) -> "zarr.Array":
        import zarr

        array = self._group[name]
        assert isinstance(array, zarr.Array)
        return array


def open_store(path: pathlib.Path, mode: Literal["r", "r+"]) -> "zarr.Group":
    """Open a store of records, to read it or to write to it.

    Raises:
        OutputError: it is no store, or damaged.
        OSError: it cannot be read.
    """
    import zarr

    try:
        return zarr.open_group(path, mode=mode)
    # What Zarr makes of a zarr.json that is not there, not JSON, or not its own.
    except (ValueError, TypeError, KeyError) as error:
        raise OutputError(
            f"{path} is not a Zarr store, or a damaged one: {error}.",
            "Move it away; the run that wrote it must start again.",
        ) from error


def _create(path: pathlib.Path, records: Records) -> None:
    """A store with all coordinates and attributes and no data; whole or not there."""
    for left in path.parent.glob(f".{path.name}.*.partial"):  # by a killed process
        shutil.rmtree(left, ignore_errors=True)
    new = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        write_template(
            new,
            records.attributes,
            records.coordinates,
            (
                Variable(
                    name,
                    records.dimensions(name),
                    records.shape(name),
                    records.chunks(name),
                    attributes,
                )
                for name, (_, attributes) in records.fields.items()
            ),
        )
        os.rename(new, path)
    finally:
        shutil.rmtree(new, ignore_errors=True)
