"""Choosing the initial time among the times of a dataset."""

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError


def choose_time(
    dataset: xr.Dataset, init: np.datetime64 | None
) -> tuple[int | None, np.datetime64]:
    """The index along ``time`` and the time itself, to the second.

    Args:
        dataset: canonical; its ``time`` may be an axis, a scalar, or absent.
        init: the time wanted, or None for the only one there is.

    Returns:
        The index is None where there is no time axis.

    Raises:
        InputDataError: the time is not there, or not unique, or not a usable calendar.
    """
    wanted = None if init is None else init.astype("datetime64[s]")
    if "time" not in dataset.coords:
        if wanted is None:
            raise InputDataError(
                "The data carry no time.", "Say when they are valid with --init."
            )
        return None, wanted
    times = _checked(dataset["time"].values)
    if wanted is None and len(times) > 1:
        raise InputDataError(
            f"The data hold {describe_times(times)}.", "Choose one with --init."
        )
    if wanted is not None and wanted not in times:
        hint = f"The nearest is --init {_word(times[np.abs(times - wanted).argmin()])}."
        raise InputDataError(
            f"There is no {_word(wanted)}; the data hold {describe_times(times)}.", hint
        )
    index = 0 if wanted is None else int(np.flatnonzero(times == wanted)[0])
    return (index if "time" in dataset.dims else None), times[index]


def describe_times(times: np.ndarray) -> str:
    """All of a few times, or the first, the last, the step and the count of many."""
    if len(times) == 1:
        return f"one time, {_word(times[0])}"
    if len(times) <= 6:
        return f"{len(times)} times, {', '.join(map(_word, times))}"
    steps = np.unique(np.diff(times))
    hours = steps / np.timedelta64(1, "h")
    if len(steps) == 1:
        spacing = f"every {hours[0]:g} h"
    elif hours.min() >= 28 * 24 and hours.max() <= 31 * 24:
        spacing = "one a month"
    else:
        spacing = f"{hours.min():g} to {hours.max():g} h apart"
    return f"{len(times)} times from {_word(times[0])} to {_word(times[-1])}, {spacing}"


def _word(time: np.datetime64 | np.ndarray) -> str:
    """As short as --init takes it: 2020-08-22T12, with minutes where there are any."""
    whole_hour = time == time.astype("datetime64[h]")
    return str(np.datetime_as_string(time, unit="h" if whole_hour else "s"))


def _checked(values: np.ndarray) -> np.ndarray:
    """A list of times to the second, in order and each once."""
    values = np.atleast_1d(values)
    if values.dtype.kind == "O" and hasattr(values[0], "calendar"):
        raise InputDataError(
            f"The times are in the '{values[0].calendar}' calendar, or outside the "
            "years 1678 to 2262.",
            "Needed: dates of the standard (Gregorian) calendar, which weather happens "
            "in.",
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
            f"The time {_word(times[again[0]])} occurs more than once.",
            "Keep each time once, e.g. `dataset.drop_duplicates('time')` in xarray.",
        )
    back = np.flatnonzero(steps < np.timedelta64(0))
    if 0 < len(back) < len(steps) or len(np.unique(times)) < len(times):
        raise InputDataError(
            f"The times are not in order: {_word(times[back[0] + 1])} comes after "
            f"{_word(times[back[0]])}.",
            "Sort them first, e.g. `dataset.sortby('time')` in xarray.",
        )
    return times
