"""The paths of a run: its output, its working directory, its lock; and their checks."""

import dataclasses
import os
import pathlib
import shutil
import tempfile

from ngcm_cli.errors import ConfigError, OutputError
from ngcm_cli.io.progress import format_size
from ngcm_cli.output import grib
from ngcm_cli.output.zarr import is_store

FORMATS = (".zarr", ".nc", grib.SUFFIX)

_LONGEST_NAME = 255 - len("..12345678.partial")  # of a file that is being written
_LONGEST_PATH = 4096 - 512  # with the variables of a store in it


@dataclasses.dataclass(frozen=True)
class RunPaths:
    """Where a run writes.

    A forecast or an ensemble is one Zarr store, or a NetCDF or GRIB file that is made
    of one in the end; while it runs, a hidden working directory beside it holds what is
    needed to resume. A long run is a directory of stores, which is its working
    directory, too.

    Attributes:
        output: as the user named it.
        is_directory: whether the output is a directory of stores.
    """

    output: pathlib.Path
    is_directory: bool

    @property
    def stores(self) -> pathlib.Path:
        """The store, or the directory of stores, without links in its name."""
        output = self.output
        if self.is_exported:
            output = output.with_suffix(".partial.zarr")
        return _resolved(output)

    @property
    def is_exported(self) -> bool:
        """Whether the result is a file made of the store."""
        return not (self.is_directory or self.output.suffix == ".zarr")

    @property
    def is_grib(self) -> bool:
        """Whether the result is a GRIB file, with another one beside it."""
        return not self.is_directory and self.output.suffix == grib.SUFFIX

    @property
    def work(self) -> pathlib.Path:
        """The working directory."""
        output = _resolved(self.output)
        return output if self.is_directory else output.with_name(f".{output.name}.run")

    @property
    def lock(self) -> pathlib.Path:
        """The file of the lock that is held while a run writes."""
        output = _resolved(self.output)
        if self.is_directory:
            return output / ".lock"
        return output.with_name(f".{output.name}.lock")

    def check_name(self) -> None:
        """Check that the name can be that of an output, and of files beside it.

        Raises:
            ConfigError: it has no known format, is too long, or is no name.
        """
        if not self.is_directory and self.output.suffix not in FORMATS:
            raise ConfigError(
                f"The output {self.output} has no known format.",
                "End its name in .zarr, .nc or .grib2.",
            )
        if self.is_grib:
            grib.load_eccodes()
        path = os.path.abspath(self.output)
        name = os.path.basename(path)
        if not name:
            raise ConfigError(
                f"The output {self.output} is the root of the file system.",
                "Give the name of a new folder or file.",
            )
        if "\\" in path:
            raise ConfigError(
                f"The path of the output, {path}, has a backslash, with which NetCDF "
                "files cannot be opened.",
                "Choose another --output.",
            )
        if len(os.fsencode(name)) > _LONGEST_NAME or len(path) > _LONGEST_PATH:
            raise ConfigError(
                f"The name of the output, {name[:20]}..., is too long.",
                f"Give one of at most {_LONGEST_NAME} bytes.",
            )

    def check_new(self, overwrite: bool, resume: str) -> None:
        """Check that a new output can be written; leave nothing behind.

        Args:
            overwrite: whether an existing output may be replaced.
            resume: the command that resumes the run there.

        Raises:
            OutputError: something is there, or nothing can be.
        """
        parent = _resolved(self.output).parent
        try:
            if not parent.is_dir():
                raise OutputError(
                    f"The directory of the output, {parent}, does not exist.",
                    "Create it, or choose another --output.",
                )
            # Named as what the next run of this output removes.
            tempfile.TemporaryDirectory(
                prefix=f".{self.output.name}.", suffix=".partial", dir=parent
            ).cleanup()
            self._check_free_name(overwrite, resume)
        except OutputError:
            raise
        except OSError as error:
            raise OutputError(
                f"The output {self.output} cannot be written to: {error.strerror}.",
                "Choose another --output.",
            ) from None

    def _check_free_name(self, overwrite: bool, resume: str) -> None:
        hint = f" Or resume its run with `{resume}`." if self.has_run_record() else ""
        if self.is_directory:
            # Hidden files were left by a process killed before it wrote anything.
            if self.output.exists() and not (
                self.output.is_dir()
                and all(path.name.startswith(".") for path in self.output.iterdir())
            ):
                raise OutputError(
                    f"The output {self.output} exists.",
                    f"Choose another --output.{hint}",
                )
            return
        beside = [grib.sidecar(self.output)] if self.is_grib else []
        for existing in dict.fromkeys((self.output, *beside, self.stores)):
            if not (existing.exists() or existing.is_symlink()):
                continue
            if not overwrite:
                named = existing if existing in beside else self.output
                is_unfinished = self.is_exported and existing == self.stores
                raise OutputError(
                    f"The output {named} exists"
                    f"{', unfinished' if is_unfinished else ''}.",
                    "Choose another --output, or give --overwrite to replace "
                    f"it.{hint}",
                )
            kind, fits = "file", existing.is_file()
            if existing.suffix == ".zarr":
                kind, fits = "Zarr store", is_store(existing)
            if not fits:
                raise OutputError(
                    f"The output {existing} exists and is not a {kind}, so it is not "
                    "overwritten.",
                    "Choose another --output, or remove it yourself.",
                )

    def has_run_record(self) -> bool:
        """Return whether a run that can be resumed left its record."""
        return os.path.isfile(self.work / "run.json")

    def check_space(self, size: float, what: str) -> None:
        """Raise unless so many bytes are free.

        Args:
            size: least number of bytes that will be written.
            what: will be written, the beginning of a sentence.
        """
        parent = _resolved(self.output).parent
        free = shutil.disk_usage(parent).free
        if size > free:
            raise OutputError(
                f"{what} takes at least {format_size(size)}, and {parent} has "
                f"{format_size(free)} left.",
                "Free some space, choose another --output, or write less: fewer "
                "variables or levels, less often.",
            )

    def check_apart_from(self, source: pathlib.Path, described: str) -> None:
        """Raise if the output would overwrite input data.

        Args:
            source: file or directory that is read.
            described: its name in the message.
        """
        there = _resolved(source)
        for written in (_resolved(self.output), self.stores):
            if _holds(there, written) or _holds(written, there):
                raise ConfigError(
                    f"The output {self.output} would overwrite the data, {described}.",
                    "Choose another --output.",
                )


def _resolved(path: pathlib.Path) -> pathlib.Path:
    """Return a path without links; one that leads back to itself is kept."""
    return pathlib.Path(os.path.realpath(path))


def _holds(outer: pathlib.Path, inner: pathlib.Path) -> bool:
    """Return whether one is the other or lies in it, by whatever name."""
    there, same = os.path.exists, os.path.samefile
    return any(
        path == outer or (there(path) and there(outer) and same(path, outer))
        for path in (inner, *inner.parents)
    )
