"""The comparison of our runs with published forecasts, field by field."""

import contextlib
import dataclasses
import logging
import pathlib
import tempfile

import numpy as np

from ngcm_cli.config import EnsembleConfig
from ngcm_cli.inputs.gridded import open_gridded
from ngcm_cli.io.progress import ByteProgress, begin_phase, no_progress
from ngcm_cli.simulation import run
from ngcm_cli.simulation.loop import ProgressCallback
from ngcm_cli.time_format import format_duration, format_time
from ngcm_cli.verification.area import area_weights
from ngcm_cli.verification.comparison_grid import ComparisonGrid
from ngcm_cli.verification.field_reader import FieldReader
from ngcm_cli.verification.published.defects import Candidate, likely_cause
from ngcm_cli.verification.published.differences import (
    Difference,
    difference_statistics,
    differences,
)
from ngcm_cli.verification.published.ensemble_differences import (
    ensemble_difference_statistics,
    ensemble_differences,
)
from ngcm_cli.verification.published.plan import SHORT, PublishedPlan
from ngcm_cli.verification.scored_variables import ScoredVariable, has_variable
from ngcm_cli.verification.statistics import Statistics
from ngcm_cli.verification.truth import Truth

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class ComparedField:
    """The comparison of a variable at one level and lead time.

    Attributes:
        variable: its name.
        units: its units.
        level: pressure in hPa.
        lead: lead time.
        difference: the numbers.
        passed: whether both agree; None at lead times at which they need not.
        cause: what explains that they do not, where something does.
    """

    variable: str
    units: str
    level: float
    lead: np.timedelta64
    difference: Difference
    passed: bool | None
    cause: str = ""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The comparison of our runs with published forecasts.

    Attributes:
        fields: by variable, lead time and level.
        starts: number of initial times.
        members: number of members of each side; None of single forecasts.
        grid: description of the grid on which fields are compared.
        notes: what a reader must know.
    """

    fields: tuple[ComparedField, ...]
    starts: int
    members: int | None
    grid: str
    notes: tuple[str, ...]

    @property
    def failed(self) -> tuple[ComparedField, ...]:
        """The fields that must agree and do not."""
        return tuple(field for field in self.fields if field.passed is False)

    @property
    def causes(self) -> dict[str, list[ComparedField]]:
        """The failed fields by cause; the empty text where none is known."""
        causes: dict[str, list[ComparedField]] = {}
        for field in self.failed:
            causes.setdefault(field.cause, []).append(field)
        return causes


def compare(
    plan: PublishedPlan,
    *,
    track: ProgressCallback = run.no_callback,
    download: ByteProgress = no_progress,
) -> Comparison:
    """Run the model from the initial times of a plan, and compare.

    Our forecasts are written to a temporary directory. One variable of one start and
    lead time is in memory at a time.

    Args:
        plan: what is compared.
        track: receives the progress of the run.
        download: receives the progress of downloads, in bytes.

    Raises:
        NgcmError: one of its children: the run or the data.
    """
    with tempfile.TemporaryDirectory(prefix="ngcm-published-") as folder:
        output = pathlib.Path(folder) / "ours.zarr"
        config = plan.run.model_copy(update={"output": output})
        if isinstance(config, EnsembleConfig):
            run.ensemble(config, track=track, download=download)
        else:
            run.forecast(config, track=track, download=download)
        begin_phase("Comparing with the published forecasts")
        with contextlib.closing(open_gridded(str(output))) as ours:
            return _Comparer(plan, ours).compare()


class _Comparer:
    """Reads both forecasts and the truth, and compares them.

    Args:
        plan: what is compared.
        ours: our forecasts, in canonical form.
    """

    def __init__(self, plan: PublishedPlan, ours):
        self.plan = plan
        self.grid = ComparisonGrid.coarsest([ours, plan.published])
        self._ours = FieldReader(ours, self.grid)
        self._published = FieldReader(plan.published, self.grid)
        self._truth = None if plan.truth is None else Truth(plan.truth, self.grid)
        self._of_latitude = area_weights(self.grid.latitude)
        shape = 1, len(self.grid.latitude), len(self.grid.longitude)
        self._weights = np.broadcast_to(self._of_latitude[:, None], shape)
        self._notes = [*plan.notes, *self._grid_note(ours)]
        self._without_truth: set[str] = set()

    def compare(self) -> Comparison:
        """Return the comparison of all fields."""
        fields = [
            field
            for variable in self.plan.variables
            for lead in self.plan.lead_times
            for field in self._compared(variable, lead)
        ]
        if self._without_truth:
            absent = ", ".join(sorted(self._without_truth))
            self._notes.append(f"The truth lacks {absent}: no score there.")
        return Comparison(
            tuple(fields),
            len(self.plan.init_times),
            self.plan.members,
            self.grid.description,
            tuple(self._notes),
        )

    def _compared(
        self, variable: ScoredVariable, lead: np.timedelta64
    ) -> list[ComparedField]:
        """Return the comparison of a variable at one lead time, by level."""
        statistics, members = Statistics(), self.plan.members
        for init in self.plan.init_times:
            ours = self._read(variable, init, lead)
            published = self._read_published(variable, init, lead)
            truth = self._read_truth(variable, init + lead)
            of = ensemble_difference_statistics if members else difference_statistics
            statistics = statistics + of(ours, published, truth, self._weights)
        if members:
            found = ensemble_differences(statistics, (members, members))
        else:
            found = differences(statistics)
        levels = variable.levels or ()
        result = []
        for number, (level, difference) in enumerate(zip(levels, found, strict=True)):
            passed = difference.agrees if lead <= SHORT else None
            cause = self._cause(variable, lead, number) if passed is False else ""
            result.append(
                ComparedField(
                    variable.name,
                    variable.units,
                    level,
                    lead,
                    difference,
                    passed,
                    cause,
                )
            )
        return result

    def _read(
        self, variable: ScoredVariable, init: np.datetime64, lead: np.timedelta64
    ) -> np.ndarray:
        """Return our fields, ([realization,] level, latitude, longitude)."""
        index = _index(self._ours.dataset, init, lead)
        return self._ours.read(variable, index)[0]

    def _read_published(
        self, variable: ScoredVariable, init: np.datetime64, lead: np.timedelta64
    ) -> np.ndarray:
        """Return published fields, ([realization,] level, latitude, longitude)."""
        index = _index(self.plan.published, init, lead)
        members = self.plan.members
        if "realization" in self.plan.published.dims:
            chosen = 0 if members is None else np.arange(members)
            index = {**index, "realization": chosen}
        return self._published.read(variable, index)[0]

    def _read_truth(
        self, variable: ScoredVariable, valid: np.datetime64
    ) -> np.ndarray | None:
        """Return the truth, (level, latitude, longitude), or None where it is absent."""
        if self._truth is None:
            return None
        if not has_variable(variable, self._truth.dataset):
            self._without_truth.add(f"{variable.name} on some levels")
            return None
        position = int(self._truth.positions(np.array([valid]))[0])
        if position < 0:
            self._without_truth.add(str(valid.astype("datetime64[m]")))
            return None
        return self._truth.read(variable, [position])[0, 0]

    def _cause(
        self, variable: ScoredVariable, lead: np.timedelta64, number: int
    ) -> str:
        """Return what explains the difference of a field at the first start."""
        init = self.plan.init_times[0]

        def mean(fields: np.ndarray) -> np.ndarray:
            fields = fields if fields.ndim == 3 else fields.mean(axis=0)
            return fields[number]

        def instead(what: str, *where) -> Candidate:
            text = f"the published fields are those of {what} instead"
            return text, lambda: mean(self._read_published(*where))

        dataset = self.plan.published
        others = [
            instead(f"lead time {format_duration(other)}", variable, init, other)
            for other in _neighbours(dataset, "lead_time", lead)
        ]
        others += [
            instead(f"the start {format_time(other)}", variable, other, lead)
            for other in _neighbours(dataset, "init_time", init)
        ]
        others += [
            instead(what, other, init, lead)
            for what, other in self._alike(variable, number)
        ]
        ours = mean(self._read(variable, init, lead))
        published = mean(self._read_published(variable, init, lead))
        return likely_cause(ours, published, self._of_latitude, others)

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
        for other in {place - 1, place + 1, len(own) - 1 - place} - {place}:
            if 0 <= other < len(own):
                there = list(levels)
                there[number] = float(own[other])
                moved = dataclasses.replace(variable, levels=tuple(there))
                others.append((f"{own[other]:g} hPa", moved))
        return others

    def _grid_note(self, ours) -> list[str]:
        """Return what is said of the grid of the comparison, if both are not the same."""
        grids = ComparisonGrid.of(ours), ComparisonGrid.of(self.plan.published)
        if grids[0].has_nodes_of(grids[1]):
            return []
        return [
            f"Ours are on {grids[0].description}, the published on "
            f"{grids[1].description}: both are compared on {self.grid.description}, "
            "regridded conservatively."
        ]


def _index(dataset, init: np.datetime64, lead: np.timedelta64) -> dict[str, int]:
    """Return the position of a forecast in a dataset."""
    inits = dataset["init_time"].values.astype("datetime64[s]")
    leads = dataset["lead_time"].values.astype("timedelta64[s]")
    return {
        "init_time": int(np.flatnonzero(inits == init)[0]),
        "lead_time": int(np.flatnonzero(leads == lead)[0]),
    }


def _neighbours(dataset, dim: str, value) -> list:
    """Return the values before and after one along an axis of times."""
    values = np.sort(dataset[dim].values.astype(value.dtype))
    place = int(np.flatnonzero(values == value)[0])
    return [*values[max(place - 1, 0) : place], *values[place + 1 : place + 2]]
