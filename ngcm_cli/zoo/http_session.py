"""HTTP sessions with the servers that publish weights: URLs, retries, checksums.

Connections, proxies, certificates and waits between tries are left to ``requests`` and
``urllib3``, which are configured here.
"""

from typing import Literal

import requests
import urllib3
from requests.adapters import HTTPAdapter

from ngcm_cli.io.http import RetryPolicy, google_storage_host

RETRY = RetryPolicy(longest_wait=60.0)
"""How often requests for weights are tried again."""

Checksum = Literal["crc32c", "md5"]
CHECKSUMS: tuple[Checksum, ...] = ("crc32c", "md5")
"""Checksums that the object store announces."""


def http_url(location: str) -> str:
    """Return the HTTP URL of ``gs://bucket/object``; other URLs are unchanged."""
    public = "https://storage.googleapis.com"
    bucket_and_object = location.removeprefix("gs://").removeprefix(f"{public}/")
    if bucket_and_object == location:
        return location
    return f"{google_storage_host()}/{bucket_and_object}"


class _Retry(urllib3.Retry):
    """Retries of urllib3, with an upper limit to the wait that a server asks for."""

    def get_retry_after(self, response: urllib3.BaseHTTPResponse) -> float | None:
        wanted = super().get_retry_after(response)
        return None if wanted is None else min(wanted, RETRY.longest_wait)


def open_session() -> requests.Session:
    """Return a session that repeats failed requests as `RETRY` says."""
    session = requests.Session()
    retry = _Retry(
        total=None,
        connect=RETRY.connection_retries,
        read=RETRY.connection_retries,
        other=0,
        status=RETRY.busy_retries,
        status_forcelist=(408, 429, 500, 502, 503, 504),
        backoff_factor=RETRY.first_wait,
        backoff_max=RETRY.longest_wait,
        raise_on_status=False,
    )
    for scheme in "http://", "https://":
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def announced_checksums(response: requests.Response) -> dict[Checksum, str]:
    """Return the checksums of the whole file in the headers of an answer, base64."""
    found: dict[str, str] = {}
    for pair in response.headers.get("x-goog-hash", "").split(","):
        name, _, value = pair.strip().partition("=")
        found[name] = value
    return {name: found[name] for name in CHECKSUMS if found.get(name)}


def is_strong_etag(validator: str | None) -> bool:
    """Return whether a validator is a strong ETag (RFC 9110, section 8.8.1)."""
    return (validator or "").startswith('"')


def describe_failure(error: Exception) -> str:
    """Return why a request failed, as the predicate of a sentence about the URL."""
    known: dict[type[Exception], str] = {
        requests.exceptions.ProxyError: "cannot be reached through the proxy",
        requests.exceptions.SSLError: "has a certificate that is not trusted",
        requests.exceptions.Timeout: "does not answer",
        urllib3.exceptions.ReadTimeoutError: "stops sending",
        requests.exceptions.InvalidURL: "is not a valid URL",
        requests.exceptions.TooManyRedirects: "redirects endlessly",
        requests.exceptions.ConnectionError: "cannot be reached",
    }
    for kind, description in known.items():
        if isinstance(error, kind):
            return description
    return "breaks the connection"
