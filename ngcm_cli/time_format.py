"""Times and durations as text, and as NumPy values in seconds."""

import datetime
import fractions
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ngcm_cli.errors import ConfigError

_UNITS = {
    604800: "weeks?|w",
    86400: "days?|d",
    3600: "hours?|hrs?|h",
    60: "minutes?|mins?|m",
    1: "seconds?|secs?|s",
}
_NUMBER = r"([0-9]{1,18}(?:\.[0-9]{1,9})?)"
_DURATION = re.compile("".join(f"(?:{_NUMBER}(?:{unit}))?" for unit in _UNITS.values()))
_ISO_DURATION = re.compile(r"p(?=[0-9t])([0-9.]+[dw])?(?:t(?=[0-9])([0-9.hms]+))?")
_HOURS = re.compile(_NUMBER)
_LONGEST = 365250 * 86400  # a thousand years
_MOST_TIMES = 100_000
_TIME = re.compile(
    r"([0-9]{4})(-)?([0-9]{2})(?(2)-)([0-9]{2})"
    r"(?:(?(2)[T _]|[T _]?)([0-9]{2})(?::?([0-9]{2}))?(?::?([0-9]{2}))?)?"
    r"(?:Z| ?UTC|\+00:?00)?"
)


def utc_now() -> str:
    """Return the time, UTC, as histories of files have it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_duration(value: Any) -> np.timedelta64:
    """Return the duration of ``10d``, ``36h``, ``0.5d``, ``1d12h`` or ``10 days``.

    A number without a unit counts hours. Durations of ISO 8601, such as ``PT36H``, are
    read, too.

    Raises:
        ConfigError: it is no duration, no whole number of seconds, or too long.
    """
    text = str(value).strip().lower().replace(" ", "")
    if iso := _ISO_DURATION.fullmatch(text):
        text = "".join(part or "" for part in iso.groups())
    match = _DURATION.fullmatch(f"{text}h" if counts_hours(text) else text)
    seconds: float | fractions.Fraction = -1
    if isinstance(value, np.timedelta64 | datetime.timedelta):
        seconds = value / np.timedelta64(1, "s")
    elif text and match:
        pairs = zip(match.groups(default="0"), _UNITS, strict=True)
        seconds = sum(fractions.Fraction(number) * size for number, size in pairs)
    if not seconds >= 0:  # true of NaT, too
        raise ConfigError(
            f"'{value}' is not a duration.",
            "Give it as 10d, 36h, 90m or 1d12h; a plain number counts hours.",
        )
    if seconds > _LONGEST:
        raise ConfigError(
            f"'{value}' is longer than 1000 years.", "Give a shorter one."
        )
    if seconds % 1:
        raise ConfigError(
            f"'{value}' is not a whole number of seconds.",
            "Give it in a smaller unit, such as 90m.",
        )
    return np.timedelta64(int(seconds), "s")


def counts_hours(value: Any) -> bool:
    """Return whether a duration is a number without a unit, which counts hours."""
    return bool(_HOURS.fullmatch(str(value).strip()))


def format_duration(duration: np.timedelta64) -> str:
    """Return a duration as text that `parse_duration` reads: ``1d12h``."""
    rest = int(np.timedelta64(duration, "s").astype(np.int64))
    text = ""
    for unit, size in zip("dhms", list(_UNITS)[1:], strict=True):
        number, rest = divmod(rest, size)
        text += f"{number}{unit}" if number else ""
    return text or "0h"


def parse_time(value: Any) -> np.datetime64:
    """Return the UTC time of ``2020-08-22T12``, ``2020082212`` or a date.

    Minutes and seconds may follow; a date and a clock may be separated by a space.

    Raises:
        ConfigError: it is no time.
    """
    if isinstance(value, np.datetime64) and not np.isnat(value):
        return value.astype("datetime64[s]")
    is_date = isinstance(value, datetime.date)
    text = value.isoformat() if is_date else str(value).strip().upper()
    try:
        if match := _TIME.fullmatch(text):
            year, _, month, day, *clock = match.groups(default="00")
            return np.datetime64(f"{year}-{month}-{day}T{':'.join(clock)}", "s")
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
