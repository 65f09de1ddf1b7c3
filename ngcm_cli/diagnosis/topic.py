"""The declaration of a topic of a diagnosis: its needs, its numbers, its findings.

A topic reduces the fields of every time to small arrays, which are averaged in bins (a
time, a calendar month, a day of a forecast, or all times together), and concludes from
the averages. So one time of a few fields is in memory, however long the record is.
"""

import dataclasses
import functools
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.diagnosis.columns import GROUND, layer_masses
from ngcm_cli.diagnosis.remarks import Remarks

INSTANTS, DAILY, MONTHLY = "instantaneous fields", "daily means", "monthly means"
"""What the times of a dataset are."""

ALL = "all"
"""The bin of all times."""
COLUMN_LEVELS = 5
"""Pressure levels that an integral over the column needs, at least."""
SURFACE_PRESSURE = "surface_pressure"

Entry = tuple[tuple[str, ...], Any, dict[str, Any]]


@dataclasses.dataclass(frozen=True, eq=False)
class Stamp:
    """One time of a dataset.

    Attributes:
        valid: valid time, UTC.
        lead: lead time of a forecast; None of a record.
        index: its place along the dimensions of time.
    """

    valid: np.datetime64
    lead: np.timedelta64 | None
    index: Mapping[str, int]


@dataclasses.dataclass(frozen=True, eq=False)
class Grid:
    """The nodes of fields.

    Attributes:
        latitude: degrees, ascending.
        longitude: degrees, ascending; one, without meaning, of zonal means.
        levels: hPa, ascending.
        highest: the highest level that the model has, hPa; fields above it are
            extrapolated. None if all levels may be used.
    """

    latitude: np.ndarray
    longitude: np.ndarray
    levels: np.ndarray
    highest: float | None = None

    @property
    def is_zonal(self) -> bool:
        """Whether fields are zonal means, with one value at each latitude."""
        return len(self.longitude) == 1


@dataclasses.dataclass(frozen=True, eq=False)
class Fields:
    """The fields of one time, SI units, float64.

    Attributes:
        values: by ERA5 name, ([level,] latitude, longitude).
        grid: their nodes.
        stamp: their time.
    """

    values: Mapping[str, np.ndarray]
    grid: Grid
    stamp: Stamp

    def __getitem__(self, name: str) -> np.ndarray:
        return self.values[name]

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def at(self, name: str, pressure: float) -> np.ndarray:
        """Return a field on one of the levels, (latitude, longitude).

        Raises:
            KeyError: there is no such level.
        """
        near = np.flatnonzero(np.isclose(self.grid.levels, pressure))
        if not len(near):
            raise KeyError(f"{pressure} hPa")
        return self[name][near[0]]

    def is_missing(self, names: Iterable[str]) -> bool:
        """Return whether one of some fields has no value at all."""
        return any(not np.isfinite(self[name]).any() for name in names)

    @functools.cached_property
    def surface_pressure(self) -> np.ndarray:
        """Surface pressure in Pa; 1000 hPa everywhere where it is not known."""
        if SURFACE_PRESSURE in self:
            return self[SURFACE_PRESSURE]
        shape = len(self.grid.latitude), len(self.grid.longitude)
        return np.full(shape, GROUND)

    @functools.cached_property
    def masses(self) -> np.ndarray:
        """Masses of the layers, kg m-2, see `layer_masses`."""
        return layer_masses(self.grid.levels, self.surface_pressure, self.grid.highest)


@dataclasses.dataclass(frozen=True, eq=False)
class Averages:
    """What the reductions of all times average to.

    Attributes:
        bins: in order.
        counts: number of times in each, (bin,).
        means: by name, (bin, ...), means over the times that are not missing.
        grid: nodes of the fields.
        kind: what the times are.
        is_forecast: whether bins of times are lead times.
        remarks: what a reader must know, and what could not be computed.
    """

    bins: list[Any]
    counts: np.ndarray
    means: Mapping[str, np.ndarray]
    grid: Grid
    kind: str
    is_forecast: bool
    remarks: Remarks = dataclasses.field(default_factory=Remarks)

    @property
    def time_dimension(self) -> str:
        """Name of the dimension of bins that are times.

        Different for means over months, for means over days and for others, so that
        series of several records do not share one.
        """
        if self.is_forecast:
            return "lead_time"
        return {MONTHLY: "month", DAILY: "day"}.get(self.kind, "time")

    @property
    def days(self) -> np.ndarray:
        """Bins that are times or months, in days since the first, float64."""
        times = np.array(self.bins)
        if times.dtype.kind == "M":
            times = times.astype("datetime64[s]")
        return (times - times[0]) / np.timedelta64(86400, "s")

    @property
    def months(self) -> np.ndarray:
        """Calendar month, from 0, of bins that are months."""
        return np.array(self.bins).astype("datetime64[M]").astype(int) % 12

    def note(self, text: str) -> None:
        """Say what a reader of the findings must know."""
        self.remarks.note(text)

    def miss(self, what: str, needs: str) -> None:
        """Say what could not be computed, and what it needs."""
        self.remarks.miss(what, needs)


