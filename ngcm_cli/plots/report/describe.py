"""What is to be seen in a picture, as text that is computed from the data."""

import datetime
from collections.abc import Sequence

import numpy as np

from ngcm_cli.inputs.cell_areas import area_weights

_BANDS = (
    ("60° to 90° N", 60.0, 90.1),
    ("30° to 60° N", 30.0, 60.0),
    ("30° S to 30° N", -30.0, 30.0),
    ("30° to 60° S", -60.0, -30.0),
    ("60° to 90° S", -90.1, -60.0),
)
"""Bands of latitude: name and bounds, degrees."""


def describe_map(
    values: np.ndarray, latitude: np.ndarray, longitude: np.ndarray, units: str
) -> str:
    """Return the extremes of a field, where they are, and means by latitude.

    Args:
        values: in the units shown, (latitude, longitude).
        latitude: degrees.
        longitude: degrees.
        units: of the values.
    """
    if not np.isfinite(values).any():
        return "All values are missing."
    ends = []
    for find in np.nanargmin, np.nanargmax:
        row, column = np.unravel_index(find(values), values.shape)
        where = describe_place(latitude[row], longitude[column])
        ends.append((quantity(values[row, column], units, 3), where))
    (low, place), (high, other) = ends
    if low == high:
        return f"{low} everywhere."
    text = f"lowest {low} near {place}; highest {high} near {other}"
    missing = np.isnan(values).mean()
    if missing:
        text += f"; {missing:.0%} of the cells have no value"
    bands, weights = [], area_weights(latitude)
    for name, south, north in _BANDS:
        rows = (latitude >= south) & (latitude < north)
        mean = area_mean(values[rows], weights[rows])
        if np.isfinite(mean):
            bands.append(f"{name} {quantity(mean, units, 3)}")
    return f"{text[0].upper()}{text[1:]}. Means by latitude: {', '.join(bands)}."


def describe_section(
    values: np.ndarray, level: np.ndarray, latitude: np.ndarray, units: str
) -> str:
    """Return the extremes of a zonal mean, and where they are.

    Args:
        values: in the units shown, (level, latitude).
        level: hPa.
        latitude: degrees.
        units: of the values.
    """
    if not np.isfinite(values).any():
        return "All values are missing."
    parts = []
    for name, find in ("lowest", np.nanargmin), ("highest", np.nanargmax):
        row, column = np.unravel_index(find(values), values.shape)
        where = f"{level[row]:g} hPa, {_latitude(latitude[column])}"
        parts.append(f"{name} {quantity(values[row, column], units, 3)} at {where}")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def describe_series(
    name: str, times: Sequence[str], values: np.ndarray, units: str
) -> str:
    """Return the first, last, lowest and highest value of a series.

    Args:
        name: of the quantity.
        times: of the values, as text.
        values: in the units shown, (time).
        units: of the values.
    """
    finite = np.flatnonzero(np.isfinite(values))
    if not finite.size:
        return f"{name}: all values are missing."

    def at(index: int) -> str:
        return f"{quantity(float(values[index]), units)} at {times[index]}"

    first, last = int(finite[0]), int(finite[-1])
    low, high = int(np.nanargmin(values)), int(np.nanargmax(values))
    if first == last:
        return f"{name}: {at(first)}."
    return f"{name}: {at(first)}, {at(last)}; lowest {at(low)}, highest {at(high)}."


def quantity(value: float, units: str, digits: int = 4) -> str:
    """Return a number with its units.

    Args:
        value: the number.
        units: text after it.
        digits: significant digits; digits before the point are never rounded away.
    """
    if not np.isfinite(value):
        return "no value"
    size = abs(value)
    if size == 0 or 1e-3 <= size < 1e6:
        before = int(np.floor(np.log10(size))) + 1 if size else digits
        text = f"{value:.{min(max(digits - before, 0), 4)}f}"
    else:
        text = f"{value:.{digits - 1}e}"
    return f"{text.replace('-', '−')} {units}".strip()


def describe_place(latitude: float, longitude: float) -> str:
    """Return a point to the degree: ``52° N 13° E``."""
    east = round((longitude + 180) % 360 - 180)
    if abs(latitude) > 89.5:
        return f"the {'North' if latitude > 0 else 'South'} Pole"
    side = "" if east in (0, 180, -180) else " E" if east > 0 else " W"
    return f"{_latitude(latitude)} {abs(east)}°{side}"


def _latitude(latitude: float) -> str:
    degrees = round(float(latitude))
    return (
        f"{abs(degrees)}° {'N' if degrees > 0 else 'S'}" if degrees else "the equator"
    )


def describe_time(time: np.datetime64) -> str:
    """Return a time as people write it: ``2 January 1959, 06:00 UTC``."""
    moment: datetime.datetime = time.astype("datetime64[s]").item()
    # Names of months do not depend on the language of the computer.
    months = (
        *("January", "February", "March", "April", "May", "June", "July"),
        *("August", "September", "October", "November", "December"),
    )
    day = f"{moment.day} {months[moment.month - 1]} {moment.year}"
    return f"{day}, {moment:%H:%M} UTC"


def area_mean(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the mean over the area of the cells that have a value.

    Args:
        values: (latitude, longitude).
        weights: proportional to the area of the cells, (latitude).
    """
    weighed = weights[:, None] * np.isfinite(values)
    if not weighed.any():
        return float("nan")
    total = (weighed * np.nan_to_num(values.astype(np.float64))).sum()
    return float(total / weighed.sum())
