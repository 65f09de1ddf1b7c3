"""A diagnosis: findings about a run, and about a reference beside it."""

import contextlib
import json
from collections.abc import Mapping
from typing import Any

import xarray as xr

import ngcm_cli
from ngcm_cli.config.diagnose import DiagnoseConfig
from ngcm_cli.diagnosis.findings import join_members, merged, with_reference
from ngcm_cli.diagnosis.global_series import find_store, global_series
from ngcm_cli.diagnosis.matching import Stamps, match, within
from ngcm_cli.diagnosis.reading import Nodes, read_findings
from ngcm_cli.diagnosis.records import Record, described, open_records
from ngcm_cli.diagnosis.remarks import Remarks
from ngcm_cli.inputs.sources.location import redacted
from ngcm_cli.io.progress import ByteProgress, CountProgress, no_progress
from ngcm_cli.time_format import utc_now


def diagnose(
    config: DiagnoseConfig | None = None,
    *,
    track: CountProgress = no_progress,
    download: ByteProgress = no_progress,
    **settings: Any,
) -> xr.Dataset:
    """Return the physical consistency and the climate of a run.

    One time of the fields is in memory, and sums over time of what they are reduced to.

    Args:
        config: settings; None makes them of the keyword arguments.
        track: of the times read, of each record and member anew.
        download: of bytes of files that must be downloaded whole.
        **settings: of `DiagnoseConfig`, such as ``run`` and ``against``.

    Returns:
        Numbers, without dimensions but ``realization``, and curves and maps; see
        ``diagnosis_file``. The attributes ``notes`` and ``not_computed`` have a line
        each for what a reader must know and for what the data do not give.

    Raises:
        ConfigError: nothing is left to diagnose, or the data cannot be compared.
        InputDataError: data are not understood.

    Example:
        >>> found = diagnose(run="run", against="era5.zarr")
        >>> float(found.hadley_north)
    """
    config = DiagnoseConfig(**settings) if config is None else config
    with contextlib.ExitStack() as opened:

        def open_all(location: str) -> list[Record]:
            records = open_records(location, offline=config.offline, progress=download)
            for record in records:
                opened.callback(record.dataset.close)
            return records

        run = open_all(config.run)
        reference = [] if config.against is None else open_all(config.against)
        return _diagnose(config, run, reference, track)


def _diagnose(
    config: DiagnoseConfig,
    run: list[Record],
    reference: list[Record],
    track: CountProgress,
) -> xr.Dataset:
    remarks = Remarks()
    stamps, beside = within(run, config.period), {}
    if reference:
        stamps, beside = match(stamps, reference, remarks)
    for record, each in stamps.items():
        if part := record.partial_months(each):
            remarks.note(
                f"monthly means of {', '.join(part)} are of a part of the month; "
                "--period leaves them out"
            )
    nodes = Nodes.shared([*run, *reference], bool(reference))
    for record in (*run, *reference):
        if nodes.is_zonal and not record.grid.is_zonal:
            remarks.note(
                f"fields of {record.name} are averaged along longitude first, as the "
                "other data are zonal means"
            )
    found, own = read_findings(stamps, nodes, track)
    remarks.add(own)
    found = _with_global_series(found, run[0], config, remarks)
    if reference:
        theirs, others = read_findings(beside, nodes, track)
        found = with_reference(found, theirs)
        for line in others.notes:
            remarks.note(f"reference: {line}")
        for line in others.missing:
            if line not in remarks.missing:
                remarks.missing.append(f"reference: {line}")
    return found.assign_attrs(_attributes(config, stamps, remarks))


def _with_global_series(
    found: xr.Dataset, record: Record, config: DiagnoseConfig, remarks: Remarks
) -> xr.Dataset:
    """Return the findings with those about the global means that the run wrote."""
    store = find_store(config.run)
    if store is None:
        return found
    members, each = record.realizations, []
    for member in range(max(len(members), 1)):
        series, own = global_series(store, member, config.period)
        each.append(series)
        remarks.add(own)
    return merged([found, join_members(each, members)])


def _attributes(
    config: DiagnoseConfig, stamps: Stamps, remarks: Remarks
) -> Mapping[str, Any]:
    """Return what is said about a diagnosis as a whole."""
    locations = {"run": config.run, "against": config.against}
    shown = {name: redacted(x) for name, x in locations.items() if x is not None}
    public = config.model_copy(update=shown)
    first = next(iter(stamps))
    times = (f"{r.name}: {r.kind}, {described(each)}" for r, each in stamps.items())
    return {
        "title": f"Diagnosis of {public.run}",
        "run": public.run,
        "reference": public.against or "",
        "model": str(first.dataset.attrs.get("model", "")),
        "data": "\n".join(times),
        "notes": "\n".join(remarks.notes),
        "not_computed": "\n".join(remarks.missing),
        "settings": json.dumps(public.as_flags()),
        "ngcm_version": ngcm_cli.__version__,
        "history": f"{utc_now()}: {public.command_line()}",
    }
