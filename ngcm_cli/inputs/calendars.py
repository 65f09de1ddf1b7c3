"""Calendar months, and times in the calendars of climate models.

A climate model may have years of 365, 366 or 360 days. Its times are converted to the
standard calendar. An analysis cannot be taken from such data, but sea-surface
temperature and sea ice can, by date or by month.

Source: CF Conventions, section 4.4.1, "Calendar".
"""

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.time_meaning import INSTANT, MEAN

STANDARD = "standard"
_STANDARD_NAMES = ("standard", "gregorian", "proleptic_gregorian")
_HALF = np.timedelta64(14, "D")  # about half a month
# Every month has 30 days: there is no 31 January, but a 30 February.
_WITHOUT_DATES = "360_day"


def month_lengths(times: np.ndarray) -> np.ndarray:
    """Return the lengths of the months of given times as timedelta64[s]."""
    months = times.astype("datetime64[M]")
    return (months + 1).astype("datetime64[s]") - months.astype("datetime64[s]")


def climatological_months() -> np.ndarray:
    """Return the middles of the twelve months of year 1, datetime64[s]."""
    months = np.arange("0001-01", "0002-01", dtype="datetime64[M]")
    return months.astype("datetime64[s]") + month_lengths(months) // 2


def is_monthly(times: np.ndarray, at_least: int = 3) -> bool:
    """Return whether times stamp calendar months, one each, most of them consecutive.

    All stamps must follow one convention: the same time after the beginning of the
    month, the same time before its end, or its middle to within a day. There must be a
    number of months, three by default.
    """
    stamps = times.astype("datetime64[s]")
    months = stamps.astype("datetime64[M]")
    elapsed = stamps - months.astype("datetime64[s]")
    return stamps_are_monthly(months, elapsed, month_lengths(months), at_least)


def are_mid_months(times: np.ndarray) -> bool:
    """Return whether times are the middle of their months, to within a day."""
    stamps = times.astype("datetime64[s]")
    months = stamps.astype("datetime64[M]").astype("datetime64[s]")
    off = np.abs(stamps - months - month_lengths(stamps) // 2)
    return bool((off <= np.timedelta64(1, "D")).all())


def stamps_are_monthly(
    months: np.ndarray, elapsed: np.ndarray, lengths: np.ndarray, at_least: int = 3
) -> bool:
    """Return the same as `is_monthly` for stamps in any calendar.

    Args:
        months: Month of each stamp, datetime64[M], ascending.
        elapsed: Time since the beginning of that month, timedelta64[s].
        lengths: Length of that month in its calendar, timedelta64[s].
        at_least: Smallest number of months.
    """
    steps = np.diff(months).astype(int)
    if len(months) < at_least or (steps < 1).any():
        return False
    if len(steps) and (steps > 1).mean() >= 0.5:
        return False
    remaining = lengths - elapsed
    from_middle = np.abs(elapsed - remaining) / 2
    return bool(
        (elapsed == elapsed[0]).all()
        or (remaining == remaining[0]).all()
        or (from_middle <= np.timedelta64(1, "D")).all()
    )


def is_cftime(values: np.ndarray) -> bool:
    """Return whether times are cftime objects, of another calendar or distant."""
    is_object = values.dtype.kind == "O" and values.size > 0
    return is_object and hasattr(values.flat[0], "calendar")


def calendar_of(values: np.ndarray) -> str:
    """Return the CF calendar of decoded times."""
    name = values.flat[0].calendar if is_cftime(values) else STANDARD
    return STANDARD if name in _STANDARD_NAMES else name


def to_standard_calendar(values: np.ndarray, method: str) -> np.ndarray:
    """Convert times to the standard calendar: monthly means by month, others by date.

    Args:
        values: cftime objects of one calendar, one or many.
        method: What the fields are, as `time_meaning.stated_method` returns it.

    Returns:
        datetime64[s]: where the times stamp consecutive months and the fields may be
        means, the middle of every month, or the same distance from its beginning or end
        if it is not stated what they are. Otherwise the same dates; NaT for dates that
        the standard calendar lacks, which are 29 February only.

    Raises:
        InputDataError: The calendar is 360_day and the fields are not monthly means.
    """
    values = np.atleast_1d(values)
    years, months, days, lengths = (
        np.array([getattr(value, part) for value in values])
        for part in ("year", "month", "day", "daysinmonth")
    )
    month = ((years - 1970) * 12 + months - 1).astype("datetime64[M]")
    seconds = [v.hour * 3600 + v.minute * 60 + v.second for v in values]
    elapsed = (86400 * (days - 1) + seconds).astype("timedelta64[s]")
    full = (86400 * lengths).astype("timedelta64[s]")
    begin, length = month.astype("datetime64[s]"), month_lengths(month)
    order = np.argsort(month, kind="stable")  # the newest may be first
    monthly = stamps_are_monthly(month[order], elapsed[order], full[order])
    if monthly and method != INSTANT:
        remaining = full - elapsed
        if (np.abs(elapsed - remaining) <= np.timedelta64(2, "D")).all():
            return begin + length // 2
        if method != MEAN and (elapsed == elapsed[0]).all() and elapsed[0] < _HALF:
            return begin + elapsed
        if method != MEAN and (remaining == remaining[0]).all():
            return begin + length - remaining
        return begin + length // 2
    if calendar_of(values) == _WITHOUT_DATES:
        first = ", ".join(str(value) for value in values[:3])
        raise InputDataError(
            "The times are in the '360_day' calendar and are not of monthly means: "
            f"{first}{' …' if len(values) > 3 else ''}.",
            "Give monthly means, which are converted by month, or dates of the "
            "standard (Gregorian) calendar.",
        )
    return np.where(elapsed < length, begin + elapsed, np.datetime64("NaT", "s"))


def describe_calendar(calendar: str, monthly: bool) -> str:
    """Return a sentence on how times of another calendar are converted."""
    if monthly:
        return f"The calendar is {calendar}: monthly means are converted by month."
    return (
        f"The calendar is {calendar}: converted by date; a 29 February that it lacks "
        "is interpolated, one that the standard calendar lacks is left out."
    )
