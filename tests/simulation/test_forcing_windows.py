"""The surface forcing of a run by calendar years: one size, and the same numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcm_cli import units
from ngcm_cli.forcing.surface_forcing import SurfaceForcing
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.inputs.variables import SEA_ICE, SST
from ngcm_cli.simulation.forcing_windows import ForcingWindows

DAY = np.timedelta64(86400, "s")
HOUR = np.timedelta64(3600, "s")


def monthly(first, last) -> SurfaceForcing:
    """Return forcing in the middle of every month, on two cells."""
    months = np.arange(np.datetime64(first, "M"), np.datetime64(last, "M") + 1)
    times = months.astype("datetime64[s]") + 15 * DAY
    draw = np.random.default_rng(0)
    shape = len(times), 1, 2, 1
    fields = {SST: draw.uniform(280, 300, shape), SEA_ICE: draw.uniform(0, 1, shape)}
    fields = {name: x.astype(np.float32) for name, x in fields.items()}
    return SurfaceForcing(times, fields, (), sst_offset=2.0)


def at(forcing, time):
    minutes = (time - units.REFERENCE_TIME) // np.timedelta64(60, "s")
    return _select(forcing, jnp.int32(minutes))


@jax.jit
def _select(forcing, minutes):
    return forcing.select(minutes)


@pytest.mark.parametrize(
    "start, days, window, programs",
    [
        # For every calendar year; also the last day of one, and years not filled.
        ("1982-07-01", 2 * 365 + 100, DAY, 3),
        # A window that reaches into the next year needs both.
        ("1982-12-20", 30, 10 * DAY, 3),
        ("1982-12-31", 1, DAY, 1),
    ],
)
def test_the_same_numbers_in_windows_of_one_size(start, days, window, programs):
    first = np.datetime64(start, "s")
    end = first + days * DAY
    forcing = monthly(first - 31 * DAY, end + 31 * DAY)
    whole = Forcing.at_times(forcing.times, forcing.fields, forcing.sst_offset)
    windows = ForcingWindows(forcing, first, end, window)
    seen = []
    for begin in np.arange(first, end, window):
        ours = windows.at(begin)
        if not any(ours is known for known in seen):
            seen.append(ours)
        if begin.astype("M8[D]").item().day in (1, 20, 30, 31):
            for time in (begin, begin + window - HOUR):
                chosen = at(ours, time)
                for name, field in at(whole, time).items():
                    np.testing.assert_array_equal(chosen[name], field)
    assert len({len(one.minutes) for one in seen}) == 1
    assert len(seen) == programs


def test_forcing_that_persists_is_constant():
    first = np.datetime64("1982-07-01", "s")
    fields = {SST: np.full((1, 1, 2, 1), 290, np.float32)}
    forcing = SurfaceForcing(np.array([first]), fields, (), sst_offset=0.0)
    windows = ForcingWindows(forcing, first, first + 9 * DAY, 6 * HOUR)
    for time in (first, first + 9 * DAY, first + 400 * DAY):
        assert (at(windows.at(first), time)[SST] == 290).all()


def test_a_run_of_no_length():
    first = np.datetime64("1982-07-01", "s")
    forcing = monthly(first - 31 * DAY, first + 31 * DAY)
    windows = ForcingWindows(forcing, first, first, 0 * HOUR)
    whole = Forcing.at_times(forcing.times, forcing.fields, forcing.sst_offset)
    np.testing.assert_array_equal(
        at(windows.at(first), first)[SST], at(whole, first)[SST]
    )
