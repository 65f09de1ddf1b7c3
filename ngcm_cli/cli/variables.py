"""``ngcm variables``."""

import typer

from ngcm_cli.cli.console import print_table

_LONGEST = 6  # of a short name


def variables() -> None:
    """List the variables that --variables can name.

    The short name, the name, and the names of ECMWF, CF and CMIP mean the same. One on
    levels may end in a pressure in hPa: z500.

    Example: ngcm variables
    """
    from ngcm_cli.diagnostics import DIAGNOSTICS
    from ngcm_cli.gcm.fields import PRECIPITATION
    from ngcm_cli.zoo.description import models_with_precipitation

    rows = [("short", "units", "name")]
    for is_on_levels in (True, False):
        rows.append(("", "", "on levels" if is_on_levels else "at the surface"))
        for name, diagnostic in DIAGNOSTICS.items():
            if diagnostic.on_levels == is_on_levels:
                short = (x for x in diagnostic.aliases if len(x) <= _LONGEST)
                mark = " *" if name in PRECIPITATION else ""
                row = next(short, ""), diagnostic.units, f"{name}{mark}"
                rows.append(row)
    print_table(rows)
    models = ", ".join(models_with_precipitation())
    typer.echo(f"\n* of {models} only")
