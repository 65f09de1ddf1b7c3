"""Talking to the servers that publish weights: addresses, sessions, checksums.

Connections, proxies, certificates and waiting between tries are the business of
``requests`` and ``urllib3``; this says how patient they should be.
"""

import dataclasses
import os
from typing import Literal

import requests
import urllib3
from requests.adapters import HTTPAdapter


@dataclasses.dataclass(frozen=True)
class Patience:
    """How long to try.

    Attributes:
        connects: further tries of a connection that fails.
        answers: further tries where the server answers that it is busy.
        stalls: tries in a row that may bring nothing before we give up.
        backoff: s, wait before the second further try; it doubles from then on.
        longest: s, longest wait, whatever the server asks for.
        timeout: s without a sign of life.
    """

    connects: int = 2
    answers: int = 5
    stalls: int = 5
    backoff: float = 1.0
    longest: float = 60.0
    timeout: float = 30.0


PATIENCE = Patience()

Checksum = Literal["crc32c", "md5"]
CHECKSUMS: tuple[Checksum, ...] = ("crc32c", "md5")
"""Those that the object store announces."""


def http_address(location: str) -> str:
    """The HTTP address of ``gs://bucket/object``; any other location is one.

    ``$STORAGE_EMULATOR_HOST`` replaces the host of the object store, as it does for
    other programs.
    """
    public = "https://storage.googleapis.com"
    bucket_and_object = location.removeprefix("gs://").removeprefix(f"{public}/")
    if bucket_and_object == location:
        return location
    host = os.environ.get("STORAGE_EMULATOR_HOST") or public
    host = host if "://" in host else f"http://{host}"
    return f"{host.rstrip('/')}/{bucket_and_object}"


class _Retry(urllib3.Retry):
    """As urllib3 has it, but no server makes us wait for hours."""

    def get_retry_after(self, response: urllib3.BaseHTTPResponse) -> float | None:
        wanted = super().get_retry_after(response)
        return None if wanted is None else min(wanted, PATIENCE.longest)


def open_session() -> requests.Session:
    """A session that tries again where that may help."""
    session = requests.Session()
    retry = _Retry(
        total=None,
        connect=PATIENCE.connects,
        read=PATIENCE.connects,
        other=0,
        status=PATIENCE.answers,
        status_forcelist=(408, 429, 500, 502, 503, 504),
        backoff_factor=PATIENCE.backoff,
        backoff_max=PATIENCE.longest,
        raise_on_status=False,
    )
    for scheme in "http://", "https://":
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def announced_checksums(response: requests.Response) -> dict[Checksum, str]:
    """Checksums of the whole file in the headers of the object store."""
    found: dict[str, str] = {}
    for pair in response.headers.get("x-goog-hash", "").split(","):
        name, _, value = pair.strip().partition("=")
        found[name] = value
    return {name: found[name] for name in CHECKSUMS if found.get(name)}


def is_strong(validator: str | None) -> bool:
    """Whether it is an ETag that promises equal bytes."""
    return (validator or "").startswith('"')


def cause_of(error: Exception) -> str:
    """Why there is no answer, to follow on the address in a sentence."""
    known: dict[type[Exception], str] = {
        requests.exceptions.ProxyError: "cannot be reached through the proxy",
        requests.exceptions.SSLError: "has a certificate that is not trusted",
        requests.exceptions.Timeout: "does not answer",
        urllib3.exceptions.ReadTimeoutError: "stops sending",
        requests.exceptions.InvalidURL: "is not an address",
        requests.exceptions.TooManyRedirects: "redirects without end",
        requests.exceptions.ConnectionError: "cannot be reached",
    }
    for kind, words in known.items():
        if isinstance(error, kind):
            return words
    return "breaks the connection"
