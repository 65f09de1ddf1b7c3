"""Types of settings, parsed from the text of a flag or a run file."""

import difflib
import fractions
import pathlib
import re
from collections.abc import Iterable
from typing import Annotated, Any

import numpy as np
import pydantic

from ngcm_cli.errors import ConfigError
from ngcm_cli.time_format import parse_duration, parse_time, parse_times

DEFAULT_MODEL = "tl63_stochastic_mini"
SST_MODES = ("persist", "anomaly-persist", "climatology", "prescribed")
"""How sea-surface temperature evolves in a forecast; see ``forcing.sst_modes``."""

MODEL_LEVELS = "model"
"""Output on the model's own sigma levels."""

MEANS = ("monthly", "daily")
"""Calendar periods over which long runs write means."""

PRECISIONS = ("published", "float32", "fast")
"""Of matrix products; see ``gcm.precision``."""

TABLE_FORMATS = ("table", "md", "csv", "json")
"""Of tables on stdout."""

STATISTICS = ("mean", "std", "min", "max", "p10", "p90")
"""Statistics over members; any percentile from p1 to p99 is valid, too."""

SMALLEST_AMPLITUDE = 1e-4
"""Of noise in temperature, K: float32 resolves 3e-5 K at 300 K."""

_SYNONYMS = {"spread": "std", "stddev": "std", "median": "p50"}
"""Other names of statistics."""

_DECIMAL = re.compile(
    r"[+-]?([0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})(e[+-]?[0-9]{1,3})?"
)


def closest(name: str, known: Iterable[str]) -> str:
    """Return a hint for a misspelt name: the nearest known ones, else all of them."""
    known = list(dict.fromkeys(known))
    near = [f"'{match}'" for match in difflib.get_close_matches(name, known, n=2)]
    return f"Did you mean {' or '.join(near)}?" if near else f"Use {', '.join(known)}."


def parse_number(text: Any) -> float:
    """Return a finite number that is written with the digits 0 to 9.

    Raises:
        ValueError: it is none.
    """
    written = str(text).strip().lower()
    if not _DECIMAL.fullmatch(written) or not np.isfinite(number := float(written)):
        raise ValueError(f"'{text}' is not a number")
    return number


def parse_names(value: Any) -> Any:
    """Return the names that a comma-separated, repeatable flag lists."""
    if value is None:
        return None
    items = value if isinstance(value, list | tuple) else [value]
    names = [name.strip() for item in items for name in str(item).split(",")]
    return tuple(dict.fromkeys(name for name in names if name))


def _times(value: Any) -> tuple[np.datetime64, ...]:
    if isinstance(value, list | tuple) and value:
        several = (
            parse_times(x) if isinstance(x, str) else (parse_time(x),) for x in value
        )
        return tuple(dict.fromkeys(time for times in several for time in times))
    return parse_times("" if isinstance(value, list | tuple) else value)


def _levels(value: Any) -> Any:
    names = parse_names(value)
    if names is None:
        return None
    if [name.lower() for name in names] == ["model"]:
        return MODEL_LEVELS
    try:
        units = r"\s*(hpa|mb|mbar)$"
        numbers = sorted(
            {parse_number(re.sub(units, "", name.lower())) for name in names}
        )
        if not all(number > 0 for number in numbers):
            raise ValueError
    except ValueError:
        raise ConfigError(
            f"'{','.join(names)}' are not pressure levels.",
            "Give them in hPa, such as 500,850, or model for the model's sigma levels.",
        ) from None
    return tuple(int(n) if n == int(n) else n for n in numbers)


def _spacing(value: Any) -> int | float | None:
    """Return the spacing of a regular grid with poles, degrees; None is native."""
    text = re.sub(r"\s*(deg|degrees?|°)$", "", str(value).strip().lower())
    if value is None or text == "native":
        return None
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{0,12})?|\.[0-9]{1,12}", text):
        raise ConfigError(
            f"'{value}' is not a grid.",
            "Give native, or a spacing in degrees, such as 1.5.",
        )
    degrees = fractions.Fraction(text)  # 0.1 exactly
    number = float(degrees)
    if not 0.1 <= number <= 90:
        raise ConfigError(
            f"A spacing of {text} degrees is not from 0.1 to 90.",
            "Give one within these bounds, or native.",
        )
    if 180 % degrees:
        short = (180 / n for n in range(2, 1801) if not 180_000 % n)
        nearest = min(short, key=lambda known: abs(known - number))
        raise ConfigError(
            f"A spacing of {text} degrees does not divide 180, the degrees from pole "
            "to pole.",
            f"The nearest that does is {nearest:g}.",
        )
    return int(number) if number == int(number) else number


