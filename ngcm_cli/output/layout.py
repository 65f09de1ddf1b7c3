"""The shape of a forecast on disk: dimensions, coordinates and CF attributes."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.output.grid import OutputGrid

# Of fields on levels; those at the surface are without `level`. Members of an ensemble
# have `realization` in front of these.
DIMENSIONS = ("init_time", "lead_time", "level", "latitude", "longitude")
EPOCH = np.datetime64("1970-01-01T00", "s")

CALENDAR = {
    "calendar": "proleptic_gregorian",
    "units_metadata": "leap_seconds: none",
}
ATTRIBUTES: dict[str, dict[str, Any]] = {
    # No axis T here: the time of a forecast is its valid time.
    "init_time": {
        "standard_name": "forecast_reference_time",
        "long_name": "Initial time of the forecast",
        **CALENDAR,
    },
    # With a dtype attribute xarray decodes a duration without asking.
    "lead_time": {
        "standard_name": "forecast_period",
        "long_name": "Time since the initial time",
        "dtype": "timedelta64[ns]",
    },
    "valid_time": {"standard_name": "time", "long_name": "Valid time", **CALENDAR},
    "level": {
        "standard_name": "air_pressure",
        "long_name": "Pressure level",
        "units": "hPa",
        "positive": "down",
        "axis": "Z",
    },
    "realization": {
        "standard_name": "realization",
        "long_name": "Member of the ensemble",
        "units": "1",
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


def describe(name: str) -> dict[str, Any]:
    """CF attributes of a variable in `VARIABLES`, wherever it is written."""
    variable = VARIABLES[name]
    attributes = {
        "standard_name": variable.standard_name,
        "long_name": variable.long_name,
        "units": variable.units,
        "cell_methods": variable.cell_methods,
    }
    if variable.units == "K":
        attributes["units_metadata"] = "temperature: on_scale"
    return {name: text for name, text in attributes.items() if text}


def level_values(levels: Sequence[float]) -> np.ndarray:
    """Pressure levels as they are stored: whole numbers where they all are."""
    values = np.asarray(levels, float)
    whole = values.astype(np.int64)
    return whole if (values == whole).all() else values


def arrange(
    name: str,
    field: np.ndarray,
    levels: Sequence[float],
    model_levels: Sequence[float],
    grid: OutputGrid,
) -> np.ndarray:
    """From the model's levels, grid and order to those on disk, as float32.

    Args:
        name: of the variable.
        field: (…, model level, longitude, latitude), at the surface with one level.
        levels: wanted, hPa.
        model_levels: of the field, hPa.
        grid: on disk, which knows the way there from the model's.

    Returns:
        (…, [level,] latitude, longitude).
    """
    if not VARIABLES[name].on_levels:
        field = field[..., 0, :, :]
    elif len(levels) < len(model_levels):
        chosen = [list(model_levels).index(p) for p in levels]
        field = field[..., chosen, :, :]
    return np.ascontiguousarray(np.swapaxes(grid.regrid(field), -1, -2), np.float32)


@dataclasses.dataclass(frozen=True)
class Layout:
    """What a forecast's output holds, before any of it exists.

    Attributes:
        init: initial time.
        every: time between outputs.
        count: number of lead times, the initial one included.
        variables: names from `VARIABLES`, in the order of the output.
        levels: pressure levels in the output, in hPa, ascending; of no account where
            every variable is at the surface.
        model_levels: pressure levels of the fields that will be appended.
        grid: horizontal grid on disk, which knows the way there from the model's.
        attributes: global attributes, provenance above all.
    """

    init: np.datetime64
    every: np.timedelta64
    count: int
    variables: Sequence[str]
    levels: Sequence[float]
    model_levels: Sequence[float]
    grid: OutputGrid
    attributes: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def inits(self) -> tuple[np.datetime64, ...]:
        """Initial times in the output."""
        return (self.init,)

    @property
    def lead_times(self) -> np.ndarray:
        """Time since init of every output, timedelta64[s]."""
        return np.arange(self.count) * self.every.astype("timedelta64[s]")

    @property
    def has_levels(self) -> bool:
        """Whether any variable is on pressure levels."""
        return any(VARIABLES[name].on_levels for name in self.variables)

    def dimensions(self, name: str) -> tuple[str, ...]:
        """Of one variable: `DIMENSIONS`, or these without ``level``."""
        on_levels = VARIABLES[name].on_levels
        return tuple(d for d in DIMENSIONS if on_levels or d != "level")

    def shape(self, name: str) -> tuple[int, ...]:
        """Of one variable, along its `dimensions`."""
        return (1, self.count, *self.chunk(name)[2:])

    def chunk(self, name: str) -> tuple[int, ...]:
        """One lead time of a variable with all its levels: what is written at once."""
        levels = (len(self.levels),) if VARIABLES[name].on_levels else ()
        return (1, 1, *levels, len(self.grid.latitude), len(self.grid.longitude))

    @property
    def bytes_per_lead(self) -> int:
        """Uncompressed float32 size of one lead time of all variables."""
        return 4 * sum(math.prod(self.chunk(name)) for name in self.variables)

    def select(self, name: str, field: np.ndarray) -> np.ndarray:
        """As `arrange` does it.

        Args:
            name: of the variable.
            field: (…, model level, longitude, latitude), at the surface with one level.
        """
        return arrange(name, field, self.levels, self.model_levels, self.grid)

    def coordinates(self) -> dict[str, Coordinate]:
        """Every coordinate, by name."""
        seconds = self.lead_times.astype(np.int64)
        since = np.array(self.inits, "datetime64[s]").astype(np.int64)
        whole_hours = not ((since % 3600).any() or (seconds % 3600).any())
        unit, size = ("hours", 3600) if whole_hours else ("seconds", 1)
        lead, init = seconds // size, since // size
        clock = {"units": f"{unit} since {EPOCH.astype('datetime64[D]')}"}
        encoded = {
            "init_time": (("init_time",), init, clock),
            "lead_time": (("lead_time",), lead, {"units": unit}),
            "valid_time": (("init_time", "lead_time"), init[:, None] + lead, clock),
            "level": (("level",), level_values(self.levels), {}),
            "latitude": (("latitude",), self.grid.latitude, {}),
            "longitude": (("longitude",), self.grid.longitude, {}),
        }
        return {
            name: Coordinate(dimensions, values, {**ATTRIBUTES[name], **extra})
            for name, (dimensions, values, extra) in encoded.items()
            if name != "level" or self.has_levels
        }

    def variable_attributes(self, name: str) -> dict[str, Any]:
        """CF attributes of one variable."""
        return {**describe(name), "coordinates": "valid_time"}

    def global_attributes(self) -> dict[str, Any]:
        """Conventions and grid, with the run's own attributes."""
        return {
            "Conventions": "CF-1.11",
            **self.attributes,
            **self.grid.attributes,
        }
