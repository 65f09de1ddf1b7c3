"""The numbers of a diagnosis as a table: text, Markdown, CSV or JSON."""

import csv
import dataclasses
import io
import json

import numpy as np
import xarray as xr

from ngcm_cli.diagnosis.findings import MEMBER, REFERENCE


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
    widths = [max(map(len, column)) for column in zip(heading, *table, strict=True)]
    is_number = [name not in ("Quantity", "Units") for name in heading]

    def line(cells: list[str]) -> str:
        padded = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, is_number, strict=True)
        )
        return "  ".join(padded).rstrip()

    lines = [found.attrs["title"], *found.attrs["data"].split("\n"), "", line(heading)]
    topic = ""
    for row, cells in zip(rows, table, strict=True):
        if row.topic != topic:
            topic = row.topic
            lines += ["", topic]
        lines.append(line(cells))
    return lines


def _markdown(found: xr.Dataset, rows: list[Row]) -> list[str]:
    extent = _extent(found, rows)
    lines = [f"# {found.attrs['title']}", ""]
    lines += [f"- {line}" for line in found.attrs["data"].split("\n")]
    topic = ""
    for row in rows:
        if row.topic != topic:
            topic = row.topic
            heading = _headings(*extent)
            lines += ["", f"## {topic}", "", _pipes(heading)]
            lines.append(_pipes(["---"] * len(heading)))
        lines.append(_pipes(_cells(row, *extent)))
    return lines


def _pipes(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _csv(rows: list[Row]) -> str:
    text = io.StringIO()
    names = [field.name for field in dataclasses.fields(Row)]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(dataclasses.asdict(row) for row in rows)
    return text.getvalue().rstrip("\n")


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
