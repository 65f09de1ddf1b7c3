"""The variables of one file in canonical form, lazy: names, units, axes and orders."""

import contextlib
import dataclasses
import logging
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError, printable
from ngcm_cli.inputs.axes import (
    find_axes,
    find_horizontal,
    find_months,
    find_time,
)
from ngcm_cli.inputs.fill_checks import check_fill
from ngcm_cli.inputs.forecast_axes import ForecastAxes, find_forecast_axes
from ngcm_cli.inputs.forecast_valid_time import valid_times
from ngcm_cli.inputs.input_dataset import time_axis
from ngcm_cli.inputs.layouts import split_levels
from ngcm_cli.inputs.lazy_arrays import ArrangedArray, FirstValues
from ngcm_cli.inputs.pressure_levels import hectopascals
from ngcm_cli.inputs.recognition import recognise
from ngcm_cli.inputs.source_grid import SourceGrid
from ngcm_cli.inputs.time_meaning import MEAN
from ngcm_cli.inputs.unit_conversion import (
    CONVERSIONS,
    choose_conversion,
    conversion_note,
    stated_conversion,
)
from ngcm_cli.inputs.variables import VARIABLES

DIMENSIONS = ("realization", "init_time", "lead_time", "time", "level")
DIMENSIONS += ("latitude", "longitude")
"""Canonical dimensions, in the order that variables have them."""

_TIMES = "init_time", "lead_time", "time"

HIGHEST_LEVEL = "highest_model_level"
"""Attribute of levels: the pressure in hPa of the highest level of the model that made
the data, above which they are extrapolated."""

_STATISTIC = re.compile(r".+_(mean|std|min|max|p\d+(\.\d+)?)")
_LONGEST = 100  # characters of the name of a variable

log = logging.getLogger(__name__)


def canonical_parts(dataset: xr.Dataset) -> list[xr.Dataset]:
    """Return the variables of one file as opened, a dataset for each axis of levels.

    Each is as `gridded.open_gridded` returns it.

    Raises:
        InputDataError: there are no fields, or they are not understood.
    """
    axes = find_forecast_axes(dataset)
    parts = [_canonical(dataset, axes, part) for part in split_levels(axes.dataset)]
    with_variables = [part for part in parts if part.data_vars]
    if not with_variables:
        names = ", ".join(map(str, dataset.data_vars))
        raise InputDataError(
            f"There are no fields on latitude and longitude among {names}.",
            "Needed: numeric variables on a regular global grid.",
        )
    return with_variables


def _canonical(dataset: xr.Dataset, axes: ForecastAxes, part: xr.Dataset) -> xr.Dataset:
    """Return the variables of a part of a file that share an axis of levels."""
    # Each access to a variable of a dataset takes time in proportion to all of them.
    own_fields = _fields(part)
    summaries = [name for name, v in own_fields.items() if _is_summary(name, v)]
    is_zonal = _has_zonal_means(part)
    seen = _with_longitudes(part) if is_zonal else part
    found = recognise(seen.drop_vars(summaries), tuple(VARIABLES), axes.dimensions)
    horizontal = {axis: dim for axis, (dim, _) in find_horizontal(seen).items()}
    if axes.lead_times is None:  # amounts of intervals, such as ERA5's of an hour
        found = found.drop_vars([n for n, x in found.items() if _is_amount(n, x)])
    grid = SourceGrid.from_file_order(
        found["longitude"].values, found["latitude"].values
    )
    if is_zonal:
        del horizontal["longitude"]
        found = _without_longitudes(found, part)
    orders: dict[str, np.ndarray | None] = {
        "latitude": grid.latitude_order,
        "longitude": grid.longitude_order,
    }
    coordinates: dict[str, np.ndarray] = {
        "latitude": grid.latitude,
        "longitude": grid.longitude,
    }
    records = _record_coordinates(dataset, axes, found)
    for name, (values, order) in records.items():
        coordinates[name], orders[name] = values, order
    levels = find_axes(part, "level")
    vertical = next((x for x in levels if x in part.dims), None)
    if vertical is not None and "level" not in found.dims:
        with contextlib.suppress(InputDataError):  # a depth, or model levels
            found = found.assign_coords(level=hectopascals(part[vertical]))
    if "level" in found.coords:
        pressures = np.atleast_1d(found["level"].values)
        coordinates["level"] = pressures.astype(float)
    for array in found.data_vars.values():  # on a single level without an axis
        if "pressure" in array.attrs:
            coordinates.setdefault("level", np.array([array.attrs["pressure"]]))
    if "level" in coordinates:
        orders["level"] = np.argsort(coordinates["level"])
        coordinates["level"] = coordinates["level"][orders["level"]]
    file = _File(dataset, orders, coordinates)
    variables = {}
    for name, array in found.data_vars.items():
        variables[str(name)] = file.known(str(name), array)
    taken = {array.attrs["found"] for array in found.data_vars.values()}
    renamed = {dim: axis for axis, dim in horizontal.items()}
    if vertical is not None and "level" in coordinates:
        renamed[str(part[vertical].dims[0])] = "level"
    time = _time_dimension(part, axes, found)
    if time is not None:
        renamed[time] = "time"
    for name, variable in own_fields.items():
        is_field = {*horizontal.values()} <= {*variable.dims}
        if name in taken or not is_field or variable.dtype.kind not in "iuf":
            continue
        if name in variables or printable(name, _LONGEST) != name:
            continue
        dims = [renamed.get(str(dim), str(dim)) for dim in variable.dims]
        own = xr.DataArray(variable).rename(dict(zip(variable.dims, dims, strict=True)))
        variables[name] = file.other(name, own)
    used = {dim for variable in variables.values() for dim in variable.dims}
    others = {
        dim: part[dim].values
        for dim in used - coordinates.keys()
        if dim in part.variables and part[dim].ndim == 1
    }
    kept: dict[str, Any] = {
        name: (name, x) for name, x in coordinates.items() if name in used
    }
    if "level" in kept and vertical is not None:
        kept["level"] = (*kept["level"], _highest_level(part[vertical]))
    return xr.Dataset(variables, {**kept, **others}, dataset.attrs)


