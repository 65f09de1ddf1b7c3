"""What a file holds that cannot be used as it is: axes, times, levels and variables."""

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.sea import SKIN, SST, WANTED
from ngcm_cli.inputs import vertical
from ngcm_cli.inputs.calendars import STANDARD, as_our_dates, calendar_of
from ngcm_cli.inputs.dataset import find_axis
from ngcm_cli.inputs.lead import valid_times
from ngcm_cli.inputs.needs import Needs
from ngcm_cli.inputs.pressure_levels import hectopascals, listed
from ngcm_cli.inputs.times import checked_times, describe_times
from ngcm_cli.inputs.variables import CLOUDS, VARIABLES, Variable


def describe(path: str, dataset: xr.Dataset, needs: Needs) -> list[tuple[str, str]]:
    """Headings and text, for people; nothing is read but coordinates.

    Args:
        path: what to call it.
        dataset: as opened.
        needs: of the model that it might serve.
    """
    axes = [f"{name} ({size})" for name, size in dataset.sizes.items()]
    levels = _levels(dataset)
    lines = [
        ("Data", path),
        ("Dimensions", ", ".join(axes) or "none"),
        ("Times", _times(dataset)),
        ("Levels", f"{len(levels)}: {listed(np.sort(levels))} hPa"),
    ]
    if not len(levels):
        lines[-1] = ("Levels", "none in hPa or Pa")
    known = {}
    for name in (*needs.fields, *WANTED):
        array = _find(dataset, VARIABLES[name])
        if array is not None:
            known[name] = array
            lines.append(("Variables", _variable(name, array)))
    used = {array.name for array in known.values()}
    others = [str(name) for name in dataset.data_vars if name not in used]
    if others:
        lines.append(("Not used", ", ".join(others)))
    missing = [n for n in needs.fields if n not in known and n not in CLOUDS]
    if missing:
        lines.append(("Forecast", f"cannot start from it: no {', '.join(missing)}."))
    lines += _too_few(levels)
    if "Forecast" not in dict(lines):
        lines.append(("Forecast", "cannot start from it as it is, see below."))
    if SST not in known and SKIN not in known:
        lines.append(("Sea", f"cannot be taken from it: no {SST}."))
    return lines


def _too_few(levels: np.ndarray) -> list[tuple[str, str]]:
    try:
        if len(levels):
            vertical.check_sufficient(levels)
    except InputDataError as problem:
        return [("Forecast", problem.message), ("Forecast", problem.hint)]
    return []


def _times(dataset: xr.Dataset) -> str:
    time = find_axis(dataset, "time")
    if time is None:
        return "no time axis"
    dataset = dataset.squeeze()
    if dataset[time].ndim > 1:
        return f"'{time}' depends on {', '.join(map(str, dataset[time].dims))}"
    try:
        values = valid_times(dataset, time)
        calendar = calendar_of(values)
        if calendar == STANDARD:
            return describe_times(checked_times(values))
        ours = as_our_dates(values, means=True)
        words = describe_times(checked_times(ours[~np.isnat(ours)]))
        return f"{words}, in the {calendar} calendar"
    except InputDataError as problem:
        return problem.message


def _levels(dataset: xr.Dataset) -> np.ndarray:
    level = find_axis(dataset, "level")
    try:
        return np.empty(0) if level is None else hectopascals(dataset[level])
    except InputDataError:
        return np.empty(0)


def _find(dataset: xr.Dataset, variable: Variable) -> xr.DataArray | None:
    """The first that is called so, on whatever axes."""
    standard = (variable.standard_name, *variable.other_standard_names)
    for name, array in dataset.data_vars.items():
        said = array.attrs.get("standard_name")
        if variable.is_called(str(name)) or (said and said in standard):
            return array
    return None


def _variable(name: str, array: xr.DataArray) -> str:
    title = name if array.name == name else f"{name} is '{array.name}'"
    units = array.attrs.get("units")
    title += f" in {units}" if units else " without units"
    return f"{title}, on {', '.join(map(str, array.dims)) or 'no axes'}"
