"""Interruptions of a run: SIGTERM, and devices that run out of memory."""

import contextlib
import signal
import threading
from collections.abc import Iterator

import jax

from ngcm_cli.errors import ConfigError, Terminated


@contextlib.contextmanager
def sigterm_as_exception() -> Iterator[None]:
    """Raise `Terminated` in the context when SIGTERM comes, as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may ask for signals
        return

    def terminate(number: int, frame: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


@contextlib.contextmanager
def explain_out_of_memory(what: str, hint: str) -> Iterator[None]:
    """Raise an error that a user can act on where memory runs out.

    Raises:
        ConfigError: the device is full.
    """
    try:
        yield
    except (MemoryError, jax.errors.JaxRuntimeError) as error:
        is_memory = isinstance(error, MemoryError)
        if not is_memory and "RESOURCE_EXHAUSTED" not in str(error):
            raise
        message = f"The device has too little memory for {what}."
        raise ConfigError(message, hint) from error
