"""The times of one variable of a record, and what its values are between them."""

import dataclasses
import functools

import numpy as np

from ngcm_cli.errors import InputDataError, RecordCoverageError
from ngcm_cli.forcing.surface_forcing import bracketing_slice
from ngcm_cli.inputs.calendars import are_mid_months, is_monthly
from ngcm_cli.inputs.time_meaning import INSTANT, MEAN
from ngcm_cli.inputs.times import describe_times
from ngcm_cli.time_format import format_time

_FINEST_STEP = np.timedelta64(6, "h")
_LONGEST_GAP = np.timedelta64(7, "D")  # of a record with a shorter step
_LONGEST_STEP, _UNCHANGED = np.timedelta64(45, "D"), 0.01  # K, or ice cover
_GAP = 1.5  # steps of the record
# Mid-month values depend on other months, by a factor of six less per month.
_MARGIN = 13
_SECONDS = "datetime64[s]"


@dataclasses.dataclass(frozen=True, eq=False)
class RecordTimes:
    """The times of one variable, which are of monthly means or of instants.

    Attributes:
        name: ERA5 name of the variable.
        path: Of the record, for messages.
        times: Ascending, datetime64[s]; empty if unknown.
        method: `MEAN` or `INSTANT` if the file or the user states it, else "".
        bounded: Whether the times are the middle of stated periods.
    """

    name: str
    path: str
    times: np.ndarray
    method: str
    bounded: bool

    @functools.cached_property
    def monthly(self) -> bool:
        """Whether the values are means over calendar months, or may be.

        Two stamps of months are enough where it is stated, and one with its period.
        """
        if self.method == INSTANT or not len(self.times):
            return False
        return is_monthly(self.times, at_least=1 if self.bounded else 2) and (
            not self.bounded or len(self.times) > 1 or are_mid_months(self.times)
        )

    @property
    def unclear(self) -> bool:
        """Whether they may as well be values at the times, which are of no mid-month.

        Stamps in the middle of months are those of means, unless stated otherwise.
        """
        return self.monthly and self.method != MEAN and not are_mid_months(self.times)

    @property
    def months(self) -> np.ndarray:
        """Month of each time, datetime64[M]."""
        return self.times.astype("datetime64[M]")

    @property
    def period(self) -> tuple[np.datetime64, np.datetime64]:
        """The first and last time, of whole months if monthly."""
        if self.monthly:
            months = self.months
            return months[0].astype(_SECONDS), (months[-1] + 1).astype(_SECONDS)
        return self.times[0], self.times[-1]

    def check_covers(self, start: np.datetime64, end: np.datetime64) -> None:
        """Raise `RecordCoverageError` if a period is beyond the record or has a gap."""
        if not len(self.times):
            raise RecordCoverageError(
                f"'{self.path}' has no time axis for {self.name}, so it cannot be "
                "prescribed.",
                "Name a record with --sst-data.",
            )
        first, last = self.period
        if start < first or end > last:
            raise RecordCoverageError(
                f"The run goes from {format_time(start)} to {format_time(end)}, "
                f"but {self.name} in '{self.path}' is known from {format_time(first)} "
                f"to {format_time(last)} only ({describe_times(self.times)}).",
                f"{_remedy(start, first, last)}, or name a longer record with "
                "--sst-data.",
            )
        if self.monthly:
            self.months_around(start, end)
            return
        gap, is_long = self._largest_gap(start, end)
        if gap is not None and is_long:
            raise self._gap_error(f"between {' and '.join(map(format_time, gap))}")

    def months_around(self, start: np.datetime64, end: np.datetime64) -> slice:
        """Return which months determine a period: consecutive, a year beyond each end.

        Raises:
            RecordCoverageError: A month of the period is missing.
        """
        months = self.months
        first, last = start.astype("datetime64[M]"), end.astype("datetime64[M]")
        needed = np.arange(first, last + 1)
        if len(needed) > 1 and end == last.astype(_SECONDS):
            needed = needed[:-1]
        needed = needed[(needed >= months[0]) & (needed <= months[-1])]
        missing = needed[~np.isin(needed, months)]
        if len(missing):
            raise self._gap_error(f"for {', '.join(map(str, missing[:12]))}")
        if not len(needed):  # beyond the record a forecast takes its first or last
            needed = months[:1] if first < months[0] else months[-1:]
        block = np.cumsum(np.diff(months, prepend=months[:1]).astype(int) > 1)
        used = block == block[np.searchsorted(months, needed[0])]
        used &= (months >= first - _MARGIN) & (months <= last + _MARGIN)
        index = np.flatnonzero(used)
        return slice(int(index[0]), int(index[-1]) + 1)

    def gap_note(self, start: np.datetime64, end: np.datetime64) -> list[str]:
        """Return a sentence on a short gap in a period, if there is one."""
        gap, is_long = self._largest_gap(start, end)
        if gap is None or is_long:
            return []
        between = " and ".join(map(format_time, gap))
        return [f"{self.name}: no data between {between}; interpolated linearly."]

    def check_resolved(self, times: np.ndarray, fields: np.ndarray) -> None:
        """Refuse fields months apart that may be means, and would be joined linearly.

        They are of some of the times, (time, longitude, latitude), in SI units.

        Raises:
            InputDataError: They differ, so that the seasons would be lost.
        """
        steps = np.diff(times)
        coarse = len(steps) > 0 and steps.max() > _LONGEST_STEP
        if self.monthly or self.method == INSTANT or not coarse:
            return
        change = np.diff(fields, axis=0)[steps > _LONGEST_STEP]
        if np.sqrt(np.square(change).mean(axis=(1, 2)).max()) > _UNCHANGED:
            days = steps.max() / np.timedelta64(1, "D")
            raise InputDataError(
                f"{self.name} in '{self.path}' is given every {days:.0f} days "
                f"({describe_times(self.times)}), and the seasons between are unknown.",
                "Name monthly or daily data; or say with --sst-time instant that these "
                "are values at their times, to be interpolated linearly.",
            )

    def thinned(self, notes: list[str]) -> np.ndarray:
        """Return times six hours apart or more: the sea is slow, and fields are large.

        A sentence is appended to the notes where times are left out.
        """
        times = self.times
        if len(times) < 2 or np.diff(times).min() >= _FINEST_STEP:
            return times
        kept = [times[0]]
        for time in times[1:]:
            if time - kept[-1] >= _FINEST_STEP:
                kept.append(time)
        notes.append(
            "SST and sea ice are taken every 6 h of a record with "
            f"{describe_times(times)}."
        )
        return np.union1d(np.array(kept), times[-1:])

    def _largest_gap(
        self, start: np.datetime64, end: np.datetime64
    ) -> tuple[np.ndarray | None, bool]:
        """Return the times around the largest gap in a period, and whether it is long.

        A gap is longer than the record's own step.
        """
        within = self.times[bracketing_slice(self.times, start, end)]
        gaps = np.diff(within)
        if not len(gaps):
            return None, False
        step = np.median(np.diff(self.times).astype(int)) * np.timedelta64(1, "s")
        largest = gaps.max()
        if largest <= _GAP * step:
            return None, False
        return within[gaps.argmax() :][:2], bool(largest > max(_LONGEST_GAP, step))

    def _gap_error(self, where: str) -> RecordCoverageError:
        return RecordCoverageError(
            f"In '{self.path}' there is no {self.name} {where}.",
            "Add the missing times.",
        )

    def unclear_error(self, difference: float) -> InputDataError:
        """Return that it is not known whether values are means or at the times."""
        return InputDataError(
            f"{self.name} in '{self.path}' is given once a month, first for "
            f"{format_time(self.times[0])}, and the file does not say whether its "
            "values are means of the months or values at these times. The sea "
            f"would differ by {difference:.1f} K.",
            "Say which with --sst-time mean or --sst-time instant, or with the "
            "attribute cell_methods of the variable, 'time: mean' or 'time: point'.",
        )


def _remedy(start: np.datetime64, first: np.datetime64, last: np.datetime64) -> str:
    """Return how a run can be moved into the period of a record."""
    if start < first:
        return "Start later"
    return "Shorten the run" if start < last else "Start earlier"
