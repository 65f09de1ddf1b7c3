"""Tables as text: in columns, in Markdown and in CSV."""

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any


def column_lines(
    rows: Sequence[Sequence[str]], right: Collection[int] = ()
) -> list[str]:
    """Return the lines of a table with columns as wide as they need to be.

    Args:
        rows: cells, of the headings first.
        right: columns whose cells end at the same place, as numbers do.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def markdown_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table in Markdown; the first row has the headings."""
    head, *body = (
        "| " + " | ".join(cell.strip().replace("|", r"\|") for cell in row) + " |"
        for row in rows
    )
    return [head, "|" + " --- |" * len(rows[0]), *body]


def csv_text(names: Iterable[str], records: Iterable[Mapping[str, Any]]) -> str:
    """Return records as comma-separated values below their names."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(names), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().rstrip("\n")
