"""The schema of a Zarr store: dimensions, coordinates, variables, CF attributes.

Every store of every kind of run is described by a `StoreSchema` before any of it
exists. `lead_time_schema` is that of forecasts and ensembles, `time_series_schema` that
of records along one time axis.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ngcm_cli.output.field_selection import COORDINATES, Coordinate, FieldSelection

EPOCH = np.datetime64("1970-01-01T00", "s")
CALENDAR = {
    "calendar": "proleptic_gregorian",
    "units_metadata": "leap_seconds: none",
}
STATISTICS = {
    "mean": ("Mean", "mean"),
    "std": ("Standard deviation", "standard_deviation"),
    "min": ("Minimum", "minimum"),
    "max": ("Maximum", "maximum"),
}
"""Statistics over members: long name and CF cell method; percentiles have no method."""

_HOUR, _SECOND = np.timedelta64(3600, "s"), np.timedelta64(1, "s")
_MEMBER = {
    "standard_name": "realization",
    "long_name": "Ensemble member",
    "units": "1",
}


@dataclasses.dataclass(frozen=True)
class Variable:
    """A float32 variable that is filled chunk by chunk; NaN until then."""

    dimensions: tuple[str, ...]
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    attributes: Mapping[str, Any]

    @property
    def nbytes(self) -> int:
        """Bytes without compression."""
        return 4 * math.prod(self.shape)

    @property
    def chunk_count(self) -> int:
        """Number of chunks, each one file on a local disk."""
        return math.prod(
            math.ceil(size / chunk)
            for size, chunk in zip(self.shape, self.chunks, strict=True)
        )


@dataclasses.dataclass(frozen=True)
class StoreSchema:
    """The schema of a store, known before the store exists.

    Attributes:
        attributes: global attributes.
        coordinates: coordinates by name.
        variables: variables by name.
        record_dimensions: leading dimensions that address a record; a variable may lack
            some of them.
        records: number of records along time, the last record dimension.
    """

    attributes: Mapping[str, Any]
    coordinates: Mapping[str, Coordinate]
    variables: Mapping[str, Variable]
    record_dimensions: tuple[str, ...]
    records: int

    @property
    def nbytes(self) -> int:
        """Bytes of all variables without compression."""
        return sum(variable.nbytes for variable in self.variables.values())

    @property
    def chunk_count(self) -> int:
        """Number of chunks of all variables."""
        return sum(variable.chunk_count for variable in self.variables.values())


def lead_time_schema(
    fields: FieldSelection,
    init_times: Sequence[np.datetime64],
    lead_times: np.ndarray,
    realizations: Sequence[int] | None,
    statistics: Sequence[str],
    keep_members: bool,
    attributes: Mapping[str, Any],
) -> StoreSchema:
    """Return the schema of forecasts: ``[realization,] init_time, lead_time, ...``.

    Args:
        fields: fields that are written at every lead time.
        init_times: initial times, datetime64[s].
        lead_times: lead times, timedelta64[s], with that of the initial state.
        realizations: numbers of the members; None is one forecast without the dimension
            ``realization``.
        statistics: statistics over the members, names of `STATISTICS` or percentiles
            such as ``p10``.
        keep_members: whether the members themselves are written.
        attributes: global attributes.
    """
    seconds = np.asarray(lead_times).astype(np.int64)
    since = np.array(init_times, "datetime64[s]").astype(np.int64)
    whole_hours = not ((since % 3600).any() or (seconds % 3600).any())
    unit, size = ("hours", 3600) if whole_hours else ("seconds", 1)
    lead, init = seconds // size, since // size
    clock = {"units": f"{unit} since {EPOCH.astype('datetime64[D]')}", **CALENDAR}
    coordinates = {
        # No axis T here: the time of a forecast is its valid time.
        "init_time": Coordinate(
            ("init_time",),
            init,
            {
                "standard_name": "forecast_reference_time",
                "long_name": "Initial time of the forecast",
                **clock,
            },
        ),
        "lead_time": Coordinate(
            ("lead_time",),
            lead,
            {
                "standard_name": "forecast_period",
                "long_name": "Time since the initial time",
                # With this attribute xarray decodes a duration without a warning.
                "dtype": "timedelta64[ns]",
                "units": unit,
            },
        ),
        "valid_time": Coordinate(
            ("init_time", "lead_time"),
            init[:, None] + lead,
            {"standard_name": "time", "long_name": "Valid time", **clock},
        ),
        **_realization(realizations),
        **fields.coordinates(),
    }
    leading = ("init_time", "lead_time")
    shape = (len(init_times), len(lead_times))
    members = () if realizations is None else ("realization",)
    sizes = () if realizations is None else (len(realizations),)
    variables: dict[str, Variable] = {}
    for name in fields.variables:
        dimensions, field = fields.dimensions(name), fields.shape(name)
        described = {**fields.attributes(name), "coordinates": "valid_time"}
        if keep_members:
            variables[name] = Variable(
                (*members, *leading, *dimensions),
                (*sizes, *shape, *field),
                (*(1 for _ in sizes), 1, 1, *field),
                described,
            )
        for statistic in statistics:
            variables[statistic_name(name, statistic)] = Variable(
                (*leading, *dimensions),
                (*shape, *field),
                (1, 1, *field),
                described | _statistic_attributes(described, statistic),
            )
    return StoreSchema(
        {"Conventions": "CF-1.11", **attributes, **fields.grid.attributes},
        coordinates,
        variables,
        (*members, *leading),
        len(lead_times),
    )


def statistic_name(name: str, statistic: str) -> str:
    """Return the name of a statistic over members of a variable."""
    return f"{name}_{statistic}"


def time_series_schema(
    fields: Mapping[str, tuple[tuple[str, ...], tuple[int, ...], Mapping[str, Any]]],
    coordinates: Mapping[str, Coordinate],
    times: np.ndarray,
    bounds: np.ndarray | None,
    realizations: Sequence[int] | None,
    chunk: int,
    attributes: Mapping[str, Any],
) -> StoreSchema:
    """Return the schema of records along time: ``[realization,] time, ...``.

    Args:
        fields: dimensions and shape after ``time``, and attributes, by name.
        coordinates: coordinates of these dimensions.
        times: times of the records, datetime64[s].
        bounds: bounds of their periods, (record, 2) datetime64[s]; None for
            instantaneous records.
        realizations: numbers of the members; None leaves out the dimension.
        chunk: number of records in a chunk.
        attributes: global attributes, with those of the grid.
    """
    count = len(times)
    time: dict[str, Coordinate] = {
        "time": _time(
            times,
            {"long_name": "Time"}
            if bounds is None
            else {"long_name": "Middle of the period", "bounds": "time_bnds"},
        )
    }
    if bounds is not None:
        time["time_bnds"] = Coordinate(("time", "bnds"), _since(bounds, _HOUR), {})
    members = () if realizations is None else ("realization",)
    sizes = () if realizations is None else (len(realizations),)
    return StoreSchema(
        {"Conventions": "CF-1.11", **attributes},
        {**time, **coordinates, **_realization(realizations)},
        {
            name: Variable(
                (*members, "time", *dimensions),
                (*sizes, count, *shape),
                (*(1 for _ in sizes), min(chunk, count), *shape),
                described,
            )
            for name, (dimensions, shape, described) in fields.items()
        },
        (*members, "time"),
        count,
    )


def _realization(realizations: Sequence[int] | None) -> dict[str, Coordinate]:
    if realizations is None:
        return {}
    numbers = np.array(realizations, np.int64)
    return {"realization": Coordinate(("realization",), numbers, _MEMBER)}


def _statistic_attributes(
    described: Mapping[str, Any], statistic: str
) -> dict[str, Any]:
    """Return the CF attributes of a statistic that differ from those of a member."""
    if statistic in STATISTICS:
        title, method = STATISTICS[statistic]
        methods = f"{described.get('cell_methods', '')} realization: {method}".strip()
        changed: dict[str, Any] = {"cell_methods": methods}
    else:
        title, changed = f"Percentile {statistic[1:]}", {}
    changed["long_name"] = f"{title} over the ensemble of: {described['long_name']}"
    if statistic == "std" and "units_metadata" in described:
        changed["units_metadata"] = "temperature: difference"
    return changed


def _time(times: np.ndarray, described: Mapping[str, Any]) -> Coordinate:
    """Return a time axis in whole hours, or in seconds where records are closer."""
    whole = not ((times - EPOCH) % _HOUR).any()
    unit, name = (_HOUR, "hours") if whole else (_SECOND, "seconds")
    attributes = {
        **COORDINATES["time"],
        "units": f"{name} since {EPOCH.astype('datetime64[D]')}",
        **CALENDAR,
        **described,
    }
    return Coordinate(("time",), _since(times, unit), attributes)


def _since(times: np.ndarray, unit: np.timedelta64) -> np.ndarray:
    return ((times - EPOCH) // unit).astype(np.int64)
