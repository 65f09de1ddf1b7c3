"""Noise of initial states: its kind, amplitudes of temperature and of pressure."""

import dataclasses
import re
from typing import Annotated, Any

import numpy as np
import pydantic

from ngcm_cli.config.values import one_of, parse_amplitude
from ngcm_cli.errors import ConfigError

KINDS = ("none", "gaussian", "spherical")
"""Perturbations of initial states; see ``gcm.initial_perturbation``."""

_SINGULAR = "singular:"
_LEAST, _MOST = 1.0, 2000.0  # Pa; a hundredth of the least is the rounding of ln p


@dataclasses.dataclass(frozen=True)
class AmplitudeProfile:
    """Amplitudes of temperature at some pressures.

    Attributes:
        pressures: hPa, ascending.
        kelvins: of the same number.
    """

    pressures: tuple[float, ...]
    kelvins: tuple[float, ...]

    def at(self, pressure: np.ndarray) -> np.ndarray:
        """Return the amplitude in K at pressures in hPa, of the same shape.

        It is linear in pressure between those given, and constant beyond them.
        """
        return np.interp(pressure, self.pressures, self.kelvins)

    def __str__(self) -> str:
        """Return it as a flag gives it."""
        pairs = zip(self.pressures, self.kelvins, strict=True)
        return ",".join(f"{pressure:g}:{kelvin:g}" for pressure, kelvin in pairs)


def _temperature(value: Any) -> float | AmplitudeProfile:
    """Return an amplitude in K, or those that ``1000:0.8K,300:0.5K`` lists."""
    if isinstance(value, AmplitudeProfile):
        return value
    items = value if isinstance(value, list | tuple) else str(value).split(",")
    pairs = [str(item).partition(":") for item in items]
    if len(pairs) == 1 and not pairs[0][1]:
        return parse_amplitude(pairs[0][0])
    found = {}
    for pressure, colon, kelvin in pairs:
        number = re.sub(r"\s*hpa$", "", pressure.strip().lower())
        if not (colon and re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,6})?", number)):
            raise ConfigError(
                f"'{pressure}{colon}{kelvin}' is not an amplitude at a pressure.",
                "Give one amplitude, such as 0.5K, or one for each of several "
                "pressures in hPa, such as 1000:0.8K,300:0.5K.",
            )
        if float(number) in found:
            raise ConfigError(
                f"Two amplitudes are given at {number} hPa.", "Leave out one of them."
            )
        found[float(number)] = parse_amplitude(kelvin)
    pressures = sorted(found)
    return AmplitudeProfile(tuple(pressures), tuple(found[p] for p in pressures))


def _pressure(value: Any) -> float:
    """Return an amplitude in Pa; a bare number is in Pa."""
    text = str(value).strip().lower()
    number = re.sub(r"\s*(h?)pa$", "", text)
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{0,6})?", number):
        raise ConfigError(
            f"'{value}' is not an amplitude of pressure.",
            "Give it as 50Pa or 0.5hPa, or 0 for none.",
        )
    pascals = float(number) * (100 if text.endswith("hpa") else 1)
    if pascals and not _LEAST <= pascals <= _MOST:
        raise ConfigError(
            f"An amplitude of {pascals:g} Pa is not from {_LEAST:g} to {_MOST:g} Pa.",
            "Give one within these bounds, or 0 for none.",
        )
    return pascals


def _kind(value: Any) -> str:
    """Return a kind of noise, or ``singular:`` and the path of a file."""
    text = str(value).strip()
    if not text.lower().startswith("singular"):
        return one_of(*KINDS, f"{_SINGULAR}FILE").func(text)  # pyright: ignore
    path = text[len(_SINGULAR) :].strip()
    if not path or not text.lower().startswith(_SINGULAR):
        raise ConfigError(
            f"'{text}' names no file of singular vectors.",
            "Give singular:FILE, with a file of ngcm sensitivity --singular-vectors.",
        )
    return _SINGULAR + path


def vectors_file(kind: str) -> str | None:
    """Return the path in ``singular:PATH``; None for other kinds of noise."""
    return kind.removeprefix(_SINGULAR) if kind.startswith(_SINGULAR) else None


def with_vectors_file(path: str) -> str:
    """Return the kind of noise along the singular vectors of a file."""
    return _SINGULAR + path


Kind = Annotated[str, pydantic.BeforeValidator(_kind)]
Temperature = Annotated[
    float | AmplitudeProfile, pydantic.BeforeValidator(_temperature)
]
Pressure = Annotated[float, pydantic.BeforeValidator(_pressure)]
