"""A record of sea-surface temperature and sea ice: one field, daily or monthly ones."""

import dataclasses
import functools

import numpy as np

from ngcm_cli import units
from ngcm_cli.errors import InputDataError, RecordCoverageError
from ngcm_cli.forcing.mid_month_values import mid_month_values
from ngcm_cli.forcing.record_fields import RecordFields
from ngcm_cli.forcing.surface_forcing import (
    NO_TIME,
    SurfaceForcing,
    bracketing_slice,
    interpolate_in_time,
)
from ngcm_cli.inputs.calendars import STANDARD, describe_calendar, is_monthly
from ngcm_cli.inputs.input_field import InputField, is_instantaneous
from ngcm_cli.inputs.sources.open import expect_chunks
from ngcm_cli.inputs.times import describe_times
from ngcm_cli.inputs.variables import SEA_ICE, SST
from ngcm_cli.time_format import format_time

MAX_AGE = np.timedelta64(31, "D")
"""Older fields do not persist in a forecast."""

_DAY = np.timedelta64(24, "h").astype("timedelta64[s]")
_FINEST_STEP = np.timedelta64(6, "h")
_LONGEST_GAP = np.timedelta64(62, "D")
# Mid-month values depend on other months, by a factor of six less per month.
_MARGIN = np.timedelta64(13, "M")


