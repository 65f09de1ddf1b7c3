"""Opening a climatology by day of the year and hour, as WeatherBench 2 stores them."""

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.axes import find_axis, find_horizontal
from ngcm_cli.inputs.pressure_levels import hectopascals
from ngcm_cli.inputs.source_grid import SourceGrid
from ngcm_cli.inputs.sources.location import matching_files, naming_file, redacted
from ngcm_cli.inputs.sources.named import find_source
from ngcm_cli.inputs.sources.open import open_dataset
from ngcm_cli.inputs.unit_conversion import stated_conversion
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.io.progress import ByteProgress, no_progress

_DAYS, _HOURS = ("dayofyear", "day_of_year"), ("hour", "hourofday")


def open_climatology(
    location: str, *, offline: bool = False, progress: ByteProgress = no_progress
) -> xr.Dataset | None:
    """Open a climatology by day of the year and hour; None if it is a record by date.

    Args:
        location: file, Zarr store or URL.
        offline: whether no network may be used.
        progress: of downloads, in bytes.

    Returns:
        A lazy dataset on ``hour, dayofyear, level, latitude, longitude``, in canonical
        form but for the order of these dimensions.

    Raises:
        InputDataError: there are no such data, or they are not understood.
    """
    if find_source(location) is not None:
        return None
    files = matching_files(location)
    if len(files) > 1:
        return None
    with naming_file(location):
        dataset = open_dataset(files[0], offline=offline, progress=progress)
        if not set(_DAYS) & set(dataset.dims):
            dataset.close()
            return None
        try:
            result = _canonical(dataset)
        except InputDataError:
            dataset.close()
            raise
    result.attrs = {**dataset.attrs, "location": redacted(location)}
    result.set_close(dataset.close)
    return result


def _canonical(dataset: xr.Dataset) -> xr.Dataset:
    names = {
        **{old: "dayofyear" for old in _DAYS if old in dataset.dims},
        **{old: "hour" for old in _HOURS if old in dataset.dims},
    }
    horizontal = find_horizontal(dataset)
    grid = SourceGrid.from_file_order(
        *(
            horizontal[axis][1].values.astype(float)
            for axis in ("longitude", "latitude")
        )
    )
    coordinates: dict[str, np.ndarray] = {
        "latitude": grid.latitude,
        "longitude": grid.longitude,
    }
    names |= {horizontal[axis][0]: axis for axis in ("latitude", "longitude")}
    level = find_axis(dataset, "level")
    if level is not None and level in dataset.dims:
        coordinates["level"] = hectopascals(dataset[level])
        names[level] = "level"
    for old, new in names.items():
        if new in ("dayofyear", "hour"):
            if old not in dataset.variables:
                raise InputDataError(
                    f"The dimension '{old}' has no coordinate.",
                    "Add the days of the year, from 1, and the hours.",
                )
            coordinates[new] = dataset[old].values
    found: dict[str, xr.Variable] = {}
    for key, array in dataset.data_vars.items():
        dims = {names.get(str(dim), str(dim)) for dim in array.dims}
        wanted = {"dayofyear", "latitude", "longitude"}
        if not wanted <= dims <= {*wanted, "hour", "level"}:
            continue
        name = _name(str(key), "level" in dims)
        variable = array.rename({d: names.get(str(d), d) for d in array.dims}).variable
        variable = variable.isel(
            latitude=_slice(grid.latitude_order), longitude=_slice(grid.longitude_order)
        )
        if name in VARIABLES:
            _check_units(name, str(key), str(array.attrs.get("units", "")))
        found[name] = variable
    if not found:
        raise InputDataError(
            "There are no fields by day of the year on latitude and longitude.",
            "Give a climatology as WeatherBench 2 stores them.",
        )
    used = {dim for variable in found.values() for dim in variable.dims}
    kept = {name: (name, x) for name, x in coordinates.items() if name in used}
    return xr.Dataset(found, kept)


def _name(name: str, on_levels: bool) -> str:
    for variable in VARIABLES.values():
        if variable.on_levels == on_levels and variable.is_called(name):
            return variable.name
    return name


def _check_units(name: str, found: str, units: str) -> None:
    conversion = stated_conversion(VARIABLES[name], found, units)
    if conversion is not None and not conversion.is_identity:
        raise InputDataError(
            f"The climatology of {name} is in '{units}'.",
            f"Convert it to {VARIABLES[name].units} first.",
        )


def _slice(order: np.ndarray) -> slice | np.ndarray:
    """Return an order as a slice where it is all, forwards or backwards."""
    everything = np.arange(len(order))
    if np.array_equal(order, everything):
        return slice(None)
    if np.array_equal(order, everything[::-1]):
        return slice(None, None, -1)
    return order
