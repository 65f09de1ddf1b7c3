"""How many lead times and initial times are read and scored at once."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from ngcm_cli.verification.evaluation_plan import EvaluationPlan
from ngcm_cli.verification.forecasts import GriddedForecast, ScoredForecast
from ngcm_cli.verification.scored_variables import ScoredVariable

_READ_BYTES = 24 << 20
"""Of one forecast, read at once: memory of this size is used again and again."""

_LARGEST_CHUNK = 256 << 20
"""Bytes up to which all initial times of a chunk are read at once."""

_SCORED_BYTES = 1 << 20
"""Of one forecast, scored at once: about what the cache of a processor holds."""


@dataclasses.dataclass(frozen=True)
class ReadingBlocks:
    """Numbers of times of one forecast of one variable.

    Attributes:
        field: bytes of all members, components and levels at one time.
        leads: lead times of a chunk.
        inits: initial times of a chunk; 1 where chunks are too large to be read whole.
    """

    field: int
    leads: int
    inits: int

    @classmethod
    def of(
        cls, plan: EvaluationPlan, forecast: ScoredForecast, variable: ScoredVariable
    ) -> "ReadingBlocks":
        """Return the blocks for a forecast of a variable."""
        dataset: Any = getattr(forecast, "dataset", plan.truth.dataset)
        cells = max(
            dataset.sizes["latitude"] * dataset.sizes["longitude"],
            len(plan.grid.latitude) * len(plan.grid.longitude),
        )
        levels = max(len(variable.levels or (0,)), len(variable.column_levels))
        field = 4 * forecast.members * len(variable.components) * levels * cells
        if not isinstance(forecast, GriddedForecast):
            return cls(field, 1, 1)
        leads = forecast.chunk(variable, "lead_time")
        leads = min(leads, len(plan.alignment.lead_times))
        leads = leads if leads * field <= _LARGEST_CHUNK else 1
        inits = min(forecast.chunk(variable, "init_time"), len(forecast.init_times))
        return cls(field, leads, min(inits, max(1, _LARGEST_CHUNK // (leads * field))))

    @property
    def scored(self) -> int:
        """How many lead times are scored at once."""
        return max(1, _SCORED_BYTES // self.field)

    def divide(self, leads: np.ndarray, inits: int) -> Iterator[np.ndarray]:
        """Return lead times in blocks of bounded memory.

        Args:
            leads: positions of the lead times, ascending.
            inits: number of initial times that are read with each.
        """
        at_once = max(1, _READ_BYTES // (self.field * inits))
        at_once = -(-at_once // self.leads) * self.leads
        # Blocks end where chunks do.
        number = leads // at_once
        ends = np.flatnonzero(np.diff(number)) + 1
        return iter(np.split(leads, ends))


def initial_time_chunks(plan: EvaluationPlan) -> list[int]:
    """Return for each initial time in which chunk it is read.

    It is that of the forecast whose chunks hold most initial times.
    """
    inits = plan.alignment.init_times
    size, places = 1, np.arange(len(inits))
    for forecast in plan.forecasts:
        if not isinstance(forecast, GriddedForecast):
            continue
        for variable in filter(forecast.has, plan.variables):
            own = ReadingBlocks.of(plan, forecast, variable).inits
            if own > size:
                size, places = own, np.searchsorted(forecast.init_times, inits)
    return (places // size).tolist()
