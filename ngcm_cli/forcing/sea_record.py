"""A record of sea-surface temperature and sea ice: a field, days, or months."""

import dataclasses
import functools
from typing import Self

import numpy as np

from ngcm_cli import units
from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.midmonth import is_monthly, mid_month_values
from ngcm_cli.forcing.sea import (
    INSTEAD,
    SEA_ICE,
    SST,
    UNDATED,
    Sea,
    around,
    interpolated,
)
from ngcm_cli.forcing.sea_fields import SeaFields
from ngcm_cli.inputs.calendars import STANDARD, calendar_words
from ngcm_cli.inputs.needs import Needs
from ngcm_cli.inputs.opening import expect_chunks
from ngcm_cli.inputs.source import Field, Source
from ngcm_cli.inputs.times import describe_times
from ngcm_cli.time_format import format_time

OLDEST = np.timedelta64(31, "D")
"""Older fields do not persist into a forecast."""

_DAY = np.timedelta64(24, "h").astype("timedelta64[s]")
_FINEST = np.timedelta64(6, "h")
_LONGEST_GAP = np.timedelta64(62, "D")
# How far mid-month values depend on other months: by a sixth per month.
_MARGIN = np.timedelta64(13, "M")


@dataclasses.dataclass(frozen=True, eq=False)
class SeaRecord:
    """What a source knows about the sea, not yet read.

    Attributes:
        fields: of single times.
        instead: flags that do without a record that covers the run, in words.
    """

    fields: SeaFields
    instead: str = INSTEAD

    @classmethod
    def of(cls, source: Source, needs: Needs, instead: str = INSTEAD) -> Self:
        """The record in a source, opened with `sea.WANTED`, for a model.

        Raises:
            InputDataError: nothing there tells the temperature of the sea.
        """
        return cls(SeaFields(source, needs), instead)

    @property
    def source(self) -> Source:
        """Where it is."""
        return self.fields.source

    @property
    def has_ice(self) -> bool:
        """Whether sea ice is there, or can be told from the temperature."""
        return SEA_ICE in self.source.fields or not self.monthly

    @property
    def names(self) -> tuple[str, ...]:
        """Of the fields that it gives."""
        return (SST, SEA_ICE) if self.has_ice else (SST,)

    @functools.cached_property
    def times(self) -> np.ndarray:
        """Of the temperature, in order; none where nothing says."""
        return self._times(SST)

    @functools.cached_property
    def monthly(self) -> bool:
        """Whether it holds means over calendar months."""
        return self._is_monthly(SST)

    def _is_monthly(self, name: str) -> bool:
        """One time a month, and nothing says that it is an instant."""
        instants = any(part.is_of_instants for part in self._parts(name))
        return is_monthly(self._times(name)) and not instants

    def _times(self, name: str) -> np.ndarray:
        return self.source.times(self._holder(name))

    def _parts(self, name: str) -> tuple[Field, ...]:
        return self.source.fields[self._holder(name)]

    def _holder(self, name: str) -> str:
        """The variable that a field is taken or derived from."""
        return name if name in self.source.fields else self.fields.temperature

    @property
    def calendar_notes(self) -> tuple[str, ...]:
        """What is done with times of a calendar that is not ours, in words."""
        words = (
            calendar_words(self._parts(name)[0].calendar, self._is_monthly(name))
            for name in self.names
            if self._parts(name)[0].calendar != STANDARD
        )
        return tuple(dict.fromkeys(words))

    def _span(self, name: str) -> tuple[np.datetime64, np.datetime64]:
        """First and last time that is known about; whole months of monthly means."""
        times = self._times(name)
        first, last = times[0], times[-1]
        if self._is_monthly(name):
            months = times.astype("datetime64[M]")
            first, last = months[0], months[-1] + 1
        return first.astype("datetime64[s]"), last.astype("datetime64[s]")

    def check_covers(self, start: np.datetime64, end: np.datetime64) -> None:
        """Refuse a run that goes beyond the record."""
        for name in self.names:
            times = self._times(name)
            if not len(times):
                raise InputDataError(
                    f"'{self.source.path}' has no time axis for {name}, so it cannot "
                    "be prescribed.",
                    f"Name a record with --sst-data, or use {self.instead}.",
                )
            first, last = self._span(name)
            if start < first or end > last:
                raise InputDataError(
                    f"The run goes from {format_time(start)} to {format_time(end)}, "
                    f"but {name} in '{self.source.path}' is known from "
                    f"{format_time(first)} to {format_time(last)} only "
                    f"({describe_times(times)}).",
                    f"{_remedy(start, first, last)}, name a "
                    f"longer record with --sst-data, or use {self.instead}.",
                )
            within = times[around(times, start, end)]
            gaps = np.diff(within)
            if len(gaps) and gaps.max() > _LONGEST_GAP:
                hole = within[gaps.argmax() :][:2]
                raise InputDataError(
                    f"In '{self.source.path}' there is no {name} between "
                    f"{format_time(hole[0])} and {format_time(hole[1])}.",
                    f"Add what is missing, or use {self.instead}.",
                )

    def latest(self, init: np.datetime64) -> tuple[np.datetime64 | None, str]:
        """The time whose fields persist in a forecast, and why, in words.

        It is 24 hours before the initial time, so that nothing leaks from the future,
        or the last before that; else the last up to the initial time.

        Raises:
            InputDataError: the record begins after the initial time, or ended long ago.
        """
        if not len(self.times):
            return None, "as they are, for they have no time"
        wanted = init - _DAY
        first, last = self._span(SST)
        if self.monthly and first <= wanted <= last + OLDEST:
            age = (init - min(wanted, last)) / np.timedelta64(1, "h")
            words = f"{age:g} h before the initial time, from monthly means"
            return min(wanted, last), words
        before = _last(self.times, wanted)
        if before is None:
            before = _last(self.times, init)
        if before is None or wanted - before > OLDEST:
            last_word = "begins at " if before is None else "is last known at "
            raise InputDataError(
                f"{SST} in '{self.source.path}' {last_word}"
                f"{format_time(first if before is None else before)}; a forecast from "
                f"{format_time(init)} needs it from 24 h before, or at most "
                f"{OLDEST.astype(int)} days older.",
                "Name other data with --sst-data, or use --sst climatology.",
            )
        if before <= wanted:
            age = (init - before) / np.timedelta64(1, "h")
            return before, f"{age:g} h before the initial time"
        late = "the initial time" if before == init else format_time(before)
        return before, f"{late}, for the data hold none from 24 h before"

    def observed(self, time: np.datetime64 | None, notes: list[str]) -> Sea:
        """The fields at one time, which `latest` tells.

        Raises:
            InputDataError: there is no sea ice from that time or shortly before.
        """
        fields = {}
        for name in self.names:
            if time is not None and self._is_monthly(name):
                times, values = self._series(name, time, time, notes)
                sea = Sea(times, {name: values[:, None]}, ())
                fields[name] = sea.at(time)[name][None]
            else:
                when = self._same_time(name, time)
                fields[name] = self.fields.read(name, when, notes)[None, None]
        when = UNDATED if time is None else time
        unique = tuple(dict.fromkeys(notes))
        return Sea(np.array([when]), fields, unique)

    def _same_time(self, name: str, time: np.datetime64 | None) -> np.datetime64 | None:
        """That of the temperature, or the last of sea ice before it."""
        times = self._times(name)
        if time is None or not len(times) or time in times:
            return time if len(times) else None
        before = _last(times, time)
        if before is None or time - before > OLDEST:
            raise InputDataError(
                f"{name} in '{self.source.path}' is known at {describe_times(times)}, "
                f"but not at {format_time(time)}, nor shortly before.",
                "Name data with both at the same times.",
            )
        return before

    def between(
        self, start: np.datetime64, end: np.datetime64, notes: list[str]
    ) -> Sea:
        """The record from the last time before a span to the first after it."""
        self.check_covers(start, end)
        series = {n: self._series(n, start, end, notes) for n in self.names}
        times = np.unique(np.concatenate([times for times, _ in series.values()]))
        fields = {n: interpolated(*series[n], times)[:, None] for n in self.names}
        return Sea(times, fields, tuple(dict.fromkeys(notes)))

    def monthly_means(self, notes: list[str]) -> dict[str, np.ndarray]:
        """Means over all Januaries, Februaries, …: (month, longitude, latitude).

        Raises:
            InputDataError: it is no record of monthly means of whole years.
        """
        months = self.times.astype("datetime64[M]").astype(int) % 12
        count = np.bincount(months, minlength=12)
        if not self.monthly or count.min() == 0:
            raise InputDataError(
                f"'{self.source.path}' holds {describe_times(self.times)}: no monthly "
                "climatology can be made of that.",
                "Name monthly means of a year or more with --sst-data, or none for the "
                "climatology that comes with ngcm.",
            )
        means = {}
        for name in [n for n in (SST, SEA_ICE) if n in self.source.fields]:
            shape = 12, *self.fields.needs.grid.nodal_shape
            total = np.zeros(shape)
            for time, month in zip(self.times, months, strict=True):
                total[month] += self.fields.read(name, time, notes)
            means[name] = total / count[:, None, None]
        if count.max() > 1:
            first, last = format_time(self.times[0]), format_time(self.times[-1])
            notes.append(f"Climatology: mean of {first} to {last} for every month.")
        return means

    def _series(
        self, name: str, start: np.datetime64, end: np.datetime64, notes: list[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Times and values between which the field is linear."""
        times = self._times(name)
        if self._is_monthly(name):
            months = times.astype("datetime64[M]")
            within = (months >= start.astype("datetime64[M]") - _MARGIN) & (
                months <= end.astype("datetime64[M]") + _MARGIN
            )
            self._expect(name, times[within])
            means = np.stack([self.fields.read(name, t, notes) for t in times[within]])
            notes.append(
                f"{name}: monthly means, interpolated between mid-month values that "
                "preserve them, as in AMIP."
            )
            bounds = units.SEA_BOUNDS_SI[name]
            times, values = mid_month_values(means, months[within], *bounds)
            keep = around(times, start, end)
            return times[keep], values[keep]
        times = _thinned(times, notes)[around(_thinned(times, []), start, end)]
        self._expect(name, times)
        return times, np.stack([self.fields.read(name, t, notes) for t in times])

    def _expect(self, name: str, times: np.ndarray) -> None:
        """Tell servers how much will be asked of them."""
        for field in self._parts(name):
            expect_chunks(
                field.dataset, field.chunks * np.isin(times, field.times).sum()
            )


def _last(times: np.ndarray, time: np.datetime64) -> np.datetime64 | None:
    """The last of them up to a time."""
    known = times[times <= time]
    return known[-1] if len(known) else None


def _thinned(times: np.ndarray, notes: list[str]) -> np.ndarray:
    """Not more than a field every six hours: the sea is slow, and fields are large."""
    if len(times) < 2 or np.diff(times).min() >= _FINEST:
        return times
    kept = [times[0]]
    for time in times[1:]:
        if time - kept[-1] >= _FINEST:
            kept.append(time)
    notes.append(
        f"The sea is taken every 6 h of a record with {describe_times(times)}."
    )
    return np.union1d(np.array(kept), times[-1:])


def _remedy(start: np.datetime64, first: np.datetime64, last: np.datetime64) -> str:
    """How a run from a start comes to lie within a record."""
    if start < first:
        return "Start later"
    return "Shorten the run" if start < last else "Start earlier"
