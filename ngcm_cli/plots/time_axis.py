"""Axes of time."""

from typing import Any

import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter


def set_time_axis(axis: Any, times: np.ndarray) -> None:
    """Set ticks of an axis of times, UTC, to its ends."""
    locator = AutoDateLocator(minticks=4, maxticks=9)
    formatter = ConciseDateFormatter(
        locator,
        formats=["%Y", "%b", "%-d %b", "%H UTC", "%H:%M", "%S"],
        zero_formats=["", "%Y", "%-d %b", "%-d %b", "%H UTC", "%H:%M"],
        offset_formats=["", "", "%Y", "%Y", "%-d %B %Y", "%-d %B %Y"],
    )
    axis.set_major_locator(locator)
    axis.set_major_formatter(formatter)
    low, high = times.min(), times.max()
    if axis.axis_name == "x":
        axis.axes.set_xlim(low, high)
    else:
        axis.axes.set_ylim(high, low)
