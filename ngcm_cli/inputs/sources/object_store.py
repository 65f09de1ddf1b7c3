"""Object stores and web servers: addresses, access, and explanations of failures.

Connections, signatures and the first tries are left to ``obstore``, which is imported
only where a server is used. It tries again where a server is busy (408, 429, 5xx) or
cannot be reached, and resumes a broken body where the server identifies it by an ETag.
Elsewhere the reader of the body must resume it, after ``RetryPolicy.wait``.
"""

import datetime
import os
import re
import urllib.parse
from typing import TYPE_CHECKING, Any

from ngcm_cli.errors import InputDataError
from ngcm_cli.io.http import RetryPolicy, google_storage_host

if TYPE_CHECKING:
    from obstore import store as stores

SCHEMES = ("gs", "s3", "https", "http")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
MIN_CHUNK_BYTES = 2**20
"""Least number of bytes in which a body is handed on."""

RETRY = RetryPolicy()
"""How often requests for data are tried again."""

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
    """Return whether a location is a URL, not a local path.

    Raises:
        InputDataError: The URL is malformed or of a scheme that is not read.
    """
    scheme, mark, rest = path.partition("://")
    if not mark:
        return False
    if scheme.lower() not in SCHEMES:
        raise InputDataError(
            f"'{path}' begins with '{scheme}://', a scheme that is not read.",
            f"Give the path alone: '{rest}'."
            if scheme.lower() == "file"
            else "Give a URL with gs://, s3://, https:// or http://, or the path of a "
            "local copy.",
        )
    _check_address(path, scheme.lower(), rest.partition("/")[0])
    return True


def _check_address(url: str, scheme: str, host: str) -> None:
    """Refuse URLs on which the libraries below would fail without explanation."""
    kind = "server" if scheme.startswith("http") else "bucket"
    public = re.sub(r"//[^/]*@", "//", url.partition("?")[0])  # without a password
    if not host:
        raise InputDataError(
            f"'{public}' names no {kind}.", f"Write {scheme}://NAME/PATH."
        )
    if kind == "bucket" and not _BUCKET.fullmatch(host):
        raise InputDataError(
            f"'{public}' names no bucket: '{host.rpartition('@')[2]}' has "
            "characters other than letters, digits, dots, hyphens and underscores.",
            f"Write {scheme}://BUCKET/PATH.",
        )
    try:
        _ = urllib.parse.urlsplit(url).port  # raises if it is not a number
        valid = not re.search(r"\s", host)
    except ValueError:
        valid = False
    if not valid:
        raise InputDataError(
            f"'{public}' is not a URL: the name or port of its server is malformed.",
            f"Write {scheme}://NAME/PATH, an IPv6 address in brackets.",
        )


def redacted_url(url: str) -> str:
    """Return a URL without passwords and signatures."""
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}".rstrip("/")


