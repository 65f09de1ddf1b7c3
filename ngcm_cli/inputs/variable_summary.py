"""A summary of the values of one variable, for the report on data."""

import dataclasses

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


@dataclasses.dataclass
class VariableSummary:
    """Reads a variable at several times, or the only one given, and summarizes it."""

    dataset: InputDataset
    name: str
    init_time: np.datetime64 | None

    def read(self, wrong: dict[str, InputDataError]) -> str:
        """Return a line about the variable; an error is stored under its name."""
        parts = self.dataset.fields[self.name]
        attributes = parts[0].array.attrs
        units = attributes["units"]
        same = attributes["found"] == self.name
        title = f"{self.name}{'' if same else ' is ' + repr(attributes['found'])}"
        title += f" in {units}" if attributes["units"] else " without units"
        times, remark = self._times()
        if not times:
            return f"{title}, {remark}"
        notes: list[str] = []
        smallest, largest, missing = np.inf, -np.inf, []
        for time in times:
            field = self.dataset.field(self.name, time)
            try:
                with naming_file(field.path):
                    values = self._checked(field, time, notes)
            except InputDataError as problem:
                wrong[self.name] = problem
                return f"{title}: WRONG, see below"
            smallest = min(smallest, float(np.nanmin(values)))
            largest = max(largest, float(np.nanmax(values)))
            missing.append(float(np.isnan(values).mean()))
        si = VARIABLES[self.name].units
        unit = "" if si in ("1", "kg kg-1") else f" {si}"
        text = f"{title}: {smallest:.6g} to {largest:.6g}{unit}"
        if max(missing):
            text += f", {100 * max(missing):.3g} % missing"
        if remark:
            text += f" ({remark})"
        return " ".join([f"{text}.", *dict.fromkeys(notes)]) if notes else text

    def _checked(
        self, field: InputField, time: np.datetime64 | None, notes: list[str]
    ) -> np.ndarray:
        values = field.values(time, notes)
        if len(field.levels):
            empty = check_complete(field, values, field.levels, time, notes)
            if self.name == "geopotential":
                check_hydrostatic_order(values[~empty], field.levels[~empty])
        return values

    def _times(self) -> tuple[list[np.datetime64 | None], str]:
        """Return the times to read, and a remark on those that are not read."""
        parts = self.dataset.fields[self.name]
        known = self.dataset.times(self.name)
        if not len(known):
            return [None], "no time axis"
        if self.init_time is not None:
            if self.init_time in known:
                return [self.init_time], ""
            return [], f"no {format_time(self.init_time)}"
        if is_remote(self.dataset.path):
            return [], "values not read; give a time with --init"
        size = 4 * np.prod(parts[0].array.shape) / max(len(parts[0].times), 1)
        if size * len(known) > _READ_WHOLE_BELOW and len(known) > 3:
            chosen = [known[0], known[len(known) // 2], known[-1]]
            return chosen, f"three times of {format_size(size * len(known))} were read"
        return list(known), ""
