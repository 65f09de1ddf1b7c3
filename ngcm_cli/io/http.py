"""HTTP transfers: when to try again, and the host of Google's object store."""

import dataclasses
import os
import time


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
        silence: Time without new bytes, whatever is tried, after which a transfer is
            given up, s.
        least_rate: Bytes a second that a transfer must bring over every `period`.
        period: In which the rate is measured, s.
    """

    connection_retries: int = 2
    busy_retries: int = 5
    failed_transfers: int = 5
    first_wait: float = 1.0
    longest_wait: float = 30.0
    timeout: float = 20.0
    silence: float = 60.0
    least_rate: float = 2000.0
    period: float = 180.0

    def wait(self, failures: int) -> float:
        """Return the wait after so many failures in a row, s."""
        return min(self.first_wait * 2 ** max(failures - 1, 0), self.longest_wait)


class TooSlow(Exception):
    """A transfer brings so few bytes that it would take days."""


class Pace:
    """Whether a transfer makes progress; as its rate has a lower bound, so has its end.

    Args:
        policy: What is demanded.
        done: Bytes that are there already.
    """

    def __init__(self, policy: RetryPolicy, done: int = 0):
        self._policy = policy
        self._furthest = done
        self._latest = self._start = time.monotonic()
        self._before = done  # bytes at the start of the period

    @property
    def is_silent(self) -> bool:
        """Whether nothing new has come for too long."""
        return time.monotonic() - self._latest > self._policy.silence

    def advance(self, done: int) -> None:
        """Note how many bytes are there; those sent again do not count.

        Raises:
            TooSlow: The rate was too low.
        """
        now = time.monotonic()
        if done > self._furthest:
            self._furthest, self._latest = done, now
        elapsed = now - self._start
        if elapsed > self._policy.period:
            if self._furthest - self._before < self._policy.least_rate * elapsed:
                raise TooSlow
            self._start, self._before = now, self._furthest


def google_storage_host() -> str:
    """Return the address of Google's object store, or of its emulator.

    ``$STORAGE_EMULATOR_HOST`` replaces the host, as it does for Google's own clients.
    """
    host = os.environ.get("STORAGE_EMULATOR_HOST") or "https://storage.googleapis.com"
    return (host if "://" in host else f"http://{host}").rstrip("/")
