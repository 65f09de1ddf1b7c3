"""Observations: measured values, their places, times and errors; what they may be."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.unit_conversion import GAS_CONSTANT
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.time_format import format_time

SURFACE = "surface_pressure", "mean_sea_level_pressure", "total_column_water_vapour"
OBSERVABLE = (
    *("temperature", "u_component_of_wind", "v_component_of_wind", "geopotential"),
    *("specific_humidity", *SURFACE),
)
"""Variables that may be observed; those at the surface have no pressure."""

_BOUNDS = {"latitude": (-90.0, 90.0), "longitude": (-180.0, 360.0)}
# The atmosphere at 250 K: within a fifth and 8000 m2 s-2 of every real geopotential.
_COLD, _SURFACE = 255.0, 1013.25  # K, hPa


@dataclasses.dataclass(frozen=True, eq=False)
class Observations:
    """Columns of observations, each (observation,).

    Attributes:
        time: datetime64[s], UTC.
        latitude: degrees.
        longitude: degrees, -180 to 360.
        pressure: hPa; NaN at the surface.
        variable: ERA5 names, all among `OBSERVABLE`.
        value: SI units.
        error: standard deviation of the error, positive, SI units.
        row: where each is in its file, for messages.
        source: name of the file, and of its rows: ``line`` or ``row``.
    """

    time: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    pressure: np.ndarray
    variable: np.ndarray
    value: np.ndarray
    error: np.ndarray
    row: np.ndarray
    source: tuple[str, str] = ("", "row")

    def __len__(self) -> int:
        return len(self.value)

    def select(self, chosen: np.ndarray) -> Self:
        """Return those that a mask or indices choose."""
        columns = {
            field.name: getattr(self, field.name)[chosen]
            for field in dataclasses.fields(self)
            if field.name != "source"
        }
        return dataclasses.replace(self, **columns)

    def within(self, start: np.datetime64, end: np.datetime64) -> Self:
        """Return those of a window, which includes both ends.

        Raises:
            InputDataError: there are none.
        """
        inside = (self.time >= start) & (self.time <= end)
        if not inside.any():
            raise InputDataError(
                f"None of the {len(self)} observations in {self.source[0]}, from "
                f"{format_time(self.time.min())} to {format_time(self.time.max())}, is "
                f"within the window from {format_time(start)} to {format_time(end)}.",
                "Give another --init, --window or --observations.",
            )
        return self.select(inside)

    def check_levels(self, levels: Sequence[float]) -> None:
        """Refuse pressures, hPa, above or below the levels of a model, top first.

        Raises:
            InputDataError: there is one.
        """
        outside = (self.pressure < levels[0]) | (self.pressure > levels[-1])
        self._refuse(
            outside,
            lambda i: (
                f"the pressure {self.pressure[i]:g} hPa is not within the model's "
                f"levels, {levels[0]:g} to {levels[-1]:g} hPa"
            ),
            "Leave such observations out.",
        )

    def check(self) -> None:
        """Refuse values that cannot be.

        Raises:
            InputDataError: there is one; the message names the first.
        """
        for name in ("time", "latitude", "longitude", "value", "error"):
            x = getattr(self, name)
            missing = np.isnat(x) if name == "time" else ~np.isfinite(x)
            self._refuse(
                missing, lambda i, n=name: f"{n} is missing", "Leave the row out."
            )
        for name, (low, high) in _BOUNDS.items():
            x = getattr(self, name)
            self._refuse(
                (x < low) | (x > high),
                lambda i, n=name, x=x, a=low, b=high: (
                    f"{n} {x[i]:g} is not from {a:g} to {b:g} degrees"
                ),
                "Correct it.",
            )
        self._refuse(
            self.error <= 0,
            lambda i: f"error {self.error[i]:g} is not positive",
            "Give the standard deviation of the observation's error.",
        )
        at_surface = np.isin(self.variable, SURFACE)
        self._refuse(
            ~at_surface & ~(self.pressure > 0),
            lambda i: f"{self.variable[i]} has no pressure",
            "Give the pressure of every variable that is not at the surface.",
        )
        for name in dict.fromkeys(self.variable.tolist()):
            self._check_magnitude(name)

    def _check_magnitude(self, name: str) -> None:
        of = self.variable == name
        (low, high), units = VARIABLES[name].valid_range, VARIABLES[name].units
        lowest, highest = np.full(len(self), low), np.full(len(self), high)
        if name == "geopotential":
            with np.errstate(divide="ignore", invalid="ignore"):
                usual = GAS_CONSTANT * _COLD * np.log(_SURFACE / self.pressure)
            margin = 0.2 * np.abs(usual) + 8000
            lowest, highest = usual - margin, usual + margin
        self._refuse(
            of & ((self.value < lowest) | (self.value > highest)),
            lambda i: (
                f"value {self.value[i]:g} of {name} is not from {lowest[i]:g} to "
                f"{highest[i]:g} {units}"
            ),
            f"Give {name} in {units}.",
        )
        self._refuse(
            of & (self.error > (high - low) / 2),
            lambda i: f"error {self.error[i]:g} {units} of {name} is no such error",
            f"Give it in {units}.",
        )

    def _refuse(self, wrong: np.ndarray, say: Any, hint: str) -> None:
        if wrong.any():
            i = int(np.argmax(wrong))
            file, row = self.source
            count = int(wrong.sum())
            more = f" So it is in {count} rows." if count > 1 else ""
            raise InputDataError(f"{file}, {row} {self.row[i]}: {say(i)}.{more}", hint)
