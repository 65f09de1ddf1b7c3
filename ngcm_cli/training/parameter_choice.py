"""Which learned parameters are trained: groups and patterns of their names."""

import fnmatch
from collections.abc import Sequence

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
    names: Sequence[str], choices: Sequence[str], model: str
) -> frozenset[str]:
    """Return the names of parameters that groups and patterns stand for.

    Args:
        names: of all learned parameters, as `checkpoint.parameters` has them.
        choices: keys of `GROUPS`, or patterns with ``*``, ``?`` and ``[...]``.
        model: name of the model, for the message.

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
        chosen |= found
    return frozenset(chosen)
