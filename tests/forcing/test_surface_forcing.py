"""The rule of interpolation in time, and parts of a forcing."""

import jax
import numpy as np
import pytest
from small_analysis import GRID

from ngcm_cli import units
from ngcm_cli.forcing.read_forcing import ForcingRequest, read_forcing
from ngcm_cli.forcing.sst_anomaly import SSTAnomaly
from ngcm_cli.forcing.surface_forcing import SurfaceForcing
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.sources.bundled import sst_record_path
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
    return SurfaceForcing(times, fields, ("Made up.",), sst_offset)


def bits(fields):
    return {name: np.asarray(x).tobytes() for name, x in fields.items()}


def in_model(sea, time):
    """What the model sees, by the JAX implementation of the rule."""
    forcing = Forcing.at_times(sea.times, sea.fields, sea.sst_offset)
    minute = np.int32((time - units.REFERENCE_TIME) // MINUTE)
    return select(forcing, minute)


def seen(sea, time):
    return bits(in_model(sea, time))


@pytest.mark.parametrize("sst_offset", [0.0, -2.0])
@pytest.mark.parametrize("count", [2, 3, 40])
def test_numpy_and_jax_interpolate_by_the_same_rule(count, sst_offset):
    """At the times, between and beyond them; clipped to bounds, then offset."""
    sea = made(count, sst_offset=sst_offset)
    rng = np.random.default_rng(1)
    span = (sea.times[-1] - sea.times[0]) // MINUTE
    between = sea.times[0] + rng.integers(-span // 2, 3 * span // 2, 40) * MINUTE
    clipped = 0
    for time in (*sea.times, *between):
        ours, models = sea.at_time(time), in_model(sea, time)
        assert set(ours) == set(models)
        for name, field in ours.items():
            assert field.dtype == np.float32
            # Rounding of one interpolation in float32: ice lies within -0.5 and 1.5.
            atol = {SST: 305, SEA_ICE: 1.5}[name] * np.finfo(np.float32).eps
            np.testing.assert_allclose(field, models[name], rtol=0, atol=2 * atol)
            bounds = units.SEA_BOUNDS_SI[name]
            shift = sst_offset if name == SST else 0
            clipped += (field == np.float32(bounds[0]) + np.float32(shift)).sum()
    assert clipped > 0
    one = made(1, sst_offset=0.0)
    constant = Forcing.at_times(one.times, one.fields, 0.0)
    assert bits(one.at_time(START + DAY)) == bits(select(constant, np.int32(0)))


def test_only_what_is_needed_is_taken():
    sea = made(40)
    window = sea.select_period(sea.times[5] + DAY, sea.times[9] - DAY)
    np.testing.assert_array_equal(window.times, sea.times[5:10])
    exact = sea.select_period(sea.times[5], sea.times[9])
    np.testing.assert_array_equal(exact.times, sea.times[5:10])
    assert window.notes == sea.notes
    for name, field in window.fields.items():
        np.testing.assert_array_equal(field, sea.fields[name][5:10])


@pytest.mark.parametrize("sst_offset", [0.0, 2.0, "a field"])
@pytest.mark.parametrize(
    "first, last", [(0, 1), (0, 4), (3, 4), (3, 7), (3, 8), (5, 20), (31, 39), (0, 39)]
)
def test_a_window_gives_the_same_bits(first, last, sst_offset):
    """Windows of 2 to 40 times, which are padded to 2, 4, 8, 16, 32 and 64."""
    if sst_offset == "a field":
        rng = np.random.default_rng(0)
        sst_offset = rng.normal(size=(1, *GRID.nodal_shape)).astype(np.float32)
    sea = made(40, sst_offset=sst_offset)
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
    request = ForcingRequest(
        "prescribed",
        366 * DAY,
        sst_record_path(),
        sst_anomaly=SSTAnomaly(0.0, 180.0, 60.0, 2.0),
    )
    sea = read_forcing(request, START, ModelInputs(GRID, (), ()))
    for day in range(0, 360, 30):
        window = sea.select_period(START + day * DAY, START + (day + 30) * DAY)
        assert len(window.times) < len(sea.times) / 2
        for hours in (0, 1, 13 * 24 + 7, 15 * 24 + 12, 29 * 24 + 23, 30 * 24):
            time = START + day * DAY + hours * HOUR
            assert seen(window, time) == seen(sea, time)
