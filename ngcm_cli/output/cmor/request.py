"""What is asked of an export: labels, variant, levels, tables, period and files."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from ngcm_cli.errors import ConfigError
from ngcm_cli.output.cmor.table import LEVEL_SETS

_LONGEST_LABEL = 60  # of which a file's name has three, and 255 bytes


@dataclasses.dataclass(frozen=True)
class Variant:
    """CMIP's four indices of a simulation, each from 1."""

    realization: int = 1
    initialization: int = 1
    physics: int = 1
    forcing: int = 1

    @property
    def label(self) -> str:
        """CMIP's ``variant_label``, as ``r1i1p1f1``."""
        numbers = dataclasses.astuple(self)
        return "".join(f"{x}{n}" for x, n in zip("ripf", numbers, strict=True))

    def plus(self, realizations: int) -> "Variant":
        """Return the variant that is so many realizations further."""
        return dataclasses.replace(self, realization=self.realization + realizations)


@dataclasses.dataclass(frozen=True)
class Period:
    """A span of whole days.

    Attributes:
        text: as it was given.
        begin: first day.
        end: day after the last.
    """

    text: str
    begin: np.datetime64
    end: np.datetime64


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked of an export. What is not given follows from the run.

    Attributes:
        experiment: CMIP's ``experiment_id``.
        activity: CMIP's ``activity_id``.
        source_id: CMIP's ``source_id``, the label of the model.
        institution: name of the institution that made the run.
        institution_id: CMIP's ``institution_id``.
        contact: who answers questions about the data.
        license: licence of the data; that of the weights if None.
        variant: of the first realization.
        variant_info: what the indices of the variant mean.
        levels: pressure levels, a key of ``LEVEL_SETS``.
        tables: ``cmip6``, the table of each variable in the CMIP6 data request; or
            ``aimip``, Amon and day for all.
        period: of the records to export; all if None.
        years_per_file: calendar years in each file; all if None.
        mask_below_ground: whether values below the ground are missing.
        tree: whether files are written into AIMIP's directory tree.
        overwrite: replace files of the same variable and realization that share months
            or days.
    """

    experiment: str | None = None
    activity: str | None = None
    source_id: str | None = None
    institution: str | None = None
    institution_id: str | None = None
    contact: str | None = None
    license: str | None = None
    variant: Variant = Variant()
    variant_info: str | None = None
    levels: str = "aimip"
    tables: str = "cmip6"
    period: Period | None = None
    years_per_file: int | None = None
    mask_below_ground: bool = False
    tree: bool = False
    overwrite: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """Return the request of options as text, by the names of the attributes.

        Args:
            options: without those that are None, or with.

        Raises:
            ConfigError: a value that is not understood.
        """
        given = {name: x for name, x in options.items() if x is not None}
        return cls(**{n: _PARSERS.get(n, lambda x: x)(x) for n, x in given.items()})


def sanitized(text: str) -> str:
    """Return text as letters, digits and dashes."""
    return re.sub("[^A-Za-z0-9]+", "-", text).strip("-")


def _label(flag: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if len(text) > _LONGEST_LABEL:
            raise ConfigError(
                f"The name that {flag} gives has {len(text)} characters, too many for "
                "the names of CMIP's files.",
                f"Give one of at most {_LONGEST_LABEL}.",
            )
        if not re.fullmatch("[A-Za-z0-9]+(-[A-Za-z0-9]+)*", text):
            near = sanitized(text)
            raise ConfigError(
                f"{flag} '{text}' cannot be part of the name of CMIP's files.",
                "Use letters, digits and dashes only"
                + (f", as in {near}." if near else "."),
            )
        return text

    return parse


def _line(flag: str) -> Callable[[str], str | None]:
    def parse(text: str) -> str | None:
        check_is_text(flag, text)
        return " ".join(text.split()) or None

    return parse


def check_is_text(flag: str, text: str) -> None:
    """Raise `ConfigError` if text cannot be part of a file, for its bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigError(
            f"{flag} '{text}' has bytes that are not UTF-8.",
            "Give it in UTF-8, the encoding of NetCDF.",
        ) from None


def _variant(text: str) -> Variant:
    found = re.fullmatch(r"r(\d{1,6})i(\d{1,6})p(\d{1,6})f(\d{1,6})", text, re.ASCII)
    numbers = [int(number) for number in found.groups()] if found else [0]
    if 0 in numbers:
        raise ConfigError(
            f"--variant '{text}' is not a variant label.",
            "Give four positive numbers, as in r1i1p1f1, for the first realization.",
        )
    return Variant(*numbers)


def _period(text: str) -> Period:
    days = re.findall(r"(?:^|/)(\d{4}(?:-\d\d){0,2})(?=/|$)", text, re.ASCII)
    try:
        first, last = days
        if f"{first}/{last}" != text:
            raise ValueError
        begin = np.datetime64(first).astype("datetime64[D]")
        end = (np.datetime64(last) + 1).astype("datetime64[D]")
        if begin >= end:
            raise ValueError
    except ValueError:
        raise ConfigError(
            f"--period '{text}' is not a period.",
            "Give its first and last year, month or day, as in 1979/2014, "
            "1978-10/2024-12 or 1979-01-01/1979-12-31.",
        ) from None
    return Period(text, begin, end)


def _years(text: str | int) -> int:
    if not re.fullmatch("[1-9][0-9]{0,3}", str(text)):
        raise ConfigError(
            f"--years-per-file '{text}' is not a number of years.",
            "Give a positive whole number, such as 10.",
        )
    return int(text)


def _one_of(flag: str, *known: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in known:
            raise ConfigError(
                f"{flag} '{text}' is none of {', '.join(known)}.",
                f"Give one of these, or leave out {flag}.",
            )
        return text.lower()

    return parse


def _each(parser: Callable[[str], Any], *names: str) -> dict[str, Any]:
    return {name: parser(f"--{name.replace('_', '-')}") for name in names}


_PARSERS: Mapping[str, Callable[[Any], Any]] = {
    **_each(_label, "experiment", "activity", "source_id", "institution_id"),
    **_each(_line, "institution", "contact", "license", "variant_info"),
    "variant": _variant,
    "levels": _one_of("--levels", *LEVEL_SETS),
    "tables": _one_of("--tables", "cmip6", "aimip"),
    "period": _period,
    "years_per_file": _years,
}
