"""Files on servers, fetched whole and kept for later runs."""

import contextlib
import hashlib
import logging
import pathlib
import re
import shutil
import time
import urllib.parse
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs import remote
from ngcm_cli.io.cache_dir import cache_dir
from ngcm_cli.io.lock import Lock, LockedError
from ngcm_cli.io.progress import ByteProgress, format_size, no_progress

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta

logger = logging.getLogger(__name__)


class NothingThere(InputDataError):
    """There is no file at the address."""


def kept_file(url: str) -> pathlib.Path:
    """Where the file at an address is kept: a readable name that no other has."""
    path = urllib.parse.unquote(urllib.parse.urlsplit(url).path)
    name = pathlib.PurePosixPath(path).name
    stem, suffix = pathlib.PurePosixPath(name).stem, pathlib.PurePosixPath(name).suffix
    stem = re.sub(r"[^\w.-]+", "_", stem)[:60].strip(".") or "data"
    suffix = suffix if re.fullmatch(r"\.\w{1,8}", suffix) else ""
    mark = hashlib.sha256(url.encode()).hexdigest()[:12]
    return cache_dir() / "data" / "files" / f"{stem}-{mark}{suffix}"


def fetch_file(
    url: str,
    check: Callable[[pathlib.Path], None],
    *,
    offline: bool = False,
    progress: ByteProgress = no_progress,
) -> pathlib.Path:
    """The file at an address, fetched if it is not here yet.

    Args:
        url: with gs://, s3://, https:// or http://.
        check: raises where what came is not worth keeping.
        offline: whether nothing may be fetched.
        progress: sees the bytes that are here and those there will be.

    Raises:
        InputDataError: it is not here and cannot be had, or there is no room for it.
    """
    file, name = kept_file(url), remote.public_name(url)
    if file.exists():
        logger.info("Reading %s, fetched from '%s' before.", file, name)
        return file
    if offline:
        raise InputDataError(
            f"'{name}' is not on this computer, and nothing may be fetched (offline).",
            "Fetch it once without --offline, or name a local copy.",
        )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = Lock(file.with_name(f"{file.name}.lock"))
    except LockedError as error:
        raise InputDataError(
            f"'{name}' is being fetched by another run.", "Wait until it is there."
        ) from error
    except OSError as error:
        raise _unwritable(file.parent, error) from error
    partial = file.with_name(f"{file.name}.partial")
    with contextlib.ExitStack() as stack:
        stack.callback(lock.release)
        stack.callback(partial.unlink, missing_ok=True)
        try:
            with partial.open("wb") as target:
                _fetch(url, name, file, target, progress)
            check(partial)
            partial.replace(file)
        except OSError as error:
            raise _unwritable(file.parent, error) from error
    return file


def _unwritable(folder: pathlib.Path, error: OSError) -> InputDataError:
    return InputDataError(
        f"What is fetched cannot be written to {folder}: {error.strerror or error}.",
        "Free space there, or set NGCM_HOME to a folder with more.",
    )


def _fetch(
    url: str, name: str, file: pathlib.Path, target: BinaryIO, progress: ByteProgress
) -> None:
    """Write all of it, going on where a connection broke if it is the same file."""
    import obstore
    from obstore.exceptions import BaseError, PreconditionError

    store = remote.connect(url)
    meta: ObjectMeta | None = None
    done, furthest, stalls = 0, 0, 0
    while True:
        options: GetOptions = {}
        if meta is not None and done:
            options["range"] = {"offset": done}
            if meta["e_tag"] is not None:
                options["if_match"] = meta["e_tag"]
        try:
            result = obstore.get(store, "", options=options)
        except FileNotFoundError as error:
            raise NothingThere(
                f"There is no Zarr store and no file at '{name}' (404).",
                "Check the bucket and the path.",
            ) from error
        except BaseError as error:
            changed = isinstance(error, PreconditionError)
            wholly = changed or "not supported" in str(error)  # it sends no parts
            stalls += 1
            if not (done and wholly) or stalls > remote.PATIENCE.stalls:
                raise remote.explain(error, name) from error
            meta, done = None, _begin_anew(target)
            continue
        if meta is None:
            meta = result.meta
            _check_room(name, meta["size"], file.parent)
            size = format_size(meta["size"])
            logger.info("Fetching '%s' (%s) to %s.", name, size, file)
        elif not _is_same(meta, result.meta):
            logger.info("'%s' changed; beginning anew.", name)
            meta, done = None, _begin_anew(target)
            continue
        try:
            for piece in result.stream(min_chunk_size=remote.PIECE):
                target.write(piece)
                done += len(piece)
                if done > furthest:  # not where it always begins anew
                    furthest, stalls = done, 0
                progress(done, meta["size"])
            return
        except BaseError as error:
            stalls += 1
            if stalls > remote.PATIENCE.stalls:
                raise remote.explain(error, name) from error
            at = format_size(done)
            logger.info("The connection broke at %s; going on from there.", at)
        time.sleep(remote.PATIENCE.wait(stalls))


def _begin_anew(target: BinaryIO) -> int:
    target.seek(0)
    target.truncate()
    return 0


def _is_same(one: "ObjectMeta", other: "ObjectMeta") -> bool:
    marks = "size", "e_tag", "last_modified"
    return all(one.get(mark) == other.get(mark) for mark in marks)


def _check_room(name: str, size: int, folder: pathlib.Path) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise InputDataError(
            f"'{name}' takes {format_size(size)}, and {folder} has {format_size(free)} "
            "left.",
            "Free space there, or set NGCM_HOME to a folder with more.",
        )
