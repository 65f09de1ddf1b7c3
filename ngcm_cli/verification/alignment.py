"""Alignment in time: the truth of a forecast is that at the initial plus lead time."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.time_format import format_duration, format_time
from ngcm_cli.verification.forecasts import GriddedForecast
from ngcm_cli.verification.scored_variables import ScoredVariable
from ngcm_cli.verification.truth import Truth

_SHIFTS = (1, 3, 6, 12, 24)
"""Hours by which a truth may be shifted, both ways."""

_CLEARLY_WORSE = 1.5
"""Ratio of errors above which the truth is taken to be shifted."""

_LONGEST_LEAD = np.timedelta64(86400, "s")
_MOST_SHOWN = 5
_INITIAL_TIMES = 3  # at which the clock is checked


@dataclasses.dataclass(frozen=True, eq=False)
class Alignment:
    """Which record of the truth belongs to which forecast.

    Attributes:
        init_times: initial times, datetime64[s].
        lead_times: lead times, timedelta64[s].
        positions: positions in the truth, shape (init_time, lead_time); -1 where it
            has none.
    """

    init_times: np.ndarray
    lead_times: np.ndarray
    positions: np.ndarray

    @classmethod
    def of(
        cls, init_times: np.ndarray, lead_times: np.ndarray, truth: Truth
    ) -> "Alignment":
        """Return the alignment of forecasts with a truth.

        Raises:
            InputDataError: they have no time in common.
        """
        valid = init_times[:, None] + lead_times
        positions = truth.positions(valid)
        if (positions < 0).all():
            period = " to ".join(format_time(t) for t in truth.times[[0, -1]])
            raise InputDataError(
                "Forecasts and truth have no valid time in common: the forecasts are "
                f"for {format_time(valid.min())} to {format_time(valid.max())}, the "
                f"truth has {len(truth.times)} times from {period}.",
                "Give a truth of the same period and the same hours.",
            )
        return cls(init_times, lead_times, positions)

    @property
    def scored(self) -> np.ndarray:
        """Valid times that the truth has, of all initial and lead times."""
        valid = self.init_times[:, None] + self.lead_times
        return valid[self.positions >= 0]

    @property
    def missing(self) -> np.ndarray:
        """Valid times that the truth lacks, ascending."""
        valid = self.init_times[:, None] + self.lead_times
        return np.unique(valid[self.positions < 0])


def list_times(times: Sequence[np.datetime64] | np.ndarray) -> str:
    """Return the first few of some times, and how many more there are."""
    shown = ", ".join(format_time(time) for time in times[:_MOST_SHOWN])
    more = len(times) - _MOST_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def check_clock(
    forecast: GriddedForecast, truth: Truth, variable: ScoredVariable
) -> None:
    """Check that the truth agrees best with a forecast at the time of the forecast.

    The standard deviation of the difference of forecast and truth, after its mean over
    the globe, at the first lead time that has a truth, is compared with that at other
    times of the truth. Lead times beyond a day tell nothing, and are not compared.

    Raises:
        InputDataError: another time agrees much better.
    """
    hours = sorted((sign * h for h in (*_SHIFTS, 0) for sign in (1, -1)), key=abs)
    shifts = np.unique(hours).astype("timedelta64[h]")
    errors: dict[np.timedelta64, list[float]] = {shift: [] for shift in shifts}
    count = len(forecast.init_times)
    chosen = np.unique(np.linspace(0, count - 1, min(count, _INITIAL_TIMES)).round())
    inits = forecast.init_times[chosen.astype(int)]
    leads = np.sort(forecast.lead_times)
    leads = leads[leads <= _LONGEST_LEAD]
    has_truth = [bool((truth.positions(inits + x) >= 0).any()) for x in leads]
    if not any(has_truth):
        return
    lead = leads[has_truth.index(True)]
    for init in inits:
        positions = truth.positions(init + lead + shifts)
        if positions[list(shifts).index(np.timedelta64(0, "h"))] < 0:
            continue
        fields = forecast.read(variable, init, np.array([lead]))[0, 0, 0]
        for shift, position in zip(shifts, positions, strict=True):
            if position >= 0:
                there = truth.read(variable, [position])[0, 0]
                errors[shift].append(_deviation(fields, there, truth.grid.latitude))
    now = errors.pop(np.timedelta64(0, "h"))
    if not now or not np.isfinite(now).all():
        return
    others = {
        shift: float(np.mean(there))
        for shift, there in errors.items()
        if len(there) == len(now) and np.isfinite(there).all()
    }
    best = min(others, key=lambda shift: others[shift], default=None)
    if best is None or np.mean(now) <= _CLEARLY_WORSE * others[best]:
        return
    direction = "later" if best > np.timedelta64(0, "h") else "earlier"
    raise InputDataError(
        f"The truth seems to be shifted in time: {variable.name} of {forecast.name} at "
        f"lead time {format_duration(lead)} differs from the truth at the same time by "
        f"{np.mean(now):.4g} {variable.units}, and from that "
        f"{format_duration(abs(best).astype('timedelta64[s]'))} {direction} by "
        f"{others[best]:.4g}.",
        "Correct the times of one of them, or give --no-check-times if they are right.",
    )


def _deviation(forecast: np.ndarray, truth: np.ndarray, latitude: np.ndarray) -> float:
    """Return the standard deviation of a difference over the globe."""
    error = (forecast - truth).astype(np.float64)
    weights = np.broadcast_to(np.cos(np.deg2rad(latitude))[:, None], error.shape)
    weights = np.where(np.isnan(error), 0, weights)
    if not weights.any():
        return float("nan")
    error = np.nan_to_num(error)
    mean = np.average(error, weights=weights)
    return float(np.sqrt(np.average((error - mean) ** 2, weights=weights)))
