"""Which learned parameters are trained: groups and patterns of their names."""

import fnmatch
from collections.abc import Collection, Sequence

from ngcm_cli.config.values import closest
from ngcm_cli.errors import ConfigError

GROUPS = {
    "all": ("*",),
    "encoder": ("encoder.*", "memory_encoder.*", "encoder_noise.*"),
    "decoder": ("decoder.*",),
    "physics": ("step.parameterization.*", "step.dycore.*", "step.random_fields.*"),
    "outputs": ("outputs.*", "step.water_budget.*"),
}
"""Patterns of the names of parameters, by the name of their group."""


def choose_parameters(
    names: Sequence[str],
    choices: Sequence[str],
    model: str,
    new_outputs: Collection[str] = (),
) -> frozenset[str]:
    """Return the names of parameters that groups and patterns stand for.

    Those on which no loss depends are not among them: of outputs whose truth is not
    given, and of precipitation.

    Args:
        names: of all learned parameters, as `checkpoint.parameters` has them.
        choices: keys of `GROUPS`, or patterns with ``*``, ``?`` and ``[...]``.
        model: name of the model, for the message.
        new_outputs: names of the outputs whose truth is given.

    Raises:
        ConfigError: the model has no such parameters.
    """
    chosen: set[str] = set()
    for choice in choices:
        patterns = GROUPS.get(choice, (choice,))
        found = {x for x in names for p in patterns if fnmatch.fnmatchcase(x, p)}
        if not found and choice in GROUPS:
            raise ConfigError(
                f"parameters: {model} has no parameters of the group '{choice}'.",
                "Choose others.",
            )
        if not found:
            raise ConfigError(
                f"parameters: {model} has none named '{choice}'.",
                closest(choice, (*GROUPS, *names))[:300],
            )
        seen = {name for name in found if _is_seen(name, new_outputs)}
        if not seen:
            raise ConfigError(
                f"parameters: no loss depends on '{choice}' of {model}.",
                "Choose others; outputs are new ones, whose truth is given.",
            )
        chosen |= seen
    return frozenset(chosen)


def _is_seen(name: str, new_outputs: Collection[str]) -> bool:
    """Return whether a loss depends on a parameter."""
    place, _, rest = name.partition(".")
    if place == "outputs":
        return rest.partition(".")[0] in new_outputs
    return not name.startswith("step.water_budget.")
