"""A summary of the values of one variable, for the report on data."""

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.input_dataset import InputDataset
from ngcm_cli.inputs.input_field import InputField, check_complete
from ngcm_cli.inputs.pressure_levels import check_hydrostatic_order
from ngcm_cli.inputs.sources.location import is_remote, naming_file
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.io.progress import format_size
from ngcm_cli.time_format import format_time

# Of a larger variable only three times are read, bytes.
_READ_WHOLE_BELOW = 500e6


def summarize_variable(
    dataset: InputDataset,
    name: str,
    init_time: np.datetime64 | None,
    wrong: dict[str, InputDataError],
) -> str:
    """Return a line about a variable, by ERA5 name, and its values.

    They are read at the initial time, or else at all times of local data. An error in
    them is stored in ``wrong`` under the name of the variable.
    """
    attributes = dataset.fields[name][0].array.attrs
    found, units = attributes["found"], attributes["units"]
    title = f"{name}{'' if found == name else ' is ' + repr(found)}"
    title += f" in {units}" if units else " without units"
    times, remark = _times(dataset, name, init_time)
    if not times:
        return f"{title}, {remark}"
    notes: list[str] = []
    smallest, largest, missing = np.inf, -np.inf, 0.0
    for time in times:
        field = dataset.field(name, time)
        try:
            with naming_file(field.path):
                values = _checked(field, time, notes)
        except InputDataError as problem:
            wrong[name] = problem
            return f"{title}: WRONG, see below"
        smallest = min(smallest, float(np.nanmin(values)))
        largest = max(largest, float(np.nanmax(values)))
        missing = max(missing, float(np.isnan(values).mean()))
    si = VARIABLES[name].units
    unit = "" if si in ("1", "kg kg-1") else f" {si}"
    text = f"{title}: {smallest:.6g} to {largest:.6g}{unit}"
    if missing:
        where = (
            " (levels without data, or below the ground)" if field.levels.size else ""
        )
        text += f", {100 * missing:.3g} % missing{where}"
    if remark:
        text += f" ({remark})"
    return " ".join([f"{text}.", *dict.fromkeys(notes)]) if notes else text


def _checked(
    field: InputField, time: np.datetime64 | None, notes: list[str]
) -> np.ndarray:
    values = field.values(time, notes)
    if len(field.levels):
        empty = check_complete(field, values, field.levels, time, notes)
        if field.name == "geopotential":
            check_hydrostatic_order(values[~empty], field.levels[~empty])
    return values


def _times(
    dataset: InputDataset, name: str, init_time: np.datetime64 | None
) -> tuple[list[np.datetime64 | None], str]:
    """Return the times to read, and a remark on those that are not read."""
    part, known = dataset.fields[name][0], dataset.times(name)
    if not len(known):
        return [None], "no time axis"
    if init_time is not None:
        if init_time in known:
            return [init_time], ""
        return [], f"no {format_time(init_time)}"
    if is_remote(dataset.path):
        return [], "values not read; give a time with --init"
    size = 4 * np.prod(part.array.shape) / max(len(part.times), 1)
    if size * len(known) > _READ_WHOLE_BELOW and len(known) > 3:
        chosen = [known[0], known[len(known) // 2], known[-1]]
        return chosen, f"three times of {format_size(size * len(known))} were read"
    return list(known), ""
