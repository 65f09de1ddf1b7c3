"""The shape of a forecast on disk: dimensions, coordinates and CF attributes."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ngcm_cli.io.variables import VARIABLES
from ngcm_cli.spectral.grid import Grid

# An ensemble puts `realization` in front of these.
DIMENSIONS = ("init_time", "lead_time", "level", "latitude", "longitude")
EPOCH = np.datetime64("1970-01-01T00", "s")

_TIME = {
    "calendar": "proleptic_gregorian",
    "units_metadata": "leap_seconds: none",
}
_ATTRIBUTES: dict[str, dict[str, Any]] = {
    # No axis T here: the time of a forecast is its valid time.
    "init_time": {
        "standard_name": "forecast_reference_time",
        "long_name": "Initial time of the forecast",
        **_TIME,
    },
    # With a dtype attribute xarray decodes a duration without asking.
    "lead_time": {
        "standard_name": "forecast_period",
        "long_name": "Time since the initial time",
        "dtype": "timedelta64[ns]",
    },
    "valid_time": {"standard_name": "time", "long_name": "Valid time", **_TIME},
    "level": {
        "standard_name": "air_pressure",
        "long_name": "Pressure level",
        "units": "hPa",
        "positive": "down",
        "axis": "Z",
    },
    "latitude": {
        "standard_name": "latitude",
        "long_name": "Latitude",
        "units": "degrees_north",
        "axis": "Y",
    },
    "longitude": {
        "standard_name": "longitude",
        "long_name": "Longitude",
        "units": "degrees_east",
        "axis": "X",
    },
}


@dataclasses.dataclass(frozen=True)
class Coordinate:
    """A coordinate as it is stored: encoded values, attributes that decode them."""

    dimensions: tuple[str, ...]
    values: np.ndarray
    attributes: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Layout:
    """What a forecast's output holds, before any of it exists.

    Attributes:
        init: initial time.
        every: time between outputs.
        count: number of lead times, the initial one included.
        variables: names from `VARIABLES`, in the order of the output.
        levels: pressure levels in the output, in hPa, ascending.
        model_levels: pressure levels of the fields that will be appended.
        grid: horizontal grid of the fields.
        attributes: global attributes, provenance above all.
    """

    init: np.datetime64
    every: np.timedelta64
    count: int
    variables: Sequence[str]
    levels: Sequence[float]
    model_levels: Sequence[float]
    grid: Grid
    attributes: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def lead_times(self) -> np.ndarray:
        """Time since init of every output, timedelta64[s]."""
        return np.arange(self.count) * self.every.astype("timedelta64[s]")

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one variable, along `DIMENSIONS`."""
        return (1, self.count, *self.chunk[2:])

    @property
    def chunk(self) -> tuple[int, ...]:
        """One lead time with all its levels: what is written at once."""
        grid = self.grid
        return (1, 1, len(self.levels), grid.latitude_nodes, grid.longitude_nodes)

    @property
    def bytes_per_lead(self) -> int:
        """Uncompressed float32 size of one lead time."""
        return 4 * len(self.variables) * int(np.prod(self.chunk))

    def select(self, field: np.ndarray) -> np.ndarray:
        """From (model level, longitude, latitude) to the order on disk, as float32."""
        if len(self.levels) < len(self.model_levels):
            field = field[[list(self.model_levels).index(p) for p in self.levels]]
        return np.ascontiguousarray(np.swapaxes(field, -1, -2), dtype=np.float32)

    def coordinates(self) -> dict[str, Coordinate]:
        """Every coordinate, by name."""
        seconds = self.lead_times.astype(np.int64)
        since = int((self.init - EPOCH).astype("timedelta64[s]").astype(np.int64))
        whole_hours = not (since % 3600 or (seconds % 3600).any())
        unit, size = ("hours", 3600) if whole_hours else ("seconds", 1)
        lead, init = seconds // size, np.array([since // size])
        levels = np.asarray(self.levels, float)
        whole_levels = (levels == levels.astype(np.int64)).all()
        # Twelve decimals: 90 degrees is 90.0, so that a user can select it.
        latitude = np.rad2deg(self.grid.latitude).round(12)
        longitude = np.rad2deg(self.grid.longitude).round(12)
        clock = {"units": f"{unit} since {EPOCH.astype('datetime64[D]')}"}
        encoded = {
            "init_time": (("init_time",), init, clock),
            "lead_time": (("lead_time",), lead, {"units": unit}),
            "valid_time": (("init_time", "lead_time"), init[:, None] + lead, clock),
            "level": (("level",), levels.astype(int) if whole_levels else levels, {}),
            "latitude": (("latitude",), latitude, {}),
            "longitude": (("longitude",), longitude, {}),
        }
        return {
            name: Coordinate(dimensions, values, {**_ATTRIBUTES[name], **extra})
            for name, (dimensions, values, extra) in encoded.items()
        }

    def variable_attributes(self, name: str) -> dict[str, Any]:
        """CF attributes of one variable."""
        variable = VARIABLES[name]
        attributes = {
            "standard_name": variable.standard_name,
            "long_name": variable.long_name,
            "units": variable.units,
            "coordinates": "valid_time",
        }
        if variable.units == "K":
            attributes["units_metadata"] = "temperature: on_scale"
        return attributes

    def global_attributes(self) -> dict[str, Any]:
        """Conventions and grid, with the run's own attributes."""
        grid = self.grid
        return {
            "Conventions": "CF-1.11",
            **self.attributes,
            "longitude_wavenumbers": grid.longitude_wavenumbers,
            "total_wavenumbers": grid.total_wavenumbers,
            "longitude_nodes": grid.longitude_nodes,
            "latitude_nodes": grid.latitude_nodes,
            "latitude_spacing": "gauss",
        }
