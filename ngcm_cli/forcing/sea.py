"""The sea under a run: its temperature and its ice, on the model's grid."""

import dataclasses
import functools
import hashlib

import numpy as np

from ngcm_cli import units

SST, SEA_ICE = "sea_surface_temperature", "sea_ice_cover"
SKIN, LAND = "skin_temperature", "land_sea_mask"
WANTED = (SST, SEA_ICE, SKIN, LAND)
"""What is looked for; the latter two where there is no sea-surface temperature."""

UNDATED = np.datetime64("1800-01-01T00", "s")
"""Stands for the time of a field that has none."""


INSTEAD = "--sst persist or climatology"
"""Flags of forecasts that do without a record that covers the run, in words."""


@dataclasses.dataclass(frozen=True, eq=False)
class Sea:
    """Sea-surface temperature and sea ice; between the times linear, outside held.

    Attributes:
        times: ascending datetime64[s]; `UNDATED` for one field without time.
        fields: by ERA5 name, (time, 1, longitude, latitude) float32, K and 0 … 1, no
            NaN.
        notes: where they come from and what was done, in words.
        warming: K, added to the temperature last; the same everywhere, or
            (1, longitude, latitude) float32.
    """

    times: np.ndarray
    fields: dict[str, np.ndarray]
    notes: tuple[str, ...]
    warming: float | np.ndarray = 0.0

    @property
    def dated(self) -> bool:
        """Whether anything said when the fields are valid."""
        return self.times[0] != UNDATED

    @functools.cached_property  # every restart asks, and there may be much of it
    def sha256(self) -> str:
        """Of all numbers."""
        digest = hashlib.sha256(self.times.tobytes())
        for name in sorted(self.fields):
            digest.update(self.fields[name].tobytes())
        digest.update(np.asarray(self.warming, np.float32).tobytes())
        return digest.hexdigest()

    def at(self, time: np.datetime64) -> dict[str, np.ndarray]:
        """Each field at one time, (1, longitude, latitude), as the run is given it."""
        fields = {}
        for name, x in self.fields.items():
            field = interpolated(self.times, x, np.array([time]))[0]
            if len(self.times) > 1:
                field = np.clip(field, *units.SEA_BOUNDS_SI[name])
            warming = self.warming if name == SST else 0
            fields[name] = field + np.asarray(warming, np.float32)
        return fields

    def within(self, start: np.datetime64, end: np.datetime64) -> "Sea":
        """As much as a span needs; at any time in it the same bits as from all.

        Args:
            start: of the span.
            end: of the span, not before.

        Returns:
            The last field at or before the start to the first at or after the end; two
            at least where there are several, for one alone is not held within bounds.
        """
        span = around(self.times, start, end)
        first = max(min(span.start, len(self.times) - 2), 0)
        span = slice(first, max(span.stop, first + 2))
        fields = {name: x[span] for name, x in self.fields.items()}
        return dataclasses.replace(self, times=self.times[span], fields=fields)


def around(times: np.ndarray, start: np.datetime64, end: np.datetime64) -> slice:
    """From the last time at or before a start to the first at or after an end.

    Args:
        times: ascending datetime64[s].
        start: of a span.
        end: of a span.
    """
    first = max(int(np.searchsorted(times, start, side="right")) - 1, 0)
    last = int(np.searchsorted(times, end, side="left"))
    return slice(first, last + 1)


def interpolated(times: np.ndarray, values: np.ndarray, wanted: np.ndarray):
    """Linear in time between the given times, held before and after; float32.

    Args:
        times: ascending datetime64[s].
        values: (time, …).
        wanted: datetime64[s].

    Returns:
        (wanted, …).
    """
    after = np.clip(np.searchsorted(times, wanted), 1, max(len(times) - 1, 1))
    if len(times) == 1:
        return np.repeat(values, len(wanted), axis=0)
    start, end = times[after - 1], times[after]
    share = np.clip((wanted - start) / (end - start), 0, 1)
    share = share.reshape(-1, *(1,) * (values.ndim - 1))
    mixed = (1 - share) * values[after - 1] + share * values[after]
    return mixed.astype(np.float32)
