"""Download of one file over HTTP, resumable, checked against announced checksums.

A transfer that breaks off is resumed, in this process or the next one: the bytes that
arrived are beside the target as ``.partial``, with a JSON file that says of which file
they are the beginning.
"""

import base64
import dataclasses
import errno
import hashlib
import io
import logging
import pathlib
import shutil
import time

import google_crc32c
import pydantic
import requests
import urllib3

from ngcm_cli.checkpoint.card import LARGEST_WEIGHTS
from ngcm_cli.errors import CheckpointError
from ngcm_cli.io.http import Pace, TooSlow
from ngcm_cli.io.progress import ByteProgress, format_size
from ngcm_cli.zoo import http_session
from ngcm_cli.zoo.http_session import (
    Checksum,
    announced_checksums,
    describe_failure,
    is_strong_etag,
    open_session,
)
from ngcm_cli.zoo.partial_download import DownloadNote, discard, temporary_files

log = logging.getLogger(__name__)

_CHUNK = 2**16  # bytes, at most lost with a broken connection
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # disk, quota, file size limit


class Unavailable(Exception):
    """Why a URL did not provide the file, as the predicate of a sentence."""


@dataclasses.dataclass(frozen=True)
class Received:
    """A file that was downloaded completely, still under its temporary name.

    Attributes:
        sha256: SHA-256 of the file, hexadecimal.
        announced: Checksums that the server announced and that agree, base64, by name.
    """

    file: pathlib.Path
    bytes: int
    sha256: str
    announced: dict[Checksum, str]


def download(
    address: str,
    target: pathlib.Path,
    progress: ByteProgress,
    limit: int = LARGEST_WEIGHTS,
) -> Received:
    """Download a file over HTTP; resume an earlier download that broke off.

    It is written beside the target and not renamed here. More bytes than the limit are
    not received.

    Raises:
        Unavailable: The URL does not provide the file.
        CheckpointError: The file cannot be written.
    """
    with open_session() as session:
        return _Download(address, target, progress, session, limit).run()


