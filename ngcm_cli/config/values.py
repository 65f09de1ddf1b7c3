"""The values of settings, read from the text that a flag or a run file gives them."""

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
SEA_MODES = ("persist", "anomaly-persist", "climatology", "prescribed")
"""What the sea can do during a run; ``data.sea_modes`` says how."""

MEANS = ("monthly", "daily")
"""Over which the fields of long runs are averaged."""


NOISE = ("none", "gaussian", "spherical")
"""How initial states are perturbed; ``gcm.initial_perturbation`` says how."""

STATISTICS = ("mean", "std", "min", "max", "p10", "p90")
"""What an ensemble can be summed up in, with any other percentile from p1 to p99."""


def closest(name: str, known: Iterable[str]) -> str:
    """A hint for a misspelt name: the nearest known ones, else all of them."""
    known = list(known)
    near = [f"'{match}'" for match in difflib.get_close_matches(name, known, n=2)]
    return f"Did you mean {' or '.join(near)}?" if near else f"Use {', '.join(known)}."


def _words(value: Any) -> Any:
    """Split what a repeatable, comma-separated flag collects into single words."""
    if value is None:
        return None
    items = value if isinstance(value, list | tuple) else [value]
    words = [word.strip() for item in items for word in str(item).split(",")]
    return tuple(dict.fromkeys(word for word in words if word))


def _times(value: Any) -> tuple[np.datetime64, ...]:
    if isinstance(value, list | tuple) and value:
        several = (
            parse_times(x) if isinstance(x, str) else (parse_time(x),) for x in value
        )
        return tuple(dict.fromkeys(time for times in several for time in times))
    return parse_times("" if isinstance(value, list | tuple) else value)


def _levels(value: Any) -> Any:
    words = _words(value)
    if words is None:
        return None
    try:
        numbers = sorted({float(word.lower().removesuffix("hpa")) for word in words})
        if not all(0 < number < np.inf for number in numbers):
            raise ValueError
    except ValueError:
        raise ConfigError(
            f"'{','.join(words)}' are not pressure levels.",
            "Give them in hPa, as 500,850.",
        ) from None
    return tuple(int(n) if n == int(n) else n for n in numbers)


def _spacing(value: Any) -> int | float | None:
    """Degrees between the nodes of a regular grid with poles; None is native."""
    text = str(value).strip().lower()
    if value is None or text == "native":
        return None
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{0,12})?|\.[0-9]{1,12}", text):
        raise ConfigError(
            f"'{value}' is not a grid.",
            "Write native, or a spacing in degrees, as 1.5.",
        )
    degrees = fractions.Fraction(text)  # 0.1 exactly
    number = float(degrees)
    if not 0.1 <= number <= 90:
        raise ConfigError(
            f"A spacing of {text} degrees is not from 0.1 to 90.",
            "Give one that is, as 1.5, or native.",
        )
    if 180 % degrees:
        short = (180 / n for n in range(2, 1801) if not 180_000 % n)
        nearest = min(short, key=lambda known: abs(known - number))
        raise ConfigError(
            f"A spacing of {text} degrees does not divide 180, so no grid of it goes "
            "from pole to pole.",
            f"The nearest that does: {nearest:g}.",
        )
    return int(number) if number == int(number) else number


def _text(value: Any) -> str:
    if not isinstance(value, str | pathlib.PurePath):
        raise ConfigError(f"'{value}' is not a name.", "Give a name or a path.")
    if not str(value).strip():
        raise ConfigError("It is empty.", "Name one, or leave it out.")
    return str(value)


def _seed(value: Any) -> int:
    text = str(value).strip()
    if not re.fullmatch("[0-9]{1,10}", text) or int(text) >= 2**32:
        raise ConfigError(
            f"'{value}' is not a whole number from 0 to {2**32 - 1}.",
            "Give one that is: the random keys of JAX hold 32 bits here.",
        )
    return int(text)


def parse_switch(value: Any) -> bool:
    """Yes or no, as a flag or a run file says it."""
    word, yes = str(value).strip().lower(), ("yes", "true", "on", "1")
    if word not in (*yes, "no", "false", "off", "0"):
        raise ConfigError(f"'{value}' is neither yes nor no.", "Write yes or no.")
    return word in yes


def _kelvin(value: Any) -> float:
    text = re.sub(r"\s*(k|°c|degc|c)$", "", str(value).strip().lower())
    try:
        number = float(text)
        if not abs(number) <= 20:
            raise ValueError
    except ValueError:
        raise ConfigError(
            f"'{value}' is not a change of temperature.",
            "Write it as 2K or -1.5K, up to 20 K.",
        ) from None
    return number


def _count(value: Any) -> int:
    text = str(value).strip()
    if not re.fullmatch("[0-9]{1,6}", text) or int(text) == 0:
        raise ConfigError(
            f"'{value}' is not a number of them.", "Give a whole number from 1, as 40."
        )
    return int(text)


def _member(value: Any) -> int:
    text = str(value).strip()
    if not re.fullmatch("[0-9]{1,6}", text):
        raise ConfigError(
            f"'{value}' is not the number of a member.",
            "Give a whole number; the first member is 0.",
        )
    return int(text)


