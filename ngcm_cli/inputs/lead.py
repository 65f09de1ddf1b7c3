"""When forecasts of others are valid: their initial time and their lead time."""

from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError

_LEADS = ("prediction_timedelta", "lead_time", "step", "leadtime")
_INITIAL_TIMES = ("forecast_reference_time", "init_time", "initial_time", "reftime")
_SECONDS = {
    1e-9: ("nanoseconds", "nanosecond", "ns"),
    1e-6: ("microseconds", "microsecond", "us"),
    1e-3: ("milliseconds", "millisecond", "ms"),
    1: ("seconds", "second", "sec", "s"),
    60: ("minutes", "minute", "min"),
    3600: ("hours", "hour", "hrs", "hr", "h"),
    86400: ("days", "day", "d"),
}
_UNITS = {name: size for size, names in _SECONDS.items() for name in names}


def valid_times(dataset: xr.Dataset, time: str) -> np.ndarray:
    """The times along an axis of time, with the lead time that has to be added.

    WeatherBench 2 and others write the initial time as ``time`` and the lead time
    apart. Where a ``valid_time`` or an initial time of its own is there, ``time`` needs
    nothing added; nor beside a ``forecast_period``, for ``time`` of CF is when fields
    are valid.

    Args:
        dataset: without axes of length one.
        time: name of the variable that holds the times.

    Raises:
        InputDataError: the lead time is missing or in unknown units.
    """
    values = dataset[time].values
    lead = _find_lead(dataset)
    if lead is None or values.dtype.kind not in "MO" or _says_valid(dataset, time):
        return values
    later = _duration(dataset[lead])
    if values.dtype.kind == "O":  # of another calendar
        return values + later.astype("timedelta64[us]").item()
    return values + later


def _find_lead(dataset: xr.Dataset) -> str | None:
    """The variable that holds the one lead time of all fields."""
    single = [str(n) for n, v in dataset.variables.items() if v.ndim == 0]
    lower = {name.lower(): name for name in single}
    return next((lower[name] for name in _LEADS if name in lower), None)


def _says_valid(dataset: xr.Dataset, time: str) -> bool:
    """Whether the times are those at which the fields are valid."""
    if time.lower() == "valid_time":
        return True
    return any(
        name != time
        and (
            str(name).lower() in _INITIAL_TIMES
            or variable.attrs.get("standard_name") == "forecast_reference_time"
        )
        for name, variable in dataset.variables.items()
    )


def _duration(lead: xr.DataArray) -> np.timedelta64:
    value: Any = lead.values[()]
    if lead.dtype.kind == "m" and not np.isnat(value):
        return value
    if lead.dtype.kind in "iuf" and value == 0:
        return np.timedelta64(0, "s")
    if lead.dtype.kind not in "iuf" or not np.isfinite(value):
        raise InputDataError(
            f"The lead time '{lead.name}' is missing or no duration: {value}.",
            "Give the fields a 'valid_time', or repair the lead time.",
        )
    units = str(lead.attrs.get("units", "")).strip().lower()
    if units not in _UNITS:
        said = f"in units of '{units}'" if units else "without units"
        raise InputDataError(
            f"The lead time '{lead.name}' is {value:g}, {said}, so that the valid time "
            "is not known.",
            "Give it the units attribute 'hours', 'days', 'minutes' or 'seconds', or "
            "add a 'valid_time'.",
        )
    return np.timedelta64(round(float(value) * _UNITS[units]), "s")
