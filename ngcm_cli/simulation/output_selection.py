"""What is written of a run: variables, levels and grid, as the user chose them."""

import dataclasses

import numpy as np

from ngcm_cli.config import AmipConfig
from ngcm_cli.config.settings import Settings
from ngcm_cli.diagnostics import DIAGNOSTICS, Diagnostic, available, resolve_name
from ngcm_cli.errors import ConfigError
from ngcm_cli.gcm.interface import Model
from ngcm_cli.output.field_selection import FieldSelection
from ngcm_cli.output.grid import OutputGrid
from ngcm_cli.output.streams import sampling_interval


def select_variables(config: Settings, model: Model) -> tuple[str, ...]:
    """Return the names of the variables to write.

    Raises:
        ConfigError: one that cannot be written is asked for.
    """
    names = available(model)
    for name in config.variables or ():
        if name in DIAGNOSTICS and name not in names:
            raise ConfigError(
                f"{model.name} does not predict '{name}'.",
                "Leave it out, or choose another --model.",
            )
    if isinstance(config, AmipConfig):
        # An amount since the start has no mean over time.
        names = tuple(n for n in names if not DIAGNOSTICS[n].is_accumulated)
    if config.variables is None:
        return _default_variables(config, model, names)
    return tuple(dict.fromkeys(resolve_name(name, names) for name in config.variables))


def _default_variables(
    config: Settings, model: Model, names: tuple[str, ...]
) -> tuple[str, ...]:
    """Return what the model itself predicts; long runs add surface fields, fluxes."""
    if not isinstance(config, AmipConfig):
        return tuple(model.default_outputs)
    own = set(model.with_water_budget().output_variables)
    return tuple(name for name in names if name in own)


def _at_instants(diagnostic: Diagnostic, model: Model, axis: str) -> Diagnostic:
    """Return a diagnostic with the cell methods of its values at instants.

    The fluxes of water then are means over one evaluation of the physics.
    """
    if diagnostic.needs != "water" or diagnostic.is_accumulated:
        return diagnostic
    interval = sampling_interval(np.timedelta64(model.substep_minutes, "m"))
    methods = f"{axis}: mean ({interval} comment: the physics step that ends then)"
    return dataclasses.replace(diagnostic, cell_methods=methods)


def select_fields(
    config: Settings, model: Model, variables: tuple[str, ...]
) -> FieldSelection:
    """Return the variables with the levels and the grid to write them on.

    Raises:
        ConfigError: there is no such level, or no variable on levels.
    """
    axis = "time" if isinstance(config, AmipConfig) else "lead_time"
    described = {
        name: _at_instants(DIAGNOSTICS[name], model, axis) for name in variables
    }
    on_levels = any(x.vertical != "surface" for x in described.values())
    grid = (
        OutputGrid.native(model.grid)
        if config.grid is None
        else OutputGrid.regular(model.grid, config.grid)
    )
    if not on_levels and config.levels:
        raise ConfigError(
            f"levels are given, but {', '.join(variables)} "
            f"{'is' if len(variables) == 1 else 'are'} at the surface.",
            "Leave out --levels, or ask for a variable that is on levels.",
        )
    if isinstance(config.levels, str):  # the model's own
        sigma = [float(x) for x in model.sigma_levels.centers]
        return FieldSelection(described, sigma, sigma, "sigma", grid)
    for level in config.levels or ():
        if level not in model.levels:
            nearest = min(model.levels, key=lambda known: abs(known - float(level)))
            raise ConfigError(
                f"{model.name} has no level {level} hPa.",
                f"The nearest is {nearest:g}; it has "
                f"{', '.join(f'{known:g}' for known in model.levels)} hPa.",
            )
    levels = tuple(config.levels or model.levels) if on_levels else ()
    return FieldSelection(described, levels, model.levels, "level", grid)
