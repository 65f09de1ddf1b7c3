"""The computer that this process runs on: its processor and memory."""

import os
import pathlib
import re
import resource
import sys

_ASSUMED_MEMORY = 4e9  # bytes, where the system does not say what is free


def free_host_memory() -> float:
    """Return the bytes of memory of the host that can be had without swapping."""
    found = _find(r"MemAvailable:\s+(\d+) kB", "/proc/meminfo")
    return _ASSUMED_MEMORY if found is None else int(found) * 1024


def peak_host_memory() -> int:
    """Return the largest number of bytes of memory that this process has held."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def processor_name() -> str | None:
    """Return what the processor calls itself; None where the system does not say."""
    return _find(r"(?m)^model name\s*: (.+)$", "/proc/cpuinfo")


def core_count() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _find(pattern: str, path: str) -> str | None:
    file = pathlib.Path(path)
    found = re.search(pattern, file.read_text()) if file.exists() else None
    return found and found[1]
