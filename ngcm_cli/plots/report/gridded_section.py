"""The section of a report about fields: a forecast, an ensemble or a record."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError, OutputError
from ngcm_cli.inputs.gridded import check_grid, highest_model_level, open_gridded
from ngcm_cli.inputs.sources.checked_netcdf import open_netcdf
from ngcm_cli.io.progress import format_size
from ngcm_cli.plots.report import attributes as attribute_texts
from ngcm_cli.plots.report.content import Figure, Part, Section
from ngcm_cli.plots.report.describe import describe_time
from ngcm_cli.plots.report.field_figures import (
    MOST_MEMBERS,
    Moment,
    field_figures,
    mean_figures,
)
from ngcm_cli.plots.report.stability import forecast_stability
from ngcm_cli.simulation.existing_run import format_ranges
from ngcm_cli.simulation.status import Status, read_status
from ngcm_cli.time_format import format_duration, format_time

_SECOND = "timedelta64[s]"


def gridded_section(location: str, links: Sequence[tuple[str, str]]) -> Section:
    """Return what there is to say about fields.

    Args:
        location: of the fields.
        links: name and relative path of the output.

    Raises:
        InputDataError: they are not understood, or there are none.
    """
    # One after the other: the C library of NetCDF may crash where a file with text is
    # open twice, and one of these is closed.
    last, status_of_run = -1, None
    if pathlib.Path(location).exists():
        with open_gridded(location):
            pass  # now it is known that it can be read
        last, status_of_run = _last_written(location), _run_status_of(location)
    with open_gridded(location) as dataset:
        if not dataset.data_vars or any(size == 0 for size in dataset.sizes.values()):
            raise InputDataError(
                f"{location} holds no fields.", "Name an output that is not empty."
            )
        check_grid(dataset)
        top = highest_model_level(dataset)
        if last is None:
            raise InputDataError(
                f"{location} holds no values yet.",
                "Wait until its first time is complete.",
            )
        status, warnings = _run_status(status_of_run, dataset.attrs)
        is_forecast = "lead_time" in dataset.dims
        levels = dataset["level"].values if "level" in dataset.coords else ()
        if is_forecast:
            parts, more = _forecast_parts(dataset, last, top)
        else:
            parts, more = _record_parts(dataset, last, top)
        facts = [*status, *attribute_texts.model_facts(dataset.attrs)]
        facts += gridded_facts(dataset)
        if size := size_of(location):
            facts.append(("Size", size))
        facts += attribute_texts.data_facts(dataset.attrs)
        facts += attribute_texts.computing_facts(dataset.attrs)
        return Section(
            title=attribute_texts.text(dataset.attrs, "title")
            or f"{'Forecast' if is_forecast else 'Fields'} in {links[0][0]}",
            warnings=[*warnings, *more],
            facts=facts,
            command=attribute_texts.command(dataset.attrs),
            parts=parts,
            links=links,
            limits=attribute_texts.model_limits(dataset.attrs, levels, top),
            notes=attribute_texts.data_notes(dataset.attrs),
            provenance=attribute_texts.provenance(dataset.attrs),
        )


def _run_status_of(location: str) -> Status | None:
    try:
        return read_status(pathlib.Path(location))
    except (OutputError, OSError):  # not of ours, or a copy
        return None


def _run_status(
    status: Status | None, attributes: Mapping[str, Any]
) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the state of the run that made an output, and warnings about it."""
    if status is None:
        state = attribute_texts.text(attributes, "status")
        if state and state != "complete":
            return [("State", state)], [unfinished(state)]
        return ([("State", state)] if state else []), []
    lines = [
        (name, line) for name, line in status.lines() if name in ("State", "Progress")
    ]
    warnings = list(status.unstable)
    if status.state != "complete":
        warnings.append(unfinished(status.state))
        lines = [(name, line) for name, line in lines if name != "State"]
        lines.insert(0, ("State", status.state.partition(";")[0]))
    else:
        lines = [("State", "complete")]
    return lines, warnings


def unfinished(state: str) -> str:
    """Return the warning about an output that is not complete."""
    if state == "running":
        return "The run is not complete: it was running when this page was written."
    return f"The run is not complete: {state}."


