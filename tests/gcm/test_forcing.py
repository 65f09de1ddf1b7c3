import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcm_cli import units
from ngcm_cli.forcing.mid_month_values import mid_month_values
from ngcm_cli.gcm.forcing import Forcing

START = np.datetime64("2020-01-01T00", "s")
DAY = np.timedelta64(1, "D")
GRID = (4, 3)
SST, ICE = "sea_surface_temperature", "sea_ice_cover"
EPSILON = float(np.finfo(np.float32).eps)


def over_the_grid(values):
    """Fields that are the same everywhere, (time, 1, longitude, latitude)."""
    values = np.asarray(values, np.float32)[:, None, None, None]
    return np.broadcast_to(values, (len(values), 1, *GRID))


def minutes(time):
    return jnp.int32((time - units.REFERENCE_TIME) // np.timedelta64(1, "m"))


select = jax.jit(lambda forcing, minute: forcing.select(minute))


def sst(forcing, time):
    """The temperature at a time, the same in every cell."""
    field = np.asarray(select(forcing, minutes(time))[SST])
    assert field.shape == (1, *GRID) and field.dtype == np.float32
    assert np.ptp(field) == 0
    return field[0, 0, 0]


DAILY = Forcing.at_times(
    START + np.arange(4) * DAY, {SST: over_the_grid([280, 281, 285, 273])}
)


@pytest.mark.parametrize("day, expected", [(0, 280), (1, 281), (2, 285), (3, 273)])
def test_at_its_time_a_field_holds(day, expected):
    assert sst(DAILY, START + day * DAY) == expected


@pytest.mark.parametrize("passed", [0, 1, 59, 719, 720, 1439, 1440, 2000, 4319])
def test_between_two_times_the_change_is_linear(passed):
    expected = np.interp(passed / 1440, range(4), [280, 281, 285, 273])
    # One rounding of the fraction, of the product (together of the change, 12 K at
    # most) and of the sum.
    tolerance = (2 * 12 + 285) * EPSILON / 2
    value = sst(DAILY, START + np.timedelta64(passed, "m"))
    assert value == pytest.approx(expected, abs=tolerance)


def test_a_ramp_over_times_unequally_spaced_is_a_ramp():
    days = np.array([0, 1, 11, 42, 70])
    forcing = Forcing.at_times(START + days * DAY, {SST: over_the_grid(280 + days / 8)})
    for minute in np.random.default_rng(0).integers(0, 70 * 1440, 50):
        value = sst(forcing, START + np.timedelta64(minute, "m"))
        tolerance = (2 * 4 + 290) * EPSILON / 2
        assert value == pytest.approx(280 + minute / 1440 / 8, abs=tolerance)


@pytest.mark.parametrize(
    "days, expected", [(-1, 280), (-40_000, 280), (4, 273), (40_000, 273)]
)
def test_outside_its_times_the_first_and_last_persist(days, expected):
    assert sst(DAILY, START + days * DAY) == expected


@pytest.mark.parametrize("days", [0, 0.3, 1, 1.7, 2, 2.5, 5])
def test_equal_fields_stay_as_they_are(days):
    value = np.float32(271.46045)
    forcing = Forcing.at_times(
        START + np.arange(3) * DAY, {SST: over_the_grid([value] * 3)}
    )
    assert sst(forcing, START + np.timedelta64(int(days * 1440), "m")) == value


def test_minutes_are_counted_exactly_for_centuries():
    late = np.datetime64("2150-06-01T00", "s")
    times = late + np.arange(3) * np.timedelta64(1, "h")
    forcing = Forcing.at_times(times, {SST: over_the_grid([280, 340, 400])})
    for minute in (0, 1, 29, 60, 61, 119):
        value = sst(forcing, late + np.timedelta64(minute, "m"))
        assert value == pytest.approx(280 + minute, abs=400 * EPSILON)


def test_mid_month_values_are_held_within_bounds_after_interpolation():
    overshooting = {ICE: over_the_grid([1.4, -0.6]), SST: over_the_grid([260, 276])}
    forcing = Forcing.at_times(START + np.array([0, 10]) * DAY, overshooting)
    for day, ice, temperature in (0, 1, 271.35), (4, 0.6, 271.35), (9, 0, 274.4):
        fields = select(forcing, minutes(START + day * DAY))
        # The change, 2 of ice and 16 K, is rounded twice, the sum once.
        np.testing.assert_allclose(fields[ICE], ice, rtol=0, atol=3 * EPSILON)
        np.testing.assert_allclose(
            fields[SST], temperature, rtol=0, atol=(16 + 138) * EPSILON
        )


def test_from_mid_month_values_the_model_sees_the_monthly_means():
    """Two years of ice and of a sea that freezes, seen at the middle of every hour."""
    season = np.cos(np.arange(24) * np.pi / 6)[:, None, None, None]
    shift = np.linspace(-0.5, 0.5, 12).reshape(1, *GRID)
    means = {
        ICE: np.clip(0.4 + 0.8 * season + shift, 0, 1),
        SST: np.maximum(271.35, 274 - 6 * season + shift),
    }
    months = np.datetime64("2019-06") + np.arange(24)
    bounds = {ICE: (0, 1), SST: (units.SEA_FREEZING_SI, None)}
    values = {}
    for name, field in means.items():
        times, values[name] = mid_month_values(field, months, *bounds[name])
    forcing = Forcing.at_times(times, values)
    many = jax.jit(jax.vmap(forcing.select))
    for index, month in enumerate(months):
        hours = np.arange(month, month + 1, dtype="datetime64[h]")
        at = (hours - units.REFERENCE_TIME) // np.timedelta64(1, "m") + 30
        seen = many(jnp.asarray(at, jnp.int32))
        for name, field in means.items():
            # Promised are 1e-5; float32 rounds kelvins to 1.5e-5 twice, and an hour at
            # a bend of slopes of 20 K in 28 days is wrong by a triangle, below 1e-5.
            tolerance = 2e-5 + 290 * EPSILON
            mean = np.asarray(seen[name], float).mean(axis=0)
            np.testing.assert_allclose(mean, field[index], rtol=0, atol=tolerance)


@pytest.mark.parametrize("days", [-40_000, 0, 40_000])
def test_a_forcing_of_one_time_is_constant_whatever_it_holds(days):
    rng = np.random.default_rng(0)
    fields = {
        SST: rng.uniform(250, 300, (1, *GRID)).astype(np.float32),
        ICE: rng.uniform(-1, 2, (1, *GRID)).astype(np.float32),
    }
    of_one_time = {name: x[None] for name, x in fields.items()}
    for forcing in (
        Forcing.constant(fields),
        Forcing.at_times(np.array([START]), of_one_time),
    ):
        selected = select(forcing, minutes(START + days * DAY))
        for name, field in fields.items():
            np.testing.assert_array_equal(selected[name], field)


@pytest.mark.parametrize(
    "count, padded", [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (494, 512)]
)
def test_the_number_of_times_is_padded_to_a_power_of_two(count, padded):
    values = 280 + np.arange(count) / 8
    times = START + np.arange(count) * DAY
    forcing = Forcing.at_times(times, {SST: over_the_grid(values)})
    assert forcing.fields[SST].shape == (padded, 1, *GRID)
    assert forcing.fields[SST].dtype == jnp.float32
    assert np.all(np.diff(forcing.minutes) > 0) and forcing.minutes.dtype == jnp.int32
    assert (forcing.fields[SST][count - 1 :] == values[-1]).all()
    assert sst(forcing, times[-1] + 1000 * DAY) == values[-1]


def test_values_are_kept_in_float32():
    forcing = Forcing.at_times(
        START + np.arange(2) * DAY, {SST: np.full((2, 1, *GRID), 280.1)}
    )
    assert forcing.fields[SST].dtype == jnp.float32


def test_runs_of_different_length_share_a_program():
    traces = []

    @jax.jit
    def counted(forcing, minute):
        traces.append(len(forcing.minutes))
        return forcing.select(minute)

    for count in (5, 6, 8, 9, 16):
        times = START + np.arange(count) * DAY
        counted(Forcing.at_times(times, {SST: over_the_grid([280] * count)}), 0)
    assert traces == [8, 16]
    counted(Forcing.at_times(times[:3], {SST: over_the_grid([280] * 3)}, 0.0, 13), 0)
    assert traces == [8, 16]


def test_a_warming_may_be_of_a_place():
    """After the bounds, in its own cells only; a single number stays a scalar."""
    warming = np.zeros((1, *GRID), np.float32)
    warming[0, 1, 2] = -2.5
    times, values = START + np.arange(2) * DAY, over_the_grid([260, 274])
    plain = select(Forcing.at_times(times, {SST: values}), minutes(START))[SST]
    other = Forcing.at_times(times, {SST: values, ICE: 0 * values}, warming)
    fields = select(other, minutes(START))
    np.testing.assert_array_equal(fields[SST], np.asarray(plain) + warming)
    assert fields[SST].shape == (1, *GRID) and not np.any(fields[ICE])
    assert Forcing.at_times(times, {SST: values}, 2.0).warming.shape == ()
