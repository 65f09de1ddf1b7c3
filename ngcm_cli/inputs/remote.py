"""Servers that hold data: addresses, access, patience, and what went wrong in words.

Connections, signatures and the first tries are the business of ``obstore``, which is
imported only where a server is asked. It asks again where a server is busy (408, 429,
5xx) or cannot be reached, and goes on in the middle of a body where the server vouches
for the rest with an ETag; where not, that is up to whoever reads the body, and to
``Patience.wait``.
"""

import dataclasses
import datetime
import os
import re
import urllib.parse
from typing import TYPE_CHECKING

from ngcm_cli.errors import InputDataError

if TYPE_CHECKING:
    from obstore.store import (
        ClientConfig,
        GCSConfig,
        ObjectStore,
        RetryConfig,
        S3Config,
    )

SCHEMES = ("gs", "s3", "https", "http")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
PIECE = 2**20
"""Bytes in which a body arrives, at least."""


@dataclasses.dataclass(frozen=True)
class Patience:
    """How long to try.

    Attributes:
        answers: further tries where a server is busy or cannot be reached.
        stalls: tries in a row of a body that may break off and bring nothing.
        backoff: s, wait before the second try, about; it doubles from then on.
        longest: s, longest wait.
        timeout: s without a sign of life.
    """

    answers: int = 5
    stalls: int = 5
    backoff: float = 1.0
    longest: float = 30.0
    timeout: float = 30.0

    def wait(self, stalls: int) -> float:
        """Seconds to wait after so many tries in a row that brought nothing."""
        return min(self.backoff * 2 ** max(stalls - 1, 0), self.longest)


PATIENCE = Patience()

_GOOGLE_CREDENTIALS = (
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_PATH",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
)
_AMAZON_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


def is_url(path: str) -> bool:
    """Whether it is the address of something on a server, not a local path.

    Raises:
        InputDataError: it is an address of a kind that we do not read, or none.
    """
    scheme, mark, rest = path.partition("://")
    if not mark:
        return False
    if scheme.lower() not in SCHEMES:
        raise InputDataError(
            f"'{path}' begins with '{scheme}://', which is not read.",
            f"Give the path alone: '{rest}'."
            if scheme.lower() == "file"
            else "Give an address with gs://, s3://, https:// or http://, or the path "
            "of a local copy.",
        )
    _check_address(path, scheme.lower(), rest.partition("/")[0])
    return True


def _check_address(url: str, scheme: str, host: str) -> None:
    """Refuse what the libraries further down would fall over."""
    kind = "server" if scheme.startswith("http") else "bucket"
    shown = re.sub(r"//[^/]*@", "//", url.partition("?")[0])  # without a password
    if not host:
        raise InputDataError(
            f"'{shown}' names no {kind}.", f"Write {scheme}://NAME/PATH."
        )
    if kind == "bucket" and not _BUCKET.fullmatch(host):
        raise InputDataError(
            f"'{shown}' names no bucket: '{host.rpartition('@')[2]}' has other "
            "characters than letters, digits, dots, hyphens and underscores.",
            f"Write {scheme}://BUCKET/PATH.",
        )
    try:
        _ = urllib.parse.urlsplit(url).port  # It raises where that is no number, too.
        valid = not re.search(r"\s", host)
    except ValueError:
        valid = False
    if not valid:
        raise InputDataError(
            f"'{shown}' is not an address: its server's name or port is malformed.",
            f"Write {scheme}://NAME/PATH, an IPv6 address in brackets.",
        )


def public_name(url: str) -> str:
    """The address as it may be shown: without passwords and signatures."""
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}".rstrip("/")


def connect(url: str, *, to_list: bool = False) -> "ObjectStore":
    """The server as a store whose keys continue the address; the empty key is it.

    Without credentials in the environment, ``gs://`` and ``s3://`` are read as the
    public may. ``$STORAGE_EMULATOR_HOST`` replaces the host of ``gs://``, and
    ``$AWS_ENDPOINT_URL`` that of ``s3://``, as they do for other programs.

    Args:
        url: with gs://, s3://, https:// or http://.
        to_list: whether keys are to be listed, which web servers cannot.

    Raises:
        InputDataError: the address or the credentials are none.
    """
    from obstore.exceptions import BaseError
    from obstore.store import GCSStore, HTTPStore, S3Store

    seconds = lambda value: datetime.timedelta(seconds=value)
    client: ClientConfig = {
        "allow_http": True,
        # Of the whole body, which may take long: silence is what counts.
        "timeout": datetime.timedelta(days=1),
        "read_timeout": seconds(PATIENCE.timeout),
        "connect_timeout": seconds(PATIENCE.timeout),
    }
    retry: RetryConfig = {
        "max_retries": PATIENCE.answers,
        "retry_timeout": datetime.timedelta(days=1),
        "backoff": {
            "init_backoff": seconds(PATIENCE.backoff),
            "max_backoff": seconds(PATIENCE.longest),
            "base": 2,
        },
    }
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower()
    bucket, _, path = rest.strip("/").partition("/")
    path, name = path or None, public_name(url)
    try:
        if scheme == "s3":
            config: S3Config = {}
            if not _in_environment(_AMAZON_CREDENTIALS):
                config["skip_signature"] = True
            return S3Store(
                bucket,
                prefix=path,
                config=config,
                client_options=client,
                retry_config=retry,
            )
        public = scheme == "gs" and not _in_environment(_GOOGLE_CREDENTIALS)
        if scheme == "gs" and (to_list or not public):
            access: GCSConfig = {"skip_signature": True} if public else {}
            if os.environ.get("STORAGE_EMULATOR_HOST"):
                access["base_url"] = _google_host()
            return GCSStore(
                bucket,
                prefix=path,
                config=access,
                client_options=client,
                retry_config=retry,
            )
        if scheme == "gs":
            # What is public has an address for everybody; emulators know it, too.
            url = f"{_google_host()}/{bucket}/{urllib.parse.quote(path or '')}"
        parts = urllib.parse.urlsplit(url)
        address = parts._replace(path=parts.path.rstrip("/")).geturl()
        return HTTPStore(address, client_options=client, retry_config=retry)
    except (BaseError, ValueError, OSError) as error:
        raise InputDataError(
            f"'{name}' cannot be asked for: {_reason(error)}.",
            "Check the address, and the credentials that the environment names.",
        ) from error


