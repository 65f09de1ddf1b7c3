"""A forecast being written: a Zarr store that grows by one lead time after another.

Whatever stops a run, also SIGKILL, the store opens: its attribute
``completed_lead_times`` counts the lead times that are whole, ``status`` says whether
the run goes on. Later lead times read as NaN, except that the one being written when
the process was killed may hold some of its variables.
"""

import contextlib
import functools
import logging
import pathlib
import shutil
import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

import numpy as np

from ngcm_cli.errors import OutputError
from ngcm_cli.output.layout import Layout
from ngcm_cli.output.netcdf import export_netcdf
from ngcm_cli.output.place import Lock, check_output, lock_file, store_path
from ngcm_cli.output.template import Variable, write_template
from ngcm_cli.output.writing import Background, put, put_aside, why

if TYPE_CHECKING:
    import zarr

log = logging.getLogger(__name__)


class Store:
    """A context in which lead times are appended to a forecast.

    The store takes its name when it holds the first lead time; what it overwrites is
    there until then. Writing happens in one background thread, at most one lead time
    behind. An exception that leaves the context gets a note that says what the store
    holds. While the context lives, no other run writes to the same output.
    """

    def __init__(self, path: pathlib.Path, layout: Layout, overwrite: bool = False):
        self._location = store_path(path)
        place = self._location.resolve()
        self._lock = Lock(lock_file(path), path)
        try:
            check_output(path, overwrite)
        except BaseException:
            self._lock.release()
            raise
        self.path = path
        self.layout = layout
        self.overwrite = overwrite
        self.appended = 0
        self.completed = 0
        self._new = put_aside(place)
        self._group: zarr.Group | None = None
        self._thread = Background("ngcm-store")

    def append(self, fields: Mapping[str, np.ndarray]) -> None:
        """Hand over the next lead time.

        Args:
            fields: (level, longitude, latitude) on the layout's ``model_levels``, with
                one level at the surface; may hold more variables than are written. Not
                to be changed afterwards.

        Raises:
            OutputError: the write before this one failed.
        """
        chosen = {name: fields[name] for name in self.layout.variables}
        self._thread.submit(functools.partial(self._commit, self.appended, chosen))
        self.appended += 1

    def close(self) -> None:
        """Finish the last write, declare the store complete, export if so asked."""
        try:
            self._thread.wait()
        finally:
            self._thread.close()
        whole = self.completed == self.layout.count
        self._mark("complete" if whole else "failed")
        if self._location != self.path:
            if not whole:
                raise OutputError(
                    f"The run ended early, so {self.path} was not made.",
                    f"{self.progress()} Run again to the end.",
                )
            export_netcdf(self._location, self.path)
            try:
                shutil.rmtree(self._location.resolve())
            except OSError as error:
                log.warning(f"{self._location} could not be removed: {error}.")
        self._lock.release()

    def progress(self) -> str:
        """A sentence on what there is on disk now."""
        if not self.completed:
            return f"Nothing was written to {self.path}."
        layout = self.layout
        last = layout.init + layout.lead_times[self.completed - 1]
        return (
            f"{self._location} holds {self.completed} of {layout.count} lead times, "
            f"through {np.datetime_as_string(last, 'm')}, and opens as it is."
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        try:
            if error is not None:
                self._abandon(error)
                return
            try:
                self.close()
            except BaseException as failure:
                self._abandon(failure)
                raise
        finally:
            self._lock.release()

    def _abandon(self, error: BaseException) -> None:
        """Keep what is whole, and say so."""
        self._thread.close()
        if not self.completed:
            shutil.rmtree(self._new, ignore_errors=True)
        elif self.completed < self.layout.count:
            stopped = isinstance(error, KeyboardInterrupt)
            self._mark("interrupted" if stopped else "failed")
        if not isinstance(error, OutputError):  # which says it already
            error.add_note(self.progress())

    def _mark(self, status: str) -> None:
        with contextlib.suppress(OSError):  # on a full disk the count is still right
            if self._group is not None:
                self._group.update_attributes({"status": status})

    def _commit(self, index: int, fields: Mapping[str, np.ndarray]) -> None:
        """Write one lead time, then count it. Runs in the background thread."""
        try:
            import zarr  # here, in the background: it takes a fifth of a second

            if self._group is None:
                _write_template(self._new, self.layout)
                self._group = zarr.open_group(self._new, mode="r+")
            self._write_fields(self._group, index, fields)
            if index == 0:
                self._group = self._take_place()
        except OSError as error:
            raise self._failure(error) from error
        self.completed = index + 1

    def _write_fields(
        self, group: "zarr.Group", index: int, fields: Mapping[str, np.ndarray]
    ) -> None:
        arrays = [self._array(group, name) for name in fields]
        try:
            for array, (name, field) in zip(arrays, fields.items(), strict=True):
                array[0, index] = self.layout.select(name, field)
            group.update_attributes({"completed_lead_times": index + 1})
        except OSError:
            for array in arrays:
                with contextlib.suppress(OSError):
                    array[0, index] = np.nan  # which removes the chunk
            raise

    def _array(self, group: "zarr.Group", name: str) -> "zarr.Array":
        import zarr

        array = group[name]
        assert isinstance(array, zarr.Array)
        return array

    def _failure(self, error: OSError) -> OutputError:
        reason, action = why(error)
        return OutputError(
            f"Writing {self.path} stopped: {reason}.",
            f"{self.progress()} {action}, or choose another --output, and run again.",
        )

    def _take_place(self) -> "zarr.Group":
        """Give the store its name, and only then remove what had it before."""
        import zarr

        place = self._location.resolve()
        put(self._new, place, self.overwrite)
        return zarr.open_group(place, mode="r+")


def _write_template(path: pathlib.Path, layout: Layout) -> None:
    state = {"status": "running", "completed_lead_times": 0}
    write_template(
        path,
        {**layout.global_attributes(), **state},
        layout.coordinates(),
        (
            Variable(
                name,
                layout.dimensions(name),
                layout.shape(name),
                layout.chunk(name),
                layout.variable_attributes(name),
            )
            for name in layout.variables
        ),
    )
