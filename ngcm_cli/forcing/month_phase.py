"""Whether monthly means are stamped in the month that they are of, or a month off.

Some models stamp a mean at the end of its month, which is the beginning of the next.
Bounds of time tell; without them the seasonal cycle does.
"""

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.time_format import format_time

# In 41 years of OISST, of four months or more, departures from the climatology of the
# month before or after are at least 1.32 times those from that of the month itself, and
# these are at most 0.66 K; idealized seasons depart by more.
_RATIO, _LEAST, _MOST, _FEWEST = 0.85, 0.2, 0.8, 4  # of departures; K; K; months


def check_month_stamps(
    found: str,
    stamps: np.ndarray,
    means: np.ndarray,
    climatology: np.ndarray,
    model_inputs: ModelInputs,
) -> None:
    """Refuse means that fit the climatology of the month before or after much better.

    Args:
        found: name of the variable, quoted.
        stamps: times of the means, datetime64[s].
        means: sea-surface temperature, K, (time, longitude, latitude).
        climatology: the same of each month, January first.
        model_inputs: with the model's grid and land.

    Raises:
        InputDataError: the stamps are in other months than those of the means.
    """
    months = stamps.astype("datetime64[M]")
    if len(stamps) < _FEWEST:
        return
    index, land = months.astype(int) % 12, model_inputs.land
    weights = np.broadcast_to(model_inputs.grid.area_weights, means.shape[1:])
    weights = weights if land is None else weights * (land < 0.5)
    own, before, after = (
        _departure(means - climatology[(index + months_off) % 12], weights)
        for months_off in (0, -1, 1)
    )
    other, word = min((before, "before"), (after, "after"))
    if own > _LEAST and other < min(_MOST, _RATIO * own):
        raise InputDataError(
            f"Variable {found} has monthly means, the first stamped "
            f"{format_time(stamps[0])}, that look like those of the months {word}: the "
            f"seasonal cycle departs by {other:.1f} K from the climatology then, else "
            f"by {own:.1f} K.",
            "Give the time axis bounds (attribute bounds, time_bnds), or move the "
            "stamps into the months of which they are the means.",
        )


def _departure(difference: np.ndarray, weights: np.ndarray) -> float:
    """Return the root mean square of differences without their mean over time."""
    difference = difference - difference.mean(axis=0)
    squares = (np.square(difference) * weights).sum(axis=(1, 2)) / weights.sum()
    return float(np.sqrt(squares.mean()))