@dataclasses.dataclass(frozen=True)
class Topic:
    """A topic of a diagnosis.

    Attributes:
        title: heading in tables, capitalized.
        needs: names of variables, alternatives in order of preference.
        reduce: from the fields of a time to small arrays by name.
        conclude: from their averages to findings: variables by name, of which those
            without dimensions are the numbers in the table. Each is dimensions, values
            and attributes, with ``units`` and ``long_name``. Coordinates that are not
            those of the grid are among them.
        bin_of: the bin of a time; None leaves it out.
        optional: names of variables that are used if they are there.
        kinds: what the times may be, in order of preference.
        records_only: whether forecasts are not enough.
        months: months that a record must have.
        levels: pressure levels that there must be, at or below the model's highest.
        needs_text: what it needs, where a list of names would not say it.
        of_zonal_means: whether zonal means are enough.
    """

    title: str
    needs: tuple[tuple[str, ...], ...]
    reduce: Callable[[Fields], dict[str, Any]]
    conclude: Callable[[Averages], dict[str, Entry]]
    bin_of: Callable[[Stamp], Hashable | None]
    optional: tuple[str, ...] = ()
    kinds: tuple[str, ...] = (MONTHLY, DAILY, INSTANTS)
    records_only: bool = False
    months: int = 0
    levels: int = 0
    needs_text: str = ""
    of_zonal_means: bool = False


def by_time(stamp: Stamp) -> Hashable:
    """Return the lead time of a forecast, the time of a record."""
    return stamp.valid if stamp.lead is None else stamp.lead


def by_month(stamp: Stamp) -> Hashable:
    """Return the month of the valid time."""
    return stamp.valid.astype("datetime64[M]")


def by_calendar_month(stamp: Stamp) -> Hashable:
    """Return the calendar month of the valid time, from 0."""
    return int(stamp.valid.astype("datetime64[M]").astype(int)) % 12


def all_times(stamp: Stamp) -> Hashable:
    """Return the only bin."""
    return ALL


def entry(
    dimensions: tuple[str, ...], values: Any, units: str, long_name: str, **others: Any
) -> Entry:
    """Return a variable of findings."""
    return dimensions, values, {"units": units, "long_name": long_name, **others}


def number(value: Any, units: str, long_name: str, **others: Any) -> Entry:
    """Return a finding without dimensions, a row of the table."""
    return entry((), float(value), units, long_name, **others)


def month_coordinate(averages: Averages) -> Entry:
    """Return the coordinate ``month``: the first day of each month."""
    months = np.array(averages.bins).astype("datetime64[M]").astype("datetime64[ns]")
    return ("month",), months, {"long_name": "Beginning of the month"}


def time_coordinate(averages: Averages) -> dict[str, Entry]:
    """Return the coordinate of bins that are times."""
    name = averages.time_dimension
    if name == "month":
        return {name: month_coordinate(averages)}
    unit = "timedelta64[ns]" if averages.is_forecast else "datetime64[ns]"
    title = {"lead_time": "Lead time", "day": "Middle of the day"}.get(name, "Time")
    return {name: ((name,), np.array(averages.bins).astype(unit), {"long_name": title})}


def to_dataset(findings: Mapping[str, Entry], grid: Grid, title: str) -> xr.Dataset:
    """Return findings as a dataset, whose variables say of which topic they are.

    Maps of zonal means have no longitude.
    """
    if grid.is_zonal:
        findings = {name: _without_longitude(x) for name, x in findings.items()}
    known = {
        "latitude": (grid.latitude, {"units": "degrees_north"}),
        "longitude": (grid.longitude, {"units": "degrees_east"}),
        "level": (grid.levels, {"units": "hPa", "positive": "down"}),
    }
    dims = {dim for dimensions, *_ in findings.values() for dim in dimensions}
    coordinates: dict[str, Any] = {
        name: ((name,), x, attributes)
        for name, (x, attributes) in known.items()
        if name in dims
    }
    coordinates |= {name: x for name, x in findings.items() if x[0] == (name,)}
    variables = {
        name: (dimensions, values, {**attributes, "topic": title})
        for name, (dimensions, values, attributes) in findings.items()
        if name not in coordinates
    }
    return xr.Dataset(variables, coordinates)


def _without_longitude(finding: Entry) -> Entry:
    dims, values, attributes = finding
    if "longitude" not in dims:
        return finding
    rest = tuple(dim for dim in dims if dim != "longitude")
    return rest, np.squeeze(values, dims.index("longitude")), attributes
