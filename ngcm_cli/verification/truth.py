"""The truth: an analysis or a record at valid times."""

import json
from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.gridded import check_grid
from ngcm_cli.output.zarr import RUN_ATTRIBUTE
from ngcm_cli.verification.comparison_grid import ComparisonGrid
from ngcm_cli.verification.field_cache import FieldCache
from ngcm_cli.verification.field_reader import FieldReader
from ngcm_cli.verification.scored_variables import ScoredVariable

_MOST_BYTES = 512 << 20
"""Of the fields that are kept in memory."""

_LARGEST_READ = 256 << 20  # bytes


class Truth:
    """Fields of a dataset at valid times, on the grid of the comparison.

    Args:
        dataset: record in canonical form, along ``time``.
        grid: grid of the comparison.

    Attributes:
        times: times of the record, datetime64[s].
    """

    def __init__(self, dataset: xr.Dataset, grid: ComparisonGrid):
        self.dataset, self.grid = dataset, grid
        self.times = dataset["time"].values.astype("datetime64[s]")
        self._reader = FieldReader(dataset, grid)
        self._cache = FieldCache(self._read, _MOST_BYTES)
        self._gaps: dict[tuple[ScoredVariable, int], bool] = {}

    def has(self, variable: ScoredVariable) -> bool:
        """Return whether it has a variable on all its levels."""
        return self._reader.has(variable)

    def positions(self, valid_times: np.ndarray) -> np.ndarray:
        """Return the position of valid times in the record; -1 where it has none."""
        valid = valid_times.astype("datetime64[s]")
        found = np.searchsorted(self.times, valid).clip(max=len(self.times) - 1)
        return np.where(self.times[found] == valid, found, -1)

    def read(
        self, variable: ScoredVariable, positions: Sequence[int] | np.ndarray
    ) -> np.ndarray:
        """Return fields at positions in the record.

        Returns:
            Shape (component, time, level, latitude, longitude); cells without data are
            NaN.

        Raises:
            InputDataError: the values cannot be read.
        """
        wanted = [int(p) for p in positions]
        return self._cache.get(variable, wanted, self._near(variable, wanted))

    def fields(
        self, variable: ScoredVariable, positions: Sequence[int] | np.ndarray
    ) -> list[np.ndarray]:
        """Return fields as `read` does, one by one, without copying what is kept.

        Returns:
            Arrays of shape (component, level, latitude, longitude), not to be changed.
        """
        wanted = [int(p) for p in positions]
        return self._cache.fields(variable, wanted, self._near(variable, wanted))

    def has_gaps(
        self, variable: ScoredVariable, position: int, field: np.ndarray
    ) -> bool:
        """Return whether a value of a field, as `fields` returns it, is NaN.

        Many forecasts are compared with a field: it is searched for the first of them.
        """
        key = variable, position
        if key not in self._gaps:
            self._gaps[key] = bool(np.isnan(field.min()))
        return self._gaps[key]

    def _near(self, variable: ScoredVariable, wanted: Sequence[int]) -> list[int]:
        """Return positions that are in the same chunks as those that are wanted."""
        chunk = self._chunk(variable)
        last = len(self.times) - 1
        near = {
            min(first + step, last)
            for first in {p - p % chunk for p in wanted}
            for step in range(chunk)
        }
        return sorted(near)

    def read_once(self, variable: ScoredVariable, positions: np.ndarray) -> np.ndarray:
        """Return fields at ascending positions as `read` does, and keep none."""
        return self._reader.read(variable, {"time": positions})

    def _read(self, variable: Hashable, positions: Sequence[int]) -> np.ndarray:
        assert isinstance(variable, ScoredVariable)
        return self._reader.read(variable, {"time": np.asarray(positions)})

    def _chunk(self, variable: ScoredVariable) -> int:
        """Return how many times are read together, as one chunk of the store is."""
        levels = len(variable.levels or (0,)) * len(variable.components)
        sizes = self.dataset.sizes
        field = 4 * levels * sizes["latitude"] * sizes["longitude"]
        name = next((n for n in variable.components if n in self.dataset), None)
        if name is None:
            return 1
        chunks = self.dataset[name].encoding.get("preferred_chunks", {})
        length = int(chunks.get("time", 1))
        return length if 1 < length * field <= _LARGEST_READ else 1


def as_record(dataset: xr.Dataset) -> xr.Dataset:
    """Return a run of an idealized case as a record in time; other data as they are.

    Idealized flows have no analysis. The truth of a run is another one, at a higher
    resolution for example.
    """
    if "lead_time" not in dataset.dims or _command(dataset) != "idealized":
        return dataset
    time = dataset["init_time"].values.ravel()[0] + dataset["lead_time"].values
    record = dataset.isel(init_time=0, missing_dims="ignore").drop_vars(
        ["init_time", "valid_time"], errors="ignore"
    )
    return record.assign_coords(lead_time=time).rename(lead_time="time")


def _command(dataset: xr.Dataset) -> str:
    """Return the command whose run has written a dataset; empty if none has."""
    try:
        return json.loads(dataset.attrs[RUN_ATTRIBUTE])["command"]
    except (KeyError, TypeError, ValueError):
        return ""


def check_truth(dataset: xr.Dataset) -> None:
    """Check that a dataset can be the truth.

    Raises:
        InputDataError: it is a forecast or an ensemble, or has no times.
    """
    location = dataset.attrs.get("location", "The dataset")
    if "lead_time" in dataset.dims:
        raise InputDataError(
            f"{location} is a forecast, which cannot be the truth.",
            "Give an analysis or a record, such as ERA5; a forecast can be a baseline.",
        )
    if "time" not in dataset.dims:
        raise InputDataError(
            f"The truth {location} has no times.", "Give a record with a time axis."
        )
    if dataset.sizes.get("realization", 1) > 1:
        raise InputDataError(
            f"The truth {location} has {dataset.sizes['realization']} members.",
            "Give one of them, or their mean.",
        )
    check_grid(dataset)
