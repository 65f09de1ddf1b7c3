"""``ngcm variables``."""

from typing import Annotated

import typer

from ngcm_cli.cli.console import print_table

_LONGEST = 6  # of a short name


Model = Annotated[
    str | None, typer.Option(metavar="NAME|PATH", help="Model whose own are added.")
]


def variables(model: Model = None) -> None:
    """List the variables that --variables can name.

    The short name, the name, and the names of ECMWF, CF and CMIP mean the same. One on
    levels may end in a pressure in hPa: z500.

    With a model, those that only this one has are listed, too.

    Example: ngcm variables
    """
    from ngcm_cli.checkpoint.card import Card
    from ngcm_cli.diagnostics import DIAGNOSTICS
    from ngcm_cli.gcm.fields import PRECIPITATION
    from ngcm_cli.zoo.description import models_with_precipitation
    from ngcm_cli.zoo.loading import resolve_card

    card = None if model is None else resolve_card(model)
    own = card.spec.outputs if isinstance(card, Card) else {}
    rows = [("short", "units", "name")]
    for is_on_levels in (True, False):
        rows.append(("", "", "on levels" if is_on_levels else "at the surface"))
        for name, diagnostic in DIAGNOSTICS.items():
            if diagnostic.on_levels == is_on_levels:
                short = (x for x in diagnostic.aliases if len(x) <= _LONGEST)
                mark = " *" if name in PRECIPITATION else ""
                row = next(short, ""), diagnostic.units, f"{name}{mark}"
                rows.append(row)
    for name, output in own.items():
        short = (x for x in output.aliases if len(x) <= _LONGEST)
        rows.append((next(short, ""), output.units, name))
    print_table(rows)
    models = ", ".join(models_with_precipitation())
    typer.echo(f"\n* of {models} only")
