"""The names by which users ask for output variables."""

import difflib
from collections.abc import Iterable, Mapping

from ngcm_cli.diagnostics.diagnostic import Diagnostic
from ngcm_cli.diagnostics.evaluation import DIAGNOSTICS
from ngcm_cli.errors import ConfigError
from ngcm_cli.inputs.level_names import NEAR_GROUND


def resolve_name(
    name: str,
    names: Iterable[str],
    table: Mapping[str, Diagnostic] = DIAGNOSTICS,
) -> str:
    """Return the diagnostic that a user means.

    Args:
        name: its name, CF standard name or an alias, in capitals or not.
        names: those to choose from, as from `available`. Where several have the same
            standard name or alias, the first is meant.
        table: their declarations, as from `diagnostics_of`.

    Raises:
        ConfigError: there is none of this name.
    """
    names = tuple(names)
    if name in names:
        return name
    known = {candidate.lower(): candidate for candidate in names}
    for candidate in filter(table.get, names):
        diagnostic = table[candidate]
        cmip = diagnostic.cmip_name or ""
        for other in (diagnostic.standard_name, *diagnostic.aliases, cmip):
            known.setdefault(other.lower(), candidate)
    known.pop("", None)  # without a standard name
    if name.lower() in known:
        return known[name.lower()]
    near = difflib.get_close_matches(name.lower(), known, n=2)
    near = [f"'{match}'" for match in dict.fromkeys(known[match] for match in near)]
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    for quantity, (others, nearest) in NEAR_GROUND.items():
        if name.lower() in others:
            hint = f"No model predicts {quantity}; the nearest is {nearest}. "
    is_usual = DIAGNOSTICS.keys() <= table.keys()  # not those of an idealized case
    listed = "`ngcm variables` lists all of them." if is_usual else ""
    raise ConfigError(
        f"There is no output variable '{name}'.",
        f"{hint}{listed}".strip() or f"Use {', '.join(names)}.",
    )
