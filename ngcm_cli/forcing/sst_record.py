"""A record of sea-surface temperature and sea ice: one field, daily or monthly ones."""

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ngcm_cli import units
from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.climatology import amip_months
from ngcm_cli.forcing.mid_month_values import mid_month_values
from ngcm_cli.forcing.month_phase import check_month_stamps
from ngcm_cli.forcing.record_fields import RecordFields
from ngcm_cli.forcing.record_times import RecordTimes
from ngcm_cli.forcing.surface_forcing import (
    NO_TIME,
    SurfaceForcing,
    bracketing_slice,
    interpolate_in_time,
)
from ngcm_cli.inputs.calendars import STANDARD, describe_calendar
from ngcm_cli.inputs.input_field import InputField
from ngcm_cli.inputs.sources.bundled import climatology_path
from ngcm_cli.inputs.sources.month_counts import month_note
from ngcm_cli.inputs.sources.open import expect_chunks
from ngcm_cli.inputs.time_meaning import INSTANT, is_mid_month_value
from ngcm_cli.inputs.times import describe_times
from ngcm_cli.inputs.variables import SEA_ICE, SST
from ngcm_cli.time_format import format_time

MAX_AGE = np.timedelta64(31, "D")
"""Older fields do not persist in a forecast."""

_DAY = np.timedelta64(24, "h").astype("timedelta64[s]")
# K, root of mean square. More than that, and it must be known what the values are.
_NOTICEABLE = 0.1
_BOUNDS = units.SEA_BOUNDS_SI


