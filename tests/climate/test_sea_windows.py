"""The sea of a long run by calendar years: one size, and the same numbers."""

import jax
import jax.numpy as jnp
import numpy as np
from ngcm_cli.climate.sea_windows import SeaWindows

from ngcm_cli import units
from ngcm_cli.forcing.surface_forcing import SurfaceForcing
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.inputs.variables import SEA_ICE, SST

DAY = np.timedelta64(86400, "s")
HOUR = np.timedelta64(3600, "s")


def monthly_sea(first, last):
    """In the middle of every month, on two cells."""
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


def assert_windows(starts, days, programs):
    """At every hour of some days the numbers of the whole sea, in windows of one size.

    Args:
        starts: first and last of the runs.
        days: of each.
        programs: number of windows.
    """
    first, last = (np.datetime64(start, "s") for start in starts)
    sea = monthly_sea(first - 31 * DAY, last + (days + 31) * DAY)
    whole = Forcing.at_times(sea.times, sea.fields, sea.sst_offset)
    windows = SeaWindows(sea, first, last, days)
    seen = [windows.forcing(0)]
    for day in range(days):
        window = windows.forcing(day)
        if window is not seen[-1]:
            seen.append(window)
        begins = (first + day * DAY, last + day * DAY)
        if any(time.astype("M8[D]").item().day in (1, 31) for time in begins):
            for time in (begins[0], begins[0] + 23 * HOUR, begins[1] + 23 * HOUR):
                ours = at(window, time)
                for name, field in at(whole, time).items():
                    np.testing.assert_array_equal(ours[name], field)
    assert len({len(window.minutes) for window in seen}) == 1
    assert len(seen) == programs


def test_one_window_for_every_calendar_year():
    """Also for the last day of a year, and for years that the run does not fill."""
    assert_windows(("1982-07-01", "1982-07-01"), 2 * 365 + 100, 3)


def test_runs_in_different_years():
    # 1982 alone, 1982 and 1983, 1983 alone, 1983 and 1984, 1984 alone
    assert_windows(("1982-11-01", "1982-12-11"), 440, 5)
