"""Opening a user's dataset and putting its names and coordinates in canonical form."""

import pathlib
import warnings
from collections.abc import Sequence

import xarray as xr

from ngcm_cli.data.grib import is_grib, open_grib
from ngcm_cli.data.pressure_levels import PRESSURE_UNITS, hectopascals
from ngcm_cli.data.variables import VARIABLES, Variable
from ngcm_cli.errors import InputDataError

_NAMES = {
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon"),
    "time": ("valid_time", "time", "datetime", "date"),
    "level": ("level", "pressure_level", "plev", "isobaricinhpa", "isobaricinpa")
    + ("isobaric", "lev", "pressure", "air_pressure", "p", "pfull"),
}
_STANDARD_NAMES = {
    "latitude": "latitude",
    "longitude": "longitude",
    "time": "time",
    "level": "air_pressure",
}
_UNITS = {
    "latitude": ("degrees_north", "degree_north", "degrees_n", "degree_n"),
    "longitude": ("degrees_east", "degree_east", "degrees_e", "degree_e"),
    "time": (),
    "level": PRESSURE_UNITS,
}
_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive", "Unpack it and name the NetCDF file inside."),
    (b"\x1f\x8b", "gzip-compressed", "Unpack it with gunzip first."),
)
_FORMATS = "Give a NetCDF file or a Zarr directory, or a GRIB file."


def open_dataset(path: str) -> xr.Dataset:
    """Open a NetCDF or GRIB file or a Zarr directory; values stay on disk until read.

    Args:
        path: a local file or directory.

    Raises:
        InputDataError: there is nothing there, or it is not such a dataset.
    """
    place = pathlib.Path(path)
    if not place.exists():
        kind = "URLs are not read: download it" if "://" in path else "Check the path"
        raise InputDataError(f"There is no file or directory '{path}'.", f"{kind}.")
    if is_grib(place):
        return open_grib(place)
    options = _zarr_options(place) if place.is_dir() else _netcdf_options(place)
    try:
        with warnings.catch_warnings():
            # Several fill values, dates before 1582: judged below where they matter.
            warnings.simplefilter("ignore", xr.SerializationWarning)
            dataset = xr.open_dataset(
                path, decode_timedelta=False, cache=False, **options
            )
    except Exception as error:  # Every backend has its own idea of a broken file.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else ""
        if "decode time" in reason:
            raise InputDataError(
                f"The times of '{path}' cannot be understood: {reason.rstrip('.')}.",
                "Write it as CF times, such as 'hours since 1900-01-01' in the "
                "standard calendar.",
            ) from error
        raise InputDataError(
            f"'{path}' looks like {options['engine']} data but cannot be opened: "
            f"{type(error).__name__}: {reason.rstrip('.')}.",
            "It may be truncated: download or copy it again.",
        ) from error
    if not dataset.data_vars:
        raise InputDataError(f"'{path}' opens, but holds no variables.", _FORMATS)
    return dataset