class _Download:
    """The state of one download."""

    def __init__(
        self,
        address: str,
        target: pathlib.Path,
        progress: ByteProgress,
        session: requests.Session,
        limit: int,
    ):
        self.address = address
        self.target = target
        self.partial, self.note_file = temporary_files(target)
        self.progress = progress
        self.session = session
        self.limit = limit
        self._start_hashing()
        self.note = self._read_note()
        self.furthest = self.size if self.note is not None else 0
        self.pace = Pace(http_session.RETRY, self.furthest)

    def run(self) -> Received:
        """Download until the file is complete or the retries are used up."""
        resumed, restarted, failures = self.furthest > 0, False, 0
        while True:
            try:
                while not self._is_complete() and not self._request():
                    resumed = False  # the file has changed, nothing was kept
                received = self._checked()
            except TooSlow:
                raise Unavailable("sends too slowly") from None
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                # Only new bytes count: some servers start again each time.
                failures = 0 if self.size > self.furthest else failures + 1
                self.furthest = max(self.furthest, self.size)
                given_up = failures > http_session.RETRY.failed_transfers
                if given_up or self.pace.is_silent:
                    raise Unavailable(describe_failure(error)) from None
                log.info(f"The connection broke at {format_size(self.size)}; resuming.")
                resumed = True
                if failures:
                    time.sleep(http_session.RETRY.wait(failures))
                continue
            if received is not None:
                self.note_file.unlink()
                return received
            self._discard()
            if not resumed or restarted:
                raise Unavailable(
                    "sends a file with another checksum than it announces"
                )
            log.info("The parts do not belong to one file; downloading it again.")
            resumed, restarted = False, True

    @property
    def size(self) -> int:
        """Bytes received so far."""
        return self.partial.stat().st_size if self.partial.exists() else 0

    def _is_complete(self) -> bool:
        return self.note is not None and self.note.total == self.size

    def _request(self) -> bool:
        """Request and write the missing bytes; return False if the file changed."""
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
                timeout=http_session.RETRY.timeout,
            )
        except requests.RequestException as error:  # after all retries
            raise Unavailable(describe_failure(error)) from None
        with response:
            partial = "Range" in headers
            status = response.status_code
            if partial and (
                status == 416 or status == 206 and not self._continues(response)
            ):
                self._discard()
                return False
            if status != 200 and not (partial and status == 206):
                raise Unavailable(f"answers {status} {response.reason}")
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise Unavailable("sends the file in another encoding")
            if status == 200:
                if partial:
                    log.info("The server sends the file from its beginning.")
                self._begin(response)
            self._write(response)
        return True

    def _continues(self, response: requests.Response) -> bool:
        """Return whether a partial answer continues the partial file."""
        note = self.note
        assert note is not None
        span = f"bytes {self.size}-{(note.total or 0) - 1}/{note.total}"
        etag, announced = response.headers.get("ETag"), announced_checksums(response)
        return (
            response.headers.get("Content-Range") == span
            and (
                etag == note.validator or not etag or not is_strong_etag(note.validator)
            )
            and all(note.announced.get(k, v) == v for k, v in announced.items())
        )

    def _begin(self, response: requests.Response) -> None:
        """Start an empty file, and write which file it will be."""
        length = response.headers.get("Content-Length", "")
        etag = response.headers.get("ETag", "")
        date = response.headers.get("Last-Modified")
        try:
            note = DownloadNote(
                address=self.address,
                total=int(length) if length.isdecimal() else None,
                # If-Range takes no weak ETag.
                validator=etag if is_strong_etag(etag) else date,
                announced=announced_checksums(response),
            )
        except pydantic.ValidationError:
            raise Unavailable("describes the file with invalid characters") from None
        self._discard()
        self.note = note
        chunked = response.headers.get("Transfer-Encoding") == "chunked"
        if self.note.total is None and not chunked and not self.note.announced:
            raise Unavailable("does not say how long the file is")
        folder = self.partial.parent
        self._check_size(self.note.total or 0)
        free, total = shutil.disk_usage(folder).free, self.note.total or 0
        if total > free:
            raise CheckpointError(
                f"The weights take {format_size(total)}, and {folder} has only "
                f"{format_size(free)} left.",
                "Free some space, or set NGCM_HOME to a folder on another disk.",
            )
        try:
            self.note_file.write_text(self.note.model_dump_json(), "utf-8")
            self.partial.touch()
        except OSError as error:
            raise self._write_error(error) from None

    def _write(self, response: requests.Response) -> None:
        assert self.note is not None
        try:
            file = self.partial.open("ab", buffering=0)
        except OSError as error:
            raise self._write_error(error) from None
        with file:
            self._hash_rest()
            # What has come, not what is asked for: bytes may come one by one.
            while chunk := response.raw.read1(_CHUNK, decode_content=False):
                self._check_size(self.hashed + len(chunk))
                self._write_chunk(file, chunk)
                self._hash(chunk)
                self.pace.advance(self.hashed)
                self.progress(self.hashed, self.note.total)

    def _check_size(self, size: int) -> None:
        """Refuse a file that is larger than the one that is wanted."""
        if size > self.limit:
            self._discard()
            raise Unavailable(f"sends more than {format_size(self.limit)}")

    def _write_chunk(self, file: io.FileIO, chunk: bytes) -> None:
        rest = memoryview(chunk)
        try:
            while rest:  # a nearly full disk may write only a part
                rest = rest[file.write(rest) :]
        except OSError as error:
            raise self._write_error(error) from None

    def _checked(self) -> Received | None:
        """Return the file if its checksums are those announced, else None."""
        assert self.note is not None
        self._hash_rest()
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

    def _hash_rest(self) -> None:
        """Hash bytes that were written but not hashed, as by an earlier process."""
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

    def _read_note(self) -> DownloadNote | None:
        """Return the note of an earlier download if that can be resumed, else None.

        A partial file from another URL is kept until this URL sends something.
        """
        try:
            note = DownloadNote.model_validate_json(self.note_file.read_bytes())
        except (OSError, ValueError):
            return None
        identified = note.validator or note.announced
        return note if identified and note.address == self.address else None

    def _discard(self) -> None:
        """Remove the partial file."""
        self.note = None
        self._start_hashing()
        try:
            discard(self.target)
        except OSError as error:
            raise self._write_error(error) from None

    def _write_error(self, error: OSError) -> CheckpointError:
        kept = f"{format_size(self.size)} of the weights were received and are kept"
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
