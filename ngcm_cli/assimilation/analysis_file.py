"""The files of an assimilation: the analysis, and its departures from observations.

The analysis is NetCDF with ERA5 names on the model's grid and pressure levels, with
sea-surface temperature and sea ice: what every ``--data`` reads. Beside it, the
diagnostics have these dimensions:

``observation``
    ``time``, ``latitude``, ``longitude``, ``pressure`` (hPa), ``variable``, ``value``,
    ``error``, ``background`` and ``analysis`` (their equivalents of it),
    ``background_error``, ``status`` (used, or why not), ``row`` in the table.
``iteration``
    ``cost``, ``cost_background``, ``cost_observations``, ``gradient_norm``,
    ``evaluations`` of the minimisation, from its start.
"""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.assimilation.departures import STATUS, Departures
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.io.output_file import sole_writer
from ngcm_cli.output.dataset_file import write_dataset
from ngcm_cli.spectral.grid import Grid

_HINT = "Check the disk, or choose another --output."
_EPOCH = {"units": "seconds since 1970-01-01", "dtype": "int64"}


def diagnostics_path(analysis: pathlib.Path) -> pathlib.Path:
    """Return the path of the diagnostics beside an analysis."""
    return analysis.with_name(f"{analysis.stem}_diagnostics.nc")


def write_analysis(
    path: pathlib.Path,
    fields: Mapping[str, np.ndarray],
    grid: Grid,
    levels: tuple[float, ...],
    time: np.datetime64,
    attributes: Mapping[str, Any],
) -> None:
    """Write fields, each (level, longitude, latitude) or (1, …) at the surface.

    Raises:
        OutputError: the file cannot be written.
    """
    axes = {
        "time": ("time", np.array([time]), {"standard_name": "time"}),
        "level": (
            "level",
            np.array(levels),
            {"units": "hPa", "standard_name": "air_pressure", "positive": "down"},
        ),
        "latitude": (
            "latitude",
            np.rad2deg(grid.latitude),
            {"units": "degrees_north", "standard_name": "latitude"},
        ),
        "longitude": (
            "longitude",
            np.rad2deg(grid.longitude),
            {"units": "degrees_east", "standard_name": "longitude"},
        ),
    }
    variables = {}
    for name, x in fields.items():
        known = VARIABLES[name]
        x = np.swapaxes(np.asarray(x, np.float32), -1, -2)[None]
        dimensions = "time", "level", "latitude", "longitude"
        if not known.on_levels:
            x, dimensions = x[:, 0], ("time", "latitude", "longitude")
        about = {"units": known.units, "long_name": known.long_name}
        if known.standard_name:
            about["standard_name"] = known.standard_name
        variables[name] = (dimensions, x, about)
    packed = {name: {"zlib": True, "complevel": 1} for name in variables}
    dataset = xr.Dataset(variables, axes, {**attributes, "Conventions": "CF-1.11"})
    with sole_writer(path) as target:
        write_dataset(dataset, target, {**packed, "time": _EPOCH}, _HINT)


def write_diagnostics(
    path: pathlib.Path,
    departures: Departures,
    iterations: Mapping[str, np.ndarray],
    attributes: Mapping[str, Any],
) -> None:
    """Write departures, and the series of the minimisation by name.

    Raises:
        OutputError: the file cannot be written.
    """
    observations = departures.observations
    own = {"comment": "SI units of each variable"}
    columns = {
        "time": (observations.time, {"standard_name": "time"}),
        "latitude": (observations.latitude, {"units": "degrees_north"}),
        "longitude": (observations.longitude, {"units": "degrees_east"}),
        "pressure": (observations.pressure, {"units": "hPa"}),
        "variable": (observations.variable.astype(object), {}),
        "value": (observations.value, own),
        "error": (observations.error, own),
        "background": (departures.background, own),
        "background_error": (departures.background_error, own),
        "analysis": (departures.analysis, own),
        "status": (
            departures.status,
            {
                "flag_values": np.array(list(STATUS), np.int8),
                "flag_meanings": " ".join(STATUS.values()),
            },
        ),
        "row": (observations.row, {"long_name": f"{observations.source[1]} in table"}),
    }
    variables = {
        name: ("observation", x, about) for name, (x, about) in columns.items()
    } | {name: ("iteration", x, {"units": "1"}) for name, x in iterations.items()}
    dataset = xr.Dataset(variables, attrs={**attributes, "Conventions": "CF-1.11"})
    with sole_writer(path) as target:
        write_dataset(dataset, target, {"time": _EPOCH}, _HINT)
