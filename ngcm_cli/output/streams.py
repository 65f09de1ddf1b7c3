"""Output streams: the stores that a run writes, and what each of them holds.

A stream is a set of fields, a reduction in time (none, or means over days or months)
and in space (none, zonal means, global series), with the schema of its store. The time
of a mean is the middle of its period, whose ends are in ``time_bnds``. Days and months
are those of the Gregorian calendar in UTC; the first and the last may be cut by the
ends of the run, as their bounds say.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from ngcm_cli.output.field_selection import COORDINATES, Coordinate, FieldSelection
from ngcm_cli.output.schema import StoreSchema, lead_time_schema, time_series_schema

Kind = Literal["lead_time", "instantaneous", "daily", "monthly", "global"]
FREQUENCIES = {"monthly": "mon", "daily": "day"}
GlobalSeries = Mapping[str, tuple[tuple[str, ...], str, Mapping[str, Any]]]
"""By name: dimensions after time, reduction of a day's samples, CF attributes."""

_UNITS = {"monthly": "M", "daily": "D"}
# Small records share a chunk: global series of a century are one, which is also read
# while it is written.
_ZONAL_CHUNK, _GLOBAL_CHUNK = 12, 36525


@dataclasses.dataclass(frozen=True, eq=False)
class Stream:
    """One store of a run.

    Attributes:
        path: of the store within the output; empty if it is the output itself.
        kind: when there is a record: at every output lead time, at instantaneous
            outputs, at the end of a day or month; ``global`` is a daily record of
            global means.
        schema: of the store.
        fields: what is written; None of global series.
        zonal: whether fields are averaged over longitudes.
        statistics: over members, written for every record; none in most streams.
        keep_members: whether the members themselves are written.
        ddof: of their standard deviation, see `ensemble_statistics.evaluate`.
    """

    path: str
    kind: Kind
    schema: StoreSchema
    fields: FieldSelection | None = None
    zonal: bool = False
    statistics: tuple[str, ...] = ()
    keep_members: bool = True
    ddof: int = 1

    @property
    def counter(self) -> str:
        """Global attribute that counts the complete records."""
        return f"completed_{'lead_times' if self.kind == 'lead_time' else 'records'}"


def forecast_stream(
    fields: FieldSelection,
    init_times: Sequence[np.datetime64],
    lead_times: np.ndarray,
    realizations: Sequence[int] | None,
    statistics: tuple[str, ...],
    keep_members: bool,
    attributes: Mapping[str, Any],
    zarr_format: int = 3,
    ddof: int = 1,
) -> Stream:
    """Return the stream of forecasts and ensembles; see `lead_time_schema`."""
    times = init_times, lead_times
    kept = statistics, keep_members
    schema = lead_time_schema(fields, *times, realizations, *kept, attributes, ddof)
    schema = schema.in_format(zarr_format)
    return Stream("", "lead_time", schema, fields, False, *kept, ddof)


