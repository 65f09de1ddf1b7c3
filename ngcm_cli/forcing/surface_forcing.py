"""Sea-surface temperature and sea ice of a run, as functions of time."""

import dataclasses
import functools

import numpy as np

from ngcm_cli import units
from ngcm_cli.inputs.variables import SST
from ngcm_cli.io.array_digest import arrays_sha256

NO_TIME = np.datetime64("1800-01-01T00", "s")
"""Stands for the valid time of a field that has none."""


@dataclasses.dataclass(frozen=True, eq=False)
class SurfaceForcing:
    """Sea-surface temperature and sea ice at some times, on the model's grid.

    Between the times the fields are linear in time, before the first and after the last
    they are constant. Where there are several times, the interpolated values are then
    clipped to ``units.SEA_BOUNDS_SI``; in the end ``sst_offset`` is added. This is the
    rule of `gcm.forcing.Forcing`, which the model applies.

    Attributes:
        times: Ascending datetime64[s], UTC; `NO_TIME` for one field without time.
        fields: Arrays by ERA5 name, shape (time, 1, longitude, latitude), float32, K
            and 0 to 1, no NaN.
        notes: One sentence for each source, conversion and substitution.
        sst_offset: Added to the temperature last, K; one number, or an array of shape
            (1, longitude, latitude), float32.
    """

    times: np.ndarray
    fields: dict[str, np.ndarray]
    notes: tuple[str, ...]
    sst_offset: float | np.ndarray = 0.0

    @property
    def has_time(self) -> bool:
        """Whether the valid time of the fields is known."""
        return self.times[0] != NO_TIME

    @functools.cached_property  # every restart asks, and the arrays may be large
    def sha256(self) -> str:
        """SHA-256 of all numbers, hexadecimal."""
        fields = (self.fields[name] for name in sorted(self.fields))
        offset = np.asarray(self.sst_offset, np.float32)
        return arrays_sha256(self.times, *fields, offset)

    def at_time(self, time: np.datetime64) -> dict[str, np.ndarray]:
        """Return the fields at one time, UTC, as the model sees them, by ERA5 name.

        Shape (1, longitude, latitude), float32.
        """
        fields = {}
        for name, x in self.fields.items():
            field = interpolate_in_time(self.times, x, np.array([time]))[0]
            if len(self.times) > 1:
                field = np.clip(field, *units.SEA_BOUNDS_SI[name])
            offset = self.sst_offset if name == SST else 0
            fields[name] = field + np.asarray(offset, np.float32)
        return fields

    def select_period(
        self, start: np.datetime64, end: np.datetime64
    ) -> "SurfaceForcing":
        """Return the part that determines the fields in a period, bit by bit.

        Returns:
            The fields from the last time at or before the start to the first at or
            after the end; at least two if there are several, because one field alone
            would not be clipped to its bounds.
        """
        period = bracketing_slice(self.times, start, end)
        first = max(min(period.start, len(self.times) - 2), 0)
        period = slice(first, max(period.stop, first + 2))
        fields = {name: x[period] for name, x in self.fields.items()}
        return dataclasses.replace(self, times=self.times[period], fields=fields)


def bracketing_slice(
    times: np.ndarray, start: np.datetime64, end: np.datetime64
) -> slice:
    """Return the slice from the last time at or before a period to the first after it.

    Times ascend; one equal to the end of the period counts as after it.
    """
    first = max(int(np.searchsorted(times, start, side="right")) - 1, 0)
    last = int(np.searchsorted(times, end, side="left"))
    return slice(first, last + 1)


def interpolate_in_time(
    times: np.ndarray, values: np.ndarray, wanted: np.ndarray
) -> np.ndarray:
    """Interpolate linearly in time; values are constant before and after all times.

    Values of shape (time, …) at ascending times become (wanted, …), float32.
    """
    if len(times) == 1:
        return np.repeat(values, len(wanted), axis=0)
    after = np.clip(np.searchsorted(times, wanted), 1, len(times) - 1)
    start, end = times[after - 1], times[after]
    weight = np.clip((wanted - start) / (end - start), 0, 1)
    weight = weight.reshape(-1, *(1,) * (values.ndim - 1))
    mixed = (1 - weight) * values[after - 1] + weight * values[after]
    return mixed.astype(np.float32)
