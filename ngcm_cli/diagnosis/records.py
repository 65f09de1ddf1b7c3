"""The data of a diagnosis: what their times are, and the fields of one of them."""

import dataclasses
import pathlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.diagnosis.sphere import zonal_mean
from ngcm_cli.diagnosis.topic import DAILY, INSTANTS, MONTHLY, Grid, Stamp
from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.gridded import highest_model_level, open_gridded
from ngcm_cli.inputs.regrid import ConservativeRegridder
from ngcm_cli.inputs.sources.location import is_remote
from ngcm_cli.inputs.time_meaning import MEAN, stated_method
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.output.zarr import is_store
from ngcm_cli.time_format import format_time

STORES = "monthly.zarr", "daily.zarr", "instantaneous.zarr"
"""Stores of fields in the output directory of a long run."""
_DAY, _MONTH = np.timedelta64(20, "h"), np.timedelta64(27, "D")
_SECONDS = "datetime64[s]"


@dataclasses.dataclass(frozen=True, eq=False)
class Record:
    """A forecast or a record of fields.

    Attributes:
        dataset: of `open_gridded`.
        kind: what its times are: `INSTANTS`, `DAILY` or `MONTHLY`.
        highest: the highest level of the model that made it, hPa, or None.
    """

    dataset: xr.Dataset
    kind: str
    highest: float | None

    @property
    def name(self) -> str:
        """Location of the data."""
        return str(self.dataset.attrs["location"])

    @property
    def is_forecast(self) -> bool:
        """Whether it has initial and lead times."""
        return "lead_time" in self.dataset.dims

    @property
    def realizations(self) -> list[int]:
        """Numbers of the members; empty for one without a number."""
        if "realization" not in self.dataset.dims:
            return []
        return [int(x) for x in self.dataset["realization"].values]

    @property
    def variables(self) -> set[str]:
        """Names of the fields that can be read: on pressure levels or one level.

        Those that belong on pressure levels are left out where they have none, such as
        the wind of a layer of shallow water.
        """
        known = {"realization", "init_time", "lead_time", "time", "level"}
        known |= {*self._horizontal}
        return {
            str(name)
            for name, x in self.dataset.data_vars.items()
            if {*self._horizontal} <= {*map(str, x.dims)} <= known
            and ("level" in x.dims or not _is_on_levels(str(name)))
        }

    @property
    def _horizontal(self) -> tuple[str, ...]:
        is_zonal = "longitude" not in self.dataset.dims
        return ("latitude",) if is_zonal else ("latitude", "longitude")

    @property
    def grid(self) -> Grid:
        """Nodes of the fields, levels ascending."""
        data = self.dataset
        levels = np.sort(data["level"].values) if "level" in data.coords else []
        is_zonal = "longitude" not in self._horizontal
        return Grid(
            data["latitude"].values,
            np.zeros(1) if is_zonal else data["longitude"].values,
            np.asarray(levels, float),
            self.highest,
        )

    def stamps(self) -> list[Stamp]:
        """Return all times that are written, in order."""
        data = self.dataset
        if self.is_forecast:
            leads = data["lead_time"].values
            count = int(data.attrs.get("completed_lead_times", len(leads)))
            return [
                Stamp(
                    (init + lead).astype(_SECONDS),
                    lead.astype("timedelta64[s]"),
                    {"init_time": i, "lead_time": j},
                )
                for j, lead in enumerate(leads[:count])
                for i, init in enumerate(data["init_time"].values)
            ]
        if "time" not in data.dims:
            raise InputDataError(
                f"{self.name} has no times.", "Needed: forecasts, or a record in time."
            )
        times = data["time"].values.astype(_SECONDS)
        count = int(data.attrs.get("completed_records", len(times)))
        return [Stamp(x, None, {"time": i}) for i, x in enumerate(times[:count])]

    def partial_months(self, stamps: list[Stamp]) -> list[str]:
        """Return the months of monthly means of a run that have not all of their days.

        Their time, the middle of what is averaged, is not the middle of the month.
        """
        if self.kind != MONTHLY or "ngcm_version" not in self.dataset.attrs:
            return []
        months = np.array([stamp.valid.astype("datetime64[M]") for stamp in stamps])
        first, end = (x.astype(_SECONDS) for x in (months, months + 1))
        valid = np.array([stamp.valid for stamp in stamps])
        is_part = valid != first + (end - first) // 2
        return [str(month) for month in months[is_part]]

    def months(self, stamps: list[Stamp]) -> int:
        """Return the number of different months of some times."""
        return len({stamp.valid.astype("datetime64[M]") for stamp in stamps})

    def index_of(self, stamp: Stamp) -> dict[str, int] | None:
        """Return where this record has the time of another one, or None."""
        data = self.dataset
        if not self.is_forecast:
            times = data["time"].values  # ascending: not compared one by one
            place = int(np.searchsorted(times, stamp.valid))
            near = times[place : place + 1].astype(_SECONDS)
            return {"time": place} if (near == stamp.valid).any() else None
        if stamp.lead is None:
            return None
        init = stamp.valid - stamp.lead
        inits, leads = (
            np.flatnonzero(data["init_time"].values.astype(_SECONDS) == init),
            np.flatnonzero(data["lead_time"].values == stamp.lead),
        )
        if not (len(inits) and len(leads)):
            return None
        return {"init_time": int(inits[0]), "lead_time": int(leads[0])}

    def read(self, name: str, stamp: Stamp, member: int | None) -> np.ndarray:
        """Return a field at a time, ([level,] latitude, longitude), float64.

        Of zonal means there is one longitude.

        Args:
            name: of the variable.
            stamp: time of this record.
            member: index along the members; None where there are none.
        """
        array = self.dataset[name]
        index: dict[str, Any] = {
            dim: i for dim, i in stamp.index.items() if dim in array.dims
        }
        if member is not None and "realization" in array.dims:
            index["realization"] = member
        field = array.isel(index).transpose(..., *self._horizontal)
        values = np.asarray(field.values, np.float64)
        if "level" in field.dims:
            values = values[np.argsort(field["level"].values)]
        return values if "longitude" in self._horizontal else values[..., None]


