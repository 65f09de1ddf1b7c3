"""Opening a dataset: a NetCDF or GRIB file or a Zarr store, local or on a server."""

import contextlib
import functools
import logging
import pathlib
import warnings
from collections.abc import Iterator

import xarray as xr
import zarr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources import object_store
from ngcm_cli.inputs.sources.checked_netcdf import open_netcdf
from ngcm_cli.inputs.sources.download import (
    RemoteFileNotFound,
    download_file,
    downloaded_path,
)
from ngcm_cli.inputs.sources.fill_values import is_masked, without_default_marks
from ngcm_cli.inputs.sources.grib.open import is_grib, open_grib
from ngcm_cli.inputs.sources.local_file import check_axes, check_file
from ngcm_cli.inputs.sources.month_counts import open_with_months
from ngcm_cli.inputs.sources.netcdf import HEADS, declared_size, shapes
from ngcm_cli.inputs.sources.zarr import MonitoredStore, RemoteStore, open_store
from ngcm_cli.io.progress import ByteProgress, no_progress

_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive", "Unpack it and name the NetCDF file inside."),
    (b"\x1f\x8b", "gzip-compressed", "Unpack it with gunzip first."),
)
_FORMATS = "Give a NetCDF or GRIB file or a Zarr directory."
_COMPRESSED = (b"PK\x03\x04", b"\x1f\x8b")
_TEXTS = {"units", "standard_name", "cell_methods", "long_name", "positive"}
_STORE = "ngcm_store"  # key of the store in the encoding of a dataset

logger = logging.getLogger(__name__)


def open_dataset(
    path: str, *, offline: bool = False, progress: ByteProgress = no_progress
) -> xr.Dataset:
    """Open a local path or URL; values are read when they are asked for.

    Of a Zarr store on a server, only the chunks that are asked for are fetched; a file
    is downloaded whole when it is first opened, and kept in `cache_dir`, where an
    offline run finds it. Progress is of these bytes.

    Raises:
        InputDataError: There is nothing at the path, it is not such a dataset, or its
            server does not provide it. Reading from a server later may raise it, too.
    """
    if object_store.is_url(path):
        return _open_url(path, offline, progress)
    place = pathlib.Path(path)
    check_file(place, path)
    if not place.is_dir():
        return _open_local(place, path)
    _check_zarr_directory(place)
    try:
        return _open_zarr(open_store(path), path)
    except FileNotFoundError as error:
        raise InputDataError(
            f"The metadata of the Zarr directory '{path}' are incomplete: there is no "
            "zarr.json and no .zgroup.",
            "Copy the directory again, with the files whose names begin with a dot.",
        ) from error


def missing_chunks(dataset: xr.Dataset, name: str) -> tuple[str, ...]:
    """Return the keys of a variable's chunks that were read and are missing."""
    store = dataset.encoding.get(_STORE)
    return store.missing_chunks(name) if isinstance(store, MonitoredStore) else ()


def expect_chunks(dataset: xr.Dataset, chunks: int) -> bool:
    """Tell a store how many chunks will be read; return whether it reports progress."""
    store = dataset.encoding.get(_STORE)
    if not isinstance(store, RemoteStore):
        return False
    store.expect_chunks(chunks)
    return True


def reading_error(variable: str, error: Exception) -> InputDataError:
    """Return why the values of a variable, a quoted name, cannot be read."""
    if isinstance(error, InputDataError):  # from a server, with its own hint
        return InputDataError(
            f"Variable {variable} cannot be read: {error.message}", error.hint
        )
    if isinstance(error, MemoryError):
        return InputDataError(
            f"Variable {variable} cannot be read: there is not enough memory.",
            "Close other programs, or use a coarser copy of the data.",
        )
    reason = str(error).strip().rstrip(".") or type(error).__name__
    return InputDataError(
        f"Variable {variable} cannot be read: {reason}.",
        "The file may be damaged: download or copy it again.",
    )


def _open_url(url: str, offline: bool, progress: ByteProgress) -> xr.Dataset:
    name = object_store.redacted_url(url)
    if not downloaded_path(url).exists():  # else the network is not needed
        if offline:
            raise InputDataError(
                f"'{name}' is on a server, and no network may be used (offline).",
                "Name a local copy, or run without --offline.",
            )
        store = RemoteStore(url, progress)
        try:
            return _open_zarr(store, name)
        except FileNotFoundError:
            logger.debug("'%s' is not a Zarr store.", name)
        try:
            return _open_file(url, name, progress)
        except RemoteFileNotFound as error:
            if store.denial is None:
                raise
            # There may be a Zarr store to which access was denied.
            raise store.denial from error
    return _open_file(url, name, progress)


def _open_file(url: str, name: str, progress: ByteProgress) -> xr.Dataset:
    def check(file: pathlib.Path) -> None:
        if is_grib(file):
            _check_complete(file, name)
        else:
            _open_local(file, name).close()

    return _open_local(download_file(url, check, progress=progress), name)


