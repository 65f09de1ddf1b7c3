"""What is scored: forecasts of one dataset, whose members are an axis."""

import dataclasses
from typing import Any, Protocol

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.gridded import check_grid
from ngcm_cli.time_format import format_duration, format_time
from ngcm_cli.verification.comparison_grid import ComparisonGrid
from ngcm_cli.verification.field_reader import FieldReader
from ngcm_cli.verification.scored_variables import ScoredVariable


class ScoredForecast(Protocol):
    """A forecast, or a baseline that stands for one.

    Attributes:
        name: name in score files and tables.
        is_baseline: whether others are compared with it.
        members: number of members; 1 of a single forecast.
    """

    name: str
    is_baseline: bool
    members: int

    def has(self, variable: ScoredVariable) -> bool:
        """Return whether it has a variable."""
        ...

    def available(self, init_time: np.datetime64, lead_times: np.ndarray) -> np.ndarray:
        """Return for which lead times it has a forecast, bool."""
        ...

    def read(
        self,
        variable: ScoredVariable,
        init_time: np.datetime64,
        lead_times: np.ndarray,
    ) -> np.ndarray:
        """Return (member, component, lead_time, level, latitude, longitude)."""
        ...


class GriddedForecast:
    """The forecasts of a dataset.

    Args:
        name: name in score files and tables.
        dataset: in canonical form.
        grid: grid of the comparison.
        is_baseline: whether others are compared with it.
    """

    def __init__(
        self,
        name: str,
        dataset: xr.Dataset,
        grid: ComparisonGrid,
        is_baseline: bool = False,
    ):
        self.name, self.dataset, self.is_baseline = name, dataset, is_baseline
        self.init_times = dataset["init_time"].values.astype("datetime64[s]")
        self.lead_times = dataset["lead_time"].values.astype("timedelta64[s]")
        self.members = dataset.sizes.get("realization", 1)
        self._reader = FieldReader(dataset, grid)

    def has(self, variable: ScoredVariable) -> bool:
        """Return whether it has a variable on all its levels."""
        return self._reader.has(variable)

    def available(self, init_time: np.datetime64, lead_times: np.ndarray) -> np.ndarray:
        """Return for which lead times there is a record, bool."""
        if init_time not in self.init_times:
            return np.zeros(len(lead_times), bool)
        return np.isin(lead_times, self.lead_times)

    def read(
        self,
        variable: ScoredVariable,
        init_time: np.datetime64,
        lead_times: np.ndarray,
    ) -> np.ndarray:
        """Return fields, (member, component, lead_time, level, latitude, longitude).

        Raises:
            InputDataError: the values cannot be read.
        """
        return self.read_several(variable, np.array([init_time]), lead_times)[0]

    def read_several(
        self, variable: ScoredVariable, init_times: np.ndarray, lead_times: np.ndarray
    ) -> list[np.ndarray]:
        """Return fields as `read` does, of several initial times that it has.

        Raises:
            InputDataError: the values cannot be read.
        """
        starts = np.searchsorted(self.init_times, init_times)
        leads = np.searchsorted(self.lead_times, lead_times)
        index = {"init_time": starts, "lead_time": leads}
        values = self._reader.read(variable, index)
        # A variable without members is the same for all of them.
        has_members = values.ndim == 7
        values = np.swapaxes(values, 0, 1) if has_members else values[None]
        return [values[:, :, number] for number in range(len(starts))]

    def chunk(self, variable: ScoredVariable, dim: str) -> int:
        """Return how many initial or lead times a chunk of a store holds."""
        parts = (n for n in variable.components if n in self.dataset)
        stored = (self.dataset.variables[name] for name in parts)
        sizes = (each.encoding.get("preferred_chunks", {}) for each in stored)
        return max((int(size.get(dim, 1)) for size in sizes), default=1)


@dataclasses.dataclass(frozen=True)
class Times:
    """The initial and lead times that are scored.

    Attributes:
        init_times: datetime64[s], ascending.
        lead_times: timedelta64[s], ascending.
    """

    init_times: np.ndarray
    lead_times: np.ndarray


def select_times(
    forecasts: list[GriddedForecast],
    init_times: tuple[np.datetime64, ...] | None,
    lead_times: tuple[np.timedelta64, ...] | None,
) -> Times:
    """Return the times of some forecasts together, or those that are asked for.

    Raises:
        InputDataError: no forecast has a time that is asked for.
    """
    inits = np.unique(np.concatenate([f.init_times for f in forecasts]))
    leads = np.unique(np.concatenate([f.lead_times for f in forecasts]))
    checks: list[tuple[str, np.ndarray, Any, Any]] = [
        ("initial", inits, init_times, format_time),
        ("lead", leads, lead_times, format_duration),
    ]
    for what, there, asked, text in checks:
        absent = [time for time in asked or () if time not in there]
        if absent:
            first, last = text(there[0]), text(there[-1])
            raise InputDataError(
                f"No forecast has the {what} time {text(absent[0])}: there are "
                f"{len(there)}, from {first} to {last}.",
                f"Give {what} times that the forecasts have.",
            )
    return Times(
        inits if init_times is None else np.unique(np.array(init_times, inits.dtype)),
        leads if lead_times is None else np.unique(np.array(lead_times, leads.dtype)),
    )


def check_forecast(dataset: xr.Dataset) -> None:
    """Check that a dataset is a forecast.

    Raises:
        InputDataError: it has no lead times.
    """
    if "lead_time" not in dataset.dims or "init_time" not in dataset.dims:
        location = dataset.attrs.get("location", "The dataset")
        raise InputDataError(
            f"{location} is no forecast: it has no lead times.",
            "Give forecasts with initial and lead times; an analysis is the truth.",
        )
    check_grid(dataset)
