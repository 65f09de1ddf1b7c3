"""One file over HTTP: resumed where it broke off, and checked against its announcement.

A connection that breaks within the body is gone on from, in this process or the next
one: what has arrived lies beside the target as ``.partial``, with a note of what file
it is the beginning of.
"""

import base64
import dataclasses
import errno
import hashlib
import io
import logging
import os
import pathlib
import shutil
import time
from collections.abc import Callable
from typing import Annotated

import google_crc32c
import pydantic
import requests
import urllib3

from ngcm_cli.errors import CheckpointError
from ngcm_cli.io.progress import format_size
from ngcm_cli.zoo import transport
from ngcm_cli.zoo.transport import (
    Checksum,
    announced_checksums,
    cause_of,
    is_strong,
    open_session,
)

log = logging.getLogger(__name__)

_CHUNK = 2**16  # bytes; what a broken connection may cost
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # disk, quota, limit


class Unavailable(Exception):
    """Why an address did not give the file, to follow on the address in a sentence."""


@dataclasses.dataclass(frozen=True)
class Received:
    """A file that arrived whole.

    Attributes:
        file: where it is, still under the name of an unfinished one.
        bytes: its size.
        sha256: of the whole file.
        announced: checksums that the server announced and that agree, base64, by name.
    """

    file: pathlib.Path
    bytes: int
    sha256: str
    announced: dict[Checksum, str]


