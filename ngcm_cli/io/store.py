"""A forecast being written: a Zarr store that grows by one lead time after another.

Whatever stops a run, also SIGKILL, the store opens: its attribute
``completed_lead_times`` counts the lead times that are whole, ``status`` says whether
the run goes on. Later lead times read as NaN, except that the one being written when
the process was killed may hold some of its variables.
"""

import concurrent.futures
import contextlib
import errno
import os
import pathlib
import shutil
import tempfile
import types
import uuid
import warnings
from collections.abc import Mapping
from typing import Self

import numpy as np
import zarr
from zarr.codecs import BloscCodec

from ngcm_cli.errors import ConfigError, OutputError
from ngcm_cli.io.layout import DIMENSIONS, Layout
from ngcm_cli.io.netcdf import export_netcdf

# Weather in float32 shrinks by a quarter, at 370 MB/s; more effort gains 5 %.
_COMPRESSOR = BloscCodec(cname="zstd", clevel=1, shuffle="shuffle")


def check_output(path: pathlib.Path, overwrite: bool = False) -> None:
    """Raise unless a forecast can be written to the path; leaves nothing behind.

    Args:
        path: a name that ends in ``.zarr`` or ``.nc``.
        overwrite: accept an existing forecast there.
    """
    if path.suffix not in (".zarr", ".nc"):
        raise ConfigError(
            f"The output {path} has no known format.", "End its name in .zarr or .nc."
        )
    parent = path.resolve().parent
    if not parent.is_dir():
        raise OutputError(
            f"The folder of the output, {parent}, does not exist.",
            "Create it, or choose another --output.",
        )
    try:
        tempfile.TemporaryDirectory(prefix=".ngcm-", dir=parent).cleanup()
    except OSError as error:
        raise OutputError(
            f"The folder of the output, {parent}, cannot be written to: "
            f"{error.strerror}.",
            "Choose another --output.",
        ) from None
    for existing in {path, _store_path(path)}:
        if existing.exists():
            left = "" if existing == path else ", left by an interrupted run"
            _check_replaceable(existing, overwrite, left)


def _check_replaceable(path: pathlib.Path, overwrite: bool, left: str) -> None:
    if not overwrite:
        raise OutputError(
            f"The output {path} exists{left}.",
            "Choose another --output, or give --overwrite to replace it.",
        )
    marks = ("zarr.json", ".zgroup", ".zmetadata")
    is_store = path.is_dir() and any((path / mark).is_file() for mark in marks)
    if not (is_store if path.suffix == ".zarr" else path.is_file()):
        kind = "Zarr store" if path.suffix == ".zarr" else "file"
        raise OutputError(
            f"The output {path} exists and is not a {kind}, so it is not overwritten.",
            "Choose another --output, or remove it yourself.",
        )


def _store_path(path: pathlib.Path) -> pathlib.Path:
    """Where the run writes: the output itself, or the store a NetCDF is made of."""
    return path if path.suffix == ".zarr" else path.with_suffix(".partial.zarr")


