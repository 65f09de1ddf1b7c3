"""Times and durations as people write them, and as NumPy holds them, in seconds."""

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
    """Read ``10d``, ``36h``, ``90m`` or ``1d12h``; a bare integer counts hours."""
    text = str(value).strip().lower().replace(" ", "")
    match = _DURATION.fullmatch(f"{text}h" if text.isdecimal() else text)
    seconds = -1.0
    if isinstance(value, np.timedelta64 | datetime.timedelta):
        seconds = value / np.timedelta64(1, "s")
    elif text and match:
        pairs = zip(match.groups(default="0"), _SECONDS, strict=True)
        seconds = sum(int(number) * size for number, size in pairs)
    if not seconds >= 0:  # NaT is no duration either
        raise ConfigError(
            f"'{value}' is not a duration.",
            "Write it as 10d, 36h, 90m or 1d12h; a plain number counts hours.",
        )
    if seconds > _LONGEST:
        raise ConfigError(
            f"'{value}' is longer than 1000 years.", "Give a shorter one."
        )
    return np.timedelta64(int(seconds), "s")


def format_duration(duration: np.timedelta64) -> str:
    """Write a duration as `parse_duration` reads it: ``1d12h``."""
    rest = int(np.timedelta64(duration, "s").astype(np.int64))
    words = ""
    for letter, size in zip("dhms", _SECONDS, strict=True):
        number, rest = divmod(rest, size)
        words += f"{number}{letter}" if number else ""
    return words or "0h"


def parse_time(value: Any) -> np.datetime64:
    """Read a UTC time: ``2020-08-22T12``, ``2020-08-22`` or ``2020-08-22T12:30``."""
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
        f"'{value}' is not a time.", "Write it as 2020-08-22T12, in UTC."
    ) from None


def format_time(time: np.datetime64 | np.ndarray) -> str:
    """Write a time as `parse_time` reads it, to the hour or minute if that is exact."""
    time = time.astype("datetime64[s]")
    return str(time).removesuffix(":00").removesuffix(":00")


def parse_times(value: Any) -> tuple[np.datetime64, ...]:
    """Read ``2020-08-22T12``, several with commas, or ``2020-08-01/2020-08-31/12h``.

    A range has a first time, a last time and a step; of a day where it is left out.
    """
    times: list[np.datetime64] = []
    for word in filter(None, (word.strip() for word in str(value).split(","))):
        first, *rest = word.split("/")
        if not rest:
            times.append(parse_time(first))
            continue
        if len(rest) > 2:
            raise ConfigError(
                f"'{word}' is not a range of times.",
                "Write it as FIRST/LAST/STEP: 2020-08-01/2020-08-31/12h.",
            )
        start, end = parse_time(first), parse_time(rest[0])
        step = parse_duration(rest[1] if len(rest) == 2 else "1d")
        if step <= np.timedelta64(0, "s") or end < start:
            raise ConfigError(
                f"The range '{word}' holds no times.",
                "Write the earlier time first, and a step longer than zero.",
            )
        count = int((end - start) // step) + 1  # before room is made for them
        if count > _MOST_TIMES:
            raise ConfigError(
                f"The range '{word}' holds {count} times; more than {_MOST_TIMES} "
                "cannot be asked for at once.",
                "Write a shorter range or a longer step.",
            )
        times.extend(np.arange(start, end + np.timedelta64(1, "s"), step))
    if not times:
        raise ConfigError("No time is given.", "Write one as 2020-08-22T12, in UTC.")
    return tuple(dict.fromkeys(times))


def format_times(times: Sequence[np.datetime64]) -> str:
    """Write times as `parse_times` reads them: several of one step as a range."""
    steps = np.unique(np.diff(times))
    if len(times) > 2 and len(steps) == 1 and steps[0] > np.timedelta64(0, "s"):
        words = (format_time(times[0]), format_time(times[-1]))
        return "/".join((*words, format_duration(steps[0])))
    return ",".join(map(format_time, times))
