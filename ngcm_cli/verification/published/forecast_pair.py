"""Our forecasts, the published ones and the truth, on one grid."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.time_format import format_duration
from ngcm_cli.verification.comparison_grid import ComparisonGrid
from ngcm_cli.verification.field_reader import FieldReader
from ngcm_cli.verification.published.plan import PublishedPlan
from ngcm_cli.verification.scored_variables import ScoredVariable
from ngcm_cli.verification.truth import Truth


class ForecastPair:
    """Fields of ours and of the published forecasts, read when they are wanted.

    Args:
        plan: what is compared.
        ours: our forecasts, in canonical form.

    Attributes:
        grid: the coarser of both grids, on which fields are.
        without_truth: what the truth lacks of what was read.
    """

    def __init__(self, plan: PublishedPlan, ours: xr.Dataset):
        self.plan = plan
        self.grid = ComparisonGrid.coarsest([ours, plan.published])
        self.without_truth: set[str] = set()
        self._ours = FieldReader(ours, self.grid)
        self._published = FieldReader(plan.published, self.grid)
        self._truth = None if plan.truth is None else Truth(plan.truth, self.grid)

    def ours(
        self, variable: ScoredVariable, init: np.datetime64, lead: np.timedelta64
    ) -> np.ndarray:
        """Return our fields, ([realization,] level, latitude, longitude)."""
        index = _index(self._ours.dataset, init, lead)
        return self._ours.read(variable, index)[0]

    def published(
        self, variable: ScoredVariable, init: np.datetime64, lead: np.timedelta64
    ) -> np.ndarray:
        """Return published fields, ([realization,] level, latitude, longitude)."""
        index = _index(self.plan.published, init, lead)
        members = self.plan.members
        if "realization" in self.plan.published.dims:
            chosen = 0 if members is None else np.arange(members)
            index = {**index, "realization": chosen}
        return self._published.read(variable, index)[0]

    def truth(
        self, variable: ScoredVariable, valid: np.datetime64
    ) -> np.ndarray | None:
        """Return the truth, (level, latitude, longitude), or None without one."""
        if self._truth is None:
            return None
        if not self._truth.has(variable):
            self.without_truth.add(f"{variable.name} on some levels")
            return None
        position = int(self._truth.positions(np.array([valid]))[0])
        if position < 0:
            self.without_truth.add(str(valid.astype("datetime64[m]")))
            return None
        return self._truth.read(variable, [position])[0, 0]

    def mistakable(
        self,
        variable: ScoredVariable,
        init: np.datetime64,
        lead: np.timedelta64,
        number: int,
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Yield the published fields that one may be mistaken for, with descriptions.

        They are those of the lead and initial times before and after, of other
        variables of the same units, of the neighbouring levels, and of the one at the
        same place from the other end. A description says what the published fields are
        if the one yielded is ours: if ours is what is published for a lead time 6 hours
        shorter, the published are of a lead time 6 hours longer. Shapes are those of
        `published`.

        Args:
            variable: of the field.
            init: initial time.
            lead: lead time.
            number: of the level among those of the variable.
        """
        dataset = self.plan.published
        for other in _neighbours(dataset, "lead_time", lead):
            name = f"a lead time that is {_step(lead - other, 'longer', 'shorter')}"
            yield name, self.published(variable, init, other)
        for other in _neighbours(dataset, "init_time", init):
            name = f"a start {_step(init - other, 'later', 'earlier')}"
            yield name, self.published(variable, other, lead)
        for name, other in self._alike(variable, number):
            yield name, self.published(other, init, lead)

    def _alike(
        self, variable: ScoredVariable, number: int
    ) -> list[tuple[str, ScoredVariable]]:
        """Return published fields that one may be mistaken for, with descriptions.

        They are other variables of the same units, and the neighbouring levels and the
        one at the same place from the other end.
        """
        dataset, levels = self.plan.published, variable.levels or ()
        others = [
            (str(name), dataclasses.replace(variable, components=(str(name),)))
            for name, array in dataset.data_vars.items()
            if array.attrs.get("units") == variable.units
            and "level" in array.dims
            and name != variable.name
        ]
        own = dataset["level"].values.astype(np.float64)
        place = int(np.abs(own - levels[number]).argmin())
        places = {
            "the next lower level": place - 1,
            "the next higher level": place + 1,
            "the levels in opposite order": len(own) - 1 - place,
        }
        for name, other in places.items():
            if 0 <= other < len(own) and other != place:
                there = list(levels)
                there[number] = float(own[other])
                moved = dataclasses.replace(variable, levels=tuple(there))
                others.append((name, moved))
        return others

    def grid_notes(self) -> list[str]:
        """Return a note on the grid of the comparison, if there are two."""
        ours, published = self._ours.dataset, self.plan.published
        grids = ComparisonGrid.of(ours), ComparisonGrid.of(published)
        if grids[0].has_nodes_of(grids[1]):
            return []
        return [
            f"Ours are on {grids[0].description}, the published on "
            f"{grids[1].description}: both are compared on {self.grid.description}, "
            "regridded conservatively."
        ]


def _index(
    dataset: xr.Dataset, init: np.datetime64, lead: np.timedelta64
) -> dict[str, int]:
    """Return the position of a forecast in a dataset."""
    inits = dataset["init_time"].values.astype("datetime64[s]")
    leads = dataset["lead_time"].values.astype("timedelta64[s]")
    return {
        "init_time": int(np.flatnonzero(inits == init)[0]),
        "lead_time": int(np.flatnonzero(leads == lead)[0]),
    }


def _neighbours(dataset: xr.Dataset, dim: str, value: Any) -> list:
    """Return the values before and after one along an axis of times."""
    values = np.sort(dataset[dim].values.astype(value.dtype))
    place = int(np.flatnonzero(values == value)[0])
    return [*values[max(place - 1, 0) : place], *values[place + 1 : place + 2]]


def _step(step: np.timedelta64, forward: str, backward: str) -> str:
    """Return a difference of times as text: ``6h longer``."""
    ahead = step > np.timedelta64(0, "s")
    return f"{format_duration(abs(step))} {forward if ahead else backward}"
