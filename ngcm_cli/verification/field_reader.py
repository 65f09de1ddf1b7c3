"""Reading variables of one dataset, or deriving them, on the grid of the comparison."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources.open import reading_error
from ngcm_cli.verification.comparison_grid import ComparisonGrid
from ngcm_cli.verification.derived_variables import DERIVED
from ngcm_cli.verification.scored_variables import (
    ScoredVariable,
    has_variable,
    offered_variables,
)

DIMENSIONS = (
    *("realization", "init_time", "lead_time", "time", "hour", "dayofyear"),
    *("level", "latitude", "longitude"),
)
"""Of fields, in this order; a variable has some of them."""

Index = Mapping[str, Any]
"""Whole numbers, or arrays of them, by dimension."""


class FieldReader:
    """The fields of one dataset, in canonical form, on another grid.

    Args:
        dataset: lazy; several threads may read it.
        grid: grid of the comparison.
    """

    def __init__(self, dataset: xr.Dataset, grid: ComparisonGrid):
        self.dataset, self.grid = dataset, grid
        self._own_grid = ComparisonGrid.of(dataset)
        self._offered = offered_variables(dataset)
        self._levels = (
            dataset["level"].values.astype(np.float64)
            if "level" in dataset.coords
            else np.array([])
        )

    def has(self, variable: ScoredVariable) -> bool:
        """Return whether it has a variable on all its levels, or can derive it."""
        return has_variable(variable, self._offered)

    def read(self, variable: ScoredVariable, index: Index) -> np.ndarray:
        """Return a variable at some times, float32 or float64 as stored.

        Args:
            variable: what to read.
            index: positions along dimensions of the dataset; those that a variable does
                not have are ignored.

        Returns:
            Shape (component, [realization,] times..., level, latitude, longitude),
            where ``level`` has size one for a variable without levels.

        Raises:
            InputDataError: the values cannot be read.
        """
        parts = [self._component(variable, name, index) for name in variable.components]
        values = np.stack(parts) if len(parts) > 1 else parts[0][None]
        return self.grid.regrid(values, self._own_grid)

    def _component(
        self, variable: ScoredVariable, name: str, index: Index
    ) -> np.ndarray:
        if name in self.dataset.data_vars:
            values = self._stored(name, variable.levels, index)
            return values if variable.levels is not None else values[..., None, :, :]
        derived = DERIVED[name]
        levels = variable.levels if derived.on_levels else variable.column_levels
        fields = {part: self._stored(part, levels, index) for part in derived.fields}
        values = derived.compute(fields, np.asarray(levels, np.float64))
        return values if derived.on_levels else values[..., None, :, :]

    def _stored(
        self, name: str, levels: Sequence[float] | None, index: Index
    ) -> np.ndarray:
        array = self.dataset.variables[name]
        chosen = {dim: _as_slice(x) for dim, x in index.items() if dim in array.dims}
        if levels is not None:
            places = [int(np.abs(self._levels - level).argmin()) for level in levels]
            chosen["level"] = _as_slice(np.array(places))
        try:
            # Transposed in memory: xarray reads a lazy transposed array by points.
            read = array.isel(chosen).compute()
            order = [dim for dim in DIMENSIONS if dim in read.dims]
            return read.transpose(*order).values
        except InputDataError:
            raise
        except (OSError, RuntimeError, ValueError) as error:  # not of `open_gridded`
            raise reading_error(f"'{name}'", error) from error


def _as_slice(index: Any) -> Any:
    """Return equally spaced positions as a slice, which files read fastest."""
    if np.ndim(index) == 0:
        return index
    positions = np.asarray(index)
    if len(positions) == 1:
        return slice(int(positions[0]), int(positions[0]) + 1)
    steps = np.unique(np.diff(positions))
    if len(steps) == 1 and steps[0] > 0:
        return slice(int(positions[0]), int(positions[-1]) + 1, int(steps[0]))
    return positions
