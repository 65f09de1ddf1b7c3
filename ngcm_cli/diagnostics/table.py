"""The table of all output variables for the documentation."""

from ngcm_cli.diagnostics.diagnostic import NEEDS, Diagnostic
from ngcm_cli.diagnostics.evaluation import DIAGNOSTICS

_HEADINGS = ("Name", "Description", "CMIP", "Units", "Levels", "Aliases", "Needs")
_LEVELS = {"pressure": "pressure, model", "surface": "single", "sigma": "model"}


def documented_table() -> str:
    """Return a Markdown table of all diagnostics, one row each, in their order."""
    rows = [_HEADINGS, ("---",) * len(_HEADINGS)]
    rows += [_row(diagnostic) for diagnostic in DIAGNOSTICS.values()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(diagnostic: Diagnostic) -> tuple[str, ...]:
    return (
        f"`{diagnostic.name}`",
        diagnostic.long_name,
        f"`{diagnostic.cmip_name}`" if diagnostic.cmip_name else "",
        diagnostic.units,
        _LEVELS[diagnostic.vertical],
        ", ".join(f"`{alias}`" for alias in diagnostic.aliases),
        NEEDS[diagnostic.needs],
    )
