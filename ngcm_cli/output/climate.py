"""What a long run leaves: means, their zonal means, instants, and global means by day.

Every store has a ``time``; that of a mean is the middle of its period, whose ends are
in ``time_bnds``. Days and months are those of the Gregorian calendar in UTC; the first
and the last may be cut by the ends of the run, as their bounds say.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ngcm_cli.diagnostics import GLOBAL_MEANS
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.output.grid import OutputGrid
from ngcm_cli.output.layout import (
    ATTRIBUTES,
    CALENDAR,
    EPOCH,
    Coordinate,
    arrange,
    describe,
    level_values,
)
from ngcm_cli.output.records import Records

FREQUENCIES = {"monthly": "mon", "daily": "day"}
_UNITS = {"monthly": "M", "daily": "D"}
_ZONAL_CHUNK, _GLOBAL_CHUNK = 12, 366  # records: small ones share a file
_HORIZONTAL = "latitude", "longitude"
_HOUR, _SECOND = np.timedelta64(3600, "s"), np.timedelta64(1, "s")
_Fields = Mapping[str, tuple[tuple[str, ...], Mapping[str, Any]]]

GLOBAL: Mapping[str, tuple[tuple[str, ...], str, Mapping[str, Any]]] = {
    series.name: (series.dimensions, series.statistic, series.attributes())
    for series in GLOBAL_MEANS.values()
}
"""Of the global series: dimensions after time, how a day is made of its instants and
of the sphere, and attributes."""


def periods(kind: str, start: np.datetime64, end: np.datetime64) -> np.ndarray:
    """The days or months of a run, cut by its ends.

    Args:
        kind: one of `config.values.MEANS`.
        start: of the run.
        end: of the run, later than the start.

    Returns:
        Their ends, (period, 2) datetime64[s].
    """
    unit = _UNITS[kind]
    first = start.astype(f"datetime64[{unit}]")
    last = (end - np.timedelta64(1, "s")).astype(f"datetime64[{unit}]")
    edges = np.arange(first, last + 2).astype("datetime64[s]")
    edges[0], edges[-1] = start, end
    return np.stack([edges[:-1], edges[1:]], axis=1)


@dataclasses.dataclass(frozen=True)
class Climate:
    """What is written of the runs from one start.

    Attributes:
        start: of the runs.
        end: of the runs.
        sample: time between the instants that means are made of.
        variables: names from `VARIABLES`.
        fluxes: those of them whose means are of everything that passed, not of
            instants.
        levels: pressure levels on disk, hPa, ascending.
        model_levels: pressure levels of the fields that come.
        sigma: centres of the model's levels.
        grid: horizontal grid on disk, which knows the way there from the model's.
        realizations: numbers of the runs; one run has no such dimension.
        attributes: global attributes, provenance above all.
    """

    start: np.datetime64
    end: np.datetime64
    sample: np.timedelta64
    variables: tuple[str, ...]
    fluxes: tuple[str, ...]
    levels: Sequence[float]
    model_levels: Sequence[float]
    sigma: np.ndarray
    grid: OutputGrid
    realizations: tuple[int, ...]
    attributes: Mapping[str, Any]

    def means(self, kind: str) -> Records:
        """Means over days or months."""
        fields = self._fields(_HORIZONTAL, f"time: mean ({self._interval})")
        return self._records(kind, fields, ("level", *_HORIZONTAL), 1)

    def zonal(self, kind: str) -> Records:
        """Zonal means of the means."""
        words = f"time: mean ({self._interval}) longitude: mean"
        fields = self._fields(("latitude",), words)
        return self._records(kind, fields, ("level", "latitude"), _ZONAL_CHUNK)

    def global_means(self) -> Records:
        """Global means and extremes of every day."""
        fields = {
            name: (
                dimensions,
                {
                    **attributes,
                    "cell_methods": f"area: {how} time: {how} ({self._interval})",
                },
            )
            for name, (dimensions, how, attributes) in GLOBAL.items()
        }
        return self._records("daily", fields, ("sigma",), _GLOBAL_CHUNK)

    def instants(self, every: np.timedelta64) -> Records:
        """Fields at single times, the start included and the end not."""
        times = np.arange(self.start, self.end, every)
        fields = self._fields(_HORIZONTAL, "time: point")
        coordinates = {
            "time": _time(times, long_name="Time"),
            **self._places(("level", *_HORIZONTAL)),
        }
        frequency = f"{every / np.timedelta64(1, 'h'):g}hr"
        return self._whole(coordinates, fields, frequency, len(times), 1)

    def select(self, name: str, field: np.ndarray) -> np.ndarray:
        """From the model's levels, grid and order to those on disk.

        Args:
            name: of the variable.
            field: (level, longitude, latitude), with one level at the surface.
        """
        return arrange(name, field, self.levels, self.model_levels, self.grid)

    @property
    def _interval(self) -> str:
        hours = self.sample / np.timedelta64(1, "h")
        return f"interval: {hours:g} hour{'' if hours == 1 else 's'}"

    def _fields(self, horizontal: tuple[str, ...], cell_methods: str) -> _Fields:
        of_fluxes = cell_methods.replace(f" ({self._interval})", "")
        return {
            name: (
                (*(("level",) if VARIABLES[name].on_levels else ()), *horizontal),
                {
                    **describe(name),
                    "cell_methods": of_fluxes if name in self.fluxes else cell_methods,
                },
            )
            for name in self.variables
        }

    def _records(
        self, kind: str, fields: _Fields, places: tuple[str, ...], chunk: int
    ) -> Records:
        bounds = periods(kind, self.start, self.end)
        middle = bounds[:, 0] + (bounds[:, 1] - bounds[:, 0]) // 2
        words = {"long_name": "Middle of the period", "bounds": "time_bnds"}
        coordinates = {
            "time": _time(middle, **words),
            "time_bnds": Coordinate(("time", "bnds"), _since(bounds, _HOUR), {}),
            **self._places(places),
        }
        frequency = FREQUENCIES[kind]
        return self._whole(coordinates, fields, frequency, len(bounds), chunk)

    def _whole(
        self,
        coordinates: Mapping[str, Coordinate],
        fields: _Fields,
        frequency: str,
        count: int,
        chunk: int,
    ) -> Records:
        several = len(self.realizations) > 1
        grid = self.grid.attributes if "latitude" in coordinates else {}
        return Records(
            count=count,
            coordinates=coordinates,
            fields=fields,
            attributes={
                "Conventions": "CF-1.11",
                **self.attributes,
                **grid,
                "frequency": frequency,
                "status": "running",
                "completed_records": 0,
            },
            realizations=len(self.realizations) if several else None,
            chunk=chunk,
        )

    def _places(self, names: tuple[str, ...]) -> dict[str, Coordinate]:
        values = {
            "level": level_values(self.levels),
            "sigma": np.asarray(self.sigma, np.float64),
            "latitude": self.grid.latitude,
            "longitude": self.grid.longitude,
        }
        on_levels = any(VARIABLES[name].on_levels for name in self.variables)
        coordinates = {
            name: Coordinate((name,), values[name], {**_PLACES, **ATTRIBUTES}[name])
            for name in names
            if name != "level" or on_levels
        }
        if len(self.realizations) > 1:
            numbers = np.array(self.realizations, np.int64)
            coordinates["realization"] = Coordinate(
                ("realization",), numbers, _PLACES["realization"]
            )
        return coordinates


_PLACES: dict[str, dict[str, Any]] = {
    "sigma": {
        "long_name": "Pressure over surface pressure",
        "units": "1",
        "positive": "down",
        "axis": "Z",
    },
    "realization": {
        "standard_name": "realization",
        "long_name": "Number of the run",
        "units": "1",
    },
}


def _time(times: np.ndarray, **words: str) -> Coordinate:
    """In whole hours; instants may be closer, and are in seconds then."""
    whole = not ((times - EPOCH) % _HOUR).any()
    unit, name = (_HOUR, "hours") if whole else (_SECOND, "seconds")
    attributes = {
        "standard_name": "time",
        "units": f"{name} since {EPOCH.astype('datetime64[D]')}",
        "axis": "T",
        **CALENDAR,
        **words,
    }
    return Coordinate(("time",), _since(times, unit), attributes)


def _since(times: np.ndarray, unit: np.timedelta64) -> np.ndarray:
    return ((times - EPOCH) // unit).astype(np.int64)
