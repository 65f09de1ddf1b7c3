"""Times and durations as text, and as NumPy values in seconds."""

import datetime
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ngcm_cli.errors import ConfigError

_DURATION = re.compile("".join(rf"(?:(\d{{1,18}}){unit})?" for unit in "dhms"))
_SECONDS = (86400, 3600, 60, 1)
_LONGEST = 365250 * 86400  # a thousand years
_MOST_TIMES = 100_000
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}(:\d{2}){0,2})?Z?")


def parse_duration(value: Any) -> np.timedelta64:
    """Return the duration of ``10d``, ``36h``, ``90m`` or ``1d12h``.

    An integer without a unit counts hours.
    """
    text = str(value).strip().lower().replace(" ", "")
    match = _DURATION.fullmatch(f"{text}h" if text.isdecimal() else text)
    seconds = -1.0
    if isinstance(value, np.timedelta64 | datetime.timedelta):
        seconds = value / np.timedelta64(1, "s")
    elif text and match:
        pairs = zip(match.groups(default="0"), _SECONDS, strict=True)
        seconds = sum(int(number) * size for number, size in pairs)
    if not seconds >= 0:  # true of NaT, too
        raise ConfigError(
            f"'{value}' is not a duration.",
            "Give it as 10d, 36h, 90m or 1d12h; a plain number counts hours.",
        )
    if seconds > _LONGEST:
        raise ConfigError(
            f"'{value}' is longer than 1000 years.", "Give a shorter one."
        )
    return np.timedelta64(int(seconds), "s")


def format_duration(duration: np.timedelta64) -> str:
    """Return a duration as text that `parse_duration` reads: ``1d12h``."""
    rest = int(np.timedelta64(duration, "s").astype(np.int64))
    text = ""
    for unit, size in zip("dhms", _SECONDS, strict=True):
        number, rest = divmod(rest, size)
        text += f"{number}{unit}" if number else ""
    return text or "0h"


def parse_time(value: Any) -> np.datetime64:
    """Return the UTC time of ``2020-08-22T12``, a date, or a time with minutes."""
    if isinstance(value, np.datetime64) and not np.isnat(value):
        return value.astype("datetime64[s]")
    is_date = isinstance(value, datetime.date)
    text = value.isoformat() if is_date else str(value).strip().upper()
    try:
        if _TIME.fullmatch(text):
            return np.datetime64(text.removesuffix("Z"), "s")
    except ValueError:  # a thirteenth month
        pass
    raise ConfigError(
        f"'{value}' is not a time.", "Give it as 2020-08-22T12, in UTC."
    ) from None


def format_time(time: np.datetime64 | np.ndarray) -> str:
    """Return a time as text, to the hour or minute if that is exact."""
    time = time.astype("datetime64[s]")
    return str(time).removesuffix(":00").removesuffix(":00")


def parse_times(value: Any) -> tuple[np.datetime64, ...]:
    """Return the times of ``2020-08-22T12,2020-08-23``, or of a range with a step.

    A range is ``2020-08-01/2020-08-31/12h``; its step is one day by default.
    """
    times: list[np.datetime64] = []
    for item in filter(None, (item.strip() for item in str(value).split(","))):
        first, *rest = item.split("/")
        if not rest:
            times.append(parse_time(first))
            continue
        if len(rest) > 2:
            raise ConfigError(
                f"'{item}' is not a range of times.",
                "Give it as FIRST/LAST/STEP: 2020-08-01/2020-08-31/12h.",
            )
        start, end = parse_time(first), parse_time(rest[0])
        step = parse_duration(rest[1] if len(rest) == 2 else "1d")
        if step <= np.timedelta64(0, "s") or end < start:
            raise ConfigError(
                f"The range '{item}' has no times.",
                "Give the earlier time first, and a step above zero.",
            )
        count = int((end - start) // step) + 1  # before memory is allocated
        if count > _MOST_TIMES:
            raise ConfigError(
                f"The range '{item}' has {count} times, more than {_MOST_TIMES}.",
                "Give a shorter range or a longer step.",
            )
        times.extend(np.arange(start, end + np.timedelta64(1, "s"), step))
    if not times:
        raise ConfigError(
            "No time is given.", "Give one, such as 2020-08-22T12, in UTC."
        )
    return tuple(dict.fromkeys(times))


def format_times(times: Sequence[np.datetime64]) -> str:
    """Return times as text that `parse_times` reads, a range where steps are equal."""
    steps = np.unique(np.diff(times))
    if len(times) > 2 and len(steps) == 1 and steps[0] > np.timedelta64(0, "s"):
        ends = (format_time(times[0]), format_time(times[-1]))
        return "/".join((*ends, format_duration(steps[0])))
    return ",".join(map(format_time, times))