class _Note(pydantic.BaseModel):
    """What file a partial one is the beginning of."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True)

    address: str
    total: int | None
    # An ETag or a date, for If-Range; it goes into a header as it is.
    validator: Annotated[str, pydantic.Field(pattern=r"^[ -~]*$")] | None
    announced: dict[Checksum, str]


def download(
    address: str, target: pathlib.Path, progress: Callable[[int, int | None], None]
) -> Received:
    """Download a file, going on where an earlier try broke off.

    Args:
        address: HTTP or HTTPS.
        target: where it will be; what arrives lies beside it and is not renamed here.
        progress: sees the bytes that are here, and those of the whole file or None.

    Raises:
        Unavailable: the address does not give the file.
        CheckpointError: the disk does not take it.
    """
    with open_session() as session:
        return _Download(address, target, progress, session).run()


def discard(target: pathlib.Path) -> None:
    """Remove what downloads of this target have left beside it."""
    for file in _beside(target):
        if os.path.lexists(file):
            file.unlink()


def _beside(target: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """The unfinished file and its note."""
    partial = target.with_name(target.name + ".partial")
    return partial, target.with_name(target.name + ".partial.json")


class _Download:
    """The state of one download."""

    def __init__(
        self,
        address: str,
        target: pathlib.Path,
        progress: Callable[[int, int | None], None],
        session: requests.Session,
    ):
        self.address = address
        self.target = target
        self.partial, self.note_file = _beside(target)
        self.progress = progress
        self.session = session
        self._start_hashing()
        self.note = self._read_note()
        self.most = self.size if self.note is not None else 0

    def run(self) -> Received:
        """Download until the file is whole, or there is no hope."""
        resumed, restarted, stalls = self.most > 0, False, 0
        while True:
            try:
                while not self._is_whole() and not self._request():
                    resumed = False  # the file has changed, so nothing is left
                received = self._checked()
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                # More than ever: a server may begin anew each time.
                stalls = 0 if self.size > self.most else stalls + 1
                self.most = max(self.most, self.size)
                if stalls > transport.PATIENCE.stalls:
                    raise Unavailable(cause_of(error)) from None
                log.info(f"The connection broke at {format_size(self.size)}; going on.")
                resumed = True
                if stalls:
                    wait = transport.PATIENCE.backoff * 2 ** (stalls - 1)
                    time.sleep(min(wait, transport.PATIENCE.longest))
                continue
            if received is not None:
                self.note_file.unlink()
                return received
            self._forget()
            if not resumed or restarted:
                raise Unavailable("sends a file that has not the checksum it announces")
            log.info("The pieces do not make one file; fetching it again.")
            resumed, restarted = False, True

    @property
    def size(self) -> int:
        """Bytes that are here."""
        return self.partial.stat().st_size if self.partial.exists() else 0

    def _is_whole(self) -> bool:
        return self.note is not None and self.note.total == self.size

    def _request(self) -> bool:
        """Ask for what is missing and write it; False if the file has changed."""
        headers = {"Accept-Encoding": "identity"}
        if self.note is not None and self.size:
            headers["Range"] = f"bytes={self.size}-"
            if self.note.validator is not None:
                headers["If-Range"] = self.note.validator
        try:
            response = self.session.get(
                self.address,
                headers=headers,
                stream=True,
                timeout=transport.PATIENCE.timeout,
            )
        except requests.RequestException as error:  # after the tries it is worth
            raise Unavailable(cause_of(error)) from None
        with response:
            asked = "Range" in headers
            status = response.status_code
            if asked and (status == 416 or status == 206 and not self._fits(response)):
                self._forget()
                return False
            if status != 200 and not (asked and status == 206):
                raise Unavailable(f"answers {status} {response.reason}")
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise Unavailable("sends the file in another encoding")
            if status == 200:
                if asked:
                    log.info("The server sends the file from its beginning.")
                self._begin(response)
            self._write(response)
        return True

    def _fits(self, response: requests.Response) -> bool:
        """Whether a partial answer is the rest of what is here."""
        note = self.note
        assert note is not None
        span = f"bytes {self.size}-{(note.total or 0) - 1}/{note.total}"
        etag, announced = response.headers.get("ETag"), announced_checksums(response)
        return (
            response.headers.get("Content-Range") == span
            and (etag == note.validator or not etag or not is_strong(note.validator))
            and all(note.announced.get(k, v) == v for k, v in announced.items())
        )

    def _begin(self, response: requests.Response) -> None:
        """Start an empty file and note which one it will be."""
        length = response.headers.get("Content-Length", "")
        etag = response.headers.get("ETag", "")
        date = response.headers.get("Last-Modified")
        try:
            note = _Note(
                address=self.address,
                total=int(length) if length.isdecimal() else None,
                validator=etag if is_strong(etag) else date,  # it takes no weak ETag
                announced=announced_checksums(response),
            )
        except pydantic.ValidationError:
            raise Unavailable("describes the file in unknown characters") from None
        self._forget()
        self.note = note
        chunked = response.headers.get("Transfer-Encoding") == "chunked"
        if self.note.total is None and not chunked and not self.note.announced:
            raise Unavailable("does not say how long the file is")
        folder = self.partial.parent
        free, total = shutil.disk_usage(folder).free, self.note.total or 0
        if total > free:
            raise CheckpointError(
                f"The weights take {format_size(total)}, and {folder} has "
                f"{format_size(free)} left.",
                "Free some space, or set NGCM_HOME to a folder on another disk.",
            )
        try:
            self.note_file.write_text(self.note.model_dump_json(), "utf-8")
            self.partial.touch()
        except OSError as error:
            raise self._not_taken(error) from None

    def _write(self, response: requests.Response) -> None:
        assert self.note is not None
        try:
            file = self.partial.open("ab", buffering=0)
        except OSError as error:
            raise self._not_taken(error) from None
        with file:
            self._catch_up()
            for chunk in response.raw.stream(_CHUNK, decode_content=False):
                self._put(file, chunk)
                self._hash(chunk)
                self.progress(self.hashed, self.note.total)

    def _put(self, file: io.FileIO, chunk: bytes) -> None:
        rest = memoryview(chunk)
        try:
            while rest:  # a disk that is nearly full takes less than it is given
                rest = rest[file.write(rest) :]
        except OSError as error:
            raise self._not_taken(error) from None

    def _checked(self) -> Received | None:
        """The file, if it is the one announced."""
        assert self.note is not None
        self._catch_up()
        found: dict[Checksum, str] = {
            "crc32c": base64.b64encode(self.crc32c.digest()).decode(),
            "md5": base64.b64encode(self.md5.digest()).decode(),
        }
        announced = self.note.announced
        if any(found[name] != value for name, value in announced.items()):
            return None
        return Received(self.partial, self.size, self.sha256.hexdigest(), announced)

    def _hash(self, chunk: bytes) -> None:
        self.hashed += len(chunk)
        for checksum in self.sha256, self.md5, self.crc32c:
            checksum.update(chunk)

    def _catch_up(self) -> None:
        """Hash what has been written and not been hashed, by an earlier try say."""
        if self.hashed == self.size:
            return
        self._start_hashing()
        with self.partial.open("rb") as file:
            while chunk := file.read(2**20):
                self._hash(chunk)

    def _start_hashing(self) -> None:
        self.hashed = 0
        self.sha256, self.md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        self.crc32c = google_crc32c.Checksum()

    def _read_note(self) -> _Note | None:
        """The note of an earlier try, if what it left can be gone on with.

        What another address gave stays until this one gives something.
        """
        try:
            note = _Note.model_validate_json(self.note_file.read_bytes())
        except (OSError, ValueError):
            return None
        certain = note.validator or note.announced
        return note if certain and note.address == self.address else None

    def _forget(self) -> None:
        """Remove what is here."""
        self.note = None
        self._start_hashing()
        try:
            discard(self.target)
        except OSError as error:
            raise self._not_taken(error) from None

    def _not_taken(self, error: OSError) -> CheckpointError:
        kept = f"{format_size(self.size)} of the weights are there and kept"
        if error.errno in _FULL:
            return CheckpointError(
                f"The disk of {self.partial.parent} is full: {error.strerror}.",
                f"Free some space and fetch again: {kept}. Or set NGCM_HOME to a "
                "folder on another disk.",
            )
        return CheckpointError(
            f"{self.partial} cannot be written: {error.strerror}.",
            "Set NGCM_HOME to a folder that can be written to.",
        )
