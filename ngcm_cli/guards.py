"""What may stop a run from outside: a signal, a device without memory."""

import contextlib
import signal
import threading
from collections.abc import Iterator

import jax

from ngcm_cli.errors import ConfigError, Terminated


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """A context in which SIGTERM is an exception, `Terminated`, as Ctrl-C is."""
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
def enough_memory(what: str, hint: str) -> Iterator[None]:
    """A context in which a device that is full is said so.

    Args:
        what: it has too little memory for.
        hint: what to do.

    Raises:
        ConfigError: the device is full.
    """
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        message = f"The device has too little memory for {what}."
        raise ConfigError(message, hint) from error
