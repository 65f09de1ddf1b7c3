"""The settings of cyclone tracks."""

import dataclasses
import shlex
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import pydantic

from ngcm_cli.config import values
from ngcm_cli.config.checked_settings import CheckedSettings
from ngcm_cli.config.cyclone_criteria import PRESETS, CycloneCriteria
from ngcm_cli.config.quantities import quantity_parser
from ngcm_cli.errors import ConfigError
from ngcm_cli.time_format import format_duration

_DEGREES = {"deg": 1.0, "degree": 1.0, "degrees": 1.0, "°": 1.0}
_NETCDF, _TEMPEST = "netcdf", "tempest"
_FORMATS = {".nc": _NETCDF, ".nc4": _NETCDF, ".txt": _TEMPEST, ".dat": _TEMPEST}
_WIND_SOURCES = ("10m", "lowest")


def _quantity(*described: Any, none: float | None = None) -> Any:
    return pydantic.BeforeValidator(quantity_parser(*described, none=none))


def _wind_level(value: Any) -> str:
    """Return ``10m``, ``lowest`` or a pressure in hPa as a plain number."""
    text = str(value).strip().lower().removesuffix("hpa").strip()
    if text in _WIND_SOURCES:
        return text
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 1100):
        raise ConfigError(
            f"'{value}' is no level of wind.",
            "Give 10m, lowest for the lowest model level, or a pressure in hPa, such "
            "as 850.",
        )
    return str(int(text))


_Distance = Annotated[float, _quantity("a distance", _DEGREES, (0.01, 90.0), "5.5deg")]
_Pressure = Annotated[
    float,
    _quantity("a pressure difference", {"pa": 1.0, "hpa": 100.0}, (1.0, 1e4), "200Pa"),
]
_Vorticity = Annotated[
    float,
    _quantity(
        "a vorticity difference",
        {"s-1": 1.0, "1/s": 1.0, "/s": 1.0},
        (1e-7, 1e-2),
        "6e-5",
    ),
]
_Thickness = Annotated[
    float,
    _quantity(
        "a fall of thickness",
        {"m2 s-2": 1.0, "m2s-2": 1.0, "m2/s2": 1.0, "m": 9.80616, "gpm": 9.80616},
        (0.1, 1e4),
        "58.8, in m2 s-2, or as 6m",
        none=0.0,
    ),
]
_Wind = Annotated[
    float,
    _quantity(
        "a wind speed", {"m/s": 1.0, "m s-1": 1.0}, (0.1, 100.0), "10m/s", none=0.0
    ),
]
_Latitude = Annotated[
    float, _quantity("a latitude", _DEGREES, (1.0, 90.0), "50deg", none=90.0)
]
_Height = Annotated[
    float,
    _quantity(
        "a height", {"m": 1.0, "km": 1000.0}, (0.0, 1e4), "150m", none=float("inf")
    ),
]
_Kilometres = Annotated[
    float, _quantity("a distance", {"km": 1.0, "m": 1e-3}, (1.0, 5000.0), "120km")
]


class TracksConfig(CheckedSettings):
    """The settings of ``ngcm tracks``.

    Those that `CycloneCriteria` has replace its value in the preset.

    Attributes:
        preset: name of a set of criteria; None is the first, or the second if the data
            lack mean sea-level pressure.
        wind_level: ``10m``, ``lowest`` for the lowest model level, or a pressure in
            hPa; None is the first of them that the data have.
        output: path of the tracks; None makes a name of that of the data.
        format: ``netcdf`` or ``tempest``; None is that of the name.
        overwrite: whether the output may exist.
        best_track: CSV file of observed storms.
        match_distance: largest distance in km between the first common points of a
            track and a storm.
        strike_radius: distance in km within which a track strikes a point; None
            computes no strike probability.
        strike_grid: spacing of the points in degrees.
        offline: whether the network is not used.
    """

    command: ClassVar[str] = "tracks"

    preset: Annotated[str, values.one_of(*PRESETS)] | None = None
    search: Annotated[str, values.one_of("pressure", "vorticity")] | None = None
    pressure_rise: _Pressure | None = None
    vorticity_fall: _Vorticity | None = None
    contour_radius: _Distance | None = None
    thickness_fall: _Thickness | None = None
    thickness_radius: _Distance | None = None
    thickness_search: _Distance | None = None
    merge_distance: _Distance | None = None
    wind_radius: _Distance | None = None
    reference_step: values.Duration | None = None
    max_displacement: _Distance | None = None
    max_gap: values.Duration | None = None
    min_duration: values.Duration | None = None
    min_points: values.Count | None = None
    min_wind: _Wind | None = None
    max_latitude: _Latitude | None = None
    max_surface_height: _Height | None = None
    wind_level: Annotated[str, pydantic.BeforeValidator(_wind_level)] | None = None
    output: values.Path | None = None
    format: Annotated[str, values.one_of(_NETCDF, _TEMPEST)] | None = None
    overwrite: values.Switch = False
    best_track: values.Path | None = None
    match_distance: _Kilometres = 500.0
    strike_radius: _Kilometres | None = None
    strike_grid: values.Spacing = 1
    offline: values.Switch = False

    _given: dict[str, Any] = {}

    def __init__(self, **settings: Any):
        super().__init__(**settings)
        self._given = {name: x for name, x in settings.items() if x is not None}

    @pydantic.model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in ("reference_step", "max_gap"):
            value = getattr(self, name)
            if value is not None and value <= np.timedelta64(0, "s"):
                raise ConfigError(f"{name} is zero.", "Give a longer time, such as 6h.")
        if self.output is not None and self.format is None:
            suffix = self.output.suffix.lower()
            if suffix not in _FORMATS:
                raise ConfigError(
                    f"The name {self.output} does not say the format.",
                    "End it with .nc for NetCDF or .txt for TempestExtremes' text, or "
                    "give --format.",
                )
        if self.strike_radius is not None and self.strike_grid is None:
            raise ConfigError(
                "strike_grid: 'native' is no spacing.", "Give one, such as 1."
            )
        return self

    @property
    def output_format(self) -> str:
        """Format of the output, ``netcdf`` or ``tempest``."""
        if self.format is not None:
            return self.format
        return _NETCDF if self.output is None else _FORMATS[self.output.suffix.lower()]

    def command_line(self, data: Sequence[str]) -> str:
        """Return the command line that searches data with these settings."""
        words = ["ngcm", self.command, *data]
        for name, value in self._given.items():
            flag = f"--{name.replace('_', '-')}"
            if getattr(self, name) is True:
                words.append(flag)
            elif getattr(self, name) is not False:
                words += [flag, str(value)]
        return shlex.join(words)

    def criteria(self, preset: str | None = None) -> CycloneCriteria:
        """Return the criteria of the preset, with the settings that replace them.

        Args:
            preset: name that is used where none is set.
        """
        name = self.preset or preset or next(iter(PRESETS))
        fields = {field.name for field in dataclasses.fields(CycloneCriteria)}
        given = {
            name: value
            for name in fields & set(type(self).model_fields)
            if (value := getattr(self, name)) is not None
        }
        return dataclasses.replace(PRESETS[name], **given)


def describe_criteria(criteria: CycloneCriteria) -> str:
    """Return criteria as ``name: value`` pairs, separated by semicolons."""
    pairs = (
        (name, format_duration(x) if isinstance(x, np.timedelta64) else x)
        for name, x in dataclasses.asdict(criteria).items()
    )
    return "; ".join(
        f"{name}: {value:g}" if isinstance(value, float) else f"{name}: {value}"
        for name, value in pairs
    )
