"""The findings of some records, of all of their members, read time by time."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from ngcm_cli.diagnosis.accumulation import Accumulation
from ngcm_cli.diagnosis.choice import Chosen, choose
from ngcm_cli.diagnosis.findings import join_members, merged
from ngcm_cli.diagnosis.records import Record, regridder
from ngcm_cli.diagnosis.remarks import Remarks
from ngcm_cli.diagnosis.topic import Fields, Grid, Stamp, to_dataset
from ngcm_cli.io.progress import CountProgress, begin_phase

Stamps = Mapping[Record, list[Stamp]]


@dataclasses.dataclass(frozen=True, eq=False)
class Nodes:
    """The nodes on which run and reference are compared.

    Attributes:
        latitude: degrees.
        longitude: degrees; one, without meaning, where zonal means are compared.
        levels: hPa, those that all data have; None is all of each.
    """

    latitude: np.ndarray
    longitude: np.ndarray
    levels: np.ndarray | None

    @classmethod
    def shared(cls, records: Sequence[Record], is_comparison: bool) -> "Nodes":
        """Return the coarsest grid of some records, and their common levels.

        Zonal means are compared if one has no others.
        """
        grids = [record.grid for record in records]
        coarsest = min(grids, key=lambda grid: len(grid.latitude) * len(grid.longitude))
        longitude = coarsest.longitude
        if any(grid.is_zonal for grid in grids):
            coarsest = min(grids, key=lambda grid: len(grid.latitude))
            longitude = np.zeros(1)
        layered = [grid.levels for grid in grids if len(grid.levels)]
        common = None
        if is_comparison and layered:
            common = layered[0]
            for levels in layered[1:]:
                common = np.intersect1d(common, levels)
        return cls(coarsest.latitude, longitude, common)

    @property
    def is_zonal(self) -> bool:
        """Whether zonal means are used."""
        return len(self.longitude) == 1

    def grid_of(self, record: Record) -> tuple[Grid, np.ndarray]:
        """Return the nodes for a record, and which of its levels are used."""
        grid = record.grid
        used = np.ones(len(grid.levels), bool)
        if self.levels is not None:
            used = np.isin(grid.levels, self.levels)
        levels = grid.levels[used]
        return Grid(self.latitude, self.longitude, levels, grid.highest), used


def read_findings(
    stamps: Stamps, nodes: Nodes, track: CountProgress
) -> tuple[xr.Dataset, Remarks]:
    """Return the findings about records, and remarks.

    Args:
        stamps: the records, and the times of each that are used.
        nodes: to which fields are regridded.
        track: of the times read, of each record and member anew.
    """
    remarks = Remarks()
    records = [record for record in stamps if stamps[record]]
    chosen = choose(records, stamps, remarks, nodes.is_zonal)
    if not chosen:
        return xr.Dataset(), remarks
    members = max((record.realizations for record in records), key=len)
    each = []
    for member in range(max(len(members), 1)):
        parts = []
        for record in dict.fromkeys(one.record for one in chosen):
            own = [one for one in chosen if one.record is record]
            place = min(member, len(record.realizations) - 1)
            times = _Times(record, stamps[record], place if place >= 0 else None, nodes)
            parts += _read(times, own, track, remarks)
        each.append(merged(parts))
    return join_members(each, members), remarks


@dataclasses.dataclass(frozen=True, eq=False)
class _Times:
    """The times of one member of a record."""

    record: Record
    stamps: list[Stamp]
    member: int | None
    nodes: Nodes

    @property
    def are_leads(self) -> bool:
        """Whether they have lead times, also of a record beside forecasts."""
        return self.stamps[0].lead is not None


def _read(
    times: _Times, chosen: Sequence[Chosen], track: CountProgress, remarks: Remarks
) -> list[xr.Dataset]:
    """Return the findings of the topics of one member."""
    record = times.record
    grid, used = times.nodes.grid_of(record)
    regrid = regridder(record.grid, grid)
    sums = {one: Accumulation(one.topic) for one in chosen}
    skipped = dict.fromkeys(chosen, 0)
    begin_phase(f"Reading {pathlib.PurePath(record.name).name}")
    for done, stamp in enumerate(times.stamps):
        track(done, len(times.stamps))
        wanted = [one for one in chosen if one.topic.bin_of(stamp) is not None]
        values = {}
        for name in dict.fromkeys(name for one in wanted for name in one.names):
            field = record.read(name, stamp, times.member)
            field = field[used] if field.ndim == 3 else field
            if regrid is not None:
                field = regrid(field)
            values[name] = field
        for one in wanted:
            fields = Fields({n: values[n] for n in one.names}, grid, stamp)
            if fields.is_missing(one.needed):
                skipped[one] += 1
            else:
                sums[one].add(fields)
    track(len(times.stamps), len(times.stamps))
    found = []
    for one in chosen:
        if skipped[one]:
            remarks.note(
                f"{one.topic.title}: {skipped[one]} times of {record.name} have "
                "missing fields and are left out"
            )
        averages = sums[one].averages(grid, record.kind, times.are_leads)
        if averages is None:
            remarks.miss(one.topic.title, "fields that are not missing")
            continue
        entries = one.topic.conclude(averages)
        found.append(to_dataset(entries, grid, one.topic.title))
        remarks.add(averages.remarks, one.topic.title)
    return found
