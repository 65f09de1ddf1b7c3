"""What is written of a run: variables, levels and grid, as the user chose them."""

import dataclasses

import numpy as np

from ngcm_cli.config import AmipConfig, IdealizedConfig, RunConfig
from ngcm_cli.diagnostics import (
    Diagnostic,
    available,
    diagnostics_of,
    resolve_name,
)
from ngcm_cli.diagnostics.negative_water import (
    ADDED,
    CLIPPED,
    CLIPPED_COMMENT,
    CLIPPED_TO_ZERO,
)
from ngcm_cli.diagnostics.tendencies import NUDGING
from ngcm_cli.dynamics.state import TRACERS
from ngcm_cli.errors import ConfigError
from ngcm_cli.gcm.interface import Model
from ngcm_cli.inputs.level_names import split_level
from ngcm_cli.output import grib
from ngcm_cli.output.field_selection import FieldSelection
from ngcm_cli.output.grid import OutputGrid
from ngcm_cli.output.streams import sampling_interval
from ngcm_cli.zoo.description import models_with_precipitation


@dataclasses.dataclass(frozen=True)
class Request:
    """What a user asked to be written.

    Attributes:
        variables: names of the diagnostics.
        levels: pressures in hPa, those in names of variables included; ``"model"`` for
            the sigma levels of the model; None for all pressure levels.
        notes: how names with a level were read, and what is left out.
    """

    variables: tuple[str, ...]
    levels: tuple[float, ...] | str | None
    notes: tuple[str, ...] = ()


def read_request(config: RunConfig, model: Model) -> Request:
    """Return what is to be written; names may end in a level, as ``z500`` does.

    Raises:
        ConfigError: a variable that cannot be written is asked for.
    """
    request = _read_request(config, model)
    _check_nudging(config, request)
    if config.clip_humidity:
        request = _with_clipping(request)
    if config.output is None or config.output.suffix != grib.SUFFIX:
        return request
    if isinstance(config, AmipConfig):
        return request  # for a directory, whatever its name
    return _with_grib_codes(config, model, request)


def _check_nudging(config: RunConfig, request: Request) -> None:
    """Refuse tendencies due to nudging of what is not nudged."""
    nudged = config.nudge_variables or ()
    for name in request.variables:
        if name in NUDGING and NUDGING[name] not in nudged:
            raise ConfigError(
                f"{name} is asked for, but {NUDGING[name]} is not nudged.",
                "Leave it out, or nudge it: --nudge DATA, --nudge-variables.",
            )


def _with_clipping(request: Request) -> Request:
    """Return a request with the water that clipping adds.

    Raises:
        ConfigError: nothing in it can be clipped.
    """
    clipped = [name for name in request.variables if name in CLIPPED]
    if not clipped:
        raise ConfigError(
            "Nothing that is written can be clipped: neither humidity nor cloud.",
            "Leave out --clip-humidity, or ask for specific_humidity.",
        )
    variables = tuple(dict.fromkeys((*request.variables, ADDED)))
    note = f"{', '.join(clipped)}: {CLIPPED_COMMENT}"
    return dataclasses.replace(
        request, variables=variables, notes=(*request.notes, note)
    )


def _with_grib_codes(config: RunConfig, model: Model, request: Request) -> Request:
    """Return a request without the variables that GRIB has no codes for.

    Raises:
        ConfigError: GRIB cannot hold what is left.
    """
    instead = "Write Zarr or NetCDF: name an --output in .zarr or .nc."
    if not model.levels:
        raise ConfigError(
            f"{model.name} has a single layer, for which GRIB has no level.", instead
        )
    if isinstance(request.levels, str):
        raise ConfigError(
            "GRIB files of ngcm have fields on pressure levels, not on model levels.",
            f"Ask for pressure levels. {instead}",
        )
    if getattr(config, "members", grib.MEMBERS)[-1] not in grib.MEMBERS:
        raise ConfigError(
            f"GRIB has numbers for members 0 to {grib.MEMBERS[-1]}, and there are "
            "others here.",
            f"Compute fewer. {instead}",
        )
    kept = tuple(name for name in request.variables if name in grib.CODES)
    left_out = [name for name in request.variables if name not in kept]
    if not left_out:
        return request
    reason = grib.why_left_out(left_out)
    if not kept:
        raise ConfigError(f"{reason}.", instead)
    note = f"{reason}, so not written to the file."
    return dataclasses.replace(request, variables=kept, notes=(*request.notes, note))


