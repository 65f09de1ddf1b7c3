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
from ngcm_cli.output.schema import (
    StoreSchema,
    lead_time_schema,
    time_series_schema,
)

Kind = Literal["lead_time", "instantaneous", "daily", "monthly", "global"]
FREQUENCIES = {"monthly": "mon", "daily": "day"}
GlobalSeries = Mapping[str, tuple[tuple[str, ...], str, Mapping[str, Any]]]
"""By name: dimensions after time, reduction of a day's samples, CF attributes."""

_UNITS = {"monthly": "M", "daily": "D"}
_ZONAL_CHUNK, _GLOBAL_CHUNK = 12, 366  # records: small ones share a chunk


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
    """

    path: str
    kind: Kind
    schema: StoreSchema
    fields: FieldSelection | None = None
    zonal: bool = False
    statistics: tuple[str, ...] = ()
    keep_members: bool = True

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
) -> Stream:
    """Return the stream of forecasts and ensembles; see `lead_time_schema`."""
    schema = lead_time_schema(
        fields,
        init_times,
        lead_times,
        realizations,
        statistics,
        keep_members,
        attributes,
    )
    return Stream("", "lead_time", schema, fields, False, statistics, keep_members)


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
            streams += [self._means(kind, zonal=False), self._means(kind, zonal=True)]
        if every is not None:
            streams.append(self._instantaneous(every))
        return tuple(streams)

    def _means(self, kind: Literal["daily", "monthly"], zonal: bool) -> Stream:
        bounds = calendar_periods(kind, self.start, self.end)
        suffix = " longitude: mean" if zonal else ""
        schema = self._schema(
            self._fields(zonal, f"time: mean ({self._interval}){suffix}"),
            FREQUENCIES[kind],
            middle(bounds),
            bounds,
            _ZONAL_CHUNK if zonal else 1,
            zonal,
        )
        path = f"{self.folder}{kind}{'_zonal' if zonal else ''}.zarr"
        return Stream(path, kind, schema, self.fields, zonal)

    def _instantaneous(self, every: np.timedelta64) -> Stream:
        times = np.arange(self.start, self.end, every)
        schema = self._schema(
            self._fields(False, "time: point"),
            f"{every / np.timedelta64(1, 'h'):g}hr",
            times,
            None,
            1,
            False,
        )
        path = f"{self.folder}instantaneous.zarr"
        return Stream(path, "instantaneous", schema, self.fields)

    def _global_series(self) -> Stream:
        bounds = calendar_periods("daily", self.start, self.end)
        fields = {}
        for name, (dimensions, how, attributes) in self.series.items():
            methods = f"area: {how} time: {how} ({self._interval})"
            shape = tuple(len(self.sigma) for _ in dimensions)
            described = {**attributes, "cell_methods": methods}
            fields[name] = dimensions, shape, described
        sigma = Coordinate(
            ("sigma",), np.asarray(self.sigma, np.float64), COORDINATES["sigma"]
        )
        schema = time_series_schema(
            fields,
            {"sigma": sigma},
            middle(bounds),
            bounds,
            self.realizations,
            _GLOBAL_CHUNK,
            {**self.attributes, "frequency": "day"},
        )
        return Stream(f"{self.folder}global.zarr", "global", schema)

    @property
    def _interval(self) -> str:
        hours = self.sample / np.timedelta64(1, "h")
        return f"interval: {hours:g} hour{'' if hours == 1 else 's'}"

    def _fields(
        self, zonal: bool, cell_methods: str
    ) -> dict[str, tuple[tuple[str, ...], tuple[int, ...], Mapping[str, Any]]]:
        # The mean of a flux is of all that passed, not of samples.
        of_fluxes = cell_methods.replace(f" ({self._interval})", "")
        last = -1 if zonal else None
        return {
            name: (
                self.fields.dimensions(name)[:last],
                self.fields.shape(name)[:last],
                {
                    **self.fields.attributes(name),
                    "cell_methods": of_fluxes if variable.is_flux else cell_methods,
                },
            )
            for name, variable in self.fields.variables.items()
        }

    def _schema(
        self,
        fields: Mapping[str, tuple[tuple[str, ...], tuple[int, ...], Mapping]],
        frequency: str,
        times: np.ndarray,
        bounds: np.ndarray | None,
        chunk: int,
        zonal: bool,
    ) -> StoreSchema:
        coordinates = self.fields.coordinates()
        if zonal:
            del coordinates["longitude"]
        attributes = {**self.attributes, **self.fields.grid.attributes}
        return time_series_schema(
            fields,
            coordinates,
            times,
            bounds,
            self.realizations,
            chunk,
            {**attributes, "frequency": frequency},
        )


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
    """Return bytes without compression and number of chunks of some streams."""
    return (
        sum(stream.schema.nbytes for stream in streams),
        sum(stream.schema.chunk_count for stream in streams),
    )
