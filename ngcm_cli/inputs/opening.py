"""Opening a user's dataset: a NetCDF or GRIB file or Zarr, here or on a server."""

import logging
import pathlib
import warnings
from collections.abc import Callable
from typing import TypeVar

import xarray as xr
import zarr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs import remote
from ngcm_cli.inputs.files import NothingThere, fetch_file, kept_file
from ngcm_cli.inputs.grib import is_grib, open_grib
from ngcm_cli.inputs.netcdf import HEADS, promised_size
from ngcm_cli.inputs.stores import RemoteStore, WatchedStore, open_store
from ngcm_cli.io.progress import ByteProgress, no_progress

_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive", "Unpack it and name the NetCDF file inside."),
    (b"\x1f\x8b", "gzip-compressed", "Unpack it with gunzip first."),
)
_FORMATS = "Give a NetCDF or GRIB file or a Zarr directory."
_COMPRESSED = (b"PK\x03\x04", b"\x1f\x8b")
_STORE = "ngcm_store"  # where a dataset's encoding has the store it is read from
Thing = TypeVar("Thing")

logger = logging.getLogger(__name__)


def open_dataset(
    path: str, *, offline: bool = False, progress: ByteProgress = no_progress
) -> xr.Dataset:
    """Open a NetCDF file or a Zarr store; values stay there until asked for.

    From a server, only the chunks of a Zarr store that are asked for are fetched; a
    file is fetched whole when it is opened, once, and kept in ``home()``.

    Args:
        path: a local file or directory, or an address with gs://, s3://, https:// or
            http://.
        offline: whether no server may be asked; files fetched before are here.
        progress: sees the bytes that arrive: of a file when it is opened, of the chunks
            of a Zarr store when they are read.

    Raises:
        InputDataError: there is nothing there, it is not such a dataset, or its server
            does not give it. Reading from a server later may raise it, too.
    """
    if remote.is_url(path):
        return _open_url(path, offline, progress)
    place = pathlib.Path(path)
    if not place.exists():
        raise InputDataError(
            f"There is no file or directory '{path}'.", "Check the path."
        )
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
    """Chunks of a variable that were read and are not there: NaN, or zero, until now.

    Args:
        dataset: as ``open_dataset`` returned it, read from since.
        name: of the variable, in the file.

    Returns:
        The keys in the Zarr store; none where the data are in a file.
    """
    store = dataset.encoding.get(_STORE)
    return store.missing_chunks(name) if isinstance(store, WatchedStore) else ()


def expect_chunks(dataset: xr.Dataset, chunks: int) -> bool:
    """Say how many chunks will be read, so that progress knows where it ends.

    Args:
        dataset: as ``open_dataset`` returned it.
        chunks: how many, of all variables.

    Returns:
        Whether the dataset is on a server, so that progress sees bytes arrive.
    """
    store = dataset.encoding.get(_STORE)
    if not isinstance(store, RemoteStore):
        return False
    store.expect(chunks)
    return True


def reading_error(variable: str, error: Exception) -> InputDataError:
    """Why the values of a variable cannot be read.

    Args:
        variable: how to call it in a sentence.
        error: what reading them raised.
    """
    if isinstance(error, InputDataError):  # of a server, and says what to do
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
    name = remote.public_name(url)
    if not kept_file(url).exists():  # or else nothing need be asked
        if offline:
            raise InputDataError(
                f"'{name}' is on a server, and nothing may be fetched (offline).",
                "Name a local copy, or go without --offline.",
            )
        store = RemoteStore(url, progress)
        try:
            return _open_zarr(store, name)
        except FileNotFoundError:
            logger.debug("'%s' is not a Zarr store.", name)
        try:
            return _open_file(url, name, progress)
        except NothingThere as error:
            if store.denial is None:
                raise
            # There may be a Zarr store that we may not see.
            raise store.denial from error
    return _open_file(url, name, progress)


def _open_file(url: str, name: str, progress: ByteProgress) -> xr.Dataset:
    def check(file: pathlib.Path) -> None:
        _check_binary(file, name)
        _check_whole(file, name)

    return _open_local(fetch_file(url, check, progress=progress), name)


def _open_zarr(store: WatchedStore, name: str) -> xr.Dataset:
    def open_group() -> xr.Dataset:
        group = zarr.open_group(store, mode="r")
        dataset = xr.open_dataset(
            store,  # pyright: ignore[reportArgumentType]  # one that the engine knows
            engine="zarr",
            chunks=None,
            decode_timedelta=False,
            cache=False,
            backend_kwargs={
                "consolidated": group.metadata.consolidated_metadata is not None,
                "zarr_format": group.metadata.zarr_format,
            },
        )
        dataset.encoding[_STORE] = store
        return dataset

    return _with_variables(_opened(open_group, "zarr", name), name)


def _open_local(place: pathlib.Path, name: str) -> xr.Dataset:
    if is_grib(place):
        return open_grib(place, name)
    _check_netcdf(place, name)
    open_file = lambda: xr.open_dataset(
        place, engine="netcdf4", decode_timedelta=False, cache=False
    )
    return _with_variables(_opened(open_file, "netcdf4", name), name)


def _with_variables(dataset: xr.Dataset, name: str) -> xr.Dataset:
    if not dataset.data_vars:
        raise InputDataError(f"'{name}' opens, but holds no variables.", _FORMATS)
    return dataset


def _opened(opening: Callable[[], Thing], kind: str, name: str) -> Thing:
    """What it returns; what it raises, in words."""
    try:
        with warnings.catch_warnings():
            # Several fill values, dates before 1582: judged below where they matter.
            warnings.simplefilter("ignore", xr.SerializationWarning)
            return opening()
    except (InputDataError, FileNotFoundError):
        raise
    except Exception as error:  # Every backend has its own idea of a broken file.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else ""
        if "decode time" in reason:
            raise InputDataError(
                f"The times of '{name}' cannot be understood: {reason.rstrip('.')}.",
                "Write it as CF times, such as 'hours since 1900-01-01' in the "
                "standard calendar.",
            ) from error
        raise InputDataError(
            f"'{name}' looks like {kind} data but cannot be opened: "
            f"{type(error).__name__}: {reason.rstrip('.')}.",
            "It may be truncated: download or copy it again.",
        ) from error


def _head(place: pathlib.Path, name: str) -> bytes:
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
    """Refuse what servers send in place of a file."""
    head = _head(place, name)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise InputDataError(
            f"'{name}' is a web page, not NetCDF: the download went wrong.",
            "Open it to read the server's message, then download again.",
        )
    if b"\0" not in head and not head.startswith(_COMPRESSED):
        raise InputDataError(f"'{name}' is a text file, not NetCDF.", _FORMATS)


def _check_netcdf(place: pathlib.Path, name: str) -> None:
    head = _head(place, name)
    if head.startswith(HEADS):
        _check_whole(place, name)
        return
    for magic, kind, hint in _MAGIC:
        if head.startswith(magic):
            raise InputDataError(f"'{name}' is {kind}, not NetCDF.", hint)
    _check_binary(place, name)
    raise InputDataError(f"'{name}' is not a dataset, not NetCDF.", _FORMATS)


def _check_whole(place: pathlib.Path, name: str) -> None:
    """Refuse what was cut off, of which NetCDF-3 would be read as zeros."""
    size, promised = place.stat().st_size, promised_size(place)
    if promised is not None and size < promised:
        raise InputDataError(
            f"'{name}' is truncated: it has {size} bytes, and its header promises "
            f"{'more' if promised == size + 1 else f'at least {promised}'}.",
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
