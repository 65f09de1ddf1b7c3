"""The numbers of a diagnosis as a table: text, Markdown, CSV or JSON."""

import dataclasses
import json

import numpy as np
import xarray as xr

from ngcm_cli.diagnosis.findings import MEMBER, REFERENCE
from ngcm_cli.io.text_table import column_lines, csv_text, markdown_lines


@dataclasses.dataclass(frozen=True)
class Row:
    """One number.

    Attributes:
        name: name of the variable.
        topic: heading that it belongs to.
        long_name: what it is.
        units: of the number.
        value: of the run, the mean over its members.
        spread: standard deviation over members; None for one run.
        reference: of the reference; None without one.
        difference: value minus reference; None without one.
    """

    name: str
    topic: str
    long_name: str
    units: str
    value: float
    spread: float | None
    reference: float | None
    difference: float | None


def rows_of(found: xr.Dataset) -> list[Row]:
    """Return the numbers of a diagnosis, by topic, without those that are missing."""
    rows = []
    for key, x in found.data_vars.items():
        name = str(key)
        if not set(x.dims) <= {MEMBER} or name.endswith(REFERENCE):
            continue
        values = np.atleast_1d(x.values)
        values = values[np.isfinite(values)]
        if not len(values):
            continue
        value = float(values.mean())
        spread = float(values.std(ddof=1)) if len(values) > 1 else None
        beside, difference = None, None
        if f"{name}{REFERENCE}" in found:
            beside = float(found[f"{name}{REFERENCE}"])
            difference = value - beside
            period = x.attrs.get("period")
            if period:
                difference = (difference + period / 2) % period - period / 2
        topic, what = str(x.attrs["topic"]), str(x.attrs["long_name"])
        units = str(x.attrs["units"])
        rows.append(Row(name, topic, what, units, value, spread, beside, difference))
    topics = list(dict.fromkeys(row.topic for row in rows))
    return sorted(rows, key=lambda row: topics.index(row.topic))


def format_table(found: xr.Dataset, style: str) -> str:
    """Return the table in a style: ``table``, ``md``, ``csv`` or ``json``.

    Notes, and what was not computed, follow the table, of JSON and CSV apart: JSON has
    them under its own keys, CSV not at all.
    """
    rows = rows_of(found)
    if style == "json":
        return _json(found, rows)
    if style == "csv":
        return _csv(rows)
    table = _markdown(found, rows) if style == "md" else _text(found, rows)
    return "\n".join([*table, *_remarks(found, style)])


def _remarks(found: xr.Dataset, style: str) -> list[str]:
    lines = []
    bullet = "- " if style == "md" else "  "
    for title, key in ("Notes", "notes"), ("Not computed", "not_computed"):
        if found.attrs[key]:
            lines += ["", f"{title}:"] + ([""] if style == "md" else [])
            lines += [f"{bullet}{line}" for line in found.attrs[key].split("\n")]
    return lines


def _cells(row: Row, has_spread: bool, has_reference: bool) -> list[str]:
    cells = [row.long_name, _shown(row.value)]
    if has_spread:
        cells.append(_shown(row.spread))
    cells.append("" if row.units == "1" else row.units)
    if has_reference:
        cells += [_shown(row.reference), _shown(row.difference)]
    return cells


def _headings(has_spread: bool, has_reference: bool) -> list[str]:
    names = ["Quantity", "Value", *(["Spread"] if has_spread else []), "Units"]
    return names + (["Reference", "Difference"] if has_reference else [])


def _extent(found: xr.Dataset, rows: list[Row]) -> tuple[bool, bool]:
    return any(row.spread is not None for row in rows), bool(found.attrs["reference"])


def _text(found: xr.Dataset, rows: list[Row]) -> list[str]:
    extent = _extent(found, rows)
    heading = _headings(*extent)
    table = [_cells(row, *extent) for row in rows]
    right = [at for at, name in enumerate(heading) if name not in ("Quantity", "Units")]
    first, *body = column_lines([heading, *table], right)
    lines = [found.attrs["title"], *found.attrs["data"].split("\n"), "", first]
    topic = ""
    for row, line in zip(rows, body, strict=True):
        if row.topic != topic:
            topic = row.topic
            lines += ["", topic]
        lines.append(line)
    return lines


def _markdown(found: xr.Dataset, rows: list[Row]) -> list[str]:
    extent = _extent(found, rows)
    lines = [f"# {found.attrs['title']}", ""]
    lines += [f"- {line}" for line in found.attrs["data"].split("\n")]
    for topic in dict.fromkeys(row.topic for row in rows):
        cells = [_cells(row, *extent) for row in rows if row.topic == topic]
        lines += ["", f"## {topic}", ""]
        lines += markdown_lines([_headings(*extent), *cells])
    return lines


def _csv(rows: list[Row]) -> str:
    names = [field.name for field in dataclasses.fields(Row)]
    return csv_text(names, (dataclasses.asdict(row) for row in rows))


def _json(found: xr.Dataset, rows: list[Row]) -> str:
    lists = "data", "notes", "not_computed"
    content = {
        **{key: found.attrs[key] for key in ("title", "run", "reference", "model")},
        **{key: [x for x in found.attrs[key].split("\n") if x] for key in lists},
        "quantities": [dataclasses.asdict(row) for row in rows],
    }
    return json.dumps(content, indent=1, allow_nan=False)


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