def _text(value: Any) -> str:
    if not isinstance(value, str | pathlib.PurePath):
        raise ConfigError(f"'{value}' is not a name.", "Give a name or a path.")
    if not str(value).strip():
        raise ConfigError("The value is empty.", "Give one, or leave it out.")
    return str(value)


def _seed(value: Any) -> int:
    text = str(value).strip()
    if not re.fullmatch("[0-9]{1,10}", text) or int(text) >= 2**32:
        raise ConfigError(
            f"'{value}' is not a whole number from 0 to {2**32 - 1}.",
            "Give one in this range: random keys have 32 bits.",
        )
    return int(text)


def parse_switch(value: Any) -> bool:
    """Return whether the value of a switch means yes."""
    word, yes = str(value).strip().lower(), ("yes", "true", "on", "1")
    if word not in (*yes, "no", "false", "off", "0"):
        raise ConfigError(f"'{value}' is neither yes nor no.", "Give yes or no.")
    return word in yes


def _kelvin(value: Any) -> float:
    text = re.sub(r"\s*(k|°c|degc|c)$", "", str(value).strip().lower())
    try:
        number = parse_number(text)
        if not abs(number) <= 20:
            raise ValueError
    except ValueError:
        raise ConfigError(
            f"'{value}' is not a temperature difference.",
            "Give it as 2K or -1.5K, up to 20 K.",
        ) from None
    return number


def _count(value: Any) -> int:
    text = str(value).strip()
    if not re.fullmatch("[0-9]{1,6}", text) or int(text) == 0:
        raise ConfigError(
            f"'{value}' is not a positive whole number.", "Give one, such as 40."
        )
    return int(text)


def _counts(value: Any) -> tuple[int, ...]:
    return tuple(sorted({_count(name) for name in parse_names(value) or ("",)}))


def _member(value: Any) -> int:
    text = str(value).strip()
    if not re.fullmatch("[0-9]{1,6}", text):
        raise ConfigError(
            f"'{value}' is not the number of a member.",
            "Give a whole number; the first member is 0.",
        )
    return int(text)


def _members(value: Any) -> range:
    """Return the numbers of members: 50 is 0 to 49, 50:100 is 50 to 99."""
    if isinstance(value, range):
        return value
    first, colon, last = str(value).partition(":")
    if not colon:
        return range(_count(value))
    start, end = _member(first), _member(last)
    if start >= end:
        raise ConfigError(
            f"The range '{value}' has no members.",
            "Give the first member and the one after the last, such as 50:100.",
        )
    return range(start, end)


def _ddof(value: Any) -> int:
    if str(value).strip() not in ("0", "1"):
        raise ConfigError(
            f"'{value}' is neither 0 nor 1.",
            "Give 1, as WeatherBench does, or 0 to divide by the number of members.",
        )
    return int(value)


def _batch(value: Any) -> int | None:
    if value is None or str(value).strip().lower() == "auto":
        return None
    return _count(value)


def _statistics(value: Any) -> tuple[str, ...]:
    given = (re.sub("^p0(?=[1-9]$)", "p", x.lower()) for x in parse_names(value) or ())
    names = tuple(dict.fromkeys(_SYNONYMS.get(name, name) for name in given))
    if names == ("none",):
        return ()
    for name in names:
        if name not in STATISTICS and not re.fullmatch("p[1-9][0-9]?", name):
            raise ConfigError(
                f"There is no statistic '{name}'.",
                closest(name, STATISTICS)
                if len(name) > 2
                else "Give percentiles from p1 to p99.",
            )
    return names


def parse_amplitude(value: Any) -> float:
    """Return a positive temperature difference in K.

    Raises:
        ConfigError: it is none.
    """
    number = _kelvin(value)
    if number <= 0:
        raise ConfigError(
            f"An amplitude of {number:g} K is not positive.",
            "Give one above zero, such as 0.5K.",
        )
    if number < SMALLEST_AMPLITUDE:
        raise ConfigError(
            f"An amplitude of {number:g} K is below the rounding of temperatures.",
            f"Give at least {SMALLEST_AMPLITUDE:g}K.",
        )
    return number


