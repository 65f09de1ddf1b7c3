"""Which variables are scored, on which levels: what forecasts and truth both have."""

import dataclasses
from collections.abc import Iterable, Sequence

import xarray as xr

from ngcm_cli.config import closest
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.inputs.level_names import split_level
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.verification.derived_variables import (
    DERIVED,
    WIND,
    WIND_ALIASES,
    WIND_COMPONENTS,
)

HEADLINE: tuple[tuple[str, float | None], ...] = (
    ("geopotential", 500.0),
    ("temperature", 850.0),
    ("specific_humidity", 700.0),
    (WIND, 850.0),
    ("mean_sea_level_pressure", None),
    ("2m_temperature", None),
    ("10m_wind_speed", None),
)
"""What is scored by default, where forecasts and truth have it."""

Offered = dict[str, tuple[float, ...] | None]
"""Levels of variables by name, hPa; None for one without levels."""

_PLACE = {"latitude", "longitude"}
_INDEX = {"realization", "init_time", "lead_time", "time", "dayofyear", "hour"}


@dataclasses.dataclass(frozen=True)
class ScoredVariable:
    """A variable in scores.

    Attributes:
        name: name in score files.
        levels: pressures in hPa, ascending; None for one without levels.
        components: variables that are scored together: of a vector several.
        column_levels: levels that a variable of the column is computed from; empty
            where the datasets have it.
        units: SI units.
        long_name: description.
    """

    name: str
    levels: tuple[float, ...] | None
    components: tuple[str, ...]
    column_levels: tuple[float, ...] = ()
    units: str = ""
    long_name: str = ""

    @property
    def is_vector(self) -> bool:
        """Whether it is a vector, of which only vector metrics are computed."""
        return len(self.components) > 1


def select_variables(
    names: Sequence[str] | None, datasets: Sequence[xr.Dataset]
) -> tuple[ScoredVariable, ...]:
    """Return the variables to score, of which all datasets have all levels.

    Args:
        names: as users write them, such as ``z500``; None is the headline variables,
            or all that the datasets have in common where there is none of these.
        datasets: forecasts and truth, in canonical form.

    Raises:
        ConfigError: a name is unknown.
        InputDataError: a dataset lacks a variable or a level that is named, or there is
            nothing in common.
    """
    shared = _shared(datasets)
    if names is None:
        found = [(n, level) for n, level in HEADLINE if _offers(shared, n, level)]
        found = found or [(name, None) for name in shared if name not in DERIVED]
        if not found:
            described = "; ".join(f"{_label(d)}: {_listed(d)}" for d in datasets)
            raise InputDataError(
                f"Forecasts and truth have no variable in common. {described}.",
                "Give data of the same quantities; ngcm variables lists the names.",
            )
    else:
        found = [_ask(name, shared, datasets) for name in names]
    levels: dict[str, set[float] | None] = {}
    for name, level in found:
        offered = shared.get(name)
        if not _offers(shared, name, level):
            raise _missing(name, level, datasets, shared)
        if offered is None:
            levels[name] = None
        else:
            chosen = offered if level is None else _at(offered, level)
            levels[name] = (levels.get(name) or set()) | set(chosen)
    return tuple(_scored(name, chosen, datasets) for name, chosen in levels.items())


def has_variable(variable: ScoredVariable, offered: Offered) -> bool:
    """Return whether a dataset has a variable on all its levels, or can derive it.

    Args:
        variable: the variable.
        offered: what the dataset offers.
    """
    for name in variable.components:
        if name not in offered:
            return False
        own = offered[name]
        wanted = variable.levels
        if (own is None) != (wanted is None):
            return False
        if wanted is not None and not all(_at(own or (), level) for level in wanted):
            return False
    return True


def _ask(name: str, shared: Offered, datasets: Sequence) -> tuple[str, float | None]:
    """Return the variable that a user means, and its level or None.

    Raises:
        ConfigError: no dataset has one of this name.
    """
    known = {*shared, *VARIABLES, *DERIVED, WIND}
    known |= {str(n) for dataset in datasets for n in dataset.data_vars}
    if name in known:
        return name, None
    base, level = split_level(name)
    for candidate, pressure in ((name, None), (base, level)):
        found = _resolved(candidate, known)
        if found is not None:
            return found, pressure
    raise ConfigError(
        f"There is no variable '{name}' to score.", closest(base, [*shared, WIND])
    )


def _resolved(name: str, known: set[str]) -> str | None:
    if name in known:
        return name
    lowered = name.lower()
    if lowered in WIND_ALIASES or lowered == WIND:
        return WIND
    if lowered in known:
        return lowered
    for variable in VARIABLES.values():
        if variable.is_called(name) or variable.standard_name == lowered:
            return variable.name
    for derived in DERIVED.values():
        if lowered in derived.aliases:
            return derived.name
    # Diagnostics load JAX, which takes seconds that few names need.
    from ngcm_cli.diagnostics.names import resolve_name

    try:
        return resolve_name(name, known)
    except ConfigError:
        return None


