"""The valid time of forecasts in a dataset: initial time plus lead time."""

from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.times import rounded_to_seconds, spelled_dates

_LEAD_TIMES = ("prediction_timedelta", "lead_time", "step", "leadtime")
_LEAD_TIMES += ("forecast_time0", "forecast_time1")  # of NCL
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


def valid_times(dataset: xr.Dataset, time: str) -> tuple[str | None, np.ndarray]:
    """Return the dimension of valid times, None if there is one time only, and them.

    The lead time is added where ``time`` is the initial time: WeatherBench 2 and others
    write the initial time as ``time`` and the lead time as a coordinate of its own,
    which may be an axis where there is one initial time. Where the dataset has
    ``valid_time`` or a separate initial time, ``time`` is the valid time; as it is in
    CF, beside a ``forecast_period``.

    Raises:
        InputDataError: The lead time is missing or in unknown units.
    """
    units = str(dataset[time].attrs.get("units", ""))
    values = rounded_to_seconds(spelled_dates(dataset[time].values, units))
    dims = dataset[time].dims
    if values.dtype.kind in "MO" and not _is_valid_time(dataset, time):
        lead_time = _find_lead_time(dataset, 1 - len(dims))
        if lead_time is not None:
            added = duration(dataset[lead_time])
            dims = (*dims, *dataset[lead_time].dims)
            if values.dtype.kind == "O":  # in another calendar
                added = added.astype("timedelta64[us]").astype(object)
            values = values + added
    return (str(dims[0]) if dims else None), values


def _find_lead_time(dataset: xr.Dataset, ndim: int) -> str | None:
    """Return the name of the lead time of all fields, or None."""
    few = [str(n) for n, v in dataset.variables.items() if v.ndim <= ndim]
    lower = {name.lower(): name for name in few}
    return next((lower[name] for name in _LEAD_TIMES if name in lower), None)


def is_initial_time(name: str, variable: xr.Variable | xr.DataArray) -> bool:
    """Return whether a coordinate is the initial time of forecasts."""
    stated = variable.attrs.get("standard_name")
    return name.lower() in _INITIAL_TIMES or stated == "forecast_reference_time"


def _is_valid_time(dataset: xr.Dataset, time: str) -> bool:
    """Return whether times are valid times: by name, or beside an initial time."""
    if time.lower() == "valid_time":
        return True
    return any(
        name != time and is_initial_time(str(name), variable)
        for name, variable in dataset.variables.items()
    )


def duration(lead: xr.DataArray) -> np.ndarray:
    """Return lead times as durations, timedelta64[s].

    Raises:
        InputDataError: They are missing, or in unknown units.
    """
    values = lead.values
    if not values.size:
        raise InputDataError(
            f"The axis of lead times '{lead.name}' is empty: its length is zero.",
            "Check how the file was made: the selection of lead times left none.",
        )
    if lead.dtype.kind == "m" and not np.isnat(values).any():
        return values.astype("timedelta64[s]")
    first: Any = values.flat[0]
    if lead.dtype.kind in "iuf" and not values.any():
        return values.astype("timedelta64[s]")
    if lead.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise InputDataError(
            f"The lead time '{lead.name}' is missing or not a duration: {first}.",
            "Give the fields a 'valid_time', or repair the lead time.",
        )
    units = str(lead.attrs.get("units", "")).strip().lower()
    if units not in _UNITS:
        stated = f"in units of '{units}'" if units else "without units"
        raise InputDataError(
            f"The lead time '{lead.name}' is {first:g}, {stated}: the valid time "
            "is unknown.",
            "Give it the units attribute 'hours', 'days', 'minutes' or 'seconds', or "
            "add a 'valid_time'.",
        )
    return np.rint(values * _UNITS[units]).astype("timedelta64[s]")