def one_of(*known: str) -> Any:
    """Return a validator of names, which may be written in any case."""

    def parse(value: Any) -> str:
        name = str(value).strip().lower().replace("_", "-")
        if name not in known:
            raise ConfigError(
                f"'{value}' is none of {', '.join(known)}.", closest(name, known)
            )
        return name

    return pydantic.BeforeValidator(parse)


def _means(value: Any) -> tuple[str, ...]:
    names = parse_names(value)
    if names == ("none",) or value == ():
        return ()
    if not names:
        raise ConfigError(
            "The value is empty.", f"Give {', '.join(MEANS)} or both, or none."
        )
    if "none" in names:
        raise ConfigError(
            f"'{','.join(names)}' is both means and none.", "Leave out one of them."
        )
    for name in names:
        if name not in MEANS:
            raise ConfigError(
                f"There are no '{name}' means.", closest(name, (*MEANS, "none"))
            )
    return names


def _patch(value: Any) -> Any:
    """Return latitude, longitude and half-width in degrees, and amplitude in K."""
    listed = isinstance(value, list | tuple)
    parts = value if listed else str(value).split(",")
    try:
        numbers = [parse_number(re.sub(r"(?i)\s*k$", "", str(part))) for part in parts]
        latitude, longitude, width, amplitude = numbers
    except ValueError:
        text = ",".join(map(str, parts))
        raise ConfigError(
            f"'{text}' is not a patch.",
            "Give LATITUDE,LONGITUDE,WIDTH,AMPLITUDE in degrees and kelvin, such as "
            "0,200,20,2K.",
        ) from None
    if not (abs(latitude) <= 90 and -180 <= longitude <= 360):
        raise ConfigError(
            f"{latitude:g},{longitude:g} is not a point on the globe.",
            "Give the latitude from -90 to 90, then the longitude from -180 to 360.",
        )
    if not (0 < width <= 90 and abs(amplitude) <= 20):
        raise ConfigError(
            f"A patch of {width:g} degrees and {amplitude:g} K is out of bounds.",
            "Give a half-width up to 90 degrees and an amplitude up to 20 K.",
        )
    return latitude, longitude, width, amplitude


Duration = Annotated[np.timedelta64, pydantic.BeforeValidator(parse_duration)]
Time = Annotated[np.datetime64, pydantic.BeforeValidator(parse_time)]
Times = Annotated[tuple[np.datetime64, ...], pydantic.BeforeValidator(_times)]
Names = Annotated[tuple[str, ...], pydantic.BeforeValidator(parse_names)]
Levels = Annotated[tuple[int | float, ...] | str, pydantic.BeforeValidator(_levels)]
Spacing = Annotated[int | float | None, pydantic.BeforeValidator(_spacing)]
Text = Annotated[str, pydantic.BeforeValidator(_text)]
Path = Annotated[pathlib.Path, pydantic.BeforeValidator(_text)]
Seed = Annotated[int, pydantic.BeforeValidator(_seed)]
Switch = Annotated[bool, pydantic.BeforeValidator(parse_switch)]
SstMode = Annotated[str, one_of(*SST_MODES)]
SstTime = Annotated[str, one_of("mean", "instant")]
Kelvin = Annotated[float, pydantic.BeforeValidator(_kelvin)]
Count = Annotated[int, pydantic.BeforeValidator(_count)]
Counts = Annotated[tuple[int, ...], pydantic.BeforeValidator(_counts)]
Means = Annotated[tuple[str, ...], pydantic.BeforeValidator(_means)]
Patch = Annotated[tuple[float, float, float, float], pydantic.BeforeValidator(_patch)]
OnInstability = Annotated[str, one_of("stop", "rewind")]
Precision = Annotated[str, one_of(*PRECISIONS)]
TableFormat = Annotated[str, one_of(*TABLE_FORMATS)]
ZarrFormat = Annotated[int, one_of("3", "2")]
Member = Annotated[int, pydantic.BeforeValidator(_member)]
Members = Annotated[range, pydantic.BeforeValidator(_members)]
Batch = Annotated[int | None, pydantic.BeforeValidator(_batch)]
Ddof = Annotated[int, pydantic.BeforeValidator(_ddof)]
Statistics = Annotated[tuple[str, ...], pydantic.BeforeValidator(_statistics)]
