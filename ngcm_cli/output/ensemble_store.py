"""An ensemble being written: one Zarr store, to which several processes may write.

Every process writes chunks of its own: those of its members, or of its initial times.
A member counts as whole from the moment at which `completed_lead_times` says so, in a
chunk that is the member's own; whatever stops the run, also SIGKILL, the store opens,
and the run can go on with what is not whole.
"""

import pathlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ngcm_cli.errors import OutputError
from ngcm_cli.output.ensemble_layout import (
    COMPLETED,
    FINITE,
    SUMMED,
    EnsembleLayout,
    statistic_name,
)
from ngcm_cli.output.ensemble_place import open_ensemble, read_about, writing
from ngcm_cli.output.netcdf import export_netcdf
from ngcm_cli.output.place import store_path
from ngcm_cli.output.template import consolidate
from ngcm_cli.output.writing import Background

if TYPE_CHECKING:
    import zarr


class Lost(NamedTuple):
    """A member that became unstable, and at which lead time."""

    init: np.datetime64
    member: int
    lead: np.timedelta64


class EnsembleStore:
    """A context in which members and statistics are written to a store that is there.

    Writing happens in one background thread, at most one piece of work behind.

    Args:
        path: of the output.
        layout: what the store holds.
    """

    def __init__(self, path: pathlib.Path, layout: EnsembleLayout):
        self.path = path
        self.layout = layout
        self.location = store_path(path)
        self._group = open_ensemble(path, "r+")
        self._thread = Background("ngcm-ensemble")

    def __enter__(self) -> "EnsembleStore":
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.close()

    def submit(self, work: Callable[[], None]) -> None:
        """Do a piece of work that writes, in the background.

        Raises:
            OutputError: the one before failed.
        """

        def blamed() -> None:
            with writing(self.path, self.progress):
                work()

        self._thread.submit(blamed)

    def wait(self) -> None:
        """Until everything submitted is written.

        Raises:
            OutputError: it could not be.
        """
        self._thread.wait()

    def write_member(
        self, member: int, init: int, lead: int, fields: Mapping[str, np.ndarray]
    ) -> None:
        """One lead time of a member; initial and lead time by their place."""
        row = list(self.layout.realizations).index(member)
        for name, field in fields.items():
            self._array(name)[row, init, lead] = field

    def write_statistics(
        self, init: int, lead: int, name: str, fields: Mapping[str, np.ndarray]
    ) -> None:
        """Statistics of a variable at one lead time, by their names."""
        for statistic, field in fields.items():
            self._array(statistic_name(name, statistic))[init, lead] = field

    def read_members(
        self, members: Sequence[int], init: int, lead: int, name: str
    ) -> np.ndarray:
        """A variable of members that are kept at one lead time, (member, …)."""
        numbers = list(self.layout.realizations)
        array = self._array(name)
        rows = [array[numbers.index(member), init, lead] for member in members]
        return np.stack([np.asarray(row) for row in rows])

    def complete(self, finite: Mapping[int, int], init: int) -> None:
        """Say that members are whole from an initial time.

        Args:
            finite: of these members, how many lead times there are before the first
                one that is not finite.
            init: place of the initial time.
        """
        numbers = list(self.layout.realizations)
        for member, count in finite.items():
            row = numbers.index(member)
            self._array(FINITE)[row, init] = count
            self._array(COMPLETED)[row, init] = self.layout.count

    def completed(self, init: int) -> frozenset[int]:
        """The members that are whole from an initial time."""
        whole = np.asarray(self._array(COMPLETED)[:, init]) >= self.layout.count
        return frozenset(np.array(self.layout.realizations)[whole].tolist())

    def sum_up(self, init: int) -> None:
        """Say that the statistics from an initial time are whole."""
        self._array(SUMMED)[init] = self.layout.count

    def is_summed_up(self, init: int) -> bool:
        """Whether there is no statistic from an initial time to write any more."""
        if not self.layout.statistics:
            return True
        return bool(np.asarray(self._array(SUMMED)[init]) == self.layout.count)

    def is_done(self, init: int) -> bool:
        """Whether nothing from an initial time is missing."""
        everyone = self.completed(init) == frozenset(self.layout.realizations)
        return everyone and self.is_summed_up(init)

    @property
    def is_complete(self) -> bool:
        """Whether the store says that it is."""
        return read_about(self.path)[1].get("status") == "complete"

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return all(map(self.is_done, range(len(self.layout.inits))))

    def lost(self) -> list[Lost]:
        """Members that became unstable, in order, and when they did."""
        finite = np.asarray(self._array(FINITE)[...])
        unstable = (finite < self.layout.count) & self._whole()
        layout = self.layout
        return [
            Lost(
                layout.inits[init],
                layout.realizations[row],
                np.timedelta64(int(finite[row, init]) * layout.every),
            )
            for init, row in np.argwhere(unstable.T)
        ]

    def mark(self, **attributes: Any) -> None:
        """Set global attributes."""
        with writing(self.path, self.progress):
            self._group.update_attributes(attributes)
            consolidate(self.location)

    def progress(self) -> str:
        """A sentence on what there is on disk now."""
        whole = self._whole()
        what = "members" if len(self.layout.inits) == 1 else "forecasts of members"
        return (
            f"{self.location} holds {whole.sum()} of {whole.size} {what}. Go on with "
            f"it by `ngcm ensemble --resume {self.path}`."
        )

    def export(self) -> None:
        """Make the NetCDF file, if the output is one, in the place of the store."""
        if self.location != self.path:
            export_netcdf(self.location, self.path)
            shutil.rmtree(self.location.resolve(), ignore_errors=True)

    def _whole(self) -> np.ndarray:
        """Which members are, (realization, init_time)."""
        return np.asarray(self._array(COMPLETED)[...]) >= self.layout.count

    def _array(self, name: str) -> "zarr.Array":
        import zarr

        try:
            array = self._group[name]
        except (KeyError, OSError):
            raise OutputError(
                f"The store {self.location} is gone, or damaged.",
                "Put it back, or start again with --overwrite.",
            ) from None
        assert isinstance(array, zarr.Array)
        return array
