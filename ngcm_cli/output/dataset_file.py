"""NetCDF files of results: whether they can be written, and writing them whole."""

import pathlib
from collections.abc import Callable, Iterable
from typing import Any

from ngcm_cli.errors import OutputError
from ngcm_cli.io.atomic import complete_file
from ngcm_cli.io.netcdf_library import NETCDF_LOCK
from ngcm_cli.io.output_file import check_writable


def check_output(
    path: pathlib.Path, overwrite: bool, inputs: Iterable[str] = ()
) -> None:
    """Check, before long work, that a file can be written.

    Args:
        path: of the file.
        overwrite: whether it may exist.
        inputs: locations of what is read.

    Raises:
        OutputError: it exists, or its directory does not or cannot be written to.
    """
    if not path.resolve().parent.is_dir():
        raise OutputError(
            f"The directory of the output, {path.resolve().parent}, does not exist.",
            "Create it, or choose another --output.",
        )
    if path.is_dir():
        raise OutputError(f"The output {path} is a directory.", "Name a file.")
    if path.exists() and not overwrite:
        raise OutputError(
            f"The output {path} exists.",
            "Choose another --output, or give --overwrite to replace it.",
        )
    check_writable(path, inputs)


def write_dataset(
    dataset: Any,
    path: pathlib.Path,
    encoding: dict[str, dict[str, Any]],
    hint: str = "Choose another path, or free space.",
    complete: Callable[[pathlib.Path], None] = lambda new: None,
) -> None:
    """Write a dataset of xarray as NetCDF-4, which appears when it is whole.

    Args:
        dataset: what is written.
        path: of the file; what is there is replaced.
        encoding: of its variables.
        hint: what to do if it cannot be written.
        complete: adds what the dataset has not to the file, before it has its name.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        with complete_file(path.resolve()) as new:
            _write(dataset, new, encoding)
            complete(new)
    except OutputError:
        raise
    except (OSError, RuntimeError) as error:  # the C library's errors are the latter
        raise OutputError(f"{path} could not be written: {error}.", hint) from error


def _write(dataset: Any, path: pathlib.Path, encoding: dict[str, Any]) -> None:
    """Write a dataset; `to_netcdf` would load Dask's cluster first, to share a lock."""
    from xarray.backends import NetCDF4DataStore  # heavy

    with NETCDF_LOCK:
        store = NetCDF4DataStore.open(
            str(path), mode="w", format="NETCDF4", lock=NETCDF_LOCK
        )
        try:
            dataset.dump_to_store(store, encoding=encoding)
        finally:
            store.close()