def _netcdf_options(place: pathlib.Path) -> dict:
    try:
        with place.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise InputDataError(
            f"'{place}' cannot be read: {error.strerror}.", "Check its permissions."
        ) from error
    if not head:
        raise InputDataError(f"'{place}' is an empty file.", "Download it again.")
    if head.startswith((b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF\r\n\x1a\n")):
        return {"engine": "netcdf4"}
    for magic, kind, hint in _MAGIC:
        if head.startswith(magic):
            raise InputDataError(f"'{place}' is {kind}, not NetCDF.", hint)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise InputDataError(
            f"'{place}' is a web page, not NetCDF: the download went wrong.",
            "Open it to read the server's message, then download again.",
        )
    is_text = b"\0" not in head
    raise InputDataError(
        f"'{place}' is {'a text file' if is_text else 'not a dataset'}, not NetCDF.",
        _FORMATS,
    )


def _zarr_options(place: pathlib.Path) -> dict:
    marks = ("zarr.json", ".zgroup", ".zmetadata")
    if not any((place / mark).exists() for mark in marks):
        files = sorted(p.name for p in place.iterdir())
        inside = f"it holds {', '.join(files[:4])}" if files else "it is empty"
        more = f" and {len(files) - 4} more" if len(files) > 4 else ""
        raise InputDataError(
            f"The directory '{place}' has no Zarr metadata ({' or '.join(marks)}): "
            f"{inside}{more}.",
            "Name a file or Zarr directory in it, or copy the Zarr directory whole.",
        )
    root = place / "zarr.json"
    consolidated = (place / ".zmetadata").exists() or (
        root.exists() and b'"consolidated_metadata"' in root.read_bytes()
    )
    return {"engine": "zarr", "consolidated": consolidated, "chunks": None}


def recognise(dataset: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    """The variables asked for, under ngcm's names, with canonical dimensions.

    Args:
        dataset: as opened.
        names: ERA5 long names out of ``VARIABLES``.

    Returns:
        Those of ``names`` that are there, lazily, each with dimensions among ``time``,
        ``level``, ``latitude`` and ``longitude``, in the order of the file; attributes
        ``found`` (name in the file) and ``units`` (may be empty). Coordinates: degrees,
        ``level`` in hPa, ``time`` as the file has it (absent if the file has none).

    Raises:
        InputDataError: a coordinate is missing or ambiguous, or a variable has more
            dimensions than these.
    """
    dims = {axis: _find_axis(dataset, axis) for axis in ("latitude", "longitude")}
    _check_horizontal(dataset, dims)
    dims["level"] = _find_axis(dataset, "level")
    keep = set(dims.values())
    single = [d for d, size in dataset.sizes.items() if size == 1 and d not in keep]
    dataset = dataset.squeeze(single)
    time = _find_axis(dataset, "time")
    if time is not None and dataset[time].ndim == 1:
        dims["time"] = str(dataset[time].dims[0])
    elif time is not None and dataset[time].ndim > 1:
        raise InputDataError(
            f"The valid time '{time}' depends on several dimensions: "
            f"{_sizes(dataset[time])}.",
            "Select one initial time (or one lead time) first.",
        )
    coordinates = {
        axis: (axis, dataset[dims[axis]].values.astype(float))
        for axis in ("latitude", "longitude")
    }
    upper_air = any(VARIABLES[name].on_levels for name in names)
    if dims["level"] is not None and dataset[dims["level"]].ndim and upper_air:
        coordinates["level"] = ("level", hectopascals(dataset[dims["level"]]))
    canonical = {old: new for new, old in dims.items() if old is not None}
    found = {}
    for name in names:
        array = _find_variable(dataset, VARIABLES[name], dims)
        if array is not None:
            found[name] = _with_canonical_dims(array, canonical)
    result = xr.Dataset(found).assign_coords(coordinates)
    if time is not None:
        values = dataset[time].variable
        result = result.assign_coords(time=(("time",) * values.ndim, values.values))
    return result


def _sizes(array: xr.DataArray) -> str:
    return ", ".join(f"{dim} ({size})" for dim, size in array.sizes.items())


def _find_axis(dataset: xr.Dataset, axis: str) -> str | None:
    """The 0- or 1-dimensional variable that holds a coordinate, by name, then by CF."""
    slim = {
        str(n): v
        for n, v in dataset.variables.items()
        if v.ndim <= 1 or (axis == "time" and n == "valid_time")
    }
    lower = {n.lower(): n for n in slim}
    for name in _NAMES[axis]:
        if name in lower:
            return lower[name]
    for name, variable in slim.items():
        if variable.attrs.get("standard_name") == _STANDARD_NAMES[axis]:
            return name
    for name, variable in slim.items():
        units = str(variable.attrs.get("units", "")).lower()
        if name in dataset.dims and units in _UNITS[axis]:
            return name
    return None


def _check_horizontal(dataset: xr.Dataset, dims: dict[str, str | None]) -> None:
    for axis in ("latitude", "longitude"):
        name = dims[axis]
        if name is not None and dataset[name].dims == (name,):
            continue
        there = ", ".join(f"{d} ({n})" for d, n in dataset.sizes.items())
        names = (n.lower() for n in map(str, dataset.variables))
        if name is not None or any(
            n in _NAMES[axis] + ("nav_" + axis[:3],) for n in names
        ):
            raise InputDataError(
                f"The {axis}s are not a grid axis of their own (dimensions: {there}): "
                "the grid is curvilinear or unstructured.",
                "Remap it to a regular latitude-longitude grid first, e.g. with "
                "`cdo remapcon,global_1`.",
            )
        raise InputDataError(
            f"There is no {axis} coordinate; the dimensions are {there}.",
            f"Needed: global fields with a 1-D coordinate '{axis}' or "
            f"'{axis[:3]}' in degrees.",
        )


def _find_variable(
    dataset: xr.Dataset, variable: Variable, dims: dict[str, str | None]
) -> xr.DataArray | None:
    """By ERA5 name, CF standard name, alias, in turn, among those on the right axes."""
    candidates = {}
    for name, array in dataset.data_vars.items():
        on_levels = dims["level"] in array.dims and array.sizes[dims["level"]] > 1
        horizontal = {dims["latitude"], dims["longitude"]} <= set(array.dims)
        if horizontal and on_levels == variable.on_levels and array.dtype.kind in "iuf":
            candidates[str(name)] = array
    groups = [
        [n for n in candidates if n == variable.name],
        *(
            [
                n
                for n, a in candidates.items()
                if a.attrs.get("standard_name") == standard
            ]
            for standard in (variable.standard_name, *variable.other_standard_names)
        ),
        [n for n in candidates if variable.is_called(n)],
    ]
    for group in groups:
        # Several with one standard name: the one with a known name, if only one has it.
        known_too = [n for n in group if variable.is_called(n)]
        choice = known_too if len(group) > 1 and len(known_too) == 1 else group
        if len(choice) > 1:
            raise InputDataError(
                f"Several variables could be {variable.name}: {', '.join(choice)}.",
                f"Keep one of them, or rename it to '{variable.name}'.",
            )
        if choice:
            return candidates[choice[0]]
    return None


def _with_canonical_dims(
    array: xr.DataArray, canonical: dict[str, str]
) -> xr.DataArray:
    attributes = {"found": str(array.name), "units": str(array.attrs.get("units", ""))}
    for dim, size in array.sizes.items():
        if canonical.get(str(dim)) == "level" and size == 1:
            array = array.isel({dim: 0})
    extra = [d for d in array.dims if d not in canonical]
    if extra:
        raise InputDataError(
            f"Variable '{array.name}' has the dimensions {_sizes(array)}, of which "
            f"ngcm does not know {', '.join(map(repr, extra))}.",
            f"Select one first, e.g. `dataset.isel({extra[0]}=0)` in xarray.",
        )
    bare = array.drop_vars([str(name) for name in array.coords])
    return bare.rename({d: canonical[str(d)] for d in array.dims}).assign_attrs(
        attributes
    )