def _google_host() -> str:
    host = os.environ.get("STORAGE_EMULATOR_HOST") or "https://storage.googleapis.com"
    return (host if "://" in host else f"http://{host}").rstrip("/")


def _in_environment(names: tuple[str, ...]) -> bool:
    return any(os.environ.get(name) for name in names)


def status_of(error: Exception) -> int | None:
    """The HTTP status in an error of ``obstore``, if a server answered at all."""
    found = re.search(r"status code: (\d{3})", str(error))
    return int(found[1]) if found else None


def explain(error: Exception, name: str) -> InputDataError:
    """An error of ``obstore`` in words.

    Args:
        error: as it came.
        name: the address of what was asked for, as it may be shown.
    """
    status, text = status_of(error), str(error)
    if status == 404 or isinstance(error, FileNotFoundError):
        return InputDataError(
            f"There is nothing at '{name}' (404).", "Check the bucket and the path."
        )
    if status in (401, 403):
        return InputDataError(
            f"Access to '{name}' is denied ({status}).", _how_to_get_access(name)
        )
    if status == 429 or status == 503:
        return InputDataError(
            f"'{name}' is not to be had now: after {PATIENCE.answers + 1} tries the "
            f"server still answers {_answer(text)}.",
            _LATER,
        )
    if status is not None:
        return InputDataError(
            f"The server of '{name}' answers {_answer(text)}.",
            _LATER if status >= 500 else "Check the address.",
        )
    for mark, words, hint in _CAUSES:
        if mark in text:
            return InputDataError(f"The server of '{name}' {words}.", hint)
    return InputDataError(f"'{name}' cannot be read: {_reason(error)}.", _LATER)


_NETWORK = "Check the address and your connection to the network."
_PROXY = "Check HTTPS_PROXY, ALL_PROXY and NO_PROXY in your environment."
_LATER = "Try again later."
# What the text of an error holds, from the particular to the general; no other sign of
# the cause comes through to Python.
_CAUSES = (
    (
        "incorrectly configured region",
        "is in another region than we asked in",
        "Set AWS_REGION to the region of the bucket, such as eu-west-1.",
    ),
    ("dns error", "cannot be found", _NETWORK),
    (
        "InvalidCertificate",
        "has a certificate that is not trusted",
        "If your organisation has its own, name their file in SSL_CERT_FILE.",
    ),
    ("TunnelUnsuccessful", "is not let through by the proxy", _PROXY),
    ("ConnectFailed", "cannot be reached through the proxy", _PROXY),
    ("kind: Connect", "cannot be reached", _NETWORK),
    ("kind: Timeout", "does not answer, or stops sending", _LATER),
    (
        "Content-Length Header missing",
        "does not say how large it is",
        "Download it with another program, and name the local copy.",
    ),
    (
        "not supported",
        "cannot send a part of a file",
        "Download the data, and name the local copy.",
    ),
    ("kind: Interrupted", "breaks the connection", _LATER),
    ("kind: Body", "breaks the connection", _LATER),
)


def _answer(text: str) -> str:
    """As in '429 Too Many Requests'."""
    found = re.search(r"status code: (\d{3}[\w ]*)", text)
    return found[1].strip() if found else "something else"


def _reason(error: Exception) -> str:
    """The last words of the first line, without the address that was asked."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    line = re.sub(r"^Generic \w+ error: ", "", line)
    return line.rpartition(" - ")[2].rstrip(".:")


def _how_to_get_access(name: str) -> str:
    if name.startswith("gs://"):
        return (
            "It is not public, or not there: check the path, or name a key with access "
            "in GOOGLE_APPLICATION_CREDENTIALS."
        )
    if name.startswith("s3://"):
        return (
            "It is not public, or not there: check the path, or set AWS_ACCESS_KEY_ID "
            "and AWS_SECRET_ACCESS_KEY of an account with access."
        )
    return "Download it where you are logged in, and name the file."
