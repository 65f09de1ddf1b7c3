"""Reading a configuration as a closed world: nothing is overlooked.

Every binding is looked up, or known to be inert, or an error that names it; every value
is one of those that our model can build, or an error that names it.
"""

import re
from typing import Any, NoReturn

from ngcm_cli.checkpoint.published.gin import Bindings, Ref
from ngcm_cli.checkpoint.published.shared_bindings import COMMON, INERT
from ngcm_cli.errors import CheckpointError

MINUTES = {"minute": 1.0, "hour": 60.0, "day": 1440.0}
HOURS = {unit: minutes / 60 for unit, minutes in MINUTES.items()}

_REPORT = "Report it with the name of the checkpoint."


class StrictReader:
    """Looks up bindings of one configuration and checks what they say.

    Raises:
        CheckpointError: a binding that all known models share has another value.
    """

    def __init__(self, bindings: Bindings):
        self.bindings = bindings
        self.latest = ""  # the binding looked up last, to name in a message
        for name, value in COMMON.items():
            if name in bindings and self.get(name) != plain(value):
                self.choose(name, value)

    def get(self, name: str, *default: Any) -> Any:
        """Return the value of ``scope/Class.parameter``."""
        self.latest = name
        path, parameter = name.rsplit(".", 1)
        scope, _, cls = path.rpartition("/")
        return plain(self.bindings.get(scope, cls, parameter, *default))

    def choose(self, name: str, *known: Any) -> Any:
        """Return a value that must be one of those that are understood."""
        value = self.get(name)
        if value not in plain(known):
            raise CheckpointError(
                f"The model's configuration has {name} = {shown(value)}; "
                f"only {' or '.join(map(shown, known))} is supported.",
                _REPORT,
            )
        return value

    def only(self, values: set, name: str) -> Any:
        """Return the one value that several scopes must agree on."""
        if len(values) != 1:
            raise CheckpointError(
                f"The model's configuration has different values of {name}: "
                f"{', '.join(sorted(map(shown, values)))}; one is supported.",
                _REPORT,
            )
        return next(iter(values))

    def choose_if_bound(self, name: str, *known: Any) -> Any:
        """Return as ``choose`` does, but None where nothing is bound."""
        return None if self.get(name, None) is None else self.choose(name, *known)

    def finish(self) -> None:
        """Check that every binding was read or is known to be inert."""
        unknown = [name for name in self.bindings.unread() if not INERT.fullmatch(name)]
        if unknown:
            more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
            raise CheckpointError(
                f"The model's configuration has bindings of unknown effect: "
                f"{', '.join(unknown[:5])}{more}.",
                _REPORT,
            )

    def refuse(self, fault: str) -> NoReturn:
        """Refuse the configuration, with one sentence that says why."""
        raise CheckpointError(f"The model's configuration {fault}.", _REPORT)

    def quantity(self, name: str, units: dict[str, float]) -> float:
        """Return a value such as '4 minutes', in the unit that has factor 1."""
        return self.number(self.get(name), units)

    def number(self, value: str, units: dict[str, float]) -> float:
        """Return the number of a quantity such as '4 minutes', in the unit 1."""
        match = re.fullmatch(r"(\d+(?:\.\d+)?) (\w+?)s?", value)
        if match is None or match.group(2) not in units:
            self.refuse(f"has an unknown quantity {value!r} in {self.latest}")
        return float(match.group(1)) * units[match.group(2)]


def plain(value: Any) -> Any:
    """Lists as tuples, so that the two compare equal."""
    if isinstance(value, list | tuple):
        return tuple(plain(x) for x in value)
    if isinstance(value, dict):
        return {k: plain(x) for k, x in value.items()}
    return value


def shown(value: Any) -> str:
    """Return a value as the configuration writes it."""
    if not isinstance(value, Ref):
        return repr(value)
    scope = f"{value.scope}/" if value.scope else ""
    return f"@{scope}{value.name}{'()' if value.call else ''}"


def flat(mapping: dict[str, Any]) -> dict[str, Any]:
    """Return the mapping with its tracers on the same level as the rest."""
    return {k: x for k, x in mapping.items() if k != "tracers"} | mapping["tracers"]
