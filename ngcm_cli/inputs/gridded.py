"""Gridded data in one canonical form: forecasts, analyses and records of any layout.

A forecast of ngcm or of others, an analysis or a record is opened as one lazy
`xarray.Dataset` with the same names, units, axes and orders, so that scores,
diagnostics, tracks and pictures need not know where it comes from.
"""

import contextlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.canonical_file import HIGHEST_LEVEL, canonical_parts
from ngcm_cli.inputs.lazy_arrays import JoinedArray
from ngcm_cli.inputs.sources.location import matching_files, naming_file, redacted
from ngcm_cli.inputs.sources.named import find_source
from ngcm_cli.inputs.sources.open import open_dataset
from ngcm_cli.io.progress import ByteProgress, no_progress


def open_gridded(
    location: str, *, offline: bool = False, progress: ByteProgress = no_progress
) -> xr.Dataset:
    """Open forecasts, analyses or a record in canonical form; no field is read.

    Args:
        location: file, directory, URL, pattern of files or named source.
        offline: whether no network may be used.
        progress: of bytes of files that must be downloaded whole.

    Returns:
        A lazy dataset without Dask. Variables that ngcm knows have their ERA5 long name
        and SI units; other numeric variables on the same axes keep name and units.
        Dimensions, of which a variable has some, in this order: ``realization,
        init_time, lead_time`` of forecasts, ``realization, time`` of others; ``level``
        (hPa, ascending, with the attribute ``highest_model_level`` of our own files;
        another vertical axis stays under its own name), ``latitude``
        (degrees, ascending), ``longitude`` (degrees, ascending from 0). ``init_time``
        and ``time`` are datetime64, ``lead_time`` is timedelta64. Attributes of a
        variable: ``units``, ``long_name``, ``standard_name``, ``cell_methods``, and
        ``found``, its name in the file. Attributes of the dataset: those of its first
        file, and ``location``. Closing it closes the files.

    Raises:
        InputDataError: there are no such data, or they are not understood. Reading a
            variable raises it, too, where values contradict their units or chunks are
            missing.
    """
    source = find_source(location)
    with contextlib.ExitStack() as opened:
        parts, files = [], []
        for file in [source.url] if source else matching_files(location):
            with naming_file(file):
                dataset = open_dataset(file, offline=offline, progress=progress)
                opened.callback(dataset.close)
                files.append(dataset)
                _check_fields(dataset)
                parts += canonical_parts(dataset)
        with naming_file(location):
            result = _joined(parts)
        result.attrs = {**parts[0].attrs, "location": redacted(location)}
        opened.pop_all()
        result.set_close(_OpenFiles(files).close)
    return result


class _OpenFiles:
    """What a dataset closes; a pickled copy of one that was loaded closes nothing."""

    def __init__(self, files: Sequence[xr.Dataset] = ()):
        self._files = files

    def __reduce__(self):
        return _OpenFiles, ()

    def close(self) -> None:
        for file in self._files:
            file.close()


def _check_fields(dataset: xr.Dataset) -> None:
    """Check that a dataset is none of the results that ngcm computes from fields.

    Raises:
        InputDataError: it holds scores, tracks or a diagnosis.
    """
    kind = kind_of_results(dataset)
    if kind:
        raise InputDataError(
            f"The file holds {'a diagnosis' if kind == 'diagnosis' else kind}, no "
            "fields.",
            "Name the forecast or record that it is about; ngcm report shows this "
            "file.",
        )


def kind_of_results(
    dataset: xr.Dataset,
) -> Literal["tracks", "scores", "diagnosis"] | None:
    """Return which results computed from fields a file holds; None if it has none."""
    names = {str(name) for name in dataset.variables}
    if {"track_id", "row_size"} <= names:
        return "tracks"
    if "region" in dataset.dims and any("." in name for name in names):
        return "scores"
    fields = dataset.data_vars.values()
    if len(fields) > 0 and all("topic" in x.attrs for x in fields):
        return "diagnosis"
    return None


def check_grid(dataset: xr.Dataset) -> None:
    """Check that a dataset has fields of latitude and longitude.

    Args:
        dataset: in canonical form.

    Raises:
        InputDataError: it has none, for example because it holds zonal means.
    """
    missing = [dim for dim in ("latitude", "longitude") if dim not in dataset.dims]
    if missing:
        kind = "zonal means" if missing == ["longitude"] else "series"
        raise InputDataError(
            f"{dataset.attrs.get('location', 'The dataset')} has no "
            f"{' and no '.join(missing)}: it may hold {kind}.",
            "Give fields on a grid of latitude and longitude.",
        )


def _joined(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return one dataset of all parts, whose variables may follow each other."""
    variables: dict[str, list[xr.Dataset]] = {}
    for part in parts:
        for name in part.data_vars:
            variables.setdefault(str(name), []).append(part)
    merged: dict[str, xr.Variable] = {}
    coordinates: dict[str, np.ndarray] = {}
    for name, holders in variables.items():
        merged[name], own = _join(name, holders)
        for dim, values in own.items():
            if not np.array_equal(coordinates.setdefault(dim, values), values):
                raise InputDataError(
                    f"{name} is on other values of {dim} than the variables before it.",
                    "Name only files, or variables, that belong together.",
                )
    result = xr.Dataset(merged, {dim: (dim, x) for dim, x in coordinates.items()})
    if (highest := max(map(highest_model_level, parts))) and "level" in result.coords:
        result["level"].attrs[HIGHEST_LEVEL] = highest
    return result


def highest_model_level(dataset: xr.Dataset) -> float:
    """Return the pressure of the highest level of the model that made data, in hPa.

    Fields above it are extrapolated. 0 where it is not known.
    """
    if "level" not in dataset.coords:
        return 0.0
    return float(dataset["level"].attrs.get(HIGHEST_LEVEL, 0.0))


def _join(
    name: str, parts: Sequence[xr.Dataset]
) -> tuple[xr.Variable, dict[str, np.ndarray]]:
    """Return a variable that several parts hold, and its coordinates."""
    first = parts[0].variables
    dims = tuple(map(str, first[name].dims))
    own = {dim: first[dim].values for dim in dims if dim in first}
    if len(parts) == 1:
        return first[name], own
    differing = set()
    for part in parts[1:]:
        if part.variables[name].dims != first[name].dims:
            raise _unlike(name, "dimensions")
        for dim in own:
            values = part.variables[dim].values
            if values.shape != own[dim].shape or not np.array_equal(values, own[dim]):
                differing.add(dim)
    joinable = differing <= {"init_time", "lead_time", "time", "level", "realization"}
    if len(differing) != 1 or not joinable:
        raise _unlike(name, " and ".join(sorted(differing)) or "nothing")
    (dim,) = differing
    values = np.concatenate([part[dim].values for part in parts])
    unique, order = np.unique(values, return_index=True)
    if len(unique) < len(values):
        repeated = next(v for v in unique if (values == v).sum() > 1)
        raise InputDataError(
            f"{name} is in several files at {dim} {repeated}.",
            "Name fewer files, so that each variable and time occurs once.",
        )
    units = {part[name].attrs.get("units") for part in parts}
    if len(units) > 1:
        raise _unlike(name, "units")
    lazy = [part.variables[name] for part in parts]
    joined = JoinedArray(lazy, dims.index(dim), order)
    return joined.variable(dims, first[name].attrs), {**own, dim: unique}


def _unlike(name: str, what: str) -> InputDataError:
    return InputDataError(
        f"{name} is in several files that differ in {what}.",
        "Name only files that belong together and follow each other along one axis: "
        "initial time, lead time, time, level or member.",
    )
