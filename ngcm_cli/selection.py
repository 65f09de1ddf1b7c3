"""What is written of a run: variables, levels and grid, as the user chose them."""

from ngcm_cli.config import closest
from ngcm_cli.config.settings import Settings
from ngcm_cli.errors import ConfigError
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.output.grid import OutputGrid


def chosen_variables(
    config: Settings,
    model: NeuralGCM,
    predicted: tuple[str, ...],
    default: tuple[str, ...],
    words: str = "",
) -> tuple[str, ...]:
    """The variables to write, under the names of the output.

    Args:
        config: of the run.
        model: that runs.
        predicted: what can be written.
        default: what is, where the configuration does not say.
        words: that end the complaint about a name.

    Raises:
        ConfigError: one that cannot be written is asked for.
    """
    known = {name: name for name in predicted}
    for variable in VARIABLES.values():
        if variable.name in predicted:
            for alias in (variable.standard_name, *variable.aliases):
                known.setdefault(alias, variable.name)
    known.pop("", None)  # which has no standard name
    chosen = config.variables or default
    for name in chosen:
        if name not in known:
            raise ConfigError(
                f"{model.name} does not predict '{name}'{words}.",
                closest(name, predicted),
            )
    return tuple(dict.fromkeys(known[name] for name in chosen))


def chosen_levels(
    config: Settings, model: NeuralGCM, variables: tuple[str, ...]
) -> tuple[float, ...]:
    """The levels to write, ascending; none where all variables are at the surface."""
    if not any(VARIABLES[name].on_levels for name in variables):
        if config.levels:
            raise ConfigError(
                f"levels are given, but {', '.join(variables)} "
                f"{'is' if len(variables) == 1 else 'are'} at the surface.",
                "Leave out --levels, or ask for a variable that is on levels.",
            )
        return ()
    for level in config.levels or ():
        if level not in model.levels:
            nearest = min(model.levels, key=lambda known: abs(known - level))
            raise ConfigError(
                f"{model.name} has no level {level} hPa.",
                f"The nearest is {nearest:g}; it has "
                f"{', '.join(f'{known:g}' for known in model.levels)} hPa.",
            )
    return tuple(config.levels or model.levels)


def chosen_grid(config: Settings, model: NeuralGCM) -> OutputGrid:
    """The horizontal grid to write on."""
    if config.grid is None:
        return OutputGrid.native(model.grid)
    return OutputGrid.regular(model.grid, config.grid)
