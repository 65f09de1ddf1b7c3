"""Tables as text."""

import csv
import io

from ngcm_cli.io.text_table import column_lines, csv_text, markdown_lines

ROWS = [("Name", "Value"), ("a|b", "1.5"), ("c", "-10.25")]


def test_columns_are_as_wide_as_needed():
    assert column_lines(ROWS) == ["Name  Value", "a|b   1.5", "c     -10.25"]
    assert column_lines(ROWS, [1])[1] == "a|b      1.5"


def test_bars_are_escaped_in_markdown():
    assert markdown_lines(ROWS)[:3] == [
        "| Name | Value |", "| --- | --- |", r"| a\|b | 1.5 |",
    ]  # fmt: skip


def test_csv_is_read_back():
    records = [{"name": 'a, "b"', "value": "1"}, {"name": "c", "value": ""}]
    text = csv_text(("name", "value"), records)
    assert list(csv.DictReader(io.StringIO(text))) == records
