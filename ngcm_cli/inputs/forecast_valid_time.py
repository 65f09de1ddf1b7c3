"""The valid time of forecasts in a dataset: initial time plus lead time."""

from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError

_LEAD_TIMES = ("prediction_timedelta", "lead_time", "step", "leadtime")
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
    """Return valid times, with the lead time added where ``time`` is the initial time.

    WeatherBench 2 and others write the initial time as ``time`` and the lead time as a
    coordinate of its own. Where the dataset has ``valid_time`` or a separate initial
    time, ``time`` is the valid time; as it is in CF, beside a ``forecast_period``.

    Raises:
        InputDataError: The lead time is missing or in unknown units.
    """
    values = dataset[time].values
    lead_time = _find_lead_time(dataset)
    if (
        lead_time is None
        or values.dtype.kind not in "MO"
        or _is_valid_time(dataset, time)
    ):
        return values
    duration = _duration(dataset[lead_time])
    if values.dtype.kind == "O":  # in another calendar
        return values + duration.astype("timedelta64[us]").item()
    return values + duration


def _find_lead_time(dataset: xr.Dataset) -> str | None:
    """Return the name of the scalar lead time of all fields, or None."""
    single = [str(n) for n, v in dataset.variables.items() if v.ndim == 0]
    lower = {name.lower(): name for name in single}
    return next((lower[name] for name in _LEAD_TIMES if name in lower), None)


def _is_valid_time(dataset: xr.Dataset, time: str) -> bool:
    """Return whether times are valid times: by name, or beside an initial time."""
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
    """Return a lead time as a duration."""
    value: Any = lead.values[()]
    if lead.dtype.kind == "m" and not np.isnat(value):
        return value
    if lead.dtype.kind in "iuf" and value == 0:
        return np.timedelta64(0, "s")
    if lead.dtype.kind not in "iuf" or not np.isfinite(value):
        raise InputDataError(
            f"The lead time '{lead.name}' is missing or not a duration: {value}.",
            "Give the fields a 'valid_time', or repair the lead time.",
        )
    units = str(lead.attrs.get("units", "")).strip().lower()
    if units not in _UNITS:
        stated = f"in units of '{units}'" if units else "without units"
        raise InputDataError(
            f"The lead time '{lead.name}' is {value:g}, {stated}: the valid time "
            "is unknown.",
            "Give it the units attribute 'hours', 'days', 'minutes' or 'seconds', or "
            "add a 'valid_time'.",
        )
    return np.timedelta64(round(float(value) * _UNITS[units]), "s")
