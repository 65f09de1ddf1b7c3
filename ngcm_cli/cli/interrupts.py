"""Ctrl-C where a traceback would say nothing, or the exception would be lost."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

from ngcm_cli.cli import leave


def leave_at_next_interrupt() -> None:
    """Let Ctrl-C end the process at once from now on."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, leave)


@contextlib.contextmanager
def leaving_at_interrupt(handler: Callable[..., None]) -> Iterator[None]:
    """Let Ctrl-C call a handler in the context, where modules are imported.

    An import may catch the exception that Ctrl-C raises elsewhere, and continue.
    """
    is_main = threading.current_thread() is threading.main_thread()
    usual = signal.getsignal(signal.SIGINT)
    if not is_main or usual is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


@contextlib.contextmanager
def raising_at_interrupt() -> Iterator[None]:
    """Let Ctrl-C raise its exception in the context, where it is caught."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not leave:
        yield
        return
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        yield
    finally:
        signal.signal(signal.SIGINT, leave)
