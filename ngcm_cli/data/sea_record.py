"""A record of sea-surface temperature and sea ice: a field, days, or months."""

import dataclasses
import functools

import numpy as np

from ngcm_cli import units
from ngcm_cli.clock import format_time
from ngcm_cli.data.midmonth import is_monthly, mid_month_values
from ngcm_cli.data.needs import Needs
from ngcm_cli.data.opening import expect_chunks
from ngcm_cli.data.regrid import fill_nan_with_nearest
from ngcm_cli.data.sea import BOUNDS, LAND, SEA_ICE, SKIN, SST, Sea, interpolated
from ngcm_cli.data.source import Source, blamed_on
from ngcm_cli.data.times import describe_times
from ngcm_cli.errors import InputDataError

# ERA5 holds the sea under ice at 271.46 K; the rest is the rounding of packed files.
ICE_BELOW = 271.47
OLDEST = np.timedelta64(31, "D")
"""Older fields do not persist into a forecast."""

_DAY = np.timedelta64(24, "h").astype("timedelta64[s]")
_FINEST = np.timedelta64(6, "h")
# How far mid-month values depend on other months: by a sixth per month.
_MARGIN = np.timedelta64(13, "M")


@dataclasses.dataclass(frozen=True, eq=False)
class SeaRecord:
    """What a source knows about the sea, not yet read.

    Attributes:
        source: opened with `WANTED`.
        needs: of the model; its grid is that of everything returned.
    """

    source: Source
    needs: Needs

    def __post_init__(self):
        if self._temperature not in self.source.fields:
            there = ", ".join(self.source.there)
            unfit = "".join(f" ({words})" for words in self.source.unfit)
            raise InputDataError(
                f"'{self.source.path}' has no {SST} (sst). Found the variables "
                f"{there}{unfit}.",
                "Add it, give it this name or its CF standard_name, or name data that "
                "have it with --sst-data.",
            )

    @property
    def _temperature(self) -> str:
        return SST if SST in self.source.fields else SKIN

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
        return is_monthly(self.times)

    def _times(self, name: str) -> np.ndarray:
        derived = name not in self.source.fields
        return self.source.times(self._temperature if derived else name)

    def _span(self, name: str) -> tuple[np.datetime64, np.datetime64]:
        """First and last time that is known about; whole months of monthly means."""
        times = self._times(name)
        first, last = times[0], times[-1]
        if is_monthly(times):
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
                    "Name a record with --sst-data, or use --sst persist.",
                )
            first, last = self._span(name)
            if start < first or end > last:
                raise InputDataError(
                    f"The run goes from {format_time(start)} to {format_time(end)}, "
                    f"but {name} in '{self.source.path}' is known from "
                    f"{format_time(first)} to {format_time(last)} only "
                    f"({describe_times(times)}).",
                    "Shorten the run, name a longer record with --sst-data, or use "
                    "--sst persist or climatology.",
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
        if self.monthly and first <= wanted <= last:
            return wanted, "24 h before the initial time, between monthly means"
        before = _last(self.times, wanted)
        if before is None:
            before = _last(self.times, init)
        if before is None or wanted - before > OLDEST:
            raise InputDataError(
                f"{SST} in '{self.source.path}' is known from {format_time(first)} to "
                f"{format_time(last)}; a forecast from {format_time(init)} needs it "
                f"from 24 h before, or at most {OLDEST.astype(int)} days older.",
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
        if time is not None and self.monthly:
            sea = self.between(time, time, notes)
            fields = {name: x[None] for name, x in sea.at(time).items()}
        else:
            fields = {
                name: self._slice(name, self._same_time(name, time), notes)[None, None]
                for name in self.names
            }
        when = np.datetime64("1970-01-01", "s") if time is None else time
        unique = tuple(dict.fromkeys(notes))
        return Sea(np.array([when]), fields, unique, dated=time is not None)

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
            shape = 12, *self.needs.grid.nodal_shape
            total = np.zeros(shape)
            for time, month in zip(self.times, months, strict=True):
                total[month] += self._slice(name, time, notes)
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
        if is_monthly(times):
            months = times.astype("datetime64[M]")
            within = (months >= start.astype("datetime64[M]") - _MARGIN) & (
                months <= end.astype("datetime64[M]") + _MARGIN
            )
            self._expect(name, times[within])
            means = np.stack([self._slice(name, t, notes) for t in times[within]])
            notes.append(
                f"{name}: monthly means, interpolated between mid-month values that "
                "preserve them, as in AMIP."
            )
            times, values = mid_month_values(means, months[within], *BOUNDS[name])
            keep = _around(times, start, end)
            return times[keep], values[keep]
        times = _thinned(times, notes)[_around(_thinned(times, []), start, end)]
        self._expect(name, times)
        return times, np.stack([self._slice(name, t, notes) for t in times])

    def _expect(self, name: str, times: np.ndarray) -> None:
        """Tell servers how much will be asked of them."""
        if name not in self.source.fields:
            name = self._temperature
        for field in self.source.fields[name]:
            expect_chunks(
                field.dataset, field.chunks * np.isin(times, field.times).sum()
            )

    def _slice(
        self, name: str, time: np.datetime64 | None, notes: list[str]
    ) -> np.ndarray:
        """One field on the model's grid, (longitude, latitude), no NaN."""
        fields = self.source.fields
        read = self._read
        field = self.source.field(self._temperature, time)
        with blamed_on(field.path):
            if name == SEA_ICE and SEA_ICE in fields:
                field = self.source.field(SEA_ICE, time)
                values = field.values(time, notes)
            elif name == SEA_ICE:
                sst = read(time, [])
                values = np.where(np.isnan(sst), np.nan, sst <= ICE_BELOW)
                notes.append(
                    f"{SEA_ICE} is not in the data: taken as 1 where {SST} is at "
                    f"freezing (at most {ICE_BELOW} K), 0 elsewhere; expect about a "
                    "tenth too much ice, for want of leads."
                )
            else:
                values = read(time, notes)
            if not field.grid.is_on(self.needs.grid):
                size = "x".join(map(str, self.needs.grid.nodal_shape))
                notes.append(
                    f"Regridded conservatively from {field.grid.words} to the model's "
                    f"{size} Gaussian grid."
                )
            values = field.on(self.needs.grid, values)
            missing = int(np.isnan(values).sum())
            if missing:
                notes.append(
                    f"{name}: {missing} of {values.size} cells of the model's grid "
                    "have no data (land), filled from the nearest cell that has."
                )
                values = fill_nan_with_nearest(values, self.needs.grid)
        return np.clip(values, 0, 1) if name == SEA_ICE else values

    def _read(self, time: np.datetime64 | None, notes: list[str]) -> np.ndarray:
        """Temperature of the sea on the grid of the file, NaN over land."""
        field = self.source.field(self._temperature, time)
        values = field.values(time, notes)
        if field.name == SST:
            return values
        masked = self.source.fields.get(LAND)
        where = "everywhere, for there is no land-sea mask"
        if masked and masked[0].grid.matches(field.grid):
            known = masked[0].times  # land is land at any time
            land = masked[0].values(known[0] if len(known) else None, [])
            values = np.where(land > 0.5, np.nan, values)
            where = f"where {LAND} is at most one half"
        notes.append(
            f"{SST} is not in the data: taken from {field.found} {where}, at least "
            f"{units.SEA_FREEZING_SI} K."
        )
        return np.where(
            np.isnan(values), np.nan, np.maximum(values, units.SEA_FREEZING_SI)
        )


def _last(times: np.ndarray, time: np.datetime64) -> np.datetime64 | None:
    """The last of them up to a time."""
    known = times[times <= time]
    return known[-1] if len(known) else None


def _around(times: np.ndarray, start: np.datetime64, end: np.datetime64) -> slice:
    """From the last at or before the start to the first at or after the end."""
    first = max(int(np.searchsorted(times, start, side="right")) - 1, 0)
    last = int(np.searchsorted(times, end, side="left"))
    return slice(first, last + 1)


def _thinned(times: np.ndarray, notes: list[str]) -> np.ndarray:
    """Not more than a field every six hours: the sea is slow, and fields are large."""
    if len(times) < 2 or np.diff(times).min() >= _FINEST:
        return times
    since = (times - times[0]).astype("timedelta64[s]").astype(int)
    kept = times[since % _FINEST.astype("timedelta64[s]").astype(int) == 0]
    notes.append(
        f"The sea is taken every 6 h of a record with {describe_times(times)}."
    )
    return np.union1d(kept, times[-1:])
