"""HTTP transfers: when to try again, and the host of Google's object store."""

import dataclasses
import os


@dataclasses.dataclass(frozen=True)
class RetryPolicy:
    """How often, and after which waits, a request is tried again.

    Attributes:
        connection_retries: Further tries where a connection cannot be made, unless the
            library that connects counts them as ``busy_retries``.
        busy_retries: Further tries where the server answers that it is busy (408, 429,
            5xx).
        failed_transfers: Transfers in a row that may break off without new bytes.
        first_wait: Wait before the second further try, s; it doubles from then on.
        longest_wait: Longest wait, whatever the server asks for, s.
        timeout: Longest time without an answer or new bytes, s.
    """

    connection_retries: int = 2
    busy_retries: int = 5
    failed_transfers: int = 5
    first_wait: float = 1.0
    longest_wait: float = 30.0
    timeout: float = 30.0

    def wait(self, failures: int) -> float:
        """Return the wait after so many failures in a row, s."""
        return min(self.first_wait * 2 ** max(failures - 1, 0), self.longest_wait)


def google_storage_host() -> str:
    """Return the address of Google's object store, or of its emulator.

    ``$STORAGE_EMULATOR_HOST`` replaces the host, as it does for Google's own clients.
    """
    host = os.environ.get("STORAGE_EMULATOR_HOST") or "https://storage.googleapis.com"
    return (host if "://" in host else f"http://{host}").rstrip("/")
