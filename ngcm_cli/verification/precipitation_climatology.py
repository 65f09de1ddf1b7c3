"""The climate of 24-hour precipitation, from a climatology of WeatherBench 2."""

import functools
import threading

import numpy as np
import xarray as xr

from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.inputs.unit_conversion import stated_conversion
from ngcm_cli.inputs.variables import DAILY_PRECIPITATION, VARIABLES
from ngcm_cli.verification.climatology import Climatology, is_climatology
from ngcm_cli.verification.comparison_grid import ComparisonGrid
from ngcm_cli.verification.field_reader import FieldReader
from ngcm_cli.verification.scored_variables import ScoredVariable
from ngcm_cli.verification.seeps import PrecipitationClimate

_DRY_FRACTION = f"{DAILY_PRECIPITATION}_seeps_dry_fraction"
_HEAVY = f"{DAILY_PRECIPITATION}_seeps_threshold"
_DAYS_AT_ONCE = 16


class PrecipitationClimatology:
    """Dry days and thresholds of heavy rain, on the grid of the comparison.

    Args:
        dataset: in canonical form, by day of the year and hour; None if there is none.
        grid: grid of the comparison, which must be that of the dataset: means of
            quantiles over cells are no quantiles of their means.

    Raises:
        ConfigError: the dataset lacks what SEEPS needs.
        InputDataError: it is in other units, or on another grid.
    """

    def __init__(self, dataset: xr.Dataset | None, grid: ComparisonGrid):
        lacks = [x for x in (_DRY_FRACTION, _HEAVY) if x not in (dataset or ())]
        if dataset is None or lacks or not is_climatology(dataset):
            raise ConfigError(
                "The metric seeps needs a climatology with "
                f"{' and '.join(lacks or [_DRY_FRACTION, _HEAVY])} by day of the year.",
                "Give a climatology file of WeatherBench 2 that has them; they are not "
                "computed from a record.",
            )
        own = ComparisonGrid.of(dataset)
        if not grid.has_nodes_of(own):
            raise InputDataError(
                f"The climatology of precipitation is on {own.description}, and the "
                f"scores are on {grid.description}: its thresholds would be wrong.",
                "Give a climatology on the grid of the scores, or set grid to its own.",
            )
        self._variable = VARIABLES[DAILY_PRECIPITATION]
        units = str(dataset[_HEAVY].attrs.get("units", ""))
        conversion = stated_conversion(self._variable, _HEAVY, units)
        self._factor = 1.0 if conversion is None else conversion.factor
        self._thresholds = Climatology(dataset[[_HEAVY]], grid)
        self._days = dataset.sizes["dayofyear"]
        self._fractions = FieldReader(dataset[[_DRY_FRACTION]], grid)
        self._lock = threading.Lock()

    def read(self, valid_times: np.ndarray) -> PrecipitationClimate:
        """Return the climate at some times.

        Raises:
            InputDataError: the values cannot be read, or are not in metres.
        """
        heavy = self._thresholds.read(_plain(_HEAVY), valid_times)[0, :, 0]
        heavy = heavy * self._factor
        highest = np.nanmax(heavy, initial=0.0)
        if highest > self._variable.valid_range[1]:
            raise InputDataError(
                f"{_HEAVY} has values up to {highest:.4g}, which cannot be metres.",
                "Give it in metres, or with its units as an attribute.",
            )
        with self._lock:
            return PrecipitationClimate(self._dry_fraction, heavy)

    @functools.cached_property
    def _dry_fraction(self) -> np.ndarray:
        """Mean over all days and hours, as in WeatherBench, (latitude, longitude)."""
        total: np.ndarray | float = 0.0
        count: np.ndarray | int = 0
        for first in range(0, self._days, _DAYS_AT_ONCE):
            days = np.arange(first, min(first + _DAYS_AT_ONCE, self._days))
            read = self._fractions.read(_plain(_DRY_FRACTION), {"dayofyear": days})
            values = read.reshape(-1, *read.shape[-2:])
            total = total + np.nansum(values, axis=0, dtype=np.float64)
            count = count + (~np.isnan(values)).sum(axis=0)
        some = np.asarray(count) > 0
        return np.where(some, total / np.where(some, count, 1), np.nan)


def _plain(name: str) -> ScoredVariable:
    return ScoredVariable(name, None, (name,))