def gridded_facts(dataset: xr.Dataset) -> list[tuple[str, str]]:
    """Return times, members, grid, levels and variables of fields."""
    facts = []
    if "init_time" in dataset.coords:
        inits = dataset["init_time"].values
        facts.append(
            ("Initial times" if len(inits) > 1 else "Initial time", _times(inits))
        )
    if "lead_time" in dataset.coords:
        leads = dataset["lead_time"].values.astype(_SECOND)
        text = f"{format_duration(leads[0])} to {format_duration(leads[-1])}"
        steps = np.unique(np.diff(leads))
        if len(steps) == 1:
            text += f", every {format_duration(steps[0])}"
        many = "" if len(leads) == 1 else "s"
        facts.append(("Lead times", f"{text}: {len(leads)} time{many}"))
    if "time" in dataset.coords:
        facts.append(("Times", _times(dataset["time"].values)))
    if "realization" in dataset.coords:
        members = [int(number) for number in dataset["realization"].values]
        facts.append(("Members", f"{len(members)}: {format_ranges(members)}"))
    columns, rows = dataset.sizes["longitude"], dataset.sizes["latitude"]
    spacing = dataset.attrs.get("latitude_spacing", "")
    kind = {"gauss": " Gaussian", "equiangular_with_poles": " regular"}
    grid = f"{columns} × {rows}{kind.get(str(spacing), '')}, {360 / columns:.2g}°"
    facts.append(("Grid", grid))
    if "level" in dataset.coords:
        levels = dataset["level"].values
        text = f"{levels[0]:g} hPa"
        if len(levels) > 1:
            text = f"{len(levels)}, {levels.min():g} to {levels.max():g} hPa"
        facts.append(("Levels", text))
    facts.append(("Variables", ", ".join(map(str, dataset.data_vars))))
    return facts


def _times(times: np.ndarray) -> str:
    if len(times) == 1:
        return format_time(times[0])
    return f"{len(times)}, {format_time(times[0])} to {format_time(times[-1])}"


def size_of(location: str | pathlib.Path) -> str:
    """Return the size of a file or directory as text; empty if it is not on disk."""
    path = pathlib.Path(location)
    files = path.rglob("*") if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files if file.is_file())
    return format_size(size) if size else ""


def _last_written(location: str) -> int | None:
    """Return the index of the last time or lead time that has values.

    None if none has; -1, the last one, of data that are not on this disk.
    """
    path = pathlib.Path(location)
    is_store = path.is_dir()
    if not (is_store or path.suffix == ".nc"):
        return -1
    opened = (
        xr.open_zarr(path, chunks=None, decode_times=False, consolidated=False)
        if is_store
        else open_netcdf(path, location, decode_times=False)
    )
    with opened as dataset:
        axes = [name for name in ("lead_time", "time") if name in dataset.dims]
        return _last_with_values(dataset, axes[0]) if axes else -1


def _last_with_values(dataset: xr.Dataset, axis: str) -> int | None:
    """Return the index of the last record with values, which were written in order."""
    fields = [x for x in dataset.data_vars.values() if axis in x.dims and x.ndim > 2]
    if not fields:
        return -1
    field = min(fields, key=lambda field: field.size)
    if "init_time" in field.dims:
        field = field.isel(init_time=0)
    first, end = 0, dataset.sizes[axis]
    while first < end:
        middle = (first + end) // 2
        if np.isfinite(field.isel({axis: middle}).values).any():
            first = middle + 1
        else:
            end = middle
    return first - 1 if first else None


def _forecast_parts(
    dataset: xr.Dataset, last: int, top: float
) -> tuple[list[Part], list[str]]:
    """Return the parts about a forecast, of its first initial time, and warnings."""
    forecast = dataset.isel(init_time=0)
    lead, init = forecast["lead_time"].values, forecast["init_time"].values
    last %= len(lead)
    forecast = forecast.isel(lead_time=slice(0, last + 1))
    valid = describe_time(init + lead[last])
    when = f"{valid}, {format_duration(lead[last].astype(_SECOND))} after the start"
    if members := forecast.sizes.get("realization", 0):
        when += f", {min(members, MOST_MEMBERS)} members"
    moment = Moment(forecast.isel(lead_time=last), when)
    notes: list[str | Figure] = []
    if dataset.sizes["init_time"] > 1:
        notes.append(
            f"Of {dataset.sizes['init_time']} initial times, the first is shown: "
            f"{format_time(init)}."
        )
    maps = field_figures(moment)
    parts = [Part("Figures", [*notes, *maps])] if maps else []
    stability, warnings = forecast_stability(forecast, top)
    return [*parts, *([stability] if stability else [])], warnings


def _record_parts(
    dataset: xr.Dataset, last: int, top: float
) -> tuple[list[Part], list[str]]:
    """Return the parts about fields at valid times."""
    if "time" not in dataset.dims:
        maps = field_figures(Moment(dataset, "no time is given"))
        return ([Part("Figures", maps)] if maps else []), []
    figures = mean_figures(dataset, last % dataset.sizes["time"], top)
    return ([Part("Figures", figures)] if figures else []), []
