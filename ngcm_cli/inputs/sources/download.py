"""Files on servers, downloaded whole and kept for later runs."""

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
from ngcm_cli.inputs.sources import object_store
from ngcm_cli.io.atomic import write_text
from ngcm_cli.io.cache_dir import cache_dir
from ngcm_cli.io.checksum import file_state
from ngcm_cli.io.http import Pace, TooSlow
from ngcm_cli.io.lock import Lock, LockedError
from ngcm_cli.io.progress import ByteProgress, format_size, no_progress

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta

logger = logging.getLogger(__name__)


class RemoteFileNotFound(InputDataError):
    """There is no file at a URL."""


def downloaded_path(url: str) -> pathlib.Path:
    """Return where the file at a URL is kept: a readable name, unique to the URL."""
    path = urllib.parse.unquote(urllib.parse.urlsplit(url).path)
    name = pathlib.PurePosixPath(path).name
    stem, suffix = pathlib.PurePosixPath(name).stem, pathlib.PurePosixPath(name).suffix
    stem = re.sub(r"[^\w.-]+", "_", stem)[:60].strip(".") or "data"
    suffix = suffix if re.fullmatch(r"\.\w{1,8}", suffix) else ""
    mark = hashlib.sha256(url.encode()).hexdigest()[:12]
    return cache_dir() / "data" / "files" / f"{stem}-{mark}{suffix}"


def download_file(
    url: str,
    check: Callable[[pathlib.Path], None],
    *,
    offline: bool = False,
    progress: ByteProgress = no_progress,
) -> pathlib.Path:
    """Return the local copy of a file on a server, downloaded if there is none yet.

    ``check`` is called with the downloaded file; it raises if that must not be kept.

    Raises:
        InputDataError: The file is not available, or the disk is too full for it.
    """
    file, name = downloaded_path(url), object_store.redacted_url(url)
    if file.exists():
        if (damage := _damage(file, check)) is None:
            logger.info("Reading %s, downloaded from '%s' before.", file, name)
            return file
        if offline:
            raise InputDataError(
                f"{file}, downloaded from '{name}' before, is damaged: {damage}",
                "Run once without --offline, to download it again.",
            )
        logger.warning("%s is damaged: %s It is downloaded again.", file, damage)
    if offline:
        raise InputDataError(
            f"'{name}' is not on this computer, and no network may be used (offline).",
            "Download it once without --offline, or name a local copy.",
        )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = Lock(file.with_name(f"{file.name}.lock"))
    except LockedError as error:
        raise InputDataError(
            f"'{name}' is being downloaded by another run.",
            "Wait until it is complete.",
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
            # First: a file without a checksum is one that only `check` looks at.
            write_text(_checksum(file), file_state(partial))
            partial.replace(file)
        except OSError as error:
            raise _unwritable(file.parent, error) from error
    return file


def _checksum(file: pathlib.Path) -> pathlib.Path:
    """Return the path of the checksum of a file."""
    return file.with_name(f".{file.name}.crc32c")


def _damage(file: pathlib.Path, check: Callable[[pathlib.Path], None]) -> str | None:
    """Return what is wrong with a file that was downloaded before, a sentence."""
    try:
        check(file)
        with contextlib.suppress(FileNotFoundError):
            if _checksum(file).read_text("utf-8") != file_state(file):
                return "Its checksum differs."
    except InputDataError as error:
        return error.message
    except (OSError, UnicodeDecodeError) as error:
        return f"{error}."
    return None


def _unwritable(folder: pathlib.Path, error: OSError) -> InputDataError:
    return InputDataError(
        f"Downloads cannot be written to {folder}: {error.strerror or error}.",
        "Free some space there, or set NGCM_HOME to a folder with more.",
    )


def _fetch(
    url: str, name: str, file: pathlib.Path, target: BinaryIO, progress: ByteProgress
) -> None:
    """Write the whole file; resume after a broken connection if it is unchanged."""
    import obstore
    from obstore.exceptions import BaseError, PreconditionError

    store = object_store.open_object_store(url)
    meta: ObjectMeta | None = None
    done, furthest, failures = 0, 0, 0
    pace = Pace(object_store.RETRY)
    while True:
        options: GetOptions = {}
        if meta is not None and done:
            options["range"] = {"offset": done}
            if meta["e_tag"] is not None:
                options["if_match"] = meta["e_tag"]
        try:
            result = obstore.get(store, "", options=options)
        except FileNotFoundError as error:
            raise RemoteFileNotFound(
                f"There is no Zarr store and no file at '{name}' (404).",
                "Check the bucket and the path.",
            ) from error
        except BaseError as error:
            changed = isinstance(error, PreconditionError)
            restart = changed or "not supported" in str(error)  # it sends no parts
            failures += 1
            if not (done and restart) or failures > object_store.RETRY.failed_transfers:
                raise object_store.explain_error(error, name) from error
            meta, done = None, _restart(target)
            continue
        if meta is None:
            meta = result.meta
            _check_free_space(name, meta["size"], file.parent)
            size = format_size(meta["size"])
            logger.info("Downloading '%s' (%s) to %s.", name, size, file)
        elif not _is_unchanged(meta, result.meta):
            logger.info("'%s' has changed; starting again.", name)
            meta, done = None, _restart(target)
            continue
        try:
            # What has come, not a megabyte: bytes may come one by one.
            for chunk in result.stream(min_chunk_size=1):
                done += len(chunk)
                if done > meta["size"]:
                    raise InputDataError(
                        f"'{name}' sends more than the {format_size(meta['size'])} "
                        "that it announced.",
                        "Try again later, or name a local copy.",
                    )
                target.write(chunk)
                pace.advance(done)
                if done > furthest:  # no progress where it always starts again
                    furthest, failures = done, 0
                progress(done, meta["size"])
            return
        except TooSlow:
            raise InputDataError(
                f"'{name}' sends too slowly.", "Try again later, or name a local copy."
            ) from None
        except BaseError as error:
            failures += 1
            given_up = failures > object_store.RETRY.failed_transfers
            if given_up or pace.is_silent:
                raise object_store.explain_error(error, name) from error
            at = format_size(done)
            logger.info("The connection broke at %s; resuming there.", at)
        time.sleep(object_store.RETRY.wait(failures))


def _restart(target: BinaryIO) -> int:
    """Empty a file; return its size, 0."""
    target.seek(0)
    target.truncate()
    return 0


def _is_unchanged(one: "ObjectMeta", other: "ObjectMeta") -> bool:
    keys = "size", "e_tag", "last_modified"
    return all(one.get(key) == other.get(key) for key in keys)


def _check_free_space(name: str, size: int, folder: pathlib.Path) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise InputDataError(
            f"'{name}' takes {format_size(size)}, and {folder} has only "
            f"{format_size(free)} left.",
            "Free some space there, or set NGCM_HOME to a folder with more.",
        )