def _read_request(config: RunConfig, model: Model) -> Request:
    """Return what is asked for, whatever the format of the output."""
    names, table = available(model), diagnostics_of(model)
    if isinstance(config, AmipConfig):
        # An amount since the start has no mean over time.
        names = tuple(n for n in names if not table[n].is_accumulated)
    given = _output_levels(config)
    if config.variables is None:
        variables = _default_variables(config, model, names)
        return Request(variables, given)
    variables, levels, with_level = [], set(), {}
    for asked in config.variables:
        name, level = resolve_variable(asked, names, model)
        variables.append(name)
        if level is not None:
            levels.add(int(level) if level == int(level) else level)
            with_level[asked] = name
    variables = tuple(dict.fromkeys(variables))
    if not levels:
        return Request(variables, given)
    if isinstance(given, str):
        setting = _levels_setting(config)
        raise ConfigError(
            f"{', '.join(with_level)} are on pressure levels, but {setting} is model.",
            f"Leave out --{setting.replace('_', '-')}, or the numbers in the names.",
        )
    chosen = tuple(sorted(levels.union(given or ())))
    shared = [name for name in variables if table[name].on_levels]
    at = ", ".join(f"{level:g}" for level in chosen)
    note = f"{', '.join(with_level)}: {', '.join(shared)} at {at} hPa"
    return Request(variables, chosen, (note,))


def _output_levels(config: RunConfig) -> tuple[float, ...] | str | None:
    return getattr(config, _levels_setting(config))


def _levels_setting(config: RunConfig) -> str:
    """Return the name of the setting of output levels."""
    return "output_levels" if isinstance(config, IdealizedConfig) else "levels"


def resolve_variable(
    asked: str, names: tuple[str, ...], model: Model
) -> tuple[str, float | None]:
    """Return the name of a diagnostic, and the level in hPa in what was asked for."""
    table = diagnostics_of(model)
    for candidate, level in dict.fromkeys(((asked, None), split_level(asked))):
        try:
            name = resolve_name(candidate, names, table)
        except ConfigError:
            continue
        if level is not None and not table[name].on_levels:
            raise ConfigError(
                f"'{asked}' has a level, but {name} has none.",
                "Leave out the number.",
            )
        return name, level
    # Says what is near, if there is no such variable.
    name = resolve_name(asked, dict.fromkeys((*names, *table)), table)
    if name in available(model):
        raise ConfigError(
            f"'{name}' is an amount since the start and has no mean over time.",
            "Leave it out, or ask for its rate.",
        )
    have = models_with_precipitation()
    called = "" if name == asked else f" ({asked})"
    raise ConfigError(
        f"{model.name} does not predict {name}{called}.",
        f"Leave it out, or choose --model {' or '.join(have)}, which do.",
    )


def _default_variables(
    config: RunConfig, model: Model, names: tuple[str, ...]
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


def select_fields(config: RunConfig, model: Model, request: Request) -> FieldSelection:
    """Return the variables with the levels and the grid to write them on.

    Raises:
        ConfigError: there is no such level, or no variable on levels.
    """
    axis = "time" if isinstance(config, AmipConfig) else "lead_time"
    table = diagnostics_of(model)
    described = {
        name: _at_instants(table[name], model, axis) for name in request.variables
    }
    if config.clip_humidity:
        for name in set(request.variables) & set(CLIPPED):
            clipped = CLIPPED_COMMENT if name in TRACERS else CLIPPED_TO_ZERO
            said = filter(None, (described[name].comment, clipped))
            described[name] = dataclasses.replace(
                described[name], comment="; ".join(said)
            )
    on_levels = any(diagnostic.on_levels for diagnostic in described.values())
    levels = request.levels
    grid = (
        OutputGrid.native(model.grid)
        if config.grid is None
        else OutputGrid.regular(model.grid, config.grid)
    )
    if not on_levels and levels:
        setting = _levels_setting(config)
        raise ConfigError(
            f"{setting} are given, but {', '.join(described)} "
            f"{'has' if len(described) == 1 else 'have'} none.",
            f"Leave out --{setting.replace('_', '-')}, or ask for a variable that is "
            "on levels.",
        )
    if isinstance(levels, str):  # the model's own
        sigma = [float(x) for x in model.sigma_levels.centers]
        return FieldSelection(described, sigma, sigma, "sigma", grid)
    for level in levels or ():
        if level not in model.levels:
            nearest = min(model.levels, key=lambda known: abs(known - float(level)))
            raise ConfigError(
                f"{model.name} has no level {level} hPa.",
                f"The nearest is {nearest:g}; it has "
                f"{', '.join(f'{known:g}' for known in model.levels)} hPa.",
            )
    chosen = tuple(levels or model.levels) if on_levels else ()
    top = round(1000 * float(model.sigma_levels.centers[0]), 3)
    return FieldSelection(described, chosen, model.levels, "level", grid, top)