def _open_zarr(store: MonitoredStore, name: str) -> xr.Dataset:
    with _explaining("zarr", name):
        group = zarr.open_group(store, mode="r")
        arrays = dict(group.arrays())
        check_axes(name, {key: array.shape for key, array in arrays.items()})
        store.limit_chunks(arrays)
        dataset = open_with_months(
            functools.partial(xr.open_dataset, store, engine="zarr"),  # pyright: ignore
            chunks=None,
            mask_and_scale={key: is_masked(x) for key, x in arrays.items()},
            decode_timedelta=False,
            cache=False,
            backend_kwargs={
                "consolidated": group.metadata.consolidated_metadata is not None,
                "zarr_format": group.metadata.zarr_format,
            },
        )
        dataset = without_default_marks(dataset, arrays)
        dataset.encoding[_STORE] = store
    return _checked_variables(dataset, name)


def _open_local(place: pathlib.Path, name: str) -> xr.Dataset:
    if is_grib(place):
        return open_grib(place, name)
    _check_netcdf(place, name)
    with _explaining("netcdf4", name):
        check_axes(name, shapes(place))
        dataset = open_with_months(
            functools.partial(open_netcdf, place, name),
            decode_timedelta=False,
            cache=False,
        )
    return _checked_variables(dataset, name)


def _checked_variables(dataset: xr.Dataset, name: str) -> xr.Dataset:
    if not dataset.data_vars:
        raise InputDataError(f"'{name}' opens, but holds no variables.", _FORMATS)
    for variable in dataset.variables.values():
        for key in _TEXTS & variable.attrs.keys():  # numbers in damaged files
            variable.attrs[key] = str(variable.attrs[key])
    return dataset


@contextlib.contextmanager
def _explaining(kind: str, name: str) -> Iterator[None]:
    """Explain what is raised where a dataset is opened."""
    try:
        with warnings.catch_warnings():
            # Several fill values, dates before 1582: checked later where they matter.
            warnings.simplefilter("ignore", xr.SerializationWarning)
            yield
    except (InputDataError, FileNotFoundError):
        raise
    except Exception as error:  # Every backend raises others for a broken file.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else ""
        if "decode time" in reason:
            reason = reason.partition(". Try opening")[0].rstrip(".")
            raise InputDataError(
                f"The times of '{name}' cannot be decoded: {reason}.",
                "Write them as CF times, such as 'hours since 1900-01-01' in the "
                "standard calendar.",
            ) from error
        raise InputDataError(
            f"'{name}' looks like {kind} data, but cannot be opened: "
            f"{type(error).__name__}: {reason.rstrip('.')}.",
            "It may be truncated: download or copy it again.",
        ) from error


def _read_head(place: pathlib.Path, name: str) -> bytes:
    try:
        with place.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise InputDataError(
            f"'{name}' cannot be read: {error.strerror}.", "Check its permissions."
        ) from error
    if not head:
        raise InputDataError(f"'{name}' is an empty file.", "Download it again.")
    return head


def _check_binary(place: pathlib.Path, name: str) -> None:
    """Refuse what servers send in place of a file: web pages and text."""
    head = _read_head(place, name)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise InputDataError(
            f"'{name}' is a web page, not NetCDF: the download went wrong.",
            "Open it to read the server's message, then download again.",
        )
    if b"\0" not in head and not head.startswith(_COMPRESSED):
        raise InputDataError(f"'{name}' is a text file, not NetCDF.", _FORMATS)


def _check_netcdf(place: pathlib.Path, name: str) -> None:
    head = _read_head(place, name)
    if head.startswith(HEADS):
        _check_complete(place, name)
        return
    for magic, kind, hint in _MAGIC:
        if head.startswith(magic):
            raise InputDataError(f"'{name}' is {kind}, not NetCDF.", hint)
    _check_binary(place, name)
    raise InputDataError(f"'{name}' is not a dataset, not NetCDF.", _FORMATS)


def _check_complete(place: pathlib.Path, name: str) -> None:
    """Refuse a truncated file, of which netCDF-C would read the rest as zeros."""
    size, declared = place.stat().st_size, declared_size(place)
    if declared is not None and size < declared:
        raise InputDataError(
            f"'{name}' is truncated: it has {size} bytes, and its header declares "
            f"{'more' if declared == size + 1 else f'at least {declared}'}.",
            "Download or copy it again.",
        )


def _check_zarr_directory(place: pathlib.Path) -> None:
    marks = ("zarr.json", ".zgroup", ".zmetadata")
    if not any((place / mark).exists() for mark in marks):
        files = sorted(p.name for p in place.iterdir())
        inside = f"it holds {', '.join(files[:4])}" if files else "it is empty"
        more = f" and {len(files) - 4} more" if len(files) > 4 else ""
        raise InputDataError(
            f"The directory '{place}' has no Zarr metadata ({' or '.join(marks)}): "
            f"{inside}{more}.",
            "Name a file or Zarr directory in it, or copy the Zarr directory whole.",
        )