@dataclasses.dataclass(frozen=True, eq=False)
class SSTRecord(RecordFields):
    """Sea-surface temperature and sea ice in a dataset, not yet read."""

    @property
    def has_ice(self) -> bool:
        """Whether sea ice is in the data or can be derived from the temperature."""
        return SEA_ICE in self.dataset.fields or not self.monthly

    @property
    def names(self) -> tuple[str, ...]:
        """ERA5 names of the fields that the record provides."""
        return (SST, SEA_ICE) if self.has_ice else (SST,)

    @functools.cached_property
    def times(self) -> np.ndarray:
        """Valid times of the temperature, ascending; empty if unknown."""
        return self._times(SST)

    @functools.cached_property
    def monthly(self) -> bool:
        """Whether the temperature is given as means over calendar months."""
        return self._is_monthly(SST)

    @property
    def calendar_notes(self) -> tuple[str, ...]:
        """One sentence for each calendar other than the standard one."""
        notes = (
            describe_calendar(self._parts(name)[0].calendar, self._is_monthly(name))
            for name in self.names
            if self._parts(name)[0].calendar != STANDARD
        )
        return tuple(dict.fromkeys(notes))

    def check_covers(self, start: np.datetime64, end: np.datetime64) -> None:
        """Raise `RecordCoverageError` if a period is beyond the record or has a gap."""
        path = self.dataset.path
        for name in self.names:
            times = self._times(name)
            if not len(times):
                raise RecordCoverageError(
                    f"'{path}' has no time axis for {name}, so it cannot be "
                    "prescribed.",
                    "Name a record with --sst-data.",
                )
            first, last = self._period(name)
            if start < first or end > last:
                raise RecordCoverageError(
                    f"The run goes from {format_time(start)} to {format_time(end)}, "
                    f"but {name} in '{path}' is known from {format_time(first)} to "
                    f"{format_time(last)} only ({describe_times(times)}).",
                    f"{_remedy(start, first, last)}, or name a longer record with "
                    "--sst-data.",
                )
            within = times[bracketing_slice(times, start, end)]
            gaps = np.diff(within)
            if len(gaps) and gaps.max() > _LONGEST_GAP:
                gap = within[gaps.argmax() :][:2]
                raise RecordCoverageError(
                    f"In '{path}' there is no {name} between {format_time(gap[0])} and "
                    f"{format_time(gap[1])}.",
                    "Add the missing times.",
                )

    def latest(self, init_time: np.datetime64) -> tuple[np.datetime64 | None, str]:
        """Return the time whose fields persist in a forecast, and the reason.

        It is 24 hours before the initial time, so that no later observation is used, or
        the last time before that; if there is none, the last up to the initial time.

        Raises:
            InputDataError: The record begins after the initial time, or ended more than
                `MAX_AGE` before.
        """
        if not len(self.times):
            return None, "taken as they are, because they have no time"
        wanted = init_time - _DAY
        first, last = self._period(SST)
        if self.monthly and first <= wanted <= last + MAX_AGE:
            age = (init_time - min(wanted, last)) / np.timedelta64(1, "h")
            reason = f"{age:g} h before the initial time, from monthly means"
            return min(wanted, last), reason
        before = _last_until(self.times, wanted)
        if before is None:
            before = _last_until(self.times, init_time)
        if before is None or wanted - before > MAX_AGE:
            known = f"begins at {format_time(first)}"
            if before is not None:
                known = f"is last known at {format_time(before)}"
            raise InputDataError(
                f"{SST} in '{self.dataset.path}' {known}; a forecast from "
                f"{format_time(init_time)} needs it from 24 h before, or at most "
                f"{MAX_AGE.astype(int)} days older.",
                "Name other data with --sst-data, or use --sst climatology.",
            )
        if before <= wanted:
            age = (init_time - before) / np.timedelta64(1, "h")
            return before, f"{age:g} h before the initial time"
        late = "the initial time" if before == init_time else format_time(before)
        return before, f"{late}, because the data have none from 24 h before"

    def read_time(self, time: np.datetime64 | None, notes: list[str]) -> SurfaceForcing:
        """Return the fields at one time, as `latest` returns it.

        Raises:
            InputDataError: There is no sea ice from that time or shortly before.
        """
        fields = {}
        for name in self.names:
            if time is not None and self._is_monthly(name):
                times, values = self._read_series(name, time, time, notes)
                series = SurfaceForcing(times, {name: values[:, None]}, ())
                fields[name] = series.at_time(time)[name][None]
            else:
                when = self._matching_time(name, time)
                fields[name] = self.read(name, when, notes)[None, None]
        when = NO_TIME if time is None else time
        return SurfaceForcing(np.array([when]), fields, tuple(dict.fromkeys(notes)))

    def read_period(
        self, start: np.datetime64, end: np.datetime64, notes: list[str]
    ) -> SurfaceForcing:
        """Return the fields from the last time before a period to the first after."""
        self.check_covers(start, end)
        series = {n: self._read_series(n, start, end, notes) for n in self.names}
        times = np.unique(np.concatenate([times for times, _ in series.values()]))
        fields = {
            n: interpolate_in_time(*series[n], times)[:, None] for n in self.names
        }
        return SurfaceForcing(times, fields, tuple(dict.fromkeys(notes)))

    def _is_monthly(self, name: str) -> bool:
        instantaneous = (is_instantaneous(part.array) for part in self._parts(name))
        return is_monthly(self._times(name)) and not any(instantaneous)

    def _times(self, name: str) -> np.ndarray:
        return self.dataset.times(self._variable(name))

    def _parts(self, name: str) -> tuple[InputField, ...]:
        return self.dataset.fields[self._variable(name)]

    def _variable(self, name: str) -> str:
        """Return the variable from which a field is taken or derived."""
        return name if name in self.dataset.fields else self.temperature

    def _period(self, name: str) -> tuple[np.datetime64, np.datetime64]:
        """Return the first and last time of a field, of whole months if monthly."""
        times = self._times(name)
        first, last = times[0], times[-1]
        if self._is_monthly(name):
            months = times.astype("datetime64[M]")
            first, last = months[0], months[-1] + 1
        return first.astype("datetime64[s]"), last.astype("datetime64[s]")

    def _matching_time(
        self, name: str, time: np.datetime64 | None
    ) -> np.datetime64 | None:
        """Return a time of the temperature, or the last time of sea ice before it."""
        times = self._times(name)
        if time is None or not len(times) or time in times:
            return time if len(times) else None
        before = _last_until(times, time)
        if before is None or time - before > MAX_AGE:
            raise InputDataError(
                f"{name} in '{self.dataset.path}' is known at {describe_times(times)}, "
                f"but not at {format_time(time)}, nor shortly before.",
                "Name data with both at the same times.",
            )
        return before

    def _read_series(
        self, name: str, start: np.datetime64, end: np.datetime64, notes: list[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the times and values between which a field is linear."""
        times = self._times(name)
        if self._is_monthly(name):
            months = times.astype("datetime64[M]")
            used = (months >= start.astype("datetime64[M]") - _MARGIN) & (
                months <= end.astype("datetime64[M]") + _MARGIN
            )
            self._expect_chunks(name, times[used])
            means = np.stack([self.read(name, t, notes) for t in times[used]])
            notes.append(
                f"{name}: monthly means, interpolated between mid-month values that "
                "preserve them, as in AMIP."
            )
            bounds = units.SEA_BOUNDS_SI[name]
            times, values = mid_month_values(means, months[used], *bounds)
            period = bracketing_slice(times, start, end)
            return times[period], values[period]
        times = _thin(times, notes)
        times = times[bracketing_slice(times, start, end)]
        self._expect_chunks(name, times)
        return times, np.stack([self.read(name, t, notes) for t in times])

    def _expect_chunks(self, name: str, times: np.ndarray) -> None:
        """Tell the stores how many chunks will be read, for their progress."""
        for field in self._parts(name):
            expect_chunks(
                field.dataset, field.chunks * np.isin(times, field.times).sum()
            )


def _last_until(times: np.ndarray, time: np.datetime64) -> np.datetime64 | None:
    """Return the last of several times that is not after another, or None."""
    known = times[times <= time]
    return known[-1] if len(known) else None


def _thin(times: np.ndarray, notes: list[str]) -> np.ndarray:
    """Return times at least six hours apart: the sea is slow, and fields are large."""
    if len(times) < 2 or np.diff(times).min() >= _FINEST_STEP:
        return times
    kept = [times[0]]
    for time in times[1:]:
        if time - kept[-1] >= _FINEST_STEP:
            kept.append(time)
    notes.append(
        f"SST and sea ice are taken every 6 h of a record with {describe_times(times)}."
    )
    return np.union1d(np.array(kept), times[-1:])


def _remedy(start: np.datetime64, first: np.datetime64, last: np.datetime64) -> str:
    """Return how a run can be moved into the period of a record."""
    if start < first:
        return "Start later"
    return "Shorten the run" if start < last else "Start earlier"
