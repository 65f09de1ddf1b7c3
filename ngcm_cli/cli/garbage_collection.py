"""Python's search for unreachable objects, which a start has little use for.

Importing modules and tracing programs makes half a million objects, nearly all of which
stay, and Python looks through them again and again: a sixth of what a short run takes
beside its steps.
"""

import contextlib
import gc
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def late_collection() -> Iterator[Callable[[], None]]:
    """Let Python search for unreachable objects late in the context, or not at all.

    Yields:
        A function to call when the start is over: the search begins, without the
        objects that are there by then.
    """
    if not gc.isenabled():
        yield lambda: None
        return

    def begin() -> None:
        if not gc.isenabled():
            gc.freeze()
            gc.enable()

    gc.disable()
    try:
        yield begin
    finally:
        gc.unfreeze()
        gc.enable()
