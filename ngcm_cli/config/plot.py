"""The settings of pictures."""

import re
from typing import Annotated, Any, ClassVar, Self

import pydantic

from ngcm_cli.config import values
from ngcm_cli.config.checked_settings import CheckedSettings
from ngcm_cli.config.values import closest
from ngcm_cli.errors import ConfigError

PICTURES = {
    "map": "a field in colour, with contours and wind",
    "spread": "mean and spread of an ensemble",
    "spaghetti": "a contour of every member of an ensemble",
    "meteogram": "forecasts at a place against time",
    "section": "zonal means against latitude and pressure",
    "hovmoller": "means of latitudes, or along a circle of latitude, against time",
    "series": "global or regional means against time",
    "spectra": "power against zonal wavenumber",
    "scores": "scores against lead time",
    "scorecard": "scores of a forecast against those of another",
    "tracks": "tracks of cyclones",
    "training": "loss of a training against updates",
    "animation": "maps of all lead times, as GIF or MP4",
}
"""Kinds of pictures, with what each of them shows."""

WIND = ("arrows", "barbs")
_NUMBER = r"[+-]?[0-9]{1,3}(?:\.[0-9]{0,6})?"


def _parse_what(value: Any) -> str:
    name = str(value).strip().lower()
    if name not in PICTURES:
        raise ConfigError(f"There is no picture '{value}'.", closest(name, PICTURES))
    return name


def _parse_files(value: Any) -> tuple[str, ...]:
    files = value if isinstance(value, list | tuple) else [value]
    if not all(str(file).strip() for file in files):
        raise ConfigError("The name of a file is empty.", "Leave it out.")
    return tuple(map(str, files))


def _parse_at(value: Any) -> tuple[float, float]:
    """Return the latitude and longitude of a place, degrees."""
    is_listed = isinstance(value, list | tuple)
    text = ",".join(map(str, value)) if is_listed else str(value)
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 2 and all(re.fullmatch(_NUMBER, part) for part in parts):
        latitude, longitude = map(float, parts)
        if abs(latitude) <= 90 and -180 <= longitude <= 360:
            return latitude, longitude
    raise ConfigError(
        f"'{text}' is not a place.",
        "Give LATITUDE,LONGITUDE in degrees, the latitude from -90 to 90 and the "
        "longitude from -180 to 360, such as 52.5,13.4.",
    )


def _parse_level(value: Any) -> float:
    text = re.sub(r"\s*(hpa|mb)$", "", str(value).strip().lower())
    if re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,6})?", text) and float(text) > 0:
        return float(text)
    raise ConfigError(
        f"'{value}' is not a pressure level.", "Give it in hPa, such as 850."
    )


def _parse_wind(value: Any) -> str | None:
    name = str(value).strip().lower()
    if name == "none":
        return None
    if name not in WIND:
        raise ConfigError(
            f"'{value}' is no way to draw wind.", closest(name, (*WIND, "none"))
        )
    return name


def _parse_size(value: Any) -> tuple[float, float]:
    """Return width and height in inches."""
    text = "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
    match = re.fullmatch(r"([0-9]{1,2}(?:\.[0-9]+)?)x([0-9]{1,2}(?:\.[0-9]+)?)", text)
    if match and all(1 <= float(x) <= 60 for x in match.groups()):
        return float(match[1]), float(match[2])
    raise ConfigError(
        f"'{value}' is not the size of a picture.",
        "Give width and height in inches, from 1 to 60, such as 9x5.",
    )


def _parse_dpi(value: Any) -> int:
    text = str(value).strip()
    if re.fullmatch("[0-9]{1,4}", text) and 20 <= int(text) <= 1200:
        return int(text)
    raise ConfigError(
        f"'{value}' is not a number of dots per inch.", "Give one from 20 to 1200."
    )


class PlotConfig(CheckedSettings):
    """The settings of ``ngcm plot``.

    Attributes:
        what: kind of picture; None is what the files suggest.
        files: what is drawn: fields, scores or tracks.
        variable: variables, such as ``t850``; None is what suits the picture.
        contours: variable of the contours of a map; ``none`` draws none.
        wind: how wind is drawn on a map: ``arrows`` or ``barbs``; None draws none.
        level: pressure level of variables that do not name theirs, hPa.
        lead: lead time; None is the last.
        time: valid time; of records None is the mean of all times.
        init: initial time; None is the first.
        member: number of a member; None is the mean of an ensemble.
        projection: of a map; None follows from the region.
        region: part of the globe: a name, or south:north,west:east.
        at: latitude and longitude of a place, or of the centre of the map, degrees.
        minus: file that is subtracted.
        metric: scores to draw.
        top: least pressure of a section, hPa.
        output: name of the picture; None makes one of the file and the kind.
        title: instead of that of the picture.
        size: width and height, inches; None suits the picture.
        dpi: dots per inch.
        overwrite: replace an existing picture.
        offline: whether the network is not used.
    """

    command: ClassVar[str] = "plot"

    what: Annotated[str, pydantic.BeforeValidator(_parse_what)] | None = None
    files: Annotated[tuple[str, ...], pydantic.BeforeValidator(_parse_files)] = ()
    variable: values.Names | None = None
    contours: values.Text | None = None
    wind: Annotated[str | None, pydantic.BeforeValidator(_parse_wind)] = None
    level: Annotated[float, pydantic.BeforeValidator(_parse_level)] | None = None
    lead: values.Duration | None = None
    time: values.Time | None = None
    init: values.Time | None = None
    member: values.Member | None = None
    projection: values.Text | None = None
    region: values.Text | None = None
    at: Annotated[tuple[float, float], pydantic.BeforeValidator(_parse_at)] | None = (
        None
    )
    minus: values.Text | None = None
    metric: values.Names | None = None
    top: Annotated[float, pydantic.BeforeValidator(_parse_level)] | None = None
    output: values.Path | None = None
    title: values.Text | None = None
    size: (
        Annotated[tuple[float, float], pydantic.BeforeValidator(_parse_size)] | None
    ) = None
    dpi: Annotated[int, pydantic.BeforeValidator(_parse_dpi)] = 150
    overwrite: values.Switch = False
    offline: values.Switch = False

    @pydantic.model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.files:
            raise ConfigError("No file is given.", "Name one: ngcm plot forecast.zarr.")
        if self.lead is not None and self.time is not None:
            raise ConfigError("lead and time are both given.", "Leave out one of them.")
        for name in ("variable", "metric"):
            if getattr(self, name) == ():
                raise ConfigError(f"{name} is empty.", "Name one, or leave it out.")
        return self
