"""The axes of forecasts in a dataset: initial times, lead times and members.

Known layouts are those of ngcm (``init_time, lead_time, realization``; in NetCDF of one
forecast ``time`` with a scalar ``init_time``), of WeatherBench 2 (``time,
prediction_timedelta, number``), of WeatherBench-X (``init_time, lead_time, number``),
of ECMWF's GRIB files as cfgrib opens them (``time, step, number``), and of GraphCast
(``time`` as a duration, with ``datetime``).
"""

import dataclasses
import logging
from collections.abc import Mapping

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.axes import listed_sizes
from ngcm_cli.inputs.calendars import is_cftime, to_standard_calendar
from ngcm_cli.inputs.forecast_valid_time import duration, is_initial_time
from ngcm_cli.inputs.time_meaning import INSTANT
from ngcm_cli.inputs.times import rounded_to_seconds

LEAD_TIMES = ("lead_time", "prediction_timedelta", "step", "leadtime", "lead")
LEAD_TIMES += ("forecast_period", "forecast_hour")
_MEMBERS = ("realization", "number", "member", "ensemble", "ensemble_member", "ens")
_MEMBERS += ("sample", "realisation")
_OF_GRAPHCAST = "datetime"  # valid times, (batch, time), beside lead times in "time"

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, eq=False)
class ForecastAxes:
    """The axes of a dataset that address its records, besides valid times.

    Attributes:
        dataset: the dataset with these axes under canonical names, ``init_time``,
            ``lead_time`` and ``realization``, without coordinates. Of a forecast all
            coordinates of time are left out.
        init_times: initial times, datetime64[s]; None if these are no forecasts.
        lead_times: lead times, timedelta64[s]; None if there are none.
        realizations: numbers of the members; None without an axis of members.
    """

    dataset: xr.Dataset
    init_times: np.ndarray | None
    lead_times: np.ndarray | None
    realizations: np.ndarray | None

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Dimensions of the dataset among those of forecasts and members."""
        known = "realization", "init_time", "lead_time"
        return tuple(name for name in known if name in self.dataset.dims)


def find_forecast_axes(dataset: xr.Dataset) -> ForecastAxes:
    """Return the axes of forecasts and members in a dataset as opened.

    Raises:
        InputDataError: initial times are unknown, or each record has a lead time of its
            own.
    """
    dataset, realizations = _split_members(dataset)
    if realizations is not None and not len(realizations):
        raise InputDataError(
            "The axis of members is empty: its length is zero.",
            "Check how the file was made: the selection of members left none.",
        )
    if realizations is not None:
        _check_unique("member", realizations)
    lead = _find_lead_time(dataset)
    init = _find_initial_time(dataset, lead)
    if lead is None and init is not None and "time" in dataset.variables:
        return _by_valid_time(dataset, init, realizations)
    if lead is None and init is not None and len(dataset[init].dims) == 1:
        # Fields of whole forecasts, such as the strike probability of cyclones.
        names = {dataset[init].dims[0]: "init_time"}
        return _named(dataset, names, _dates(dataset[init]), None, realizations)
    if lead is None:
        return ForecastAxes(dataset, None, None, realizations)
    lead_times = duration(dataset[lead])
    if init is None:
        if not lead_times.any():  # an analysis
            return ForecastAxes(dataset.drop_vars(lead), None, None, realizations)
        raise InputDataError(
            f"There is a lead time, '{lead}', but no initial time.",
            "Add the initial time as a coordinate 'init_time'.",
        )
    if lead_times.ndim == 0 and not lead_times and init == "time":
        return ForecastAxes(dataset.drop_vars(lead), None, None, realizations)
    init_times = _dates(dataset[init])
    along = dataset[lead].dims, dataset[init].dims
    if any(len(dims) > 1 for dims in along) and init != _OF_GRAPHCAST:
        raise InputDataError(
            f"Initial times or lead times depend on several dimensions: "
            f"{listed_sizes(dataset[init])}; {listed_sizes(dataset[lead])}.",
            "Give each one dimension of its own.",
        )
    if init == _OF_GRAPHCAST:
        init_times, batch = init_times.reshape(-1, len(lead_times))[:, 0], along[1][0]
        init_times = init_times - lead_times[0]
        names = {along[0][0]: "lead_time", batch: "init_time"}
        return _named(dataset, names, init_times, lead_times, realizations)
    if along[0] and along[0] == along[1]:
        if len(np.unique(lead_times)) > 1:
            raise InputDataError(
                f"Each record along '{along[0][0]}' has an initial and a lead time of "
                "its own.",
                "Give the initial and the lead times dimensions of their own.",
            )
        names = {along[1][0]: "init_time"}
        return _named(dataset, names, init_times, lead_times[:1], realizations)
    names = {}
    for dims, name in zip(along, ("lead_time", "init_time"), strict=True):
        names |= {dim: name for dim in dims}
    return _named(dataset, names, init_times, lead_times, realizations)


def _split_members(dataset: xr.Dataset) -> tuple[xr.Dataset, np.ndarray | None]:
    """Return a dataset whose axis of members has a canonical name, and its numbers."""
    named = {str(name).lower(): str(name) for name in (*dataset.coords, *dataset.dims)}
    found = next((named[name] for name in _MEMBERS if name in named), None)
    if found is None:
        stated = (
            str(name)
            for name, variable in dataset.coords.items()
            if variable.attrs.get("standard_name") == "realization"
        )
        found = next(stated, None)
    if found is None:
        return dataset, None
    if found not in dataset.variables:  # an axis without coordinate
        return dataset.rename({found: "realization"}), np.arange(dataset.sizes[found])
    coordinate = dataset[found]
    dataset = dataset.drop_vars(found)
    if coordinate.ndim != 1:
        return dataset, None
    values = coordinate.values
    if values.dtype.kind not in "iu":
        log.info(f"The members are named, not numbered: {len(values)} count from 0.")
        values = np.arange(len(values))
    (dim,) = coordinate.dims
    return dataset.rename({dim: "realization"}), values.astype(np.int64)


def _find_lead_time(dataset: xr.Dataset) -> str | None:
    few = {str(n).lower(): str(n) for n, v in dataset.variables.items() if v.ndim <= 1}
    found = next((few[name] for name in LEAD_TIMES if name in few), None)
    if found is not None:
        return found
    for name in few.values():
        variable = dataset.variables[name]
        stated = variable.attrs.get("standard_name") == "forecast_period"
        if stated or (name == "time" and variable.dtype.kind == "m"):
            return name
    if _OF_GRAPHCAST in dataset.coords and "time" in few:
        return "time" if dataset["time"].dtype.kind in "iuf" else None
    return None


def _find_initial_time(dataset: xr.Dataset, lead: str | None) -> str | None:
    """Return the coordinate of initial times; ``time`` where there is a lead time."""
    for name, variable in dataset.coords.items():
        if is_initial_time(str(name), variable):
            return str(name)
    if lead is None:
        return None
    if lead == "time":
        return _OF_GRAPHCAST if _OF_GRAPHCAST in dataset.coords else None
    return "time" if "time" in dataset.variables else None


def _by_valid_time(
    dataset: xr.Dataset, init: str, realizations: np.ndarray | None
) -> ForecastAxes:
    """Return the axes of one forecast along its valid time."""
    init_times, valid = _dates(dataset[init]), _dates(dataset["time"])
    if init_times.size != 1 or dataset["time"].ndim > 1:
        raise InputDataError(
            f"There are {init_times.size} initial times, and no lead times.",
            "Add the lead times as a coordinate 'lead_time'.",
        )
    lead_times = valid - init_times.reshape(())
    names = {dim: "lead_time" for dim in dataset["time"].dims}
    return _named(dataset, names, init_times, lead_times, realizations)


def _dates(coordinate: xr.DataArray) -> np.ndarray:
    values = rounded_to_seconds(coordinate.values)
    if not values.size:
        raise InputDataError(
            f"The axis of initial times '{coordinate.name}' is empty: its length is "
            "zero.",
            "Check how the file was made: the selection of initial times left none.",
        )
    if is_cftime(values):  # of another calendar, or distant
        values = to_standard_calendar(values.ravel(), INSTANT).reshape(values.shape)
    if values.dtype.kind != "M" or np.isnat(values).any():
        raise InputDataError(
            f"The initial times '{coordinate.name}' are not dates, or some are "
            "missing.",
            "Give them units such as 'hours since 1970-01-01'.",
        )
    return values.astype("datetime64[s]")


def _named(
    dataset: xr.Dataset,
    names: dict,
    init_times: np.ndarray,
    lead_times: np.ndarray | None,
    realizations: np.ndarray | None,
) -> ForecastAxes:
    times = [str(n) for n, v in dataset.variables.items() if v.dtype.kind in "mM"]
    leads = [n for n in map(str, dataset.coords) if n.lower() in LEAD_TIMES]
    bare = dataset.drop_vars({*times, *leads, *names} & set(map(str, dataset.coords)))
    _check_unique("initial time", init_times)
    if lead_times is not None:
        lead_times = np.atleast_1d(lead_times)
        _check_unique("lead time", lead_times)
    starts = np.atleast_1d(init_times)
    return ForecastAxes(_renamed(bare, names), starts, lead_times, realizations)


def _check_unique(what: str, values: np.ndarray) -> None:
    unique, counts = np.unique(values, return_counts=True)
    if (counts > 1).any():
        raise InputDataError(
            f"The {what} {unique[counts > 1][0]} occurs more than once.",
            "Keep each once.",
        )


def _renamed(dataset: xr.Dataset, names: Mapping[str, str]) -> xr.Dataset:
    """Return a dataset with other names of dimensions, also of those of its chunks."""
    renamed = dataset.rename({old: new for old, new in names.items() if old != new})
    # Each access to an array of a dataset takes time in proportion to all of them.
    for variable in renamed.variables.values():
        chunks = variable.encoding.get("preferred_chunks")
        if chunks:
            own = {names.get(str(dim), dim): size for dim, size in chunks.items()}
            variable.encoding = {**variable.encoding, "preferred_chunks": own}
    return renamed