def open_object_store(url: str, *, to_list: bool = False) -> "stores.ObjectStore":
    """Return a store whose keys are appended to a URL; the empty key is the URL.

    Without credentials in the environment, ``gs://`` and ``s3://`` are read
    anonymously. ``$STORAGE_EMULATOR_HOST`` replaces the host of ``gs://``, and
    ``$AWS_ENDPOINT_URL`` that of ``s3://``, as they do for other programs. With
    ``to_list`` the store can list keys, which web servers cannot.

    Raises:
        InputDataError: The URL or the credentials are malformed.
    """
    from obstore.exceptions import BaseError
    from obstore.store import GCSStore, HTTPStore, S3Store

    seconds = lambda value: datetime.timedelta(seconds=value)
    client: stores.ClientConfig = {
        "allow_http": True,
        # For the whole body, which may take long; read_timeout detects silence.
        "timeout": datetime.timedelta(days=1),
        "read_timeout": seconds(RETRY.timeout),
        "connect_timeout": seconds(RETRY.timeout),
    }
    retry: stores.RetryConfig = {
        "max_retries": RETRY.busy_retries,
        "retry_timeout": seconds(RETRY.silence),
        "backoff": {
            "init_backoff": seconds(RETRY.first_wait),
            "max_backoff": seconds(RETRY.longest_wait),
            "base": 2,
        },
    }
    options: Any = {"client_options": client, "retry_config": retry}
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower()
    bucket, _, path = rest.strip("/").partition("/")
    path, name = path or None, redacted_url(url)
    try:
        if scheme == "s3":
            signed = _in_environment(_AMAZON_CREDENTIALS)
            config: stores.S3Config = {} if signed else {"skip_signature": True}
            return S3Store(bucket, prefix=path, config=config, **options)
        public = scheme == "gs" and not _in_environment(_GOOGLE_CREDENTIALS)
        if scheme == "gs" and (to_list or not public):
            access: stores.GCSConfig = {"skip_signature": True} if public else {}
            if os.environ.get("STORAGE_EMULATOR_HOST"):
                access["base_url"] = google_storage_host()
            return GCSStore(bucket, prefix=path, config=access, **options)
        if scheme == "gs":
            # Public objects have an HTTP address, which emulators know as well.
            url = f"{google_storage_host()}/{bucket}/{urllib.parse.quote(path or '')}"
        parts = urllib.parse.urlsplit(url)
        address = parts._replace(path=parts.path.rstrip("/")).geturl()
        return HTTPStore(address, **options)
    except (BaseError, ValueError, OSError) as error:
        raise InputDataError(
            f"'{name}' cannot be requested: {_reason(error)}.",
            "Check the URL, and the credentials named in the environment.",
        ) from error


def _in_environment(names: tuple[str, ...]) -> bool:
    return any(os.environ.get(name) for name in names)


def http_status(error: Exception) -> int | None:
    """Return the HTTP status in an error of ``obstore``, or None without an answer."""
    found = re.search(r"status code: (\d{3})", str(error))
    return int(found[1]) if found else None


def explain_error(error: Exception, name: str) -> InputDataError:
    """Return an error of ``obstore`` on a redacted URL as one that says what to do."""
    status, text = http_status(error), str(error)
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
            f"'{name}' is not available now: after {RETRY.busy_retries + 1} tries "
            f"the server still answers {_answer(text)}.",
            _LATER,
        )
    if status is not None:
        return InputDataError(
            f"The server of '{name}' answers {_answer(text)}.",
            _LATER if status >= 500 else "Check the URL.",
        )
    for mark, cause, hint in _CAUSES:
        if mark in text:
            return InputDataError(f"The server of '{name}' {cause}.", hint)
    return InputDataError(f"'{name}' cannot be read: {_reason(error)}.", _LATER)


_NETWORK = "Check the URL and your connection to the network."
_PROXY = "Check HTTPS_PROXY, ALL_PROXY and NO_PROXY in your environment."
_LATER = "Try again later."
# Text of an error, its cause and a hint, from the specific to the general. obstore does
# not pass on the cause in any other form.
_CAUSES = (
    (
        "incorrectly configured region",
        "is in another region than the one asked",
        "Set AWS_REGION to the region of the bucket, such as eu-west-1.",
    ),
    ("dns error", "cannot be found", _NETWORK),
    (
        "InvalidCertificate",
        "has a certificate that is not trusted",
        "If your organisation has its own certificates, name them in SSL_CERT_FILE.",
    ),
    ("TunnelUnsuccessful", "is blocked by the proxy", _PROXY),
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
    """Return the status line of an answer, such as '429 Too Many Requests'."""
    found = re.search(r"status code: (\d{3}[\w ]*)", text)
    return found[1].strip() if found else "something else"


def _reason(error: Exception) -> str:
    """Return the last part of the first line, without the URL that was requested."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    line = re.sub(r"^Generic \w+ error: ", "", line)
    return line.rpartition(" - ")[2].rstrip(".:")


def _how_to_get_access(name: str) -> str:
    if name.startswith("gs://"):
        return (
            "It is not public, or does not exist: check the path, or name a key with "
            "access in GOOGLE_APPLICATION_CREDENTIALS."
        )
    if name.startswith("s3://"):
        return (
            "It is not public, or does not exist: check the path, or set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of an account with access."
        )
    return "Download it with a program that is logged in, and name the local copy."