def _members(value: Any) -> range:
    """Their numbers: 50 of them, or those of 50:100."""
    if isinstance(value, range):
        return value
    first, colon, last = str(value).partition(":")
    if not colon:
        return range(_count(value))
    start, end = _member(first), _member(last)
    if start >= end:
        raise ConfigError(
            f"'{value}' holds no members.",
            "Write the first one and the one after the last, as 50:100.",
        )
    return range(start, end)


def _batch(value: Any) -> int | None:
    if value is None or str(value).strip().lower() == "auto":
        return None
    return _count(value)


def _statistics(value: Any) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(word.lower() for word in _words(value) or ()))
    if words == ("none",):
        return ()
    for word in words:
        if word not in STATISTICS and not re.fullmatch("p[1-9][0-9]?", word):
            raise ConfigError(
                f"There is no statistic '{word}'.",
                closest(word, STATISTICS)
                if len(word) > 2
                else "Write percentiles as p10, from p1 to p99.",
            )
    return words


def _amplitude(value: Any) -> float:
    number = _kelvin(value)
    if number <= 0:
        raise ConfigError(
            f"An amplitude of {number:g} K perturbs nothing.",
            "Give one above zero, as 0.5K.",
        )
    return number


def _one_of(*known: str) -> Any:
    def read(value: Any) -> str:
        word = str(value).strip().lower().replace("_", "-")
        if word not in known:
            raise ConfigError(
                f"'{value}' is none of {', '.join(known)}.", closest(word, known)
            )
        return word

    return pydantic.BeforeValidator(read)


def _means(value: Any) -> tuple[str, ...]:
    words = _words(value)
    if words == ("none",) or value == ():
        return ()
    if not words:
        raise ConfigError("It is empty.", f"Write {', '.join(MEANS)} or both, or none.")
    if "none" in words:
        raise ConfigError(
            f"'{','.join(words)}' is both means and none.", "Leave out one of them."
        )
    for word in words:
        if word not in MEANS:
            raise ConfigError(
                f"There are no '{word}' means.", closest(word, (*MEANS, "none"))
            )
    return words


def _patch(value: Any) -> Any:
    """Latitude, longitude and half-width in degrees, and amplitude in kelvin."""
    listed = isinstance(value, list | tuple)
    parts = value if listed else str(value).split(",")
    try:
        numbers = [float(re.sub(r"(?i)\s*k$", "", str(part))) for part in parts]
        latitude, longitude, width, amplitude = numbers
    except ValueError:
        words = ",".join(map(str, parts))
        raise ConfigError(
            f"'{words}' is not a patch.",
            "Write LATITUDE,LONGITUDE,WIDTH,AMPLITUDE in degrees and kelvin, as "
            "0,200,20,2K.",
        ) from None
    # Written so that NaN is refused.
    if not (abs(latitude) <= 90 and -180 <= longitude <= 360):
        raise ConfigError(
            f"{latitude:g},{longitude:g} is no place.",
            "Give the latitude from -90 to 90, then the longitude from -180 to 360.",
        )
    if not (0 < width <= 90 and abs(amplitude) <= 20):
        raise ConfigError(
            f"A patch of {width:g} degrees and {amplitude:g} K cannot be used.",
            "Give a half-width up to 90 degrees and an amplitude up to 20 K.",
        )
    return latitude, longitude, width, amplitude


Duration = Annotated[np.timedelta64, pydantic.BeforeValidator(parse_duration)]
Time = Annotated[np.datetime64, pydantic.BeforeValidator(parse_time)]
Times = Annotated[tuple[np.datetime64, ...], pydantic.BeforeValidator(_times)]
Names = Annotated[tuple[str, ...], pydantic.BeforeValidator(_words)]
Levels = Annotated[tuple[int | float, ...], pydantic.BeforeValidator(_levels)]
Spacing = Annotated[int | float | None, pydantic.BeforeValidator(_spacing)]
Text = Annotated[str, pydantic.BeforeValidator(_text)]
Path = Annotated[pathlib.Path, pydantic.BeforeValidator(_text)]
Seed = Annotated[int, pydantic.BeforeValidator(_seed)]
Switch = Annotated[bool, pydantic.BeforeValidator(parse_switch)]
SeaMode = Annotated[str, _one_of(*SEA_MODES)]
Kelvin = Annotated[float, pydantic.BeforeValidator(_kelvin)]
Count = Annotated[int, pydantic.BeforeValidator(_count)]
MeansOver = Annotated[tuple[str, ...], pydantic.BeforeValidator(_means)]
Patch = Annotated[tuple[float, float, float, float], pydantic.BeforeValidator(_patch)]
OnInstability = Annotated[str, _one_of("stop", "rewind")]
Noise = Annotated[str, _one_of(*NOISE)]
Amplitude = Annotated[float, pydantic.BeforeValidator(_amplitude)]
Member = Annotated[int, pydantic.BeforeValidator(_member)]
Members = Annotated[range, pydantic.BeforeValidator(_members)]
Batch = Annotated[int | None, pydantic.BeforeValidator(_batch)]
Statistics = Annotated[tuple[str, ...], pydantic.BeforeValidator(_statistics)]
