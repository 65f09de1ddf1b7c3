"""What a report says, before it is a page: plain text, numbers as text, images."""

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Figure:
    """A picture.

    Attributes:
        title: what it shows, a few words.
        caption: what else a reader must know: time, model, what was left out.
        alternative: what is to be seen in it, for who cannot see it.
        png: the image.
    """

    title: str
    caption: str
    alternative: str
    png: bytes


@dataclasses.dataclass(frozen=True)
class Table:
    """A table, whose first column names the rows.

    Attributes:
        caption: what the numbers are, with units.
        columns: headings.
        rows: text of the cells.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclasses.dataclass(frozen=True)
class Part:
    """A titled part of a section.

    Attributes:
        title: its heading.
        content: paragraphs, tables and figures in their order.
    """

    title: str
    content: Sequence[str | Table | Figure]


@dataclasses.dataclass(frozen=True)
class Section:
    """What a report says about one output.

    Attributes:
        title: its heading.
        warnings: what a reader must not miss, such as that a run became unstable.
        facts: name and text of what there is to know first.
        command: command that made the output; empty where it is not known.
        parts: figures, stability, scores.
        links: name and path of the output and what belongs to it, relative to the page.
        limits: what the numbers must not be used for, a sentence each.
        notes: what was done to data, a sentence each.
        provenance: name and text of the attributes of the output.
    """

    title: str
    warnings: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    command: str = ""
    parts: Sequence[Part] = ()
    links: Sequence[tuple[str, str]] = ()
    limits: Sequence[str] = ()
    notes: Sequence[str] = ()
    provenance: Sequence[tuple[str, str]] = ()


@dataclasses.dataclass(frozen=True)
class Report:
    """A report.

    Attributes:
        title: its heading.
        sections: one for each output.
        written: when and by what, a sentence.
        command: command that makes the report.
    """

    title: str
    sections: Sequence[Section]
    written: str
    command: str
