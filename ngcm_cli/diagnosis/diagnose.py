"""A diagnosis: findings about a run, and about a reference beside it."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

import ngcm_cli
from ngcm_cli.config.diagnose import DiagnoseConfig
from ngcm_cli.diagnosis.accumulation import Accumulation
from ngcm_cli.diagnosis.choice import Chosen, choose
from ngcm_cli.diagnosis.findings import join_members, with_reference
from ngcm_cli.diagnosis.global_series import find_store, global_series
from ngcm_cli.diagnosis.records import Record, described, open_records, regridder
from ngcm_cli.diagnosis.topic import Fields, Grid, Stamp, to_dataset
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.inputs.sources.location import redacted
from ngcm_cli.io.progress import ByteProgress, no_progress

Track = Callable[[str, int, int], None]
"""Receives a location, and how many of how many times were read."""


def diagnose(
    config: DiagnoseConfig | None = None,
    *,
    track: Track = lambda location, done, total: None,
    download: ByteProgress = no_progress,
    **settings: Any,
) -> xr.Dataset:
    """Return the physical consistency and the climate of a run.

    One time of the fields is in memory, and sums over time of what they are reduced to.

    Args:
        config: settings; None makes them of the keyword arguments.
        track: of the times read.
        download: of bytes of files that must be downloaded whole.
        **settings: of `DiagnoseConfig`, such as ``run`` and ``against``.

    Returns:
        Numbers, without dimensions but ``realization``, and curves and maps; see
        ``docs/diagnosis.md``. The attributes ``notes`` and ``not_computed`` have a line
        each for what a reader must know and for what the data do not give.

    Raises:
        ConfigError: nothing is left to diagnose, or the data cannot be compared.
        InputDataError: data are not understood.

    Example:
        >>> found = diagnose(run="run", against="era5.zarr")
        >>> float(found.hadley_north)
    """
    config = DiagnoseConfig(**settings) if config is None else config
    opened: list[Record] = []
    try:
        run = _open(config.run, config, download, opened)
        reference = None
        if config.against is not None:
            reference = _open(config.against, config, download, opened)
        return _diagnose(config, run, reference, track)
    finally:
        for record in opened:
            record.dataset.close()


def _open(
    location: str, config: DiagnoseConfig, download: ByteProgress, opened: list[Record]
) -> list[Record]:
    records = open_records(location, offline=config.offline, progress=download)
    opened += records
    return records


def _diagnose(
    config: DiagnoseConfig,
    run: list[Record],
    reference: list[Record] | None,
    track: Track,
) -> xr.Dataset:
    notes: list[str] = []
    stamps = {record: _within(record.stamps(), config) for record in run}
    if not any(stamps.values()):
        shown = described([x for record in run for x in record.stamps()])
        raise ConfigError(
            f"Nothing of {redacted(config.run)} is in the period; it has {shown}.",
            "Give another --period.",
        )
    beside: dict[Record, list[Stamp]] = {}
    if reference is not None:
        stamps, beside = _matched(run, stamps, reference, notes)
    target, common = _shared_nodes(run, reference)
    found, missing = _findings(run, stamps, target, common, track, notes)
    store = find_store(config.run)
    if store is not None:
        series, without = _with_series(found, run[0], store, config)
        found, missing = series, missing + without
    if reference is not None:
        theirs, lacking = _findings(reference, beside, target, common, track, notes)
        found = with_reference(found, theirs)
        notes += [f"reference: {line}" for line in lacking if line not in missing]
    return found.assign_attrs(_attributes(config, run, stamps, notes, missing))


def _within(stamps: list[Stamp], config: DiagnoseConfig) -> list[Stamp]:
    """Return the times of the period; of forecasts by their initial time."""
    if config.period is None:
        return stamps
    first, end = config.period.begin, config.period.end
    moment = lambda s: s.valid if s.lead is None else s.valid - s.lead
    return [stamp for stamp in stamps if first <= moment(stamp) < end]


def _matched(
    run: Sequence[Record],
    stamps: Mapping[Record, list[Stamp]],
    reference: Sequence[Record],
    notes: list[str],
) -> tuple[dict[Record, list[Stamp]], dict[Record, list[Stamp]]]:
    """Return the times of run and reference that are compared.

    Forecasts are compared at the valid times that the reference has, records over the
    months of the run.
    """
    if run[0].is_forecast:
        (record,), source = run, reference[0]
        places = {stamp: source.index_of(stamp) for stamp in stamps[record]}
        both = [stamp for stamp, place in places.items() if place is not None]
        lacking = len(places) - len(both)
        if not both:
            raise _no_overlap(record, source, list(places))
        if lacking:
            notes.append(
                f"{lacking} of {len(places)} times are not in the reference, and left "
                "out of both"
            )
        theirs = [Stamp(s.valid, s.lead, places[s] or {}) for s in both]
        return {record: both}, {source: theirs}
    months = {
        stamp.valid.astype("datetime64[M]")
        for each in stamps.values()
        for stamp in each
    }
    beside = {}
    for source in reference:
        if source.is_forecast:
            raise ConfigError(
                f"{source.name} are forecasts, and {run[0].name} is a record.",
                "Compare it with a record in time.",
            )
        beside[source] = [
            s for s in source.stamps() if s.valid.astype("datetime64[M]") in months
        ]
    there = {
        stamp.valid.astype("datetime64[M]")
        for each in beside.values()
        for stamp in each
    }
    if not there:
        every = [stamp for each in stamps.values() for stamp in each]
        raise _no_overlap(run[0], reference[0], every)
    if len(there) < len(months):
        notes.append(
            f"the reference has {len(there)} of the {len(months)} months of the run, "
            f"{min(there)} to {max(there)}; --period leaves out the others"
        )
    return dict(stamps), beside


def _no_overlap(run: Record, reference: Record, stamps: list[Stamp]) -> ConfigError:
    return ConfigError(
        f"{reference.name} has none of the times of {run.name}, {described(stamps)}; "
        f"it has {described(reference.stamps())}.",
        "Name a reference of the same period.",
    )


def _shared_nodes(
    run: Sequence[Record], reference: Sequence[Record] | None
) -> tuple[Grid, np.ndarray | None]:
    """Return the coarser of both grids, and the levels of all data; None are all."""
    grids = [record.grid for record in (*run, *(reference or ()))]
    coarsest = min(grids, key=lambda grid: len(grid.latitude) * len(grid.longitude))
    if reference is None:
        return coarsest, None
    layered = [grid.levels for grid in grids if len(grid.levels)]
    common = layered[0] if layered else np.array([])
    for levels in layered[1:]:
        common = np.intersect1d(common, levels)
    return coarsest, common


def _findings(
    records: Sequence[Record],
    stamps: Mapping[Record, list[Stamp]],
    target: Grid,
    levels: np.ndarray | None,
    track: Track,
    notes: list[str],
) -> tuple[xr.Dataset, list[str]]:
    """Return the findings of all members of some records, and what is missing."""
    records = [record for record in records if stamps.get(record)]
    chosen, missing = choose(records, stamps)
    members = max((record.realizations for record in records), key=len)
    if not chosen:
        return xr.Dataset(), missing
    each = []
    for member in range(len(members)) if members else [None]:
        parts = []
        for record in dict.fromkeys(one.record for one in chosen):
            own = [one for one in chosen if one.record is record]
            parts += _read(
                record,
                own,
                stamps[record],
                member,
                target,
                levels,
                track,
                notes,
                missing,
            )
        each.append(
            xr.merge(parts, join="outer", compat="override", combine_attrs="override")
        )
    return join_members(each, members), list(dict.fromkeys(missing))


def _read(
    record: Record,
    chosen: Sequence[Chosen],
    stamps: list[Stamp],
    member: int | None,
    target: Grid,
    levels: np.ndarray | None,
    track: Track,
    notes: list[str],
    missing: list[str],
) -> list[xr.Dataset]:
    """Return the findings of the topics of one record and member."""
    if len(record.realizations) <= 1 and member is not None:
        member = 0 if record.realizations else None
    source = record.grid
    used = np.ones(len(source.levels), bool)
    if levels is not None:
        used = np.isin(source.levels, levels)
    grid = Grid(target.latitude, target.longitude, source.levels[used], source.highest)
    regrid = regridder(source, target)
    sums = [Accumulation(one.topic) for one in chosen]
    skipped = dict.fromkeys((one.topic.title for one in chosen), 0)
    for done, stamp in enumerate(stamps):
        track(record.name, done, len(stamps))
        wanted = [one.topic.bin_of(stamp) is not None for one in chosen]
        names = {
            n for one, w in zip(chosen, wanted, strict=True) if w for n in one.names
        }
        values = {}
        for name in sorted(names):
            x = record.read(name, stamp, member)
            x = x[used] if x.ndim == 3 else x
            if regrid is not None:
                x = np.swapaxes(regrid(np.swapaxes(x, -1, -2)), -1, -2)
            values[name] = x
        for one, sum_, is_wanted in zip(chosen, sums, wanted, strict=True):
            if not is_wanted:
                continue
            own = {name: values[name] for name in one.names}
            fields = Fields(own, grid, stamp)
            if fields.is_missing(one.needed):
                skipped[one.topic.title] += 1
                continue
            sum_.add(fields)
    track(record.name, len(stamps), len(stamps))
    for title, count in skipped.items():
        if count:
            line = f"{title}: {count} times of {record.name} have missing fields"
            notes.append(f"{line} and are left out")
    found = []
    for one, sum_ in zip(chosen, sums, strict=True):
        averages = sum_.averages(grid, record.kind, record.is_forecast)
        if averages is None:
            missing.append(f"{one.topic.title}: needs fields that are not missing")
            continue
        entries = one.topic.conclude(averages)
        found.append(to_dataset(entries, grid, one.topic))
        notes += [
            line
            for text in averages.notes
            if (line := f"{one.topic.title}: {text}") not in notes
        ]
        missing += averages.missing
    return found


def _with_series(
    found: xr.Dataset, record: Record, store: Any, config: DiagnoseConfig
) -> tuple[xr.Dataset, list[str]]:
    """Return the findings with drifts of the global means that the run wrote."""
    members = record.realizations
    period = config.period
    span = None if period is None else (period.begin, period.end)
    series, missing = [], []
    for member in range(len(members)) if members else [None]:
        one, without = global_series(store, member, span)
        series.append(one)
        missing += without
    joined = join_members(series, members)
    merged = xr.merge(
        [found, joined], join="outer", compat="override", combine_attrs="override"
    )
    return merged, list(dict.fromkeys(missing))


def _attributes(
    config: DiagnoseConfig,
    run: Sequence[Record],
    stamps: Mapping[Record, list[Stamp]],
    notes: list[str],
    missing: list[str],
) -> dict[str, Any]:
    """Return what is said about a diagnosis as a whole."""
    if not stamps:
        raise InputDataError(f"{run[0].name} has no times.", "Name another run.")
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    own = run[0].dataset.attrs
    described_times = (
        f"{record.name}: {record.kind}, {described(each)}"
        for record, each in stamps.items()
    )
    return {
        "title": f"Diagnosis of {redacted(config.run)}",
        "run": redacted(config.run),
        "reference": "" if config.against is None else redacted(config.against),
        "model": str(own.get("model", "")),
        "data": "\n".join(described_times),
        "notes": "\n".join(dict.fromkeys(notes)),
        "not_computed": "\n".join(dict.fromkeys(missing)),
        "settings": json.dumps(config.as_flags()),
        "ngcm_version": ngcm_cli.__version__,
        "history": f"{now}: {config.command_line()}",
    }