def _shared(datasets: Sequence[xr.Dataset]) -> Offered:
    """Return what all datasets have or can derive, with the levels of all."""
    offers = [offered_variables(dataset) for dataset in datasets]
    shared: Offered = {}
    for name, first in offers[0].items():
        others = [offer.get(name, ()) for offer in offers[1:]]
        if first is None:
            if all(other is None for other in others):
                shared[name] = None
            continue
        levels = first
        for other in others:
            levels = tuple(x for x in levels if _at(other or (), x))
        if levels:
            shared[name] = levels
    return shared


def offered_variables(dataset: xr.Dataset) -> Offered:
    """Return the levels of the variables that a dataset has or can derive."""
    own: Offered = {}
    # Each access to an array of a dataset takes time in proportion to all of them.
    for key in dataset.data_vars:
        dims = set(dataset.variables[key].dims)
        indexed = dims & {"time", "lead_time", "dayofyear"}
        if dims >= _PLACE and indexed and dims <= _PLACE | _INDEX | {"level"}:
            own[str(key)] = None
            if "level" in dims:
                own[str(key)] = tuple(sorted(map(float, dataset["level"].values)))
    offered = dict(own)
    for derived in DERIVED.values():
        parts = [own.get(name) or () for name in derived.fields]
        levels = tuple(x for x in parts[0] if all(_at(part, x) for part in parts))
        enough = all(_at(levels, level) for level in derived.levels)
        if levels and enough and derived.name not in own:
            if derived.on_levels:
                offered[derived.name] = levels
            elif derived.levels or len(levels) > 2:
                offered[derived.name] = None
    if all(own.get(name) for name in WIND_COMPONENTS):
        first, second = (own[name] or () for name in WIND_COMPONENTS)
        both = tuple(x for x in first if _at(second, x))
        if both and WIND not in own:
            offered[WIND] = both
    return offered


def _at(levels: Iterable[float], level: float) -> tuple[float, ...]:
    """Return the level among some that is meant, if any."""
    return tuple(x for x in levels if abs(x - level) <= 1e-3)


def _offers(shared: Offered, name: str, level: float | None) -> bool:
    if name not in shared:
        return False
    levels = shared[name]
    if levels is None:
        return level is None
    return level is None or bool(_at(levels, level))


def _scored(
    name: str, levels: set[float] | None, datasets: Sequence[xr.Dataset]
) -> ScoredVariable:
    ordered = None if levels is None else tuple(sorted(levels))
    components = WIND_COMPONENTS if name == WIND else (name,)
    column: tuple[float, ...] = ()
    units = long_name = ""
    if name in DERIVED:
        derived = DERIVED[name]
        if not derived.on_levels and any(name not in d.data_vars for d in datasets):
            # All take the same levels, or they would not be comparable.
            common = _shared([d[[*derived.fields]] for d in datasets if name not in d])
            column = derived.levels or (common[derived.fields[0]] or ())
        units, long_name = derived.units, derived.long_name
    elif name == WIND:
        units, long_name = "m s-1", "Horizontal wind"
    else:
        attributes = datasets[0][name].attrs
        units = str(attributes.get("units", ""))
        long_name = str(attributes.get("long_name", name.replace("_", " ")))
    return ScoredVariable(name, ordered, components, column, units, long_name)


def _missing(
    name: str,
    level: float | None,
    datasets: Sequence[xr.Dataset],
    shared: Offered,
) -> InputDataError:
    """Return the error of a variable or level that not all datasets have."""
    for dataset in datasets:
        offered = offered_variables(dataset)
        if name not in offered:
            return InputDataError(
                f"{_label(dataset)} has no variable {name}, and it cannot be derived.",
                f"Score what all have: {', '.join(shared) or 'there is nothing'}.",
            )
        if level is not None and not _offers(offered, name, level):
            own = offered[name]
            there = "it has no levels" if own is None else f"it has {_numbers(own)}"
            return InputDataError(
                f"{_label(dataset)} has no {name} at {level:g} hPa: {there}.",
                "Score levels that forecasts and truth have; none is interpolated.",
            )
    return InputDataError(
        f"Forecasts and truth have no level of {name} in common.",
        "Give data on the same pressure levels; none is interpolated.",
    )


def _numbers(levels: Iterable[float]) -> str:
    return ", ".join(f"{level:g}" for level in levels) + " hPa"


def _listed(dataset: xr.Dataset) -> str:
    names = [str(name) for name in dataset.data_vars]
    return ", ".join(names[:8]) + (" ..." if len(names) > 8 else "")


def _label(dataset: xr.Dataset) -> str:
    return str(dataset.attrs.get("location", "a dataset in memory"))
