"""The settings of a long run with prescribed sea-surface temperature."""

from typing import ClassVar, Self

import numpy as np
import pydantic

from ngcm_cli.config import values
from ngcm_cli.config.settings import Settings
from ngcm_cli.errors import ConfigError
from ngcm_cli.time_format import format_duration, format_time

_DAY = np.timedelta64(86400, "s")
_LONGEST = 365250 * _DAY


class AmipConfig(Settings):
    """The settings of ``ngcm amip``, besides `Settings`.

    Without ``data`` the bundled ERA5 state is the initial atmosphere, whatever the
    date; without ``sst_data`` the bundled record is prescribed; without ``variables``
    every variable that has a time mean is written. The length of a run is the sum of
    ``years``, ``months`` and ``days``, at least one of which is given.

    Attributes:
        start: first initial time, UTC; ``init`` gives all of them instead.
        years: calendar years of every run.
        months: calendar months of every run.
        days: days of every run.
        members: number of runs from every initial time, which differ in their random
            numbers.
        starts: number of initial times.
        start_every: time between two initial times.
        means: calendar periods over which means are written: `values.MEANS`.
        every: time between instantaneous outputs; None writes none.
        sample: time between the samples of time means.
        fix_mean_pressure: whether the global mean of log surface pressure is kept
            constant.
        sst_climatology: whether AMIP's monthly climatology is prescribed instead of a
            record.
        sst_patch: a local anomaly of sea-surface temperature: latitude, longitude and
            half-width in degrees, and amplitude in K.
    """

    command: ClassVar[str] = "amip"

    start: values.Time = np.datetime64("1982-01-01", "s")
    years: values.Count | None = None
    months: values.Count | None = None
    days: values.Count | None = None
    members: values.Count = 1
    starts: values.Count = 1
    start_every: values.Duration = 10 * _DAY
    means: values.Means = ("monthly",)
    every: values.Duration | None = None
    sample: values.Duration = np.timedelta64(6 * 3600, "s")
    restart_every: values.Duration = 30 * _DAY
    fix_mean_pressure: values.Switch = True
    sst_climatology: values.Switch = False
    sst_patch: values.Patch | None = None

    @property
    def init_times(self) -> tuple[np.datetime64, ...]:
        """Initial times of the runs, ascending."""
        if self.init is not None:
            return tuple(sorted(self.init))
        return tuple(self.start + i * self.start_every for i in range(self.starts))

    def end_of(self, start: np.datetime64) -> np.datetime64:
        """Return the end of a run: years and months by the calendar, then days.

        A day that the last month does not have is replaced by its last day.
        """
        months = 12 * (self.years or 0) + (self.months or 0)
        month = start.astype("datetime64[M]")
        into = start - month.astype("datetime64[s]")
        days_there = (month + months + 1).astype("datetime64[D]") - (
            month + months
        ).astype("datetime64[D]")
        day = min(into // _DAY, days_there.astype(int) - 1)
        target = (month + months).astype("datetime64[s]") + day * _DAY + into % _DAY
        return target + (self.days or 0) * _DAY

    @pydantic.model_validator(mode="after")
    def _consistent(self) -> Self:
        if not (self.years or self.months or self.days):
            raise ConfigError(
                "The length of the run is not given.",
                "Give --years 40, --months or --days.",
            )
        if self.sst_climatology and self.sst_data:
            raise ConfigError(
                "sst_climatology and sst_data name two different records.",
                "Leave out one of them.",
            )
        self._check_clock()
        fields = type(self).model_fields
        given = [
            name
            for name in ("start", "starts", "start_every")
            if getattr(self, name) != fields[name].default  # as in a full run file
        ]
        if self.init is not None and given:
            raise ConfigError(
                f"init and {given[0]} both give initial times.",
                "Leave out one of them.",
            )
        first, last = self.init_times[0], self.init_times[-1]
        end = self.end_of(last)
        if end - first > _LONGEST:
            raise ConfigError(
                f"The last run ends {format_time(end)}, more than 1000 years after the "
                "first initial time.",
                "Give shorter runs or fewer initial times.",
            )
        return self

    def _check_clock(self) -> None:
        """Check that samples divide the day and other times are on days or samples."""
        sample = format_duration(self.sample)
        if not self.sample or _DAY % self.sample:
            raise ConfigError(
                f"sample {sample} does not divide a day.", "Give 6h, 3h or 1h."
            )
        for time in self.init_times:
            if time != time.astype("datetime64[D]"):
                name = "start" if self.init is None else "init"
                raise ConfigError(
                    f"{name} {format_time(time)} is not midnight.",
                    "Give a date: these runs start at midnight.",
                )
        for name, unit in (
            ("start_every", _DAY),
            ("restart_every", _DAY),
            ("every", self.sample),
        ):
            span = getattr(self, name)
            if span is not None and (not span or span % unit):
                raise ConfigError(
                    f"{name} {format_duration(span)} is not a multiple of "
                    f"{format_duration(unit)}.",
                    "Give one that is, or take samples more often."
                    if unit is self.sample
                    else "Give one that is.",
                )
        first = self.init_times[0]
        if self.every is not None and self.every > self.end_of(first) - first:
            raise ConfigError(
                f"every {format_duration(self.every)} is longer than the run, "
                f"{format_duration(self.end_of(first) - first)}.",
                "Give a shorter one.",
            )