def _highest_level(level: xr.DataArray) -> dict[str, float]:
    """Return the attribute that says which levels a model has not, if it is there."""
    highest = level.attrs.get(HIGHEST_LEVEL)
    is_number = isinstance(highest, int | float | np.number)
    return {HIGHEST_LEVEL: float(highest)} if is_number else {}


def _fields(part: xr.Dataset) -> dict[str, xr.Variable]:
    """Return the variables of a dataset without its coordinates."""
    coordinates = set(part.coords)
    return {str(n): v for n, v in part.variables.items() if n not in coordinates}


def _has_zonal_means(part: xr.Dataset) -> bool:
    """Return whether there are latitudes and no longitudes."""
    in_two = any(variable.ndim == 2 for variable in part.coords.values())
    return bool(
        find_axes(part, "latitude") and not find_axes(part, "longitude") and not in_two
    )


def _with_longitudes(part: xr.Dataset) -> xr.Dataset:
    """Return the metadata of zonal means as those of fields: zeros, in no memory."""
    (latitude,) = part[find_axes(part, "latitude")[0]].dims or ("",)
    fields = {
        name: (
            (*array.dims, "longitude"),
            np.broadcast_to(np.zeros((), array.dtype), (*array.shape, 4)),
            array.attrs,
            array.encoding,
        )
        for name, array in part.data_vars.items()
        if latitude in array.dims and array.dtype.kind in "iuf"
    }
    longitude = "longitude", np.arange(4) * 90.0
    coordinates = part.drop_vars([*fields]).assign_coords(longitude=longitude)
    return coordinates.assign(fields)


def _without_longitudes(found: xr.Dataset, part: xr.Dataset) -> xr.Dataset:
    """Return recognised zonal means with the values of the file."""
    means = {}
    for name, array in found.data_vars.items():
        stored = part[array.attrs["found"]]
        # Coordinates are those recognised: attributes of time would say otherwise.
        stored = stored.drop_vars(list(stored.coords))
        # Recognition leaves out axes of a single value.
        stored = stored.squeeze([d for d in stored.dims if stored.sizes[d] == 1])
        named = dict(zip(stored.dims, array.dims[:-1], strict=True))
        means[name] = stored.rename(named).assign_attrs(array.attrs)
    return found.drop_vars(means).assign(means)


def _is_amount(name: Any, array: xr.DataArray) -> bool:
    """Return whether a variable is known, by another name, as a sum since the start."""
    is_sum = VARIABLES[name].cell_methods.startswith("lead_time: sum")
    return is_sum and array.attrs["found"] != name


def _is_summary(name: str, variable: xr.Variable) -> bool:
    """Return whether a variable is a statistic over members, not one of them."""
    if "realization:" in str(variable.attrs.get("cell_methods", "")):
        return True
    title = str(variable.attrs.get("long_name", ""))
    return bool(_STATISTIC.fullmatch(name)) and "over the ensemble" in title


