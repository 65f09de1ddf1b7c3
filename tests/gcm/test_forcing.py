import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcm_cli import units
from ngcm_cli.gcm.forcing import Forcing

START = np.datetime64("2020-01-01T00", "s")
DAY = np.timedelta64(1, "D")
GRID = (4, 3)


def labelled(count):
    """Fields whose value is the index of their time."""
    values = jnp.arange(count, dtype=jnp.float32)[:, None, None, None]
    return {"sea_ice_cover": jnp.broadcast_to(values, (count, 1, *GRID))}


def minutes(time):
    return jnp.int32((time - units.REFERENCE_TIME) // np.timedelta64(1, "m"))


def index(forcing, time):
    fields = jax.jit(lambda f, m: f.select(m))(forcing, minutes(time))
    assert fields["sea_ice_cover"].shape == (1, *GRID)
    return int(fields["sea_ice_cover"][0, 0, 0])


DAILY = Forcing.at_times(START + np.arange(4) * DAY, labelled(4))


@pytest.mark.parametrize("day", range(4))
def test_at_its_time_a_field_holds(day):
    assert index(DAILY, START + day * DAY) == day


@pytest.mark.parametrize(
    "hours, expected",
    [(11, 0), (13, 1), (24 + 11, 1), (24 + 13, 2), (2 * 24 + 13, 3)],
)
def test_the_nearest_in_time_holds(hours, expected):
    assert index(DAILY, START + np.timedelta64(hours, "h")) == expected


@pytest.mark.parametrize("hours, expected", [(12, 0), (36, 2), (60, 2)])
def test_of_two_equally_near_the_even_one_holds(hours, expected):
    assert index(DAILY, START + np.timedelta64(hours, "h")) == expected


@pytest.mark.parametrize("days, expected", [(-1, 0), (-40_000, 0), (4, 3), (40_000, 3)])
def test_outside_its_times_the_first_and_last_persist(days, expected):
    assert index(DAILY, START + days * DAY) == expected


def test_times_need_not_be_equally_spaced():
    forcing = Forcing.at_times(START + np.array([0, 1, 11]) * DAY, labelled(3))
    assert [index(forcing, START + d * DAY) for d in (0, 1, 5, 7, 11)] == [
        0,
        1,
        1,
        2,
        2,
    ]


def test_minutes_are_counted_exactly_for_centuries():
    late = np.datetime64("2150-06-01T00", "s")
    times = late + np.arange(3) * np.timedelta64(1, "h")
    forcing = Forcing.at_times(times, labelled(3))
    assert index(forcing, late + np.timedelta64(29, "m")) == 0
    assert index(forcing, late + np.timedelta64(31, "m")) == 1


@pytest.mark.parametrize("days", [-40_000, 0, 40_000])
def test_a_forcing_of_one_time_is_constant(days):
    field = labelled(1)["sea_ice_cover"][0] + 7
    constant = Forcing.constant({"sea_ice_cover": field})
    assert index(constant, START + days * DAY) == 7
