"""Commands of runs: a function with an option for every setting, and how it parses."""

import inspect
import pathlib
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from ngcm_cli.cli.options import OPTIONS, switch

Resume = Annotated[
    pathlib.Path | None,
    typer.Option(metavar="PATH", help="Continue the run of this output."),
]
RunFile = Annotated[
    pathlib.Path | None,
    typer.Option(
        "--config",
        metavar="YAML",
        help="Run file whose keys are these options, which override it.",
    ),
]
DryRun = switch(
    "--dry-run/--no-dry-run", "Check the run and print its summary, no more."
)


class ListsCommand(TyperCommand):
    """A command without arguments whose repeatable options take several words each.

    ``--levels 500 850`` is ``--levels 500 --levels 850``.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Repeat the name of a repeatable option before each of its values."""
        lists = {o for p in self.params if getattr(p, "multiple", 0) for o in p.opts}
        spread: list[str] = []
        name, is_first = "", False
        for word in args:
            if word.startswith("-") and not is_first:
                option, equals, _ = word.partition("=")
                name = option if option in lists else ""
                is_first = bool(name and not equals)
            elif name and not is_first:
                spread.append(name)
            else:
                is_first = False
            spread.append(word)
        return super().parse_args(ctx, spread)


def command(
    run: Callable[..., None],
    name: str,
    text: str,
    fields: tuple[str, ...],
    own: dict[str, Any],
) -> Callable[..., None]:
    """Return a function for Typer, with an option for every field.

    Args:
        run: function of the options given, by field, and of ``resume``, ``config`` and
            ``dry_run``.
        name: name of the command.
        text: its help.
        fields: fields of the configuration, in the order of the help.
        own: options that replace those of `OPTIONS`.
    """
    common = {"resume": Resume, "config": RunFile, "dry_run": DryRun}

    def call(**given: Any) -> None:
        others = [given.pop(name) for name in common]
        run({name: x for name, x in given.items() if x is not None}, *others)

    options = {name: own.get(name, OPTIONS.get(name)) for name in fields} | common
    call.__name__, call.__doc__ = name, text
    return with_options(call, options)


def with_options(
    call: Callable[..., None],
    options: Mapping[str, Any],
    arguments: Mapping[str, Any] | None = None,
) -> Callable[..., None]:
    """Return a function of keywords with a signature that Typer understands.

    Args:
        call: function.
        options: annotation of each option by its name; None is the default.
        arguments: the same of arguments that must be given.
    """
    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        *(
            inspect.Parameter(n, kind, annotation=x)
            for n, x in (arguments or {}).items()
        ),
        *(
            inspect.Parameter(n, kind, annotation=x, default=None)
            for n, x in options.items()
        ),
    ]
    call.__signature__ = inspect.Signature(parameters)  # pyright: ignore
    return call
