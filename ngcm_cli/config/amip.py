"""Everything that a long run under a prescribed sea can be told."""

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
    """Everything that `ngcm amip` can be told, besides `Settings`.

    Without ``data`` the bundled ERA5 state is the first atmosphere, whatever the date;
    without ``sst_data`` the sea is the bundled record; without ``variables`` everything
    that has a mean is written.

    Attributes:
        start: when the first run starts, UTC.
        years: how long every run is, in calendar years,
        months: and calendar months,
        days: and days; at least one of the three.
        members: runs from every start, which differ in their random stream.
        starts: number of starts.
        start_every: time between two starts.
        output: the folder of the run; None is a name made of model and start, here.
        means: over which calendar periods to write means: `values.MEANS`.
        every: time between instants to write; None is none.
        sample: time between the instants that means are made of.
        restart_every: time between restarts.
        fix_mean_pressure: hold the global mean of log surface pressure.
        on_instability: ``stop``, or ``rewind`` to the last restart and perturb.
        sst_climatology: the sea follows AMIP's climatology instead of a record.
        sst_patch: latitude, longitude and half-width in degrees, and amplitude in
            kelvin, of a hump that is added to sea-surface temperature.
    """

    command: ClassVar[str] = "amip"
    changeable: ClassVar[tuple[str, ...]] = (
        "on_instability",
        "restart_every",
        "offline",
    )
    """Settings that a run may go on with in another way."""

    start: values.Time = np.datetime64("1982-01-01", "s")
    years: values.Count | None = None
    months: values.Count | None = None
    days: values.Count | None = None
    members: values.Count = 1
    starts: values.Count = 1
    start_every: values.Duration = 10 * _DAY
    output: values.Path | None = None
    means: values.MeansOver = ("monthly",)
    every: values.Duration | None = None
    sample: values.Duration = np.timedelta64(6 * 3600, "s")
    restart_every: values.Duration = 30 * _DAY
    fix_mean_pressure: values.Switch = True
    on_instability: values.OnInstability = "stop"
    sst_climatology: values.Switch = False
    sst_patch: values.Patch | None = None

    @property
    def start_times(self) -> tuple[np.datetime64, ...]:
        """When the runs start."""
        return tuple(self.start + i * self.start_every for i in range(self.starts))

    def end_of(self, start: np.datetime64) -> np.datetime64:
        """When a run from a start ends: years and months by the calendar, then days.

        A day that the last month does not have counts as its last day.
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
                "How long the run is was not said.",
                "Give --years 40, --months or --days.",
            )
        if self.sst_climatology and self.sst_data:
            raise ConfigError(
                "sst_climatology is AMIP's, and sst_data names another sea.",
                "Leave out one of them.",
            )
        self._check_clock()
        last = self.start + (self.starts - 1) * self.start_every
        end = self.end_of(last)
        if end - self.start > _LONGEST:
            raise ConfigError(
                f"From the first start to the last end, {format_time(end)}, are more "
                "than 1000 years.",
                "Give shorter runs or fewer starts.",
            )
        return self

    def _check_clock(self) -> None:
        """Samples divide the day, and everything else falls on days or samples."""
        sample = format_duration(self.sample)
        if not self.sample or _DAY % self.sample:
            raise ConfigError(
                f"sample {sample} does not divide a day.", "Give 6h, 3h or 1h."
            )
        if self.start != self.start.astype("datetime64[D]"):
            raise ConfigError(
                f"start {format_time(self.start)} is not midnight.",
                "Runs go by whole days: start at midnight.",
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
