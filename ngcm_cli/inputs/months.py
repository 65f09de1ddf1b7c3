"""Calendar months: their lengths, and whether times stamp one month each."""

import numpy as np


def month_lengths(times: np.ndarray) -> np.ndarray:
    """Return the lengths of the months of given times as timedelta64[s]."""
    months = times.astype("datetime64[M]")
    return (months + 1).astype("datetime64[s]") - months.astype("datetime64[s]")


def is_monthly(times: np.ndarray) -> bool:
    """Return whether times stamp at least three consecutive calendar months, one each.

    All stamps must follow one convention: the same time after the beginning of the
    month, the same time before its end, or its middle to within a day.
    """
    stamps = times.astype("datetime64[s]")
    months = stamps.astype("datetime64[M]")
    elapsed = stamps - months.astype("datetime64[s]")
    return stamps_are_monthly(months, elapsed, month_lengths(months))


def stamps_are_monthly(
    months: np.ndarray, elapsed: np.ndarray, lengths: np.ndarray
) -> bool:
    """Return the same as `is_monthly` for stamps in any calendar.

    Args:
        months: Month of each stamp, datetime64[M], ascending.
        elapsed: Time since the beginning of that month, timedelta64[s].
        lengths: Length of that month in its calendar, timedelta64[s].
    """
    if len(months) < 3 or (np.diff(months) != np.timedelta64(1, "M")).any():
        return False
    remaining = lengths - elapsed
    from_middle = np.abs(elapsed - remaining) / 2
    return bool(
        (elapsed == elapsed[0]).all()
        or (remaining == remaining[0]).all()
        or (from_middle <= np.timedelta64(1, "D")).all()
    )
