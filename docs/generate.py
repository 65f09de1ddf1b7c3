"""Write the pages of the documentation that follow from declarations in the code.

Run from anywhere::

    python docs/generate.py            # write the pages
    python docs/generate.py --check    # exit 1 if one of them is out of date
"""

import pathlib
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import typer

from ngcm_cli.cli.app import app

DOCS = pathlib.Path(__file__).parent
NOTICE = (
    "<!-- Written by `python docs/generate.py`; change the declarations instead. -->"
)

BEGIN_TABLE = "<!-- begin table, written by docs/generate.py -->"
END_TABLE = "<!-- end table -->"


def walk_commands(
    command: Any = None, path: tuple[str, ...] = ("ngcm",)
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command of the program with its path, each group before its own.

    Args:
        command: a Click command or group; None is the whole program.
        path: names that lead to it, such as ``("ngcm", "data", "check")``.
    """
    command = typer.main.get_command(app) if command is None else command
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from walk_commands(child, (*path, name))


def write_commands() -> str:
    """Return the command reference, one section per command, as Markdown."""
    sections = [
        f"{NOTICE}\n\n# Command reference",
        "This page lists the same text as `--help`. Every flag of `forecast`, "
        "`ensemble`, `amip` and `idealized` is also a key of a run file (`--config`), "
        "written without the leading dashes and with underscores: `--restart-every "
        "10d` is `restart_every: 10d`. Flags on the command line take precedence over "
        "the run file.",
    ]
    for path, command in walk_commands():
        sections.extend(_section(path, command))
    return "\n\n".join(sections) + "\n"


def _section(path: tuple[str, ...], command: Any) -> Iterator[str]:
    yield f"{'#' * min(len(path) + 1, 3)} {' '.join(path)}"
    for paragraph in (command.help or "").split("\n\n"):
        text = " ".join(paragraph.split())
        if text.startswith("Example:"):
            yield f"```sh\n{text.removeprefix('Example:').strip()}\n```"
        elif text:
            yield _escape(text)
    commands = getattr(command, "commands", {})
    if commands:
        yield "\n".join(
            f"- [`{' '.join((*path, name))}`](#{'-'.join((*path, name))})"
            for name in commands
        )
    shown = [p for p in command.params if not getattr(p, "hidden", False)]
    for kind, title in ("argument", "Arguments"), ("option", "Options"):
        entries = [_entry(p) for p in shown if p.param_type_name == kind]
        if entries:
            yield f"**{title}**"
            yield "\n".join(entries)


def _entry(parameter: Any) -> str:
    """Return the list entry of an option or argument."""
    if parameter.param_type_name == "argument":
        syntax = parameter.metavar or parameter.name.upper()
    else:
        syntax = " / ".join(
            (", ".join(parameter.opts), *map(str, parameter.secondary_opts))
        )
        if parameter.metavar:
            syntax += f" {parameter.metavar}"
    text = " ".join((parameter.help or "").split())
    described = re.fullmatch(r"(.*?)(?: *\[default: (.*)\])?", text)
    text, default = described.groups()
    if isinstance(shown := getattr(parameter, "show_default", None), str):
        default = shown
    entry = f"- `{syntax}`: {_escape(text)}"
    if default:
        entry += f" Default: {_escape(default)}."
    elif parameter.required:
        entry += " Required."
    return entry


def _escape(text: str) -> str:
    """Return text whose asterisks, underscores and brackets Markdown leaves alone."""
    return re.sub(r"([*_<>\[\]`])", r"\\\1", text)


def write_variables() -> str:
    """Return the page of output variables with the table of all diagnostics."""
    from ngcm_cli.diagnostics.table import documented_table

    page = (DOCS / "variables.md").read_text(encoding="utf-8")
    before, begin, rest = page.partition(f"{BEGIN_TABLE}\n")
    _, end, after = rest.partition(END_TABLE)
    return f"{before}{begin}\n{documented_table()}\n{end}{after}"


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": write_commands,
    "variables.md": write_variables,
}
"""Generated pages by file name, each with the function that writes it."""


def main() -> None:
    """Write the generated pages, or check that they are up to date."""
    stale = []
    for name, write in PAGES.items():
        page, text = DOCS / name, write()
        if "--check" not in sys.argv[1:]:
            page.write_text(text, encoding="utf-8")
        elif not page.exists() or page.read_text(encoding="utf-8") != text:
            stale.append(name)
    if stale:
        sys.exit(f"Out of date: {', '.join(stale)}. Run: python docs/generate.py")


if __name__ == "__main__":
    main()
