"""The comparison of our runs with published forecasts, field by field."""

import contextlib
import dataclasses
import pathlib
import tempfile
from collections.abc import Iterator

import numpy as np
import xarray as xr

from ngcm_cli.config import EnsembleConfig
from ngcm_cli.errors import UnstableRunError
from ngcm_cli.inputs.cell_areas import area_weights
from ngcm_cli.inputs.gridded import open_gridded
from ngcm_cli.io.progress import ByteProgress, begin_phase, no_progress
from ngcm_cli.simulation import run
from ngcm_cli.simulation.loop import ProgressCallback
from ngcm_cli.verification.published.defects import group_causes, likely_causes
from ngcm_cli.verification.published.differences import (
    Difference,
    difference_statistics,
    differences,
)
from ngcm_cli.verification.published.ensemble_differences import (
    ensemble_difference_statistics,
    ensemble_differences,
)
from ngcm_cli.verification.published.forecast_pair import ForecastPair
from ngcm_cli.verification.published.plan import SHORT, PublishedPlan
from ngcm_cli.verification.scored_variables import ScoredVariable
from ngcm_cli.verification.statistics import Statistics


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
        likely: what may explain that they do not, the likeliest first.
    """

    variable: str
    units: str
    level: float
    lead: np.timedelta64
    difference: Difference
    passed: bool | None
    likely: tuple[str, ...] = ()


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
        chosen = group_causes([field.likely for field in self.failed])
        for field, cause in zip(self.failed, chosen, strict=True):
            causes.setdefault(cause, []).append(field)
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
        with _without_output():
            if isinstance(config, EnsembleConfig):
                run.ensemble(config, track=track, download=download)
            else:
                run.forecast(config, track=track, download=download)
        begin_phase("Comparing with the published forecasts")
        with contextlib.closing(open_gridded(str(output))) as ours:
            return compare_forecasts(plan, ours)


@contextlib.contextmanager
def _without_output() -> Iterator[None]:
    """Leave out of errors what is said of an output that is temporary."""
    try:
        yield
    except UnstableRunError as error:
        raise UnstableRunError(
            error.message, "Nothing was compared. Verify the model's files first."
        ) from error
    except BaseException as error:
        getattr(error, "__notes__", []).clear()
        raise


def compare_forecasts(plan: PublishedPlan, ours: xr.Dataset) -> Comparison:
    """Compare forecasts of ours, in canonical form, with the published ones of a plan.

    Raises:
        InputDataError: values cannot be read.
    """
    return _Comparer(plan, ours).compare()


class _Comparer:
    """Reads both forecasts and the truth, and compares them.

    Args:
        plan: what is compared.
        ours: our forecasts, in canonical form.
    """

    def __init__(self, plan: PublishedPlan, ours: xr.Dataset):
        self.plan = plan
        self.pair = ForecastPair(plan, ours)
        self._analyses: set[str] = set()
        self._of_latitude = area_weights(self.pair.grid.latitude)
        shape = 1, len(self.pair.grid.latitude), len(self.pair.grid.longitude)
        self._weights = np.broadcast_to(self._of_latitude[:, None], shape)

    def compare(self) -> Comparison:
        """Return the comparison of all fields."""
        fields = [
            field
            for variable in self.plan.variables
            for lead in self.plan.lead_times
            for field in self._compared(variable, lead)
        ]
        notes = [*self.plan.notes, *self.pair.grid_notes()]
        if self._analyses:
            names = ", ".join(sorted(self._analyses))
            notes.append(
                f"Published fields of {names} at lead time 0h are the truth itself, "
                "not what the model makes of it: they are not judged."
            )
        if self.pair.without_truth:
            absent = ", ".join(sorted(self.pair.without_truth))
            notes.append(f"The truth lacks {absent}: no score there.")
        return Comparison(
            tuple(fields),
            len(self.plan.init_times),
            self.plan.members,
            self.pair.grid.description,
            tuple(notes),
        )

    def _compared(
        self, variable: ScoredVariable, lead: np.timedelta64
    ) -> list[ComparedField]:
        """Return the comparison of a variable at one lead time, by level."""
        statistics, members = Statistics(), self.plan.members
        for init in self.plan.init_times:
            ours = self.pair.ours(variable, init, lead)
            published = self.pair.published(variable, init, lead)
            truth = self.pair.truth(variable, init + lead)
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
            if passed is False and lead == 0 * lead and difference.is_of_analysis:
                passed = None
                self._analyses.add(variable.name)
            failed = passed is False
            likely = self._likely_causes(variable, lead, number) if failed else ()
            result.append(
                ComparedField(
                    variable.name,
                    variable.units,
                    level,
                    lead,
                    difference,
                    passed,
                    likely,
                )
            )
        return result

    def _likely_causes(
        self, variable: ScoredVariable, lead: np.timedelta64, number: int
    ) -> tuple[str, ...]:
        """Return what may explain the difference of a field at the first start."""
        init = self.plan.init_times[0]

        def mean(fields: np.ndarray) -> np.ndarray:
            return (fields if fields.ndim == 3 else fields.mean(axis=0))[number]

        others = (
            (f"the published fields are those of {name} instead", mean(fields))
            for name, fields in self.pair.mistakable(variable, init, lead, number)
        )
        ours = mean(self.pair.ours(variable, init, lead))
        published = mean(self.pair.published(variable, init, lead))
        return likely_causes(ours, published, self._of_latitude, others)