@dataclasses.dataclass(frozen=True)
class ClimateOutput:
    """The streams of a long run from one initial time.

    Attributes:
        folder: within the output, with its slash, or empty.
        start: initial time.
        end: of the run.
        sample: time between the samples that means are made of.
        fields: what is written.
        series: global series of every day.
        sigma: centres of the model's levels, coordinate of the global series.
        realizations: numbers of the members; None leaves out the dimension.
        attributes: global attributes.
        zarr_format: version of the format of the stores, 3 or 2.
    """

    folder: str
    start: np.datetime64
    end: np.datetime64
    sample: np.timedelta64
    fields: FieldSelection
    series: GlobalSeries
    sigma: np.ndarray
    realizations: Sequence[int] | None
    attributes: Mapping[str, Any]
    zarr_format: int = 3

    def streams(
        self, means: Sequence[str], every: np.timedelta64 | None
    ) -> tuple[Stream, ...]:
        """Return all streams of the run.

        Args:
            means: ``monthly``, ``daily``, both or none.
            every: time between instantaneous outputs; None writes none.
        """
        streams = [self._global_series()]
        for kind in means:
            assert kind in ("daily", "monthly")
            streams += [self._fields(kind), self._fields(kind, zonal=True)]
        if every is not None:
            streams.append(self._fields("instantaneous", every=every))
        return tuple(streams)

    def _fields(
        self, kind: Kind, zonal: bool = False, every: np.timedelta64 | None = None
    ) -> Stream:
        """Return a stream of means, or of values at instants, of the fields."""
        if every is None:
            bounds = calendar_periods(kind, self.start, self.end)
            times, frequency = middle(bounds), FREQUENCIES[kind]
        else:
            bounds, times = None, np.arange(self.start, self.end, every)
            frequency = f"{every / np.timedelta64(1, 'h'):g}hr"
        fields = {}
        for name, variable in self.fields.variables.items():
            dimensions, shape, attributes = self.fields.describe(name)
            if bounds is None:
                methods = attributes.get("cell_methods", "time: point")
            elif variable.is_flux:  # its mean is of all that passed, not of samples
                methods = "time: mean"
            else:
                methods = f"time: mean ({sampling_interval(self.sample)})"
            if zonal:
                dimensions, shape = dimensions[:-1], shape[:-1]
                methods += " longitude: mean"
            fields[name] = dimensions, shape, {**attributes, "cell_methods": methods}
        coordinates = self.fields.coordinates()
        if zonal:
            del coordinates["longitude"]
        schema = time_series_schema(
            fields,
            coordinates,
            times,
            bounds,
            self.realizations,
            _ZONAL_CHUNK if zonal else 1,
            {
                **self.attributes,
                **self.fields.grid.attributes,
                "frequency": frequency,
            },
        )
        path = f"{self.folder}{kind}{'_zonal' if zonal else ''}.zarr"
        schema = schema.in_format(self.zarr_format)
        return Stream(path, kind, schema, self.fields, zonal)

    def _global_series(self) -> Stream:
        bounds = calendar_periods("daily", self.start, self.end)
        fields = {}
        for name, (dimensions, how, attributes) in self.series.items():
            methods = f"area: {how} time: {how} ({sampling_interval(self.sample)})"
            shape = tuple(len(self.sigma) for _ in dimensions)
            fields[name] = dimensions, shape, {**attributes, "cell_methods": methods}
        sigma = np.asarray(self.sigma, np.float64)
        schema = time_series_schema(
            fields,
            {"sigma": Coordinate(("sigma",), sigma, COORDINATES["sigma"])},
            middle(bounds),
            bounds,
            self.realizations,
            _GLOBAL_CHUNK,
            {**self.attributes, "frequency": "day"},
        )
        schema = schema.in_format(self.zarr_format)
        return Stream(f"{self.folder}global.zarr", "global", schema)


def sampling_interval(span: np.timedelta64) -> str:
    """Return the interval of CF cell methods, such as ``interval: 6 hours``."""
    hours = span / np.timedelta64(1, "h")
    return f"interval: {hours:g} hour{'' if hours == 1 else 's'}"


def calendar_periods(kind: str, start: np.datetime64, end: np.datetime64) -> np.ndarray:
    """Return the days or months of a run, cut by its ends.

    Args:
        kind: ``daily`` or ``monthly``.
        start: of the run.
        end: of the run, later than the start.

    Returns:
        Their bounds, (period, 2) datetime64[s].
    """
    unit = _UNITS[kind]
    first = start.astype(f"datetime64[{unit}]")
    last = (end - np.timedelta64(1, "s")).astype(f"datetime64[{unit}]")
    edges = np.arange(first, last + 2).astype("datetime64[s]")
    edges[0], edges[-1] = start, end
    return np.stack([edges[:-1], edges[1:]], axis=1)


def middle(bounds: np.ndarray) -> np.ndarray:
    """Return the middle of periods, (period,) datetime64[s]."""
    return bounds[:, 0] + (bounds[:, 1] - bounds[:, 0]) // 2


def total_size(streams: Sequence[Stream]) -> tuple[int, int]:
    """Return bytes without compression and number of files of some streams."""
    schemas = [stream.schema for stream in streams]
    return sum(x.nbytes for x in schemas), sum(x.file_count for x in schemas)
