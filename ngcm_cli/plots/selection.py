"""What is drawn of a dataset: variable, level, time and member, by what a user says.

Datasets are as `open_gridded` returns them. What is not there is refused with the
nearest that is.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import xarray as xr

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.config.values import closest
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.inputs.level_names import split_level
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.plots.styles import STATISTIC
from ngcm_cli.time_format import format_duration, format_time

Fields = TypeVar("Fields", xr.Dataset, xr.DataArray)
_HOUR = np.timedelta64(1, "h")
_WIND = ("u_component_of_wind", "v_component_of_wind")
_SPEED = ("wind_speed", "ws", "wind", "si")
_USUAL_LEVELS: Mapping[str, float] = {
    "temperature": 850,
    "geopotential": 500,
    "specific_humidity": 850,
    "wind_speed": 250,
    "u_component_of_wind": 250,
    "v_component_of_wind": 250,
}
"""Levels where a variable is drawn if none is named, hPa; 500 of others."""


@dataclasses.dataclass(frozen=True)
class When:
    """Which time a field is of.

    Attributes:
        init: initial time, or None.
        lead: lead time, or None.
        valid: valid time, or None.
        period: first and last time that it is the mean of, or None.
    """

    init: np.datetime64 | None = None
    lead: np.timedelta64 | None = None
    valid: np.datetime64 | None = None
    period: tuple[np.datetime64, np.datetime64] | None = None

    def describe(self) -> str:
        """Return valid time, lead time and initial time as text."""
        if self.period is not None:
            first, last = map(day_text, self.period)
            return f"Mean, {first} to {last}"
        if self.valid is None:
            return "" if self.init is None else f"From {time_text(self.init)}"
        text = f"Valid {time_text(self.valid)}"
        if self.lead is not None and self.init is not None:
            if not self.lead:
                return f"Initial state, {time_text(self.valid)}"
            text += f" · {lead_text(self.lead)} from {time_text(self.init, short=True)}"
        return text


def time_text(time: np.datetime64, short: bool = False) -> str:
    """Return a time as text: ``Fri 2 January 1959 12 UTC``."""
    moment = time.astype("datetime64[s]").item()
    clock = f"{moment:%H} UTC" if moment.minute == 0 else f"{moment:%H:%M} UTC"
    if short:
        return f"{moment.day} {moment:%b} {moment.year} {clock}"
    return f"{moment:%a} {moment.day} {moment:%B} {moment.year} {clock}"


def day_text(time: np.datetime64) -> str:
    """Return the day of a time as text: ``2 Jan 1959``."""
    moment = time.astype("datetime64[s]").item()
    return f"{moment.day} {moment:%b} {moment.year}"


def lead_text(lead: np.timedelta64) -> str:
    """Return a lead time in hours, with its sign: ``+72 h``."""
    return f"+{lead / _HOUR:g} h"


def find_field(
    dataset: xr.Dataset,
    name: str,
    level: float | None = None,
    keep_levels: bool = False,
) -> xr.DataArray:
    """Return a variable at one level, lazily.

    Args:
        dataset: canonical.
        name: of the file, or an alias; it may end in a pressure, as ``t850``. Where
            wind speed is absent it follows from the components.
        level: pressure in hPa, of names without one; None is the usual one.
        keep_levels: whether all levels are returned.

    Raises:
        ConfigError: there is no such variable or level; the hint has the nearest.
    """
    found, own = split_name(dataset, name)
    parts = dataset[list(_WIND)] if found not in dataset else dataset[[found]]
    if "level" in parts.dims:
        if not keep_levels:
            parts = select_level(parts, own if own is not None else level, found)
    elif own is not None:
        raise ConfigError(
            f"{found} has no levels; '{name}' names one.", f"Say {found}."
        )
    if found in parts:
        return parts[found]
    u, v = (parts[name].load() for name in _WIND)
    speed = u.copy(data=np.hypot(u.values, v.values)).rename(found)
    speed.attrs.clear()
    return speed.assign_attrs(units="m s-1", long_name="Wind speed")


def select_level(fields: Fields, level: float | None, name: str) -> Fields:
    """Return fields at a pressure level.

    Args:
        fields: with the dimension level.
        level: pressure, hPa; None is the usual one of the variable, or the nearest.
        name: of the variable.

    Raises:
        ConfigError: the level is not there.
    """
    levels = np.asarray(fields.coords["level"].values)
    if level is None:
        match = STATISTIC.fullmatch(name)
        usual = _USUAL_LEVELS.get(match[1] if match else name, 500)
        return fields.isel(level=int(np.argmin(np.abs(levels - usual))))
    at = np.flatnonzero(np.isclose(levels, level))
    if not at.size:
        near = sorted(levels, key=lambda x: abs(x - level))[:2]
        raise ConfigError(
            f"{name} has no level of {level:g} hPa.",
            f"The nearest are {' and '.join(f'{x:g}' for x in sorted(near))} hPa.",
        )
    return fields.isel(level=int(at[0]))


def split_name(dataset: xr.Dataset, name: str) -> tuple[str, float | None]:
    """Return the variable that a name means, and the level in hPa that it ends in.

    Raises:
        ConfigError: there is no such variable; the hint has the nearest.
    """
    names = [str(x) for x in dataset.data_vars]
    known = set(names)
    if set(_WIND) <= known:
        known.add("wind_speed")
    aliases = _aliases(known)
    if name.lower() in aliases:
        return aliases[name.lower()], None
    base, level = split_level(name)
    if level is not None and base.lower() in aliases:
        return aliases[base.lower()], level
    resolved = _resolve(base, known)
    if resolved is not None:
        return resolved, level
    where = dataset.attrs.get("location", "the data")
    raise ConfigError(f"{where} has no '{name}'.", closest(name, sorted(known)))


def _aliases(known: Iterable[str]) -> dict[str, str]:
    """Return the names in a file by what users call them, in lower case."""
    aliases = {name.lower(): name for name in known}
    for name in sorted(known):
        match = STATISTIC.fullmatch(name)
        base, ending = (match[1], f"_{match[2]}") if match else (name, "")
        others = VARIABLES[base].aliases if base in VARIABLES else ()
        for other in (*others, *(_SPEED if base == "wind_speed" else ())):
            aliases.setdefault(f"{other}{ending}", name)
    return aliases


def _resolve(name: str, known: Iterable[str]) -> str | None:
    """Return an output variable of ngcm by one of its names, which takes a second."""
    from ngcm_cli.diagnostics.names import resolve_name

    try:
        return resolve_name(name, sorted(known))
    except ConfigError:
        return None


def select_time(dataset: xr.Dataset, config: PlotConfig) -> tuple[xr.Dataset, When]:
    """Return the fields of one time, and which it is.

    Of a forecast that is the first initial and the last lead time, if none is named; of
    a record all times, which the caller averages.

    Raises:
        ConfigError: the time is not there; the hint has the nearest.
    """
    if "lead_time" in dataset.dims:
        dataset, init = select_init(dataset, config)
        leads = dataset["lead_time"].values
        lead = config.lead
        if config.time is not None:
            lead = config.time - init
        at = len(leads) - 1
        if lead is not None:
            text = "lead time" if config.time is None else "valid time"
            starts = np.timedelta64(0, "h") if config.time is None else init
            at = _index(starts + leads, starts + lead, text)
        return dataset.isel(lead_time=at), When(init, leads[at], init + leads[at])
    if "init_time" in dataset.dims and config.lead is config.time is None:
        dataset, init = select_init(dataset, config)
        return dataset, When(init)  # of all lead times, such as strike probability
    for name in ("lead", "init"):
        if getattr(config, name) is not None:
            raise ConfigError(
                f"{name} is given, and the data are no forecast.", "Give time instead."
            )
    if "time" not in dataset.dims:
        return dataset, When()
    times = dataset["time"].values
    if config.time is not None or len(times) == 1:
        wanted = times[0] if config.time is None else config.time
        at = _index(times, wanted, "time")
        return dataset.isel(time=at), When(valid=times[at])
    return dataset, When(period=(times[0], times[-1]))


def select_instant(dataset: xr.Dataset, config: PlotConfig) -> tuple[xr.Dataset, When]:
    """Return the fields of one time; of a record the last, if none is named.

    Raises:
        ConfigError: the time is not there; the hint has the nearest.
    """
    now, when = select_time(dataset, config)
    if when.period is None:
        return now, when
    return now.isel(time=-1), When(valid=when.period[1])


def select_init(
    dataset: xr.Dataset, config: PlotConfig
) -> tuple[xr.Dataset, np.datetime64]:
    """Return the forecast of one initial time, the first if none is named.

    Raises:
        ConfigError: the time is not there; the hint has the nearest.
    """
    inits = dataset["init_time"].values
    at = 0 if config.init is None else _index(inits, config.init, "initial time")
    return dataset.isel(init_time=at), inits[at]


def _index(known: np.ndarray, wanted: np.datetime64 | np.timedelta64, name: str) -> int:
    at = np.flatnonzero(known == wanted)
    if at.size:
        return int(at[0])
    show: Any = format_duration if known.dtype.kind == "m" else format_time
    nearest = known[np.argsort(np.abs(known - wanted), kind="stable")[:2]]
    texts = [show(x) for x in np.sort(nearest)]
    are = "nearest are" if len(texts) > 1 else "only one is"
    raise ConfigError(
        f"The data have no {name} {show(wanted)}.", f"The {are} {' and '.join(texts)}."
    )


def select_member(field: xr.DataArray, config: PlotConfig) -> tuple[xr.DataArray, str]:
    """Return a member of an ensemble, or the mean of all, and which it is, as text.

    Raises:
        ConfigError: there is no such member.
    """
    if "realization" not in field.dims:
        if config.member is not None:
            raise ConfigError(
                f"member {config.member} is given, and the data have no members.",
                "Leave it out.",
            )
        return field, ""
    numbers = field["realization"].values
    if config.member is None:
        mean = field.mean("realization", keep_attrs=True)
        return mean, f"mean of {len(numbers)} members"
    if config.member not in numbers:
        raise ConfigError(
            f"The data have no member {config.member}.",
            f"Their members are {numbers[0]} to {numbers[-1]}.",
        )
    at = int(np.flatnonzero(numbers == config.member)[0])
    return field.isel(realization=at), f"member {config.member}"


def check_values(field: xr.DataArray) -> None:
    """Check that a field that is to be drawn has a value anywhere.

    Raises:
        InputDataError: all of it is missing or infinite.
    """
    if field.size and not np.isfinite(field.values).any():
        raise InputDataError(
            f"{field.name} has no values where it is to be drawn: all are missing "
            "(NaN) or infinite.",
            "Name another time, level or variable. A run that was interrupted has "
            "values up to where it stopped, which `ngcm status` says.",
        )


def default_variable(dataset: xr.Dataset, preferred: Sequence[str]) -> str:
    """Return the first of some variables that is there, else the first of the data.

    Raises:
        InputDataError: the data have no field.
    """
    for name in preferred:
        if name in dataset:
            return name
    fields = [
        str(name)
        for name, x in dataset.data_vars.items()
        if {"latitude"} <= set(map(str, x.dims))
    ]
    if not fields:
        where = dataset.attrs.get("location", "the data")
        raise InputDataError(f"{where} has no field to draw.", "Name other data.")
    return fields[0]
