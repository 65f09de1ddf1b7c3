"""The schema of a Zarr store: dimensions, coordinates, variables, CF attributes.

A `StoreSchema` describes a store before it exists: `lead_time_schema` that of forecasts
and ensembles, `time_series_schema` that of records along one time axis.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

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

Field = tuple[tuple[str, ...], tuple[int, ...], Mapping[str, Any]]
"""Dimensions and shape of one record of a variable, and its CF attributes."""

# Up to so many fields of a variable have files of their own, for programs that do not
# know shards. Otherwise a file holds this many bytes before compression, and more where
# there would be more files than that, up to what one chunk of Zarr 2 may have.
_SEPARATE = 128
_FILE_BYTES, _FILES, _LARGEST_FILE = 64 * 2**20, 500, 2**31 - 2**20
_HOUR, _SECOND = np.timedelta64(3600, "s"), np.timedelta64(1, "s")
_MEMBER = {
    "standard_name": "realization",
    "long_name": "Ensemble member",
    "units": "1",
}


@dataclasses.dataclass(frozen=True)
class Variable:
    """A float32 variable that is filled record by record; NaN until then.

    Attributes:
        dimensions: names of the dimensions.
        shape: their sizes.
        chunks: shape of what is compressed together.
        shards: shape of what one file holds: whole chunks, the last of which may reach
            beyond the variable.
        attributes: CF attributes.
    """

    dimensions: tuple[str, ...]
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    shards: tuple[int, ...]
    attributes: Mapping[str, Any]

    @property
    def nbytes(self) -> int:
        """Bytes without compression."""
        return 4 * math.prod(self.shape)

    @property
    def file_count(self) -> int:
        """Number of files that hold the values on a local disk."""
        return math.prod(
            math.ceil(size / shard)
            for size, shard in zip(self.shape, self.shards, strict=True)
        )


@dataclasses.dataclass(frozen=True)
class StoreSchema:
    """The schema of a store.

    Attributes:
        attributes: global attributes.
        coordinates: coordinates by name.
        variables: variables by name.
        record_dimensions: leading dimensions that address a record; a variable may lack
            some of them.
        records: number of records along time, the last record dimension.
        zarr_format: version of the format of the store, 3 or 2.
    """

    attributes: Mapping[str, Any]
    coordinates: Mapping[str, Coordinate]
    variables: Mapping[str, Variable]
    record_dimensions: tuple[str, ...]
    records: int
    zarr_format: Literal[2, 3] = 3

    @property
    def nbytes(self) -> int:
        """Bytes of all variables without compression."""
        return sum(variable.nbytes for variable in self.variables.values())

    @property
    def file_count(self) -> int:
        """Number of files of the store on a local disk."""
        values = sum(variable.file_count for variable in self.variables.values())
        arrays = len(self.variables) + len(self.coordinates)
        # Version 2 keeps attributes apart, and all metadata once more in one file.
        metadata = arrays + 1 if self.zarr_format == 3 else 2 * arrays + 3
        return values + len(self.coordinates) + metadata

    def in_format(self, zarr_format: int) -> Self:
        """Return the schema in a version of Zarr; in 2 a file is one chunk."""
        if zarr_format == 3:
            return self
        variables = {
            name: dataclasses.replace(variable, chunks=variable.shards)
            for name, variable in self.variables.items()
        }
        return dataclasses.replace(self, variables=variables, zarr_format=2)


def lead_time_schema(
    fields: FieldSelection,
    init_times: Sequence[np.datetime64],
    lead_times: np.ndarray,
    realizations: Sequence[int] | None,
    statistics: Sequence[str],
    keep_members: bool,
    attributes: Mapping[str, Any],
    ddof: int = 1,
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
        ddof: of the standard deviation over members.
    """
    since = np.array(init_times, "datetime64[s]") - EPOCH
    unit, clock = _clock(since, lead_times)
    init, lead = _count(since, unit), _count(lead_times, unit)
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
                "units": clock["units"].split()[0],
            },
        ),
        "valid_time": Coordinate(
            ("init_time", "lead_time"),
            init[:, None] + lead,
            {"standard_name": "time", "long_name": "Valid time", **clock},
        ),
    }
    axes = {"init_time": len(init), "lead_time": len(lead)}
    variables: dict[str, Variable] = {}
    for name in fields.variables:
        dimensions, shape, described = fields.describe(name)
        described = {**described, "coordinates": "valid_time"}
        if keep_members:
            field = dimensions, shape, described
            variables[name] = _variable(_with_members(realizations, axes), field)
        for statistic in statistics:
            own = _statistic_attributes(described, statistic, ddof)
            changed = {**described, **own}
            variables[statistic_name(name, statistic)] = _variable(
                axes, (dimensions, shape, changed)
            )
    return StoreSchema(
        {"Conventions": "CF-1.11", **attributes, **fields.grid.attributes},
        {**coordinates, **_realization(realizations), **fields.coordinates()},
        variables,
        tuple(_with_members(realizations, axes)),
        len(lead),
    )