@dataclasses.dataclass(frozen=True, eq=False)
class SSTRecord(RecordFields):
    """Sea-surface temperature and sea ice in a dataset, not yet read.

    Attributes:
        time_method: `MEAN` or `INSTANT`, which the user states; "" as in the file.
    """

    time_method: str = ""
    _times: dict[str, RecordTimes] = dataclasses.field(
        default_factory=dict, init=False, repr=False
    )

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
        return self.dataset.times(self.temperature)

    @functools.cached_property
    def monthly(self) -> bool:
        """Whether the temperature is given as means over calendar months."""
        return self.times_of(SST).monthly

    @property
    def is_climatology(self) -> bool:
        """Whether it is a mean year, without dates."""
        return self._parts(SST)[0].climatology

    @property
    def calendar_notes(self) -> tuple[str, ...]:
        """Sentences on calendars other than the standard one, and counted months."""
        notes: list[str] = []
        for name in self.names:
            first = self._parts(name)[0]
            notes += month_note(first.dataset)
            if first.calendar != STANDARD:
                monthly = self.times_of(name).monthly
                notes.append(describe_calendar(first.calendar, monthly))
        return tuple(dict.fromkeys(notes))

    def check_covers(self, start: np.datetime64, end: np.datetime64) -> None:
        """Raise `RecordCoverageError` if a period is beyond the record or has a gap."""
        for name in self.names:
            self.times_of(name).check_covers(start, end)

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
        first, last = self.times_of(SST).period
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
        monthly = [n for n in self.names if self.times_of(n).monthly]
        if time is not None and monthly:
            for name, series in self._read_series(time, time, notes, monthly).items():
                times, values = series
                one = SurfaceForcing(times, {name: values[:, None]}, ())
                fields[name] = one.at_time(time)[name][None]
        for name in self.names:
            if name not in fields:
                when = self._matching_time(name, time)
                field = self.read(name, when, notes)
                if name == SEA_ICE:  # the model does not clip a single field
                    field = np.clip(field, *_BOUNDS[name])
                fields[name] = field[None, None]
        notes += self.fill_notes()
        when = NO_TIME if time is None else time
        return SurfaceForcing(np.array([when]), fields, tuple(dict.fromkeys(notes)))

    def read_period(
        self, start: np.datetime64, end: np.datetime64, notes: list[str]
    ) -> SurfaceForcing:
        """Return the fields from the last time before a period to the first after."""
        self.check_covers(start, end)
        series = self._read_series(start, end, notes, self.names)
        notes += self.fill_notes()
        times = np.unique(np.concatenate([times for times, _ in series.values()]))
        fields = {
            n: interpolate_in_time(*series[n], times)[:, None] for n in self.names
        }
        return SurfaceForcing(times, fields, tuple(dict.fromkeys(notes)))

    def times_of(self, name: str) -> RecordTimes:
        """Return the times of a field, and what its values are between them."""
        if name not in self._times:
            self._times[name] = self._find_times(name)
        return self._times[name]

    def _find_times(self, name: str) -> RecordTimes:
        parts = self._parts(name)
        methods = {part.time_method for part in parts}
        method = methods.pop() if len(methods) == 1 else ""
        bounded = all(part.bounded for part in parts)
        if self.time_method == INSTANT and bounded:
            raise InputDataError(
                f"'{self.dataset.path}' states the periods of which {name} is the mean "
                "(bounds of time), but --sst-time says instant.",
                "Leave out --sst-time, or remove the attribute bounds of time.",
            )
        return RecordTimes(
            name,
            self.dataset.path,
            self.dataset.times(self._variable(name)),
            self.time_method or method,
            bounded,
        )

    def _parts(self, name: str) -> tuple[InputField, ...]:
        return self.dataset.fields[self._variable(name)]

    def _matching_time(
        self, name: str, time: np.datetime64 | None
    ) -> np.datetime64 | None:
        """Return a time of the temperature, or the last time of sea ice before it."""
        times = self.times_of(name).times
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
        self,
        start: np.datetime64,
        end: np.datetime64,
        notes: list[str],
        names: Sequence[str],
    ) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return the times and values between which each field is linear, by name."""
        wanted, values = {}, {}
        for name in names:
            known = self.times_of(name)
            if known.monthly:
                wanted[name] = known.times[known.months_around(start, end)]
                continue
            times = known.thinned(notes)
            wanted[name] = times[bracketing_slice(times, start, end)]
            notes += known.gap_note(start, end)
            if is_mid_month_value(self._parts(name)[0].array.attrs["found"]):
                notes.append(
                    f"{name}: mid-month values as in AMIP, interpolated linearly in "
                    "time and then held within their bounds."
                )
        self._expect_chunks(wanted)
        for name, _, field in self.read_together(wanted, notes):
            values.setdefault(name, []).append(field)
        series = {n: (times, np.stack(values[n])) for n, times in wanted.items()}
        for name, (times, fields) in series.items():
            self.times_of(name).check_resolved(times, fields)
        for name in names:
            if self.times_of(name).monthly:
                series[name] = self._mid_months(name, *series[name], start, end, notes)
        return series

    def read_together(
        self, wanted: Mapping[str, np.ndarray], notes: list[str]
    ) -> Iterator[tuple[str, np.datetime64, np.ndarray]]:
        """Yield name, time and values of the fields at the times wanted of each.

        Temperature and ice of a time are read together, for they complete each other.
        """
        for time in np.unique(np.concatenate([*wanted.values(), self.times[:0]])):
            for name in [n for n in wanted if time in wanted[n]]:
                yield name, time, self.read(name, time, notes)

    def _mid_months(
        self,
        name: str,
        stamps: np.ndarray,
        means: np.ndarray,
        start: np.datetime64,
        end: np.datetime64,
        notes: list[str],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the mid-months and values between which a field is linear.

        The means, (time, longitude, latitude), have their stamps in the record.

        Raises:
            InputDataError: It is not known whether the values are means, and they
                would differ noticeably otherwise.
        """
        notes.append(
            f"{name}: monthly means, interpolated between mid-month values that "
            "preserve them, as in AMIP."
        )
        months = stamps.astype("datetime64[M]")
        times, values = mid_month_values(means, months, *_BOUNDS[name])
        if name == SST:
            self.check_month_stamps(stamps, means)
            self.check_clear((times, values), (stamps, means), start, end)
        for beyond, word in ((start < times[0], "before"), (end > times[-1], "after")):
            if beyond:
                middle = format_time(times[0] if word == "before" else times[-1])
                notes.append(
                    f"{name}: constant {word} {middle}, the middle of the "
                    f"{'first' if word == 'before' else 'last'} month of the record."
                )
        period = bracketing_slice(times, start, end)
        return times[period], values[period]

    def check_month_stamps(self, stamps: np.ndarray, means: np.ndarray) -> None:
        """Refuse means of temperature that are stamped a month late."""
        if not self.times_of(SST).bounded and self.dataset.path != climatology_path():
            usual = amip_months(self.model_inputs)[SST]
            found = self._parts(SST)[0].found
            check_month_stamps(found, stamps, means, usual, self.model_inputs)

    def check_clear(
        self,
        as_means: tuple[np.ndarray, np.ndarray],
        as_instants: tuple[np.ndarray, np.ndarray],
        start: np.datetime64,
        end: np.datetime64,
    ) -> None:
        """Refuse temperature once a month of unknown meaning, if it makes a difference.

        Each argument is the times and values, K, of a series that is linear in time.

        Raises:
            InputDataError: It is not known whether the values are means, and somewhere
                in the period the two series differ noticeably.
        """
        known = self.times_of(SST)
        if not known.unclear:
            return
        times = np.union1d(as_means[0], as_instants[0])
        within = times[(times > start) & (times < end)]
        times = np.unique(np.concatenate([within, [start, end]]))
        one, other = (
            interpolate_in_time(*series, times) for series in (as_means, as_instants)
        )
        weights = np.broadcast_to(self.model_inputs.grid.area_weights, one.shape[1:])
        squares = (np.square(one - other) * weights).sum(axis=(1, 2)) / weights.sum()
        difference = float(np.sqrt(squares.max()))
        if difference > _NOTICEABLE:
            raise known.unclear_error(difference)

    def _expect_chunks(self, wanted: dict[str, np.ndarray]) -> None:
        """Tell the stores how many chunks will be read, for their progress."""
        counts: dict[int, int] = {}
        datasets = {}
        for name, times in wanted.items():
            for field in self._parts(name):
                key = id(field.dataset)
                datasets[key] = field.dataset
                number = field.chunks * int(np.isin(times, field.times).sum())
                counts[key] = counts.get(key, 0) + number
        for key, count in counts.items():
            expect_chunks(datasets[key], count)


def _last_until(times: np.ndarray, time: np.datetime64) -> np.datetime64 | None:
    """Return the last of several times that is not after another, or None."""
    known = times[times <= time]
    return known[-1] if len(known) else None
