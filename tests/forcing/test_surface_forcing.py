"""A part of the sea gives a run the same bits as the whole."""

import jax
import numpy as np
import pytest
from small_analysis import CLIMATOLOGY, GRID, RECORD

from ngcm_cli import units
from ngcm_cli.forcing.run_inputs import InputRequest, read_sea
from ngcm_cli.forcing.surface_forcing import SurfaceForcing
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.variables import SEA_ICE, SST

START = np.datetime64("2000-01-01", "s")
DAY, HOUR, MINUTE = (np.timedelta64(n, "s") for n in (86400, 3600, 60))
select = jax.jit(lambda forcing, minute: forcing.select(minute))


def made(count, step=7 * DAY, sst_offset=0.0):
    """Rough fields, many beyond their bounds, at times that are not even."""
    rng = np.random.default_rng(count)
    times = START + np.arange(count) * step
    times[1::2] += 11 * HOUR
    shape = count, 1, *GRID.nodal_shape
    fields = {
        SST: rng.uniform(265, 305, shape).astype(np.float32),
        SEA_ICE: rng.uniform(-0.5, 1.5, shape).astype(np.float32),
    }
    return SurfaceForcing(times, fields, ("Made up.",), warming)


def bits(fields):
    return {name: np.asarray(x).tobytes() for name, x in fields.items()}


def seen(sea, time):
    forcing = Forcing.at_times(sea.times, sea.fields, sea.sst_offset)
    minute = np.int32((time - units.REFERENCE_TIME) // MINUTE)
    return bits(select(forcing, minute))


def test_only_what_is_needed_is_taken():
    sea = made(40)
    window = sea.select_period(sea.times[5] + DAY, sea.times[9] - DAY)
    np.testing.assert_array_equal(window.times, sea.times[5:10])
    exact = sea.select_period(sea.times[5], sea.times[9])
    np.testing.assert_array_equal(exact.times, sea.times[5:10])
    assert window.notes == sea.notes
    for name, field in window.fields.items():
        np.testing.assert_array_equal(field, sea.fields[name][5:10])


@pytest.mark.parametrize("warming", [0.0, 2.0, "a field"])
@pytest.mark.parametrize(
    "first, last", [(0, 1), (0, 4), (3, 4), (3, 7), (3, 8), (5, 20), (31, 39), (0, 39)]
)
def test_a_window_gives_the_same_bits(first, last, warming):
    """Windows of 2 to 40 times, which are padded to 2, 4, 8, 16, 32 and 64."""
    if warming == "a field":
        rng = np.random.default_rng(0)
        warming = rng.normal(size=(1, *GRID.nodal_shape)).astype(np.float32)
    sea = made(40, sst_offset=warming)
    start, end = sea.times[[first, last]]
    window = sea.select_period(start, end)
    assert len(window.times) == last - first + 1
    assert window.sst_offset is sea.sst_offset
    rng = np.random.default_rng(first + last)
    some = rng.integers(0, (end - start) // MINUTE, 20)
    for time in (start, end, sea.times[first + 1], *(start + some * MINUTE)):
        assert bits(window.at_time(time)) == bits(sea.at_time(time))
        assert seen(window, time) == seen(sea, time)


@pytest.mark.parametrize("days", [-300, -1, 0, 3, 133, 273, 274, 1000])
def test_a_moment_and_what_lies_outside(days):
    """Where one field is enough it is not alone, for then it would not be clipped."""
    sea = made(40)
    time = START + days * DAY
    window = sea.select_period(time, time)
    assert len(window.times) == 2
    assert bits(window.at_time(time)) == bits(sea.at_time(time))
    assert seen(window, time) == seen(sea, time)


def test_of_one_time_there_is_no_less():
    sea = made(1)
    assert bits(sea.select_period(START - DAY, START + DAY).fields) == bits(sea.fields)


def test_windows_of_the_bundled_record_follow_each_other():
    """A year of AMIP in pieces of 30 days, the ice and the temperature at other times.

    The pieces are padded to four or eight times, the year to sixteen or more.
    """
    request = InputRequest(
        data="never opened",
        init=None,
        lead=366 * DAY,
        sea="prescribed",
        sst_data=str(RECORD),
        sst_offset=0.0,
        climatology=str(CLIMATOLOGY),
        patch=(0.0, 180.0, 60.0, 2.0),
    )
    sea = read_sea(request, START, ModelInputs(GRID, (), ()))
    for day in range(0, 360, 30):
        window = sea.select_period(START + day * DAY, START + (day + 30) * DAY)
        assert len(window.times) < len(sea.times) / 2
        for hours in (0, 1, 13 * 24 + 7, 15 * 24 + 12, 29 * 24 + 23, 30 * 24):
            time = START + day * DAY + hours * HOUR
            assert seen(window, time) == seen(sea, time)