def statistic_name(name: str, statistic: str) -> str:
    """Return the name of a statistic over members of a variable."""
    return f"{name}_{statistic}"


def time_series_schema(
    fields: Mapping[str, Field],
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
    unit, clock = _clock(times - EPOCH)
    described = {**COORDINATES["time"], **clock, "long_name": "Time"}
    time: dict[str, Coordinate] = {}
    if bounds is not None:
        described |= {"long_name": "Middle of the period", "bounds": "time_bnds"}
        values = _count(bounds - EPOCH, unit)
        time["time_bnds"] = Coordinate(("time", "bnds"), values, {})
    time["time"] = Coordinate(("time",), _count(times - EPOCH, unit), described)
    axes = _with_members(realizations, {"time": len(times)})
    return StoreSchema(
        {"Conventions": "CF-1.11", **attributes},
        {**time, **coordinates, **_realization(realizations)},
        {name: _variable(axes, field, chunk) for name, field in fields.items()},
        tuple(axes),
        len(times),
    )


def _with_members(
    realizations: Sequence[int] | None, axes: Mapping[str, int]
) -> dict[str, int]:
    """Return record dimensions and their sizes, after that of the members, if any."""
    members = {} if realizations is None else {"realization": len(realizations)}
    return {**members, **axes}


def _variable(axes: Mapping[str, int], field: Field, chunk: int = 1) -> Variable:
    """Return a variable of one field for each record along the axes."""
    dimensions, shape, attributes = field
    *others, count = axes.values()
    before, chunk = tuple(1 for _ in others), min(chunk, count)
    chunks = math.ceil(count / chunk)
    # Members may be added to one, too.
    has_several = "realization" in axes or math.prod(others) > 1
    shard = chunk
    if has_several or chunk > 1 or chunks > _SEPARATE:
        shard *= _chunks_in_file(chunk * math.prod(shape), chunks)
    return Variable(
        (*axes, *dimensions),
        (*others, count, *shape),
        (*before, chunk, *shape),
        (*before, shard, *shape),
        attributes,
    )


def _chunks_in_file(size: int, count: int) -> int:
    """Return how many chunks along time share a file.

    They depend on nothing that can change when a run is resumed or extended.

    Args:
        size: number of float32 values in a chunk.
        count: number of chunks along time.
    """
    wanted = max(_FILE_BYTES // (4 * size), math.ceil(count / _FILES), 1)
    return min(wanted, count, max(_LARGEST_FILE // (4 * size), 1))


def _realization(realizations: Sequence[int] | None) -> dict[str, Coordinate]:
    if realizations is None:
        return {}
    numbers = np.array(realizations, np.int64)
    return {"realization": Coordinate(("realization",), numbers, _MEMBER)}


def _statistic_attributes(
    described: Mapping[str, Any], statistic: str, ddof: int
) -> dict[str, Any]:
    """Return the CF attributes of a statistic that differ from those of a member."""
    if statistic in STATISTICS:
        title, method = STATISTICS[statistic]
        methods = f"{described.get('cell_methods', '')} realization: {method}".strip()
        if statistic == "std":
            less = f" minus {ddof}" if ddof else ""
            methods += f" (divided by the number of members{less})"
        changed: dict[str, Any] = {"cell_methods": methods}
    else:
        title, changed = f"Percentile {statistic[1:]}", {}
    changed["long_name"] = f"{title} over the ensemble of: {described['long_name']}"
    if statistic == "std" and "units_metadata" in described:
        changed["units_metadata"] = "temperature: difference"
    return changed


def _clock(*spans: np.ndarray) -> tuple[np.timedelta64, dict[str, str]]:
    """Return hours, or seconds if needed, and the attributes of times in them."""
    whole = not any((span % _HOUR).any() for span in spans)
    unit, name = (_HOUR, "hours") if whole else (_SECOND, "seconds")
    units = f"{name} since {EPOCH.astype('datetime64[D]')}"
    return unit, {"units": units, **CALENDAR}


def _count(spans: np.ndarray, unit: np.timedelta64) -> np.ndarray:
    return (spans // unit).astype(np.int64)
