"""The means of a run, for export: which are complete, read one chunk at a time."""

import dataclasses
import functools
import logging
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.output.cmor.request import Period
from ngcm_cli.output.zarr import dimensions_of, is_store, open_store

if TYPE_CHECKING:
    import zarr

log = logging.getLogger(__name__)

_HOURS = "hours since 1970-01-01"


@dataclasses.dataclass(frozen=True)
class Table:
    """A CMIP table, and the store that its variables come from.

    Attributes:
        name: CMIP name of the table.
        store: file name in the folder of a run.
        frequency: CMIP frequency.
        period: noun for the period of one record.
        unit: NumPy unit of the period of one record.
    """

    name: str
    store: str
    frequency: str
    period: str
    unit: str


TABLES = (
    Table("Amon", "monthly.zarr", "mon", "month", "M"),
    Table("day", "daily.zarr", "day", "day", "D"),
)


@dataclasses.dataclass(frozen=True, eq=False)
class _Block:
    """Consecutive records of one variable and realization, (record, ...)."""

    member: int
    records: range
    values: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Means:
    """One store of means.

    Attributes:
        path: path of the store.
        table: table of its variables.
        start: name of its initial time; empty where the run has only one.
        first: CMIP's number of the store's first realization, from 1.
    """

    path: pathlib.Path
    table: Table
    start: str
    first: int
    # The last records read, by variable: of one chunk, which is unpacked as a whole.
    _blocks: "dict[str, _Block]" = dataclasses.field(
        default_factory=dict, init=False, repr=False
    )

    @functools.cached_property
    def group(self) -> "zarr.Group":
        """The store, opened for reading."""
        return open_store(self.path, "r")

    def array(self, name: str) -> "zarr.Array":
        """Return a variable of the store.

        Raises:
            InputDataError: the store has no variable of this name.
        """
        import zarr

        array = self.group.get(name)
        if not isinstance(array, zarr.Array):
            raise InputDataError(
                f"{self.path} has no {name}, so it is not a store of means.",
                "Export the folder of a run as ngcm amip wrote it.",
            )
        return array

    def values(self, name: str) -> np.ndarray:
        """Return all values of a coordinate."""
        return np.asarray(self.array(name)[...])

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Global attributes of the store."""
        return dict(self.group.attrs)

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the fields on the horizontal grid."""
        arrays = self.group.arrays()
        grid = {"latitude", "longitude"}
        return tuple(name for name, array in arrays if grid <= {*dimensions_of(array)})

    @property
    def members(self) -> int:
        """Number of realizations in the store."""
        return len(self.values("realization")) if "realization" in self.group else 1

    @property
    def levels(self) -> tuple[float, ...]:
        """Pressure levels in hPa, ascending; empty if there are surface fields only."""
        return tuple(self.values("level")) if "level" in self.group else ()

    @functools.cached_property
    def planned_bounds(self) -> np.ndarray:
        """Time bounds of all records of the run, (time, 2), datetime64[h]."""
        units = self.array("time_bnds").attrs.get("units", _HOURS)
        if not str(units).startswith(_HOURS):
            raise self._not_means()
        hours = self.values("time_bnds").astype("timedelta64[h]")
        return np.datetime64("1970-01-01T00", "h") + hours

    @functools.cached_property
    def bounds(self) -> np.ndarray:
        """Time bounds of the records written so far, (time, 2), datetime64[h]."""
        completed = self.attributes.get("completed_records")
        if not isinstance(completed, int):
            raise self._not_means()
        return self.planned_bounds[:completed]

    def _not_means(self) -> InputDataError:
        return InputDataError(
            f"{self.path} does not tell number and times of its complete records.",
            "Export the folder of a run as ngcm amip wrote it.",
        )

    @functools.cached_property
    def records(self) -> range:
        """Indices of the first consecutive complete months or days."""
        begin, end = self.bounds.T
        period = begin.astype(f"datetime64[{self.table.unit}]")
        is_complete = (begin == period) & (end == period + 1)
        if not is_complete.any():
            return range(0)
        first = int(np.argmax(is_complete))
        follows = is_complete[first + 1 :] & (end[first:-1] == begin[first + 1 :])
        count = 1 + int(np.argmin(np.append(follows, False)))
        return range(first, first + count)

    def records_in(self, period: Period) -> range:
        """Return the complete records that lie in a period."""
        begin, end = self.bounds[self.records.start : self.records.stop].T
        inside = np.flatnonzero((begin >= period.begin) & (end <= period.end))
        if not len(inside):
            return range(0)
        return self.records[inside[0] : inside[-1] + 1]

    def split(self, records: range, years: int | None) -> list[range]:
        """Return the records in parts of calendar years; in one part if None."""
        if years is None or not records:
            return [records] if records else []
        year = self.bounds[records.start : records.stop, 0].astype("datetime64[Y]")
        part = (year - year[0]).astype(int) // years
        ends = [*(np.flatnonzero(np.diff(part)) + 1), len(records)]
        return [records[a:b] for a, b in zip([0, *ends], ends, strict=False)]

    @property
    def top(self) -> float:
        """Pressure in hPa of the model's highest level; 0 where the store has none."""
        if "level" not in self.group:
            return 0.0
        return float(self.array("level").attrs.get("highest_model_level", 0.0))  # pyright: ignore

    def period(self, records: Sequence[int]) -> str:
        """Return the period of records as in CMIP file names: ``198201-202112``."""
        ends = self.bounds[[records[0], records[-1]], 0]
        return "-".join(
            str(time.astype(f"datetime64[{self.table.unit}]")).replace("-", "")
            for time in ends
        )

    def log_excluded_records(self) -> None:
        """Log which records will not be exported."""
        planned, written = self.array("time").shape[0], len(self.bounds)
        period = self.table.period
        for index in sorted(set(range(written)) - set(self.records)):
            begin, end = self.bounds[index]
            log.warning(
                f"{self.path}: the mean from {begin} to {end} is not exported, because "
                f"it is not of a complete {period} or not consecutive."
            )
        if written < planned:
            log.warning(
                f"{self.path} holds {written} of {planned} records: the run "
                f"{_STATUS.get(str(self.attributes.get('status')), 'is unfinished')}."
            )

    def read(
        self, name: str, member: int, record: int, levels: Sequence[int]
    ) -> np.ndarray:
        """Return a record of a realization, ([level,] latitude, longitude), float32.

        Args:
            name: name of the variable.
            member: position of the realization.
            record: position in time.
            levels: positions of levels, in the order wanted; none at the surface.
        """
        block = self._blocks.get(name)
        if block is None or member != block.member or record not in block.records:
            self._blocks.pop(name, None)
            while len(self._blocks) > 1:  # that of a variable, and of what masks it
                del self._blocks[next(iter(self._blocks))]
            block = self._blocks[name] = self._read_block(name, member, record)
        field = block.values[record - block.records.start]
        return field[list(levels)] if levels else field.copy()

    def _read_block(self, name: str, member: int, record: int) -> "_Block":
        """Read all records that are compressed together with one."""
        array = self.array(name)
        has_members = dimensions_of(array)[0] == "realization"
        size = array.chunks[1 if has_members else 0]
        begin = record // size * size
        records = range(begin, min(begin + size, len(self.bounds)))
        part = slice(records.start, records.stop)
        values = np.asarray(array[(member, part) if has_members else (part,)])
        return _Block(member, records, values)


_STATUS = {
    "running": "is running or was stopped",
    "unstable": "became unstable",
    "interrupted": "was interrupted",
}


def find_means(run: pathlib.Path) -> list[Means]:
    """Return the stores of means of a run, one initial time after the other.

    Args:
        run: folder of the run, with stores, or with ``starts/`` that holds a folder of
            stores for each start.

    Raises:
        InputDataError: the run has none.
    """
    starts = run / "starts"
    folders = (
        sorted(path for path in starts.iterdir() if path.is_dir())
        if starts.is_dir()
        else [run]
    )
    names = [path.name if starts.is_dir() else "" for path in folders]
    found = [
        Means(folder / table.store, table, name, index)
        for index, (folder, name) in enumerate(zip(folders, names, strict=True))
        for table in TABLES
        if is_store(folder / table.store)
    ]
    if not found:
        raise InputDataError(
            f"There are no means of a run in {run}: no monthly.zarr, no daily.zarr.",
            "Name the folder that ngcm amip wrote to.",
        )
    # All starts have the same number of members, also those that have not begun.
    members = max(means.members for means in found)
    return [dataclasses.replace(m, first=1 + members * m.first) for m in found]