def _is_on_levels(name: str) -> bool:
    return name in VARIABLES and VARIABLES[name].on_levels


def open_records(
    location: str, *, offline: bool = False, progress: ByteProgress = no_progress
) -> list[Record]:
    """Open what is at a location: one record, or the stores of a long run.

    Raises:
        InputDataError: there are no such data, or they are not understood.
    """
    path = pathlib.Path(location)
    stores = [path / name for name in STORES]
    if not is_remote(location) and path.is_dir() and not is_store(path):
        found = [store for store in stores if is_store(store)]
        starts = sorted(path.glob("starts/*/*.zarr"))
        if not found and starts:
            raise InputDataError(
                f"{location} has runs from several initial times.",
                f"Name one of them, such as {starts[0].parent}.",
            )
        if found:
            return [_open(str(store), offline, progress) for store in found]
    return [_open(location, offline, progress)]


def _open(location: str, offline: bool, progress: ByteProgress) -> Record:
    dataset = open_gridded(location, offline=offline, progress=progress)
    return Record(dataset, kind_of(dataset), highest_level(dataset))


def kind_of(dataset: xr.Dataset) -> str:
    """Return what the times of a dataset are, from attributes and spacing.

    Means are monthly or daily as the attribute ``frequency`` states, or as they are
    spaced. Without cell methods, fields four weeks or more apart are taken for monthly
    means, others for instantaneous.
    """
    stated = {"mon": MONTHLY, "day": DAILY}.get(_frequency(dataset)[:3])
    if stated is not None and _is_mean(dataset):
        return stated
    if "lead_time" in dataset.dims or dataset.sizes.get("time", 1) < 2:
        return INSTANTS
    spacing = np.median(np.diff(dataset["time"].values).astype("timedelta64[s]"))
    spacing = np.timedelta64(int(spacing.astype(np.int64)), "s")
    if spacing >= _MONTH:
        return MONTHLY
    return DAILY if _is_mean(dataset) and spacing >= _DAY else INSTANTS


def _is_mean(dataset: xr.Dataset) -> bool:
    methods = [
        stated_method(x) for x in dataset.data_vars.values() if "level" in x.dims
    ]
    methods = methods or [stated_method(x) for x in dataset.data_vars.values()]
    return bool(methods) and methods.count(MEAN) > len(methods) / 2


def _frequency(dataset: xr.Dataset) -> str:
    return str(dataset.attrs.get("frequency", ""))


def highest_level(dataset: xr.Dataset) -> float | None:
    """Return the pressure of a model's highest level, hPa, where its output states it.

    Returns:
        None where it is not stated, or no level of the data is above it.
    """
    highest = highest_model_level(dataset)
    is_above = highest and (dataset["level"].values < highest).any()
    return highest if is_above else None


def regridder(source: Grid, target: Grid) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return what regrids fields (..., latitude, longitude); None on the same nodes.

    To a grid of zonal means, fields are averaged along longitude first.
    """
    if target.is_zonal:
        if source.is_zonal and _are_same(source.latitude, target.latitude):
            return None
        around = np.arange(4) * 90.0
        means = _between(source.latitude, around, target.latitude, around)
        return lambda field: means(np.repeat(zonal_mean(field)[..., None], 4, -1))[
            ..., :1
        ]
    nodes = source.latitude, source.longitude, target.latitude, target.longitude
    if _are_same(nodes[0], nodes[2]) and _are_same(nodes[1], nodes[3]):
        return None
    return _between(*nodes)


def _are_same(a: np.ndarray, b: np.ndarray) -> bool:
    return len(a) == len(b) and np.allclose(a, b, rtol=0, atol=1e-3)


def _between(*nodes: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return what regrids between latitudes and longitudes, and others, in degrees."""
    latitude, longitude, to_latitude, to_longitude = map(np.deg2rad, nodes)
    regrid = ConservativeRegridder(longitude, latitude, to_longitude, to_latitude)
    return lambda field: np.swapaxes(regrid(np.swapaxes(field, -1, -2)), -1, -2)


def described(stamps: Iterable[Stamp]) -> str:
    """Return the first and the last valid time."""
    valid = sorted(stamp.valid for stamp in stamps)
    return f"{format_time(valid[0])} to {format_time(valid[-1])}" if valid else "none"
