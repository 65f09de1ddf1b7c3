"""Dates of the calendars of climate models, as dates of ours.

A model of the climate may have years of 365, 366 or 360 days. Its weather happens at no
time of ours; but its sea may be given to a run all the same, by date or by month.
CF conventions, section 4.4.1.
"""

from typing import Any

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.midmonth import month_lengths, stamps_months

STANDARD = "standard"
_OURS = ("standard", "gregorian", "proleptic_gregorian")
# Where every month has 30 days; it lacks 31 January, and 30 February is none of ours.
_WITHOUT_DATES = "360_day"


def calendar_of(values: np.ndarray) -> str:
    """The calendar of decoded times; ours where nothing says that it is another.

    Args:
        values: as xarray decodes them, one or many; cftime objects where the calendar
            is another.
    """
    if values.dtype.kind != "O" or not values.size:
        return STANDARD
    name = getattr(values.flat[0], "calendar", STANDARD)
    return STANDARD if name in _OURS else name


def as_our_dates(values: np.ndarray, means: bool) -> np.ndarray:
    """Times of another calendar in ours: months by month, everything else by date.

    Args:
        values: cftime objects of one calendar, one or many.
        means: whether nothing says that the fields are of instants.

    Returns:
        datetime64[s]: the middle of every month where the times stamp months that
        follow each other and are means. Otherwise the same dates; NaT where ours has
        no such date, which is 29 February only.

    Raises:
        InputDataError: the calendar is 360_day and these are no monthly means.
    """
    values = np.atleast_1d(values)
    years, months, days, lengths = (
        np.array([getattr(value, part) for value in values])
        for part in ("year", "month", "day", "daysinmonth")
    )
    month = ((years - 1970) * 12 + months - 1).astype("datetime64[M]")
    seconds = [v.hour * 3600 + v.minute * 60 + v.second for v in values]
    passed = (86400 * (days - 1) + seconds).astype("timedelta64[s]")
    whole = (86400 * lengths).astype("timedelta64[s]")
    begin, length = month.astype("datetime64[s]"), month_lengths(month)
    order = np.argsort(month, kind="stable")  # the newest may be first
    if means and stamps_months(month[order], passed[order], whole[order]):
        return begin + length // 2
    if calendar_of(values) == _WITHOUT_DATES:
        raise InputDataError(
            "The times are in the '360_day' calendar, whose dates are not ours, and "
            f"no monthly means: {_first(values)}.",
            "Give monthly means, which are taken by their months, or dates of the "
            "standard (Gregorian) calendar.",
        )
    return np.where(passed < length, begin + passed, np.datetime64("NaT", "s"))


def calendar_words(calendar: str, monthly: bool) -> str:
    """What is done with times of another calendar, in words.

    Args:
        calendar: its name in CF.
        monthly: whether the fields are monthly means.
    """
    if monthly:
        return f"The calendar is {calendar}: monthly means are taken by their months."
    leap = "a 29 February that it lacks is interpolated, one that ours lacks is left "
    return f"The calendar is {calendar}: taken by date; {leap}out."


def _first(values: np.ndarray) -> str:
    """The first few of them."""
    some: Any = [str(value) for value in values[:3]]
    return ", ".join(some) + (" …" if len(values) > 3 else "")
