"""The times of a dataset: checks, selection and description."""

import datetime

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.calendars import is_cftime
from ngcm_cli.time_format import format_time


def rounded_to_seconds(values: np.ndarray) -> np.ndarray:
    """Return dates rounded to seconds: days as floating point are off by rounding.

    Dates of other calendars, cftime objects, stay objects; what is no date is returned.
    """
    if values.dtype.kind == "M":
        nanoseconds = values.astype("datetime64[ns]").astype(np.int64)
        in_range = nanoseconds.astype("datetime64[ns]").astype(values.dtype) == values
        rounded = (np.floor_divide(nanoseconds + 500_000_000, 10**9)).astype("M8[s]")
        return np.where(in_range, rounded, values.astype("datetime64[s]"))
    if is_cftime(values):
        half = datetime.timedelta(milliseconds=500)
        return np.array(
            [(v + half).replace(microsecond=0) for v in values.flat], object
        ).reshape(values.shape)
    return values


def spelled_dates(values: np.ndarray, units: str) -> np.ndarray:
    """Return dates out of text or numbers that spell them; others are returned.

    Such are ISO dates, the absolute time axes of CDO, in units of ``day as %Y%m%d.%f``,
    and plain integers with the hour such as 2020082212 without units.
    """
    if values.dtype.kind in "SUO":
        if not all(isinstance(text, str | bytes) and text for text in values.flat):
            return values
        try:
            texts = [t.decode() if isinstance(t, bytes) else t for t in values.flat]
            iso = [text.strip().replace("_", "T").removesuffix("Z") for text in texts]
            return np.array(iso, "datetime64[s]").reshape(values.shape)
        except ValueError:
            return values
    if not units.strip() and values.dtype.kind in "iuf" and (values > 10**9).all():
        numbers = values // 100 + values % 100 / 24
    elif units.strip().lower().startswith("day as %y%m%d"):
        numbers = values.astype(float)
    else:
        return values
    try:
        days = np.array([int(number) for number in numbers.flat])
        iso = [f"{d // 10000:04}-{d // 100 % 100:02}-{d % 100:02}" for d in days]
        dates = np.array(iso, "datetime64[s]").reshape(values.shape)
    except (ValueError, OverflowError):  # a thirteenth month, NaN
        return values
    seconds = 86400 * (numbers - days.reshape(values.shape))
    return dates + np.rint(seconds).astype("timedelta64[s]")


def checked_times(values: np.ndarray) -> np.ndarray:
    """Return times as datetime64[s]; refuse unordered, repeated or missing ones.

    They are one or many, ascending or descending, as xarray decodes them; those of
    another calendar as `calendars.to_standard_calendar` returns them.

    Raises:
        InputDataError: There are no times, they are not dates, or one is missing,
            repeated or out of order.
    """
    values = np.atleast_1d(values)
    if not len(values):
        raise InputDataError(
            "The time axis is empty: its length is zero.",
            "Check how the file was made: the selection of times left none.",
        )
    if values.dtype.kind != "M":
        raise InputDataError(
            f"The times are plain numbers ({values[0]} …), not dates.",
            "Give 'time' a units attribute such as 'hours since 1900-01-01'.",
        )
    times = values.astype("datetime64[s]")
    if np.isnat(times).any():
        raise InputDataError(
            f"{np.isnat(times).sum()} of the {len(times)} times are missing.",
            "Repair the time coordinate first.",
        )
    steps = np.diff(times)
    again = np.flatnonzero(steps == np.timedelta64(0))
    if len(again):
        raise InputDataError(
            f"The time {format_time(times[again[0]])} occurs more than once.",
            "Keep each time once, e.g. `dataset.drop_duplicates('time')` in xarray.",
        )
    back = np.flatnonzero(steps < np.timedelta64(0))
    if 0 < len(back) < len(steps):
        raise InputDataError(
            f"The times are not in order: {format_time(times[back[0] + 1])} comes "
            f"after {format_time(times[back[0]])}.",
            "Sort them first, e.g. `dataset.sortby('time')` in xarray.",
        )
    return times


def choose_time(times: np.ndarray, init: np.datetime64 | None) -> np.datetime64:
    """Return the initial time wanted, or the only time of the data, as datetime64[s].

    Without times in the data (an empty array) the time wanted is returned.

    Raises:
        InputDataError: The time is not in the data, or not unique.
    """
    wanted = None if init is None else init.astype("datetime64[s]")
    if not len(times):
        if wanted is None:
            raise InputDataError(
                "The data have no time.", "State their valid time as the initial time."
            )
        return wanted
    if wanted is None and len(times) > 1:
        raise InputDataError(
            f"The data hold {describe_times(times)}.", "Choose an initial time."
        )
    if wanted is not None and wanted not in times:
        near = format_time(times[np.abs(times - wanted).argmin()])
        raise InputDataError(
            f"There is no {format_time(wanted)}; the data hold "
            f"{describe_times(times)}.",
            f"The nearest initial time is {near}.",
        )
    return times[0] if wanted is None else wanted


def describe_times(times: np.ndarray) -> str:
    """Return a few times, or the first, last, spacing and number of many, as text."""
    if not len(times):
        return "fields without time"
    if len(times) == 1:
        return f"one time, {format_time(times[0])}"
    if len(times) <= 6:
        return f"{len(times)} times, {', '.join(map(format_time, times))}"
    steps = np.unique(np.diff(times))
    hours = steps / np.timedelta64(1, "h")
    if len(steps) == 1:
        spacing = f"every {hours[0]:g} h"
    elif hours.min() >= 28 * 24 and hours.max() <= 31 * 24:
        spacing = "one a month"
    else:
        spacing = f"{hours.min():g} to {hours.max():g} h apart"
    first, last = format_time(times[0]), format_time(times[-1])
    return f"{len(times)} times from {first} to {last}, {spacing}"
