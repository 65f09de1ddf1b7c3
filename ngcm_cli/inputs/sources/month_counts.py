"""Times that count calendar months, ``months since 1850-01-01``.

A month has no length in seconds, so that xarray decodes them in calendars of equal
months only. Files that use them mean calendar months, and by a half the middle of one.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError

_NOTE = "ngcm_month_counts"  # key of the note in the encoding of a dataset
_UNITS = re.compile(r"\s*months?\s+since\s+(.*)", re.IGNORECASE)
_OF_30_DAYS = "360_day"
_LAST_DAY = 28  # that every month has


def open_with_months(
    open_source: Callable[..., xr.Dataset], **options: Any
) -> xr.Dataset:
    """Open a dataset, and decode times that count months.

    Args:
        open_source: Function that opens it, with the options of `xarray.open_dataset`.
        options: Those that it is given, beside ``decode_times``.

    Raises:
        InputDataError: The date that they count from is not understood.
    """
    try:
        return open_source(**options)
    except ValueError as error:
        if "decode time" not in str(error):
            raise
        with open_source(**options, decode_times=False) as raw:
            counts = _month_counts(raw)
            wanted = {str(name): name not in counts for name in raw.variables}
        if not counts:
            raise
    dataset = open_source(**options, decode_times=wanted)
    for name, units in counts.items():
        array = dataset.variables[name]
        values = decoded_months(np.asarray(array.values), units)
        attributes = {k: x for k, x in array.attrs.items() if k not in _DECODED}
        dataset = dataset.assign_coords({name: (array.dims, values, attributes)})
        dataset.encoding[_NOTE] = (
            f"The times are in '{units}': calendar months are counted, and a half is "
            "the middle of a month."
        )
    return dataset


def month_note(dataset: xr.Dataset) -> tuple[str, ...]:
    """Return a sentence on times that count months, if there are any."""
    note = dataset.encoding.get(_NOTE)
    return () if note is None else (note,)


def decoded_months(numbers: np.ndarray, units: str) -> np.ndarray:
    """Return the times of numbers of months, datetime64[s]; NaT where they are NaN.

    A fraction is that of the month that it is in.

    Raises:
        InputDataError: The date that they count from is not understood.
    """
    import cftime

    found = _UNITS.fullmatch(units)
    text = found[1] if found else ""
    try:
        first: Any = cftime.num2date(0, f"days since {text}", "proleptic_gregorian")
        start = np.datetime64(first.isoformat(), "s")
    except (ValueError, OverflowError) as error:
        raise InputDataError(
            f"The date in the units of time '{units}' is not understood.",
            "Write it as in 'months since 1850-01-01'.",
        ) from error
    if first.day > _LAST_DAY:
        raise InputDataError(
            f"The times are in '{units}', and not every month has a day {first.day}.",
            "Count from the first of a month, or in days.",
        )
    month = start.astype("datetime64[M]")
    after = start - month.astype("datetime64[s]")
    numbers = numbers.astype(float)
    known = np.isfinite(numbers) & (np.abs(numbers) < 12 * 10**5)
    numbers = np.where(known, numbers, 0)
    whole = np.floor(numbers)
    begin, end = (
        (month + whole.astype(int) + more).astype("datetime64[s]") + after
        for more in (0, 1)
    )
    part = np.rint((numbers - whole) * (end - begin).astype(int))
    times = begin + part.astype("timedelta64[s]")
    return np.where(known, times, np.datetime64("NaT", "s"))


_DECODED = ("units", "calendar")


def _month_counts(raw: xr.Dataset) -> dict[str, str]:
    """Return the units of times that count months, and of their bounds, by name."""
    counts = {}
    for name, array in raw.variables.items():
        units = str(array.attrs.get("units", ""))
        calendar = str(array.attrs.get("calendar", "")).lower()
        if _UNITS.fullmatch(units) and calendar != _OF_30_DAYS:
            counts[str(name)] = units
            bounds = str(array.attrs.get("bounds", ""))
            if bounds in raw.variables:
                counts.setdefault(bounds, units)
    return counts
