"""A report as one HTML page, which needs no other file, no network and no script.

Text may come from files of others: all of it is escaped, its length is bounded, and
the page forbids the browser to load or run anything (Content Security Policy).
"""

import base64
import functools
import hashlib
import html
import importlib.resources
import itertools
import urllib.parse
from collections.abc import Iterable, Sequence

from ngcm_cli.errors import printable
from ngcm_cli.plots.report.content import Figure, Part, Report, Section, Table

_LONGEST = 2000  # characters of a text
_LONGEST_NAME = 200  # of a heading, a name or a cell
_MOST_LINES = 50  # of a text
_MOST_ROWS = 400  # of a table


def render(report: Report) -> str:
    """Return the page as HTML."""
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    title = _name(report.title)
    sections = [
        _section(section, f"s{number}")
        for number, section in enumerate(report.sections, start=1)
    ]
    made = f"<p>Made with</p>\n{_command(report.command)}\n"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{title}</h1>\n{_contents(report.sections)}</header>\n"
        f"<main>\n{''.join(sections)}</main>\n"
        f"<footer>\n<p>{_text(report.written)}</p>\n{made}</footer>\n</body>\n</html>\n"
    )


@functools.cache
def _style() -> str:
    return (importlib.resources.files("ngcm_cli.plots.report") / "style.css").read_text(
        "utf-8"
    )


def _text(text: str, longest: int = _LONGEST) -> str:
    return html.escape(printable(str(text), longest))


def _name(text: str) -> str:
    return _text(text, _LONGEST_NAME)


def _lines(text: str) -> str:
    """Return text of several lines."""
    lines = str(text).split("\n")
    shown = [_text(line) for line in lines[:_MOST_LINES]]
    if len(lines) > _MOST_LINES:
        shown.append(f"… and {len(lines) - _MOST_LINES} more lines")
    return "<br>\n".join(shown)


def _command(command: str) -> str:
    """Return a command, whose lines break between words where they can."""
    parts = html.escape(printable(command, 2 * _LONGEST)).split(" ")
    spans = " ".join(f"<span>{part}</span>" for part in parts)
    return f'<pre class="command"><code>{spans}</code></pre>'


def _titles(section: Section) -> list[str]:
    """Return the headings in a section."""
    titles = ["Summary"] if section.facts or section.warnings else []
    titles += ["Command"] if section.command else []
    titles += [part.title for part in section.parts]
    titles += ["Limits"] if section.limits else []
    titles += ["Notes on the data"] if section.notes else []
    titles += ["Data and provenance"] if section.links or section.provenance else []
    return titles


def _contents(sections: Sequence[Section]) -> str:
    """Return links to the sections, or to the parts of a single one."""
    if len(sections) > 1:
        links = [(f"s{n}", x.title) for n, x in enumerate(sections, start=1)]
    else:
        links = [
            (f"s1-{n}", title)
            for section in sections
            for n, title in enumerate(_titles(section), start=1)
        ]
    items = "".join(
        f'<li><a href="#{target}">{_name(title)}</a></li>\n' for target, title in links
    )
    return f'<nav aria-label="Contents">\n<ul>\n{items}</ul>\n</nav>\n'


def _section(section: Section, identity: str) -> str:
    numbers = itertools.count(1)

    def heading(title: str) -> str:
        return f'<h3 id="{identity}-{next(numbers)}">{_name(title)}</h3>\n'

    text = f'<section aria-labelledby="{identity}">\n'
    text += f'<h2 id="{identity}">{_name(section.title)}</h2>\n'
    if section.facts or section.warnings:
        text += heading("Summary")
        for warning in section.warnings:
            warning = f"<strong>Warning.</strong> {_text(warning)}"
            text += f'<p class="warning">{warning}</p>\n'
        text += _facts(section.facts)
    if section.command:
        text += heading("Command") + _command(section.command) + "\n"
    for part in section.parts:
        text += heading(part.title) + _part(part)
    for title, sentences in (
        ("Limits", section.limits),
        ("Notes on the data", section.notes),
    ):
        if sentences:
            items = "".join(f"<li>{_text(x)}</li>\n" for x in sentences[:_MOST_LINES])
            text += heading(title) + f"<ul>\n{items}</ul>\n"
    if section.links or section.provenance:
        text += heading("Data and provenance")
        text += _links(section.links) + _provenance(section)
    return text + "</section>\n"


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    pairs = "".join(
        f"<div><dt>{_name(name)}</dt><dd>{_lines(text)}</dd></div>\n"
        for name, text in facts
    )
    return f"<dl>\n{pairs}</dl>\n" if pairs else ""


def _part(part: Part) -> str:
    """Return the content of a part; figures that follow each other stand in a grid."""
    text = ""
    for is_figure, group in itertools.groupby(
        part.content, lambda content: isinstance(content, Figure)
    ):
        blocks = "".join(map(_block, group))
        text += f'<div class="figures">\n{blocks}</div>\n' if is_figure else blocks
    return text


def _block(content: str | Table | Figure) -> str:
    if isinstance(content, Table):
        return _table(content)
    if isinstance(content, Figure):
        return _figure(content)
    return f"<p>{_lines(content)}</p>\n"


def _figure(figure: Figure) -> str:
    width, height = _size(figure.png)
    data = base64.b64encode(figure.png).decode()
    return (
        f'<figure>\n<img src="data:image/png;base64,{data}" width="{width}" '
        f'height="{height}" alt="{_text(figure.alternative)}">\n'
        f"<figcaption><strong>{_name(figure.title)}.</strong> "
        f"{_text(figure.caption)}</figcaption>\n</figure>\n"
    )


def _size(png: bytes) -> tuple[int, int]:
    """Return the width and height of a PNG image, which its first chunk has."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n", "no PNG"
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{_name(column)}</th>' for column in table.columns)
    body = "".join(
        f'<tr><th scope="row">{_name(row[0])}</th>'
        f"{''.join(f'<td>{_name(cell)}</td>' for cell in row[1:])}</tr>\n"
        for row in table.rows[:_MOST_ROWS]
    )
    more = ""
    if len(table.rows) > _MOST_ROWS:
        more = f"<p>… and {len(table.rows) - _MOST_ROWS} more rows.</p>\n"
    # What may have to be scrolled must be reached with the keyboard.
    return (
        f'<div class="wide" role="region" aria-label="{_name(table.caption)}" '
        f'tabindex="0">\n<table>\n<caption><span>{_text(table.caption)}</span></caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n</div>\n"
        f"{more}"
    )


def _links(links: Iterable[tuple[str, str]]) -> str:
    items = ""
    for name, path in links:
        text = _name(name)
        if path:  # on this computer; a name such as javascript: leads nowhere
            target = html.escape(urllib.parse.quote(path))
            text = f'<a href="{target}">{text}</a>'
        items += f"<li>{text}</li>\n"
    return f'<ul class="links">\n{items}</ul>\n' if items else ""


def _provenance(section: Section) -> str:
    shown = section.provenance[:_MOST_ROWS]
    rows = "".join(
        f'<tr><th scope="row">{_name(name)}</th><td>{_lines(text)}</td></tr>\n'
        for name, text in shown
    )
    if not rows:
        return ""
    more = len(section.provenance) - len(shown)
    note = f"<p>… and {more} more attributes.</p>\n" if more else ""
    return (
        "<details>\n<summary>Attributes of the output</summary>\n"
        '<table class="attributes">\n<caption>Global attributes, as they are in '
        'the file</caption>\n<thead><tr><th scope="col">Attribute</th>'
        f'<th scope="col">Value</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n'
        f"{note}</details>\n"
    )
