"""How many members fit into memory at once."""

import math
import pathlib
import re
from typing import Any

import jax

from ngcm_cli.gcm.members import SideBySide
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.plan import Plan

_SHARE = 0.6  # of free memory; fields on their way to disk need some, too
_MODEST = 4e9  # bytes, where nobody says what is free
_MOST = {"cpu": 8}
"""More members at once gain nothing on a CPU; see benchmarks."""


def fitting_batch(plan: Plan, members: int, processes: int) -> int:
    """How many members to run at once: as many as fit, in blocks as even as can be.

    XLA says what its program for a number of members needs; there are twice as many
    blocks until that is there. On one device the run finds the program in the cache.

    Args:
        plan: of the forecast that they share.
        members: of the ensemble.
        processes: that share them.
    """
    devices = jax.local_devices()
    members = math.ceil(members / processes)
    sharing = min(len(devices), members)
    each = math.ceil(members / sharing)
    blocks = math.ceil(each / _MOST.get(devices[0].platform, each))
    free = _SHARE * min(map(_free_memory, devices))
    together = SideBySide(plan.model)
    state = plan.first_state(0)
    while (size := math.ceil(each / blocks)) > 1:
        if _needed(together, state, size, plan) <= free:
            break
        blocks *= 2
    return size * sharing


def _needed(together: SideBySide, state: ModelState, size: int, plan: Plan) -> float:
    """Bytes for members on a device; without end if XLA knows that they do not fit."""
    try:
        return together.memory(state, size, plan.forcing)
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return math.inf


def _free_memory(device: Any) -> float:
    """Bytes on a device that nobody uses."""
    stats = device.memory_stats()
    if stats and "bytes_limit" in stats:
        return stats["bytes_limit"] - stats["bytes_in_use"]
    # What devices on the host share can be had without swapping.
    meminfo = pathlib.Path("/proc/meminfo")
    if meminfo.exists():
        found = re.search(r"MemAvailable:\s+(\d+) kB", meminfo.read_text())
        if found:
            return int(found[1]) * 1024 / jax.local_device_count()
    return _MODEST
