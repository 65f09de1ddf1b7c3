"""The section of a report about the file of a diagnosis, of ``ngcm diagnose``."""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.diagnosis.table import Row, rows_of
from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources.hdf5_chunks import check_chunks
from ngcm_cli.io.netcdf_library import open_with_xarray
from ngcm_cli.io.progress import format_size
from ngcm_cli.plots.report import attributes as attribute_texts
from ngcm_cli.plots.report.content import Figure, Part, Section, Table
from ngcm_cli.plots.report.pictures import (
    Panel,
    has_section,
    map_figure,
    section_figure,
    series_figures,
)
from ngcm_cli.plots.styles import superscripts

_MAP, _ZONAL = {"latitude", "longitude"}, {"level", "latitude"}
_MOST_MAPS, _MOST_SECTIONS, _MOST_SERIES = 6, 4, 6


def diagnosis_section(path: pathlib.Path, links: Sequence[tuple[str, str]]) -> Section:
    """Return what there is to say about the file of a diagnosis.

    Raises:
        InputDataError: it holds nothing.
    """
    check_chunks(path)
    with open_with_xarray(path, decode_timedelta=True) as file:
        found = file.load()
    if not found.data_vars:
        raise InputDataError(f"{path} holds no diagnosis.", "Name another file.")
    attributes = found.attrs
    facts = [
        (title, attribute_texts.text(attributes, name))
        for title, name in (
            ("Run", "run"),
            ("Model", "model"),
            ("Reference", "reference"),
            ("Data", "data"),
        )
    ]
    facts.append(("Size", format_size(path.stat().st_size)))
    tables = _tables(found)
    figures = [*_maps(found), *_sections(found), *_series(found)]
    lines = attribute_texts.text(attributes, "notes").split("\n")
    missing = attribute_texts.text(attributes, "not_computed").split("\n")
    return Section(
        title=attribute_texts.text(attributes, "title") or f"Diagnosis in {path.name}",
        facts=[(name, text) for name, text in facts if text],
        command=attribute_texts.command(attributes),
        parts=[
            *([Part("Numbers", tables)] if tables else []),
            *([Part("Figures", figures)] if figures else []),
        ],
        links=links,
        notes=[
            *filter(None, lines),
            *(f"Not computed: {line}" for line in missing if line),
        ],
        provenance=attribute_texts.provenance(attributes),
    )


def _tables(found: xr.Dataset) -> list[Table]:
    """Return a table of numbers for every topic."""
    rows = rows_of(found)
    topics = list(dict.fromkeys(row.topic for row in rows))
    tables = []
    for topic in topics:
        chosen = [row for row in rows if row.topic == topic]
        has_spread = any(row.spread is not None for row in chosen)
        has_reference = any(row.reference is not None for row in chosen)
        columns = ["Quantity", "Value", *(["Spread"] if has_spread else [])]
        columns += ["Reference", "Difference"] if has_reference else []
        cells = [_cells(row, has_spread, has_reference) for row in chosen]
        tables.append(Table(topic, columns, cells))
    return tables


def _cells(row: Row, has_spread: bool, has_reference: bool) -> list[str]:
    units = superscripts(row.units)
    name = f"{row.long_name}, {units}" if units else row.long_name
    cells = [name, _number(row.value)]
    cells += [_number(row.spread)] if has_spread else []
    if has_reference:
        cells += [_number(row.reference), _number(row.difference)]
    return cells


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}".replace("-", "−")


def _one(found: xr.Dataset, name: str) -> xr.DataArray:
    """Return a variable without members and seasons: their mean, and that of all."""
    field = found[name]
    if "season" in field.dims:
        field = field.isel(season=0, drop=True)
    if "realization" in field.dims:
        field = field.mean("realization", keep_attrs=True)
    return field


def _chosen(found: xr.Dataset, axes: set[str], most: int) -> list[xr.DataArray]:
    """Return variables along some axes, biases first."""
    names = [str(name) for name in found.data_vars if not str(name).endswith("_rmsb")]
    names.sort(key=lambda name: not name.endswith("_bias"))
    fields = (_one(found, name) for name in names)
    chosen = [x for x in fields if set(x.dims) == axes and np.isfinite(x).any()]
    return [x for x in chosen if not str(x.name).endswith("_reference")][:most]


def _period(found: xr.Dataset) -> str:
    data = attribute_texts.text(found.attrs, "data").split("\n")[0]
    return data.rpartition(": ")[2] or "all data"


def _maps(found: xr.Dataset) -> list[Figure]:
    when = _period(found)
    return [
        map_figure(field, when, is_difference=str(field.name).endswith("_bias"))
        for field in _chosen(found, _MAP, _MOST_MAPS)
    ]


def _sections(found: xr.Dataset) -> list[Figure]:
    return [
        section_figure(field, _period(found))
        for field in _chosen(found, _ZONAL, _MOST_SECTIONS)
        if has_section(field)
    ]


def _series(found: xr.Dataset) -> list[Figure]:
    """Return graphs of monthly values, beside those of the reference."""
    if "month" not in found.coords:
        return []
    months: Any = found["month"].values
    if months.dtype.kind != "M" or len(months) < 2:
        return []
    panels = []
    for field in _chosen(found, {"month"}, _MOST_SERIES):
        title = str(field.attrs.get("long_name", field.name))
        series = {"run": field.values} if f"{field.name}_reference" in found else {}
        if series:
            reference = _one(found, f"{field.name}_reference")
            if reference.dims == ("month",):
                series["reference"] = reference.values
        units = superscripts(str(field.attrs.get("units", "")))
        panels.append(Panel(title, units, series or {"": field.values}))
    labels = [str(month) for month in months.astype("datetime64[M]")]
    return series_figures("Month", months, labels, panels) if panels else []