class Store:
    """A context in which lead times are appended to a forecast.

    The store comes into being with the first lead time, under its own name at once;
    what it overwrites is there until then. Writing happens in one background thread,
    at most one lead time behind. An exception that leaves the context gets a note that
    says what the store holds.
    """

    def __init__(self, path: pathlib.Path, layout: Layout, overwrite: bool = False):
        check_output(path, overwrite)
        self.path = path
        self.layout = layout
        self.overwrite = overwrite
        self.appended = 0
        self.completed = 0
        self._location = _store_path(path)
        self._group: zarr.Group | None = None
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "ngcm-store")
        self._write: concurrent.futures.Future[None] | None = None

    def append(self, fields: Mapping[str, np.ndarray]) -> None:
        """Hand over the next lead time.

        Args:
            fields: (level, longitude, latitude) on the layout's ``model_levels``; may
                hold more variables than are written. Not to be changed afterwards.

        Raises:
            OutputError: the write before this one failed.
        """
        if self._group is None:
            self._group = self._create()
        self._wait()
        chosen = {name: fields[name] for name in self.layout.variables}
        self._write = self._thread.submit(self._commit, self.appended, chosen)
        self.appended += 1

    def close(self) -> None:
        """Finish the last write, declare the store complete, export if so asked."""
        try:
            self._wait()
        finally:
            self._thread.shutdown()
        self._mark("complete" if self.completed == self.layout.count else "failed")
        if self._location != self.path:
            export_netcdf(self._location, self.path)
            shutil.rmtree(self._location)

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
        if error is not None:
            self._abandon(error)
            return
        try:
            self.close()
        except BaseException as failure:
            self._abandon(failure)
            raise

    def _abandon(self, error: BaseException) -> None:
        """Keep what is whole, and say so."""
        with contextlib.suppress(OutputError):
            self._wait()
        self._thread.shutdown()
        if not self.completed:
            self._remove()
        elif self.completed < self.layout.count:
            stopped = isinstance(error, KeyboardInterrupt)
            self._mark("interrupted" if stopped else "failed")
        if not isinstance(error, OutputError):  # which says it already
            error.add_note(self.progress())

    def _remove(self) -> None:
        """Leave no store behind that holds nothing."""
        if self._group is not None:
            shutil.rmtree(self._location.resolve(), ignore_errors=True)

    def _wait(self) -> None:
        write, self._write = self._write, None
        if write is not None:
            write.result()

    def _mark(self, status: str) -> None:
        with contextlib.suppress(OSError):  # on a full disk the count is still right
            if self._group is not None:
                self._group.update_attributes({"status": status})

    def _commit(self, index: int, fields: Mapping[str, np.ndarray]) -> None:
        """Write one lead time, then count it. Runs in the background thread."""
        assert self._group is not None
        arrays = [self._array(name) for name in fields]
        try:
            for array, field in zip(arrays, fields.values(), strict=True):
                array[0, index] = self.layout.select(field)
            self._group.update_attributes({"completed_lead_times": index + 1})
        except OSError as error:
            for array in arrays:
                with contextlib.suppress(OSError):
                    array[0, index] = np.nan  # which removes the chunk
            raise self._failure(error) from error
        self.completed = index + 1

    def _array(self, name: str) -> zarr.Array:
        assert self._group is not None
        array = self._group[name]
        assert isinstance(array, zarr.Array)
        return array

    def _failure(self, error: OSError) -> OutputError:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "the disk is full" if full else error.strerror or str(error)
        action = "Free some space" if full else "Look after the disk"
        return OutputError(
            f"Writing {self.path} stopped: {reason}.",
            f"{self.progress()} {action}, or choose another --output, and run again.",
        )

    def _create(self) -> zarr.Group:
        """Build the empty store beside its place, then move it there."""
        place = self._location.resolve()
        new = place.with_name(f".{place.name}.{uuid.uuid4().hex[:8]}")
        old = place.with_name(f".{place.name}.{uuid.uuid4().hex[:8]}")
        try:
            _write_template(new, self.layout)
            if self.overwrite and place.exists():
                os.rename(place, old)
            os.rename(new, place)
        except BaseException as error:
            shutil.rmtree(new, ignore_errors=True)
            if old.exists():
                os.rename(old, place)
            if isinstance(error, OSError):
                raise self._failure(error) from error
            raise
        shutil.rmtree(old, ignore_errors=True)
        return zarr.open_group(place, mode="r+")


def _write_template(path: pathlib.Path, layout: Layout) -> None:
    """A store with all coordinates and attributes, and no data."""
    state = {"status": "running", "completed_lead_times": 0}
    group = zarr.create_group(
        path, zarr_format=3, attributes={**layout.global_attributes(), **state}
    )
    for name, coordinate in layout.coordinates().items():
        group.create_array(
            name,
            data=coordinate.values,
            dimension_names=coordinate.dimensions,
            attributes=dict(coordinate.attributes),
        )
    for name in layout.variables:
        group.create_array(
            name,
            shape=layout.shape,
            chunks=layout.chunk,
            dtype="float32",
            fill_value=float("nan"),
            compressors=_COMPRESSOR,
            dimension_names=DIMENSIONS,
            attributes=layout.variable_attributes(name),
        )
    with warnings.catch_warnings():
        # Zarr 3 has no word on consolidated metadata yet; every reader knows it.
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(path)