def _record_coordinates(
    dataset: xr.Dataset, axes: ForecastAxes, found: xr.Dataset
) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:
    """Return values and order in the file of the axes that address records."""
    result: dict[str, tuple[np.ndarray, np.ndarray | None]] = {}
    if axes.realizations is not None:
        result["realization"] = axes.realizations, None
    if axes.init_times is not None:
        for name, values in (
            ("init_time", axes.init_times),
            ("lead_time", axes.lead_times),
        ):
            if values is not None:
                order = np.argsort(values, kind="stable")
                result[name] = values[order], order
    elif "time" in found.coords:
        if found["time"].attrs:
            raise InputDataError(
                "The times are the months of a climatology, without years.",
                "Give a record with dates.",
            )
        bounded = "time_middle" in found.coords
        times, used, _ = time_axis(dataset, found, bounded, MEAN if bounded else "")
        count = found.sizes.get("time", 1)
        order = np.arange(count)[used]
        ascending = np.argsort(times, kind="stable")
        result["time"] = times[ascending], order[ascending]
    return result


def _time_dimension(
    part: xr.Dataset, axes: ForecastAxes, found: xr.Dataset
) -> str | None:
    """Return the dimension of the file that is the canonical time."""
    if axes.init_times is not None or "time" not in found.coords:
        return None
    months, time = find_months(part), find_time(part)
    return months if months or time is None else valid_times(part, time)[0]


@dataclasses.dataclass(frozen=True, eq=False)
class _File:
    """How the variables of a file are arranged."""

    dataset: xr.Dataset
    orders: Mapping[str, np.ndarray | None]
    coordinates: Mapping[str, np.ndarray]

    def known(self, name: str, array: xr.DataArray) -> xr.Variable:
        """Return a recognised variable in SI units."""
        variable, found = VARIABLES[name], array.attrs["found"]
        stated = stated_conversion(variable, found, array.attrs["units"])
        # What this program has written may be unphysical, but not in other units.
        is_ours = "ngcm_version" in self.dataset.attrs and stated == _si(variable.units)
        levels = self.coordinates.get("level", np.array([]))
        if "pressure" in array.attrs and "level" not in array.dims:
            levels = np.array([array.attrs["pressure"]])

        def decide(values: np.ndarray, level: Any) -> Any:
            read = levels if level is None else np.atleast_1d(levels[level])
            if stated != _si(variable.units):  # a whole column tells units best
                record = {d: 0 for d in array.dims if d not in DIMENSIONS[-3:]}
                sample = array.isel(record).compute().values
                if np.isfinite(sample).any():
                    values, read = sample, levels
            ends = float(min(read, default=1000.0)), float(max(read, default=0.0))
            conversion = choose_conversion(variable, found, stated, values, *ends)
            if note := conversion_note(variable, found, stated, conversion):
                log.info(note)
            return conversion

        first = FirstValues(decide)

        def convert(values: np.ndarray, level: Any) -> np.ndarray:
            check_fill(self.dataset, name, found, values, array.attrs["units"])
            if is_ours:
                return values
            conversion = first(values, level)
            if conversion is None or conversion.is_identity:
                return values
            return conversion.apply(values.astype(np.float64))

        attributes = {
            "units": variable.units,
            "long_name": variable.long_name,
            "standard_name": variable.standard_name,
            "found": found,
            "cell_methods": str(
                self.dataset.variables[found].attrs.get("cell_methods", "")
            ),
        }
        arranged = self._arranged(array, convert, _stated(attributes))
        # How many times share a chunk, for whoever reads several.
        arranged.encoding["preferred_chunks"] = dict(array.attrs.get("chunks", {}))
        return arranged

    def other(self, name: str, array: xr.DataArray) -> xr.Variable:
        """Return a variable that is not in the table, in its own units."""

        def convert(values: np.ndarray, level: Any) -> np.ndarray:
            check_fill(self.dataset, name, name, values, own["units"])
            return values

        known = "units", "long_name", "standard_name", "cell_methods", "comment"
        own = {key: printable(str(array.attrs.get(key, "")), 1000) for key in known}
        return self._arranged(array, convert, _stated({**own, "found": name}))

    def _arranged(
        self, array: xr.DataArray, convert: Any, attributes: dict[str, str]
    ) -> xr.Variable:
        own = [str(dim) for dim in array.dims if dim not in DIMENSIONS]
        wanted = []
        for dim in (*DIMENSIONS[:5], *own, *DIMENSIONS[5:]):
            is_only_time = dim in _TIMES and len(self.coordinates.get(dim, ())) == 1
            is_level = dim == "level" and "pressure" in array.attrs
            if dim in array.dims or is_only_time or is_level:
                wanted.append(dim)
        axes = [
            (dim, self.orders.get(dim)) if dim in array.dims else (None, None)
            for dim in wanted
        ]
        level = wanted.index("level") if "level" in wanted else None
        whole = sum(dim in wanted for dim in ("latitude", "longitude"))
        lazy = ArrangedArray(array, axes, convert, level, whole)
        return lazy.variable(wanted, attributes)


def _si(units: str) -> Any:
    return CONVERSIONS[units][0] if units in CONVERSIONS else None


def _stated(attributes: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in attributes.items() if text}
