"""Settings with a unit: distances, pressures, speeds and other physical quantities."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from ngcm_cli.errors import ConfigError

_NUMBER = re.compile(
    r"([+-]?(?:[0-9]{1,15}\.?[0-9]{0,15}|\.[0-9]{1,15})(?:e-?[0-9]{1,2})?)"
)


def quantity_parser(
    title: str,
    units: Mapping[str, float],
    bounds: tuple[float, float],
    example: str,
    none: float | None = None,
) -> Callable[[Any], float]:
    """Return a function that reads a number, with or without a unit.

    Args:
        title: what the number is, with an article, such as ``a distance``.
        units: factor from each unit, in lower case, to the first of them, which is that
            of a bare number.
        bounds: smallest and largest value, in the first unit.
        example: how to write one.
        none: value that the word ``none`` stands for; None if it is no value.
    """
    first = next(iter(units))

    def parse(value: Any) -> float:
        text = str(value).strip().lower()
        if text == "none" and none is not None:
            return none
        match = _NUMBER.match(text)
        unit = text[match.end() :].strip() if match else ""
        if match is None or unit not in (*units, ""):
            alternative = "" if none is None else ", or none"
            raise ConfigError(
                f"'{value}' is not {title}.", f"Give it as {example}{alternative}."
            )
        number = float(match[1]) * units.get(unit, 1.0)
        if number != none and not bounds[0] <= number <= bounds[1]:
            raise ConfigError(
                f"{number:g} {first} is not from {bounds[0]:g} to {bounds[1]:g} "
                f"{first}.",
                "Give a value within these bounds.",
            )
        return number

    return parse
