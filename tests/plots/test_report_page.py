"""The HTML of a report: structure, escaping, bounds; and the words about pictures."""

import base64
import hashlib
import html.parser
import re
import struct
import zlib

import numpy as np
import pytest

from ngcm_cli.inputs.cell_areas import area_weights
from ngcm_cli.plots.report.content import Figure, Part, Report, Section, Table
from ngcm_cli.plots.report.describe import (
    area_mean,
    describe_map,
    describe_place,
    describe_series,
    describe_time,
    quantity,
)
from ngcm_cli.plots.report.page import render

VOID = {"meta", "img", "br"}


def small_png(width=40, height=30) -> bytes:
    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = (b"\0" + b"\x7f" * width) * height
    parts = (
        chunk(b"IHDR", header),
        chunk(b"IDAT", zlib.compress(rows)),
        chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


class Page(html.parser.HTMLParser):
    """A page whose elements must be closed in order."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data

    def all(self, *tags: str) -> list[dict]:
        return [attributes for tag, attributes in self.elements if tag in tags]


def section(**changes) -> Section:
    figure = Figure("A map", "Now.", "Map of a thing.", small_png())
    table = Table("Scores, m", ("Score", "1d"), [("RMSE", "3.2")])
    parts = [
        Part("Figures", [figure, figure]),
        Part("Scores", ["Text.", table, figure]),
    ]
    settings = {
        "title": "A forecast",
        "warnings": ["It is unstable."],
        "facts": [("Model", "tiny"), ("Notes", "one\ntwo")],
        "command": "ngcm forecast --lead 2d",
        "parts": parts,
        "links": [("f.zarr", "../f #1.zarr")],
        "limits": ["Do not use it."],
        "notes": ["Regridded."],
        "provenance": [("model", "tiny")],
    }
    return Section(**settings | changes)


def page(*sections: Section, title="A report") -> tuple[str, Page]:
    text = render(
        Report(title, sections or (section(),), "Written today.", "ngcm report")
    )
    return text, Page(text)


@pytest.mark.parametrize("count", [1, 3])
def test_structure(count):
    text, parsed = page(*(section() for _ in range(count)))
    assert text.startswith("<!DOCTYPE html>\n")
    assert parsed.all("html") == [{"lang": "en"}]
    assert {"charset": "utf-8"} in parsed.all("meta")
    levels = [int(tag[1]) for tag, _ in parsed.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1 and levels.count(2) == count
    assert all(
        after - before <= 1 for before, after in zip(levels, levels[1:], strict=False)
    )
    names = [x["id"] for _, x in parsed.elements if "id" in x]
    assert len(names) == len({*names})
    inside = [x["href"][1:] for x in parsed.all("a") if x["href"].startswith("#")]
    assert inside and {*inside} <= {*names}
    labels = [x["aria-labelledby"] for x in parsed.all("section")]
    assert len(labels) == count and {*labels} <= {*names}
    assert all(x["alt"] == "Map of a thing." for x in parsed.all("img"))
    assert all((x["width"], x["height"]) == ("40", "30") for x in parsed.all("img"))
    assert len(parsed.all("figure")) == len(parsed.all("figcaption")) == 3 * count
    assert len(parsed.all("caption")) == len(parsed.all("table")) == 2 * count
    assert all(x["scope"] in ("col", "row") for x in parsed.all("th"))


def test_nothing_is_loaded_or_run():
    text, parsed = page()
    assert not parsed.all("script", "link", "iframe", "object", "form", "base")
    (policy,) = [
        x["content"]
        for x in parsed.all("meta")
        if x.get("http-equiv", "").startswith("C")
    ]
    style = text.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'") and f"'sha256-{digest}'" in policy
    assert "url(" not in style and "@import" not in style and "http" not in style
    assert all(x["src"].startswith("data:image/png;base64,") for x in parsed.all("img"))
    assert not any("style" in x for _, x in parsed.elements)


def test_dark_print_and_narrow_are_styled():
    text, _ = page()
    for query in ("prefers-color-scheme: dark", "@media print", "max-width"):
        assert query in text


EVIL = "</title></style><script>x</script>\"'><img src=y onerror=z>&amp;"


def test_text_is_escaped_everywhere():
    figure = Figure(EVIL, EVIL, EVIL, small_png())
    table = Table(EVIL, (EVIL, EVIL), [(EVIL, EVIL)])
    one = section(
        title=EVIL, warnings=[EVIL], facts=[(EVIL, EVIL)], command=EVIL,
        parts=[Part(EVIL, [EVIL, figure, table])], links=[(EVIL, EVIL)], limits=[EVIL],
        notes=[EVIL], provenance=[(EVIL, EVIL)],
    )  # fmt: skip
    _, parsed = page(one, title=EVIL)
    assert not parsed.all("script") and len(parsed.all("img")) == 1
    assert not any("onerror" in x for _, x in parsed.elements)
    assert parsed.text.count(EVIL) > 15
    assert parsed.all("img")[0]["alt"] == EVIL


def test_invisible_characters_are_shown():
    _, parsed = page(section(title="a\u202eb\x00c\x1b[31m"))
    assert "a\\u202eb\\x00c\\x1b[31m" in parsed.text


def test_links_are_paths():
    """A path with a colon is not a URL with a scheme."""
    links = [("a", "javascript:alert(1)"), ("b", "a b#c?.zarr"), ("s3://x", "")]
    _, parsed = page(section(links=links))
    targets = [x["href"] for x in parsed.all("a") if not x["href"].startswith("#")]
    assert targets == ["javascript%3Aalert%281%29", "a%20b%23c%3F.zarr"]
    assert "s3://x" in parsed.text


def test_length_is_bounded():
    many = [(f"name {i}", "x\n" * 1000) for i in range(5000)]
    rows = [("row", "y" * 100_000)] * 5000
    one = section(
        title="t" * 10**6, warnings=["w" * 10**6], command="c" * 10**6,
        parts=[Part("p" * 10**5, ["z" * 10**6, Table("k", ("a", "b"), rows)])],
        notes=["n"] * 10**5, provenance=many,
    )  # fmt: skip
    text, parsed = page(one)
    assert len(text) < 1_500_000
    assert "and 4600 more rows" in parsed.text
    assert "and 4600 more attributes" in parsed.text
    assert "more lines" in parsed.text


def test_map_is_described():
    latitude = np.array([-75.0, -45.0, 0.0, 45.0, 75.0])
    longitude = np.arange(0, 360, 30.0)
    values = np.full((5, 12), 10.0)
    values[1, 9], values[3, 2] = -3.25, 31.04
    text = describe_map(values, latitude, longitude, "m")
    assert text.startswith(
        "Lowest −3.25 m near 45° S 90° W; highest 31.0 m near 45° N 60° E."
    )
    assert "60° to 90° N 10.0 m" in text and "30° S to 30° N 10.0 m" in text
    assert f"30° to 60° N {(11 * 10 + 31.04) / 12:.1f} m" in text
    values[0] = np.nan
    assert "20% of the cells have no value" in describe_map(
        values, latitude, longitude, "m"
    )
    nothing = np.full((5, 12), np.nan)
    assert describe_map(nothing, latitude, longitude, "m") == "All values are missing."
    same = describe_map(np.full((5, 12), 2.0), latitude, longitude, "m")
    assert same == "2.00 m everywhere."


def test_series_is_described():
    values = np.array([np.nan, 3.0, 1.0, 5.0])
    assert describe_series("Wind", ["a", "b", "c", "d"], values, "m") == (
        "Wind: 3.000 m at b, 5.000 m at d; lowest 1.000 m at c, highest 5.000 m at d."
    )
    missing = describe_series("Wind", ["a"], values[:1], "m")
    assert missing == "Wind: all values are missing."


@pytest.mark.parametrize(
    "value, digits, text",
    [
        (0, 3, "0 m"),
        (985.25, 5, "985.25 m"),
        (-0.0945, 3, "−0.0945 m"),
        (123456.7, 3, "123457 m"),
        (1.234e-7, 3, "1.23e−07 m"),
        (float("nan"), 3, "no value"),
    ],
)
def test_quantities(value, digits, text):
    assert quantity(value, "m", digits) == text


@pytest.mark.parametrize(
    "latitude, longitude, text",
    [
        (52.4, 13.3, "52° N 13° E"),
        (-33.6, 288.9, "34° S 71° W"),
        (0.2, 180, "the equator 180°"),
        (90, 0, "the North Pole"),
        (-90, 0, "the South Pole"),
    ],
)
def test_places(latitude, longitude, text):
    assert describe_place(latitude, longitude) == text


def test_times_do_not_depend_on_the_language():
    assert describe_time(np.datetime64("1959-01-02T06")) == "2 January 1959, 06:00 UTC"


def test_area_mean():
    """Of sin² of latitude it is 1/3, whatever share of each row is missing."""
    latitude = np.arange(-89.75, 90, 0.5)
    weights = area_weights(latitude)
    field = np.repeat(np.sin(np.deg2rad(latitude))[:, None] ** 2, 4, axis=1)
    assert area_mean(field, weights) == pytest.approx(1 / 3, abs=1e-5)
    field[latitude < 0] = np.nan
    assert area_mean(field, weights) == pytest.approx(1 / 3, abs=1e-5)
    assert np.isnan(area_mean(field * np.nan, weights))
