"""A climatology by day of the year and hour, from a file."""

from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.time_format import format_time
from ngcm_cli.verification.comparison_grid import ComparisonGrid
from ngcm_cli.verification.field_cache import FieldCache
from ngcm_cli.verification.field_reader import FieldReader
from ngcm_cli.verification.scored_variables import ScoredVariable

_DAYS = 366
_MOST_BYTES = 256 << 20


def day_of_year(times: np.ndarray) -> np.ndarray:
    """Return the number of the day in its year, from 1, of datetime64 values."""
    days = times.astype("datetime64[D]")
    return (days - days.astype("datetime64[Y]")).astype(np.int64) + 1


def hour_of_day(times: np.ndarray) -> np.ndarray:
    """Return the hour of datetime64 values."""
    hours = times.astype("datetime64[h]")
    return (hours - hours.astype("datetime64[D]")).astype(np.int64)


def is_climatology(dataset: xr.Dataset) -> bool:
    """Return whether a dataset is by day of the year, not by date."""
    return "dayofyear" in dataset.dims


class Climatology:
    """Mean fields by day of the year and hour, on the grid of the comparison.

    Args:
        dataset: in canonical form, along ``dayofyear`` and ``hour``; without ``hour``
            it is taken for all hours.
        grid: grid of the comparison.
    """

    def __init__(self, dataset: xr.Dataset, grid: ComparisonGrid):
        self.dataset = dataset
        self.days = dataset["dayofyear"].values.astype(np.int64)
        self.hours = None
        if "hour" in dataset.dims:
            self.hours = dataset["hour"].values.astype(np.int64)
        self._reader = FieldReader(dataset, grid)
        self._cache = FieldCache(self._read, _MOST_BYTES)

    def has(self, variable: ScoredVariable) -> bool:
        """Return whether it has a variable on all its levels."""
        return self._reader.has(variable)

    def check_times(self, valid_times: np.ndarray) -> None:
        """Check that it has the day and the hour of some times.

        Raises:
            InputDataError: it has not; nothing is interpolated.
        """
        for time in np.unique(valid_times):
            day, hour = (int(f(time)) for f in (day_of_year, hour_of_day))
            has_hour = self.hours is None or hour in self.hours
            if day not in self.days or not has_hour:
                raise InputDataError(
                    f"The climatology has no value for {format_time(time)}, day {day} "
                    f"of the year at {hour} UTC.",
                    "Score lead times whose hours it has, or give another climatology.",
                )

    def read(self, variable: ScoredVariable, valid_times: np.ndarray) -> np.ndarray:
        """Return the climatology of some times.

        Returns:
            Shape (component, time, level, latitude, longitude).

        Raises:
            InputDataError: the values cannot be read.
        """
        days, hours = day_of_year(valid_times), hour_of_day(valid_times)
        keys = [int(key) for key in days + _DAYS * hours]
        return self._cache.get(variable, keys, ())

    def _read(self, variable: Hashable, keys: Sequence[int]) -> np.ndarray:
        assert isinstance(variable, ScoredVariable)
        days, hours = (
            (np.asarray(keys) - 1) % _DAYS + 1,
            (np.asarray(keys) - 1) // _DAYS,
        )
        places = np.array([int(np.flatnonzero(self.days == d)[0]) for d in days])
        values: np.ndarray | None = None
        for hour in np.unique(hours):
            mine = np.flatnonzero(hours == hour)
            mine = mine[np.argsort(places[mine])]
            index: dict = {"dayofyear": places[mine]}
            if self.hours is not None:
                index["hour"] = int(np.flatnonzero(self.hours == hour)[0])
            read = self._reader.read(variable, index)
            if values is None:
                values = np.empty((len(read), len(keys), *read.shape[2:]), read.dtype)
            values[:, mine] = read
        assert values is not None
        return values
