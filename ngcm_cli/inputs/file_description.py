"""Description of a file that cannot be used: axes, times, levels and variables."""

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs import vertical_interpolation
from ngcm_cli.inputs.axes import find_axis, find_time
from ngcm_cli.inputs.calendars import STANDARD, calendar_of, to_standard_calendar
from ngcm_cli.inputs.forecast_valid_time import valid_times
from ngcm_cli.inputs.layouts import short_name
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.pressure_levels import hectopascals, list_levels
from ngcm_cli.inputs.time_meaning import MEAN
from ngcm_cli.inputs.times import checked_times, describe_times
from ngcm_cli.inputs.variables import (
    CLOUDS,
    SKIN_TEMPERATURE,
    SST,
    VARIABLES,
    Variable,
)


def describe_file(
    path: str, dataset: xr.Dataset, model_inputs: ModelInputs
) -> list[tuple[str, str]]:
    """Return headings and lines of text; only coordinates are read."""
    axes = [f"{name} ({size})" for name, size in dataset.sizes.items()]
    levels = _levels(dataset)
    lines = [
        ("Data", path),
        ("Dimensions", ", ".join(axes) or "none"),
        ("Times", _describe_times(dataset)),
        ("Levels", f"{len(levels)}: {list_levels(np.sort(levels))} hPa"),
    ]
    if not len(levels):
        lines[-1] = ("Levels", "none in hPa or Pa")
    known = {}
    for name in model_inputs.readable:
        array = _find(dataset, VARIABLES[name])
        if array is not None:
            known[name] = array
            lines.append(("Variables", _describe_variable(name, array)))
    used = {array.name for array in known.values()}
    others = [str(name) for name in dataset.data_vars if name not in used]
    if others:
        lines.append(("Not used", ", ".join(others)))
    missing = [n for n in model_inputs.fields if n not in known and n not in CLOUDS]
    if missing:
        lines.append(("Forecast", f"cannot start from it: no {', '.join(missing)}."))
    lines += _level_problems(levels)
    if "Forecast" not in dict(lines):
        lines.append(("Forecast", "cannot start from it, see below."))
    if SST not in known and SKIN_TEMPERATURE not in known:
        lines.append(("Forcing", f"cannot be taken from it: no {SST}."))
    return lines


def _level_problems(levels: np.ndarray) -> list[tuple[str, str]]:
    try:
        if len(levels):
            vertical_interpolation.check_sufficient(levels)
    except InputDataError as problem:
        return [("Forecast", problem.message), ("Forecast", problem.hint)]
    return []


def _describe_times(dataset: xr.Dataset) -> str:
    dataset = dataset.squeeze()
    try:
        time = find_time(dataset)
    except InputDataError as problem:
        return problem.message
    if time is None:
        return "no time axis"
    if dataset[time].ndim > 1:
        return f"'{time}' depends on {', '.join(map(str, dataset[time].dims))}"
    try:
        _, values = valid_times(dataset, time)
        calendar = calendar_of(values)
        if calendar == STANDARD:
            return describe_times(checked_times(values))
        times = to_standard_calendar(values, MEAN)
        text = describe_times(checked_times(times[~np.isnat(times)]))
        return f"{text}, in the {calendar} calendar"
    except InputDataError as problem:
        return problem.message


def _levels(dataset: xr.Dataset) -> np.ndarray:
    level = find_axis(dataset, "level")
    try:
        return np.empty(0) if level is None else hectopascals(dataset[level])
    except InputDataError:
        return np.empty(0)


def _find(dataset: xr.Dataset, variable: Variable) -> xr.DataArray | None:
    """Return the first variable with a known name, on any dimensions."""
    standard = (variable.standard_name, *variable.other_standard_names)
    for name in dataset.data_vars:
        stated = dataset.variables[name].attrs.get("standard_name")
        if variable.is_called(short_name(str(name))) or (stated and stated in standard):
            return dataset[name]
    return None


def _describe_variable(name: str, array: xr.DataArray) -> str:
    title = name if array.name == name else f"{name} is '{array.name}'"
    units = array.attrs.get("units")
    title += f" in {units}" if units else " without units"
    return f"{title}, on {', '.join(map(str, array.dims)) or 'no axes'}"
