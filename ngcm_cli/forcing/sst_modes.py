"""The modes in which sea-surface temperature and sea ice evolve during a run.

- ``persist``: the fields of 24 hours before the initial time, constant;
- ``anomaly-persist``: their anomaly from the climatology is constant, and the
  climatology follows the seasons;
- ``climatology``: the monthly climatology alone;
- ``prescribed``: the record in the data, linear in time between its fields.

The climatology is AMIP's, unless the mode is ``climatology`` and the user names monthly
means. AMIP's sea ice is used where the data have none.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ngcm_cli import units
from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.climatology import climatology_of, repeat_climatology
from ngcm_cli.forcing.surface_forcing import SurfaceForcing, interpolate_in_time
from ngcm_cli.inputs.variables import SEA_ICE, SST
from ngcm_cli.time_format import format_time

if TYPE_CHECKING:
    from ngcm_cli.forcing.sst_record import SSTRecord

_DAY = np.timedelta64(86400, "s")


@dataclasses.dataclass(frozen=True)
class SSTMode:
    """A mode, one of ``config.SST_MODES``, and the period of a run, UTC."""

    name: str
    start: np.datetime64
    end: np.datetime64

    @property
    def cache_key(self) -> str:
        """Name under which what `find_observations` reads is cached."""
        start, end = format_time(self.start), format_time(self.end)
        keys = {"climatology": "sea_climatology", "prescribed": f"sea_{start}_{end}"}
        return keys.get(self.name, f"sea_for_{start}")

    def find_observations(self, record: "SSTRecord") -> Callable[[], SurfaceForcing]:
        """Check that a record has what the run needs; return a function that reads it.

        Raises:
            InputDataError: The record does not cover the run, or has no recent fields.
        """
        notes = list(record.calendar_notes)
        if self.name == "climatology":
            return lambda: climatology_of(record, notes)
        if self.name == "prescribed":
            record.check_covers(self.start, self.end)
            return lambda: record.read_period(self.start, self.end, notes)
        if record.is_climatology:
            raise InputDataError(
                f"'{record.dataset.path}' is a monthly climatology, without years: it "
                "has no field of 24 h before the initial time.",
                "Use --sst climatology.",
            )
        time, reason = record.latest(self.start)
        when = "" if time is None else f" of {format_time(time)}"
        what = f"{SST} and {SEA_ICE}" if record.has_ice else SST
        notes.append(f"{what}{when} ({reason}).")
        return lambda: record.read_time(time, notes)

    def evolve(
        self, observed: SurfaceForcing, read_climatology: Callable[[], SurfaceForcing]
    ) -> SurfaceForcing:
        """Return the forcing of the run from what `find_observations` read.

        ``read_climatology`` reads AMIP's climatology, which not every run needs.
        """
        forcing, notes = observed, list(observed.notes)
        if self.name == "persist":
            notes.append("These fields persist through the run.")
        elif self.name == "climatology":
            forcing = repeat_climatology(observed, self.start, self.end)
            notes.append("SST and sea ice follow a monthly climatology, every year.")
        elif self.name == "anomaly-persist":
            forcing = self._persist_anomaly(observed, read_climatology())
            notes.append(
                "Their anomaly from AMIP's monthly climatology persists through the "
                "run, and the climatology follows the seasons."
            )
        if SEA_ICE not in forcing.fields:
            forcing = self._add_ice(forcing, read_climatology())
            notes.append(
                f"{SEA_ICE} is not in the data: taken from AMIP's climatology, the "
                "same in every year."
            )
        return dataclasses.replace(forcing, notes=tuple(dict.fromkeys(notes)))

    def _persist_anomaly(
        self, observed: SurfaceForcing, climatology: SurfaceForcing
    ) -> SurfaceForcing:
        """Return the observed fields plus the change of the climatology since then.

        The climatology is clipped to its bounds before the anomaly is added. It is
        therefore evaluated at many times: every day, or a thousand times in a long run.
        """
        start, end = self.start, self.end
        when = observed.times[0] if observed.has_time else start
        seasons = repeat_climatology(climatology, min(when, start), end)
        then = seasons.at_time(when)
        step = max(_DAY, (end - start) // 1000)
        times = np.unique(np.append(np.arange(start, end, step), [start, end]))
        now = [seasons.at_time(time) for time in times]
        fields = {}
        for name, field in observed.fields.items():
            changed = np.stack([fields[name] for fields in now]) - then[name] + field
            fields[name] = np.clip(changed, *units.SEA_BOUNDS_SI[name])
        return SurfaceForcing(times, fields, ())

    def _add_ice(
        self, forcing: SurfaceForcing, climatology: SurfaceForcing
    ) -> SurfaceForcing:
        """Return a forcing with the sea ice of the climatology added."""
        seasons = repeat_climatology(climatology, self.start, self.end)
        if self.name == "persist":
            # The model does not clip a single field, which at_time does.
            ice = seasons.at_time(self.start)[SEA_ICE][None]
            return dataclasses.replace(forcing, fields=forcing.fields | {SEA_ICE: ice})
        times = np.union1d(seasons.times, forcing.times)
        fields = {
            SST: interpolate_in_time(forcing.times, forcing.fields[SST], times),
            SEA_ICE: interpolate_in_time(seasons.times, seasons.fields[SEA_ICE], times),
        }
        return SurfaceForcing(times, fields, forcing.notes)
