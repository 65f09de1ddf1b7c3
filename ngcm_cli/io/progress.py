"""Progress: phases of a command, and transfers in bytes."""

import logging
from collections.abc import Callable

ByteProgress = Callable[[int, int | None], None]
"""Receives the bytes transferred so far and the expected total, or None."""

CountProgress = Callable[[int, int], None]
"""Receives how many of the parts of a task are done, and of how many."""

PHASES = logging.getLogger("ngcm_cli.phases")
"""Receives the name of every phase of a command when it begins."""


def begin_phase(name: str) -> None:
    """Say what is done from now on, such as ``Compiling the model``."""
    PHASES.info(name)


def no_progress(done: int, total: int | None) -> None:
    """Ignore the progress of a transfer or of a task."""


def format_number(value: float, digits: int = 3) -> str:
    """Return a number with so many significant digits; a large one has no exponent."""
    text = f"{value:.{digits}g}"
    return f"{float(text):.0f}" if "e+" in text else text


def format_size(count: float) -> str:
    """Return a number of bytes with a decimal unit, such as ``1.04 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{format_number(count)} {unit}"
        count /= 1000
    return f"{format_number(count)} TB"
