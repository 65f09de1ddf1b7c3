import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.bounded_means import AT_BOUND, CONVERGED, REACH
from ngcm_cli.forcing.mid_month_values import mid_month_values
from ngcm_cli.inputs.calendars import is_monthly

FREEZING = 271.35
SAMPLES = 2000  # per month
ROUNDING = 1e-12  # of float64 sums and elimination, relative to the largest value


def months(first, count):
    return np.datetime64(first, "M") + np.arange(count)


def seconds(times):
    return times.astype("datetime64[s]").astype(np.int64)


def interpolation(values, starts, at, periodic):
    """Of one cell, at (month, sample) times in seconds."""
    middle = (seconds(starts) + seconds(starts + 1)) / 2
    if not periodic:
        return np.interp(at, middle, values)
    year = seconds(starts[-1:] + 1)[0] - seconds(starts[:1])[0]
    return np.interp(at, middle, values, period=year)


def exact_means(values, starts, periodic=False):
    """Of the interpolation of one cell: Simpson's and the trapezoidal rule agree."""
    begin, end = seconds(starts)[:, None], seconds(starts + 1)[:, None]
    at = begin + (end - begin) * np.array([0, 0.5, 1])
    f = interpolation(values, starts, at, periodic)
    return f @ [0.25, 0.5, 0.25]


def clipped_means(values, starts, lower, upper, periodic=False):
    """Of the clipped interpolation of one cell, by many samples."""
    begin, end = seconds(starts)[:, None], seconds(starts + 1)[:, None]
    at = begin + (end - begin) * (np.arange(SAMPLES) + 0.5) / SAMPLES
    f = interpolation(values, starts, at, periodic)
    return np.clip(f, lower, upper).mean(axis=1)


def sampling_error(values):
    """Of ``clipped_means``: at each of up to four bends, a triangle of one sample."""
    return 4 * np.abs(np.diff(values)).max() * 2 / SAMPLES**2 / 8


def assert_has_means(values, means, starts, lower, upper, periodic=False):
    found = clipped_means(values, starts, lower, upper, periodic)
    np.testing.assert_allclose(
        found, means, rtol=0, atol=AT_BOUND + CONVERGED + sampling_error(values)
    )


def test_two_months_by_hand():
    """7/8 a + 1/8 b = 1 and 1/8 a + 7/8 b = 0."""
    times, values = mid_month_values(np.array([1.0, 0.0]), months("2001-07", 2))
    np.testing.assert_allclose(values, [7 / 6, -1 / 6], rtol=1e-14)
    np.testing.assert_array_equal(
        times, np.array(["2001-07-16T12", "2001-08-16T12"], "datetime64[s]")
    )


def test_two_months_by_hand_bounded():
    """The line reaches 0 where August begins: 1/2 a + 1/2 a/2 = 1, and b = −a."""
    _, values = mid_month_values(np.array([1.0, 0.0]), months("2001-07", 2), lower=0)
    np.testing.assert_allclose(values, [4 / 3, -4 / 3], atol=2 * CONVERGED)
    _, values = mid_month_values(np.array([0.0, 1.0]), months("2001-07", 2), upper=1)
    np.testing.assert_allclose(values, [-1 / 3, 7 / 3], atol=2 * CONVERGED)


def test_middles_of_months_of_any_length():
    times, _ = mid_month_values(np.zeros(3), months("2000-02", 3))
    expected = ["2000-02-15T12", "2000-03-16T12", "2000-04-16T00"]
    np.testing.assert_array_equal(times, np.array(expected, "datetime64[s]"))


@given(
    hnp.arrays(float, st.integers(3, 40), elements=st.floats(-100, 100)),
    st.integers(0, 3000),
)
def test_unbounded_means_are_conserved(means, first):
    starts = np.datetime64("1900-01", "M") + first + np.arange(len(means))
    _, values = mid_month_values(means, starts)
    np.testing.assert_allclose(
        exact_means(values, starts), means, rtol=0, atol=100 * ROUNDING
    )


@given(hnp.arrays(float, 12, elements=st.floats(-100, 100)), st.integers(0, 3000))
def test_means_of_a_climatology_are_conserved(means, first):
    starts = np.datetime64("1900-01", "M") + first + np.arange(12)
    _, values = mid_month_values(means, starts, periodic=True)
    np.testing.assert_allclose(
        exact_means(values, starts, periodic=True), means, rtol=0, atol=100 * ROUNDING
    )


@given(
    hnp.arrays(float, st.integers(3, 40), elements=st.floats(-3, 3)),
    st.integers(0, 600),
    st.booleans(),
)
def test_means_above_one_bound_are_conserved(means, first, periodic):
    means = FREEZING + np.maximum((np.resize(means, 12) if periodic else means), 0)
    starts = np.datetime64("1980-01", "M") + first + np.arange(len(means))
    _, values = mid_month_values(means, starts, lower=FREEZING, periodic=periodic)
    assert_has_means(values, means, starts, FREEZING, np.inf, periodic)


@given(
    hnp.arrays(float, st.integers(3, 40), elements=st.floats(-0.5, 1.5)),
    st.booleans(),
)
def test_means_between_two_bounds_are_conserved_but_for_leaps(means, periodic):
    means = np.clip(np.resize(means, 12) if periodic else means, 0, 1)
    starts = months("1995-11", len(means))
    _, values = mid_month_values(means, starts, 0, 1, periodic)
    reach = REACH * max(np.ptp(means), AT_BOUND)
    assert -reach <= values.min() and values.max() <= 1 + reach
    if -reach < values.min() and values.max() < 1 + reach:
        assert_has_means(values, means, starts, 0, 1, periodic)
    else:
        found = clipped_means(values, starts, 0, 1, periodic)
        assert np.abs(found - means).max() < 0.04 * np.ptp(means)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize(
    "means",
    [
        [0, 0, 0.5, 1, 1, 0.3, 0, 0, 0, 0.2, 0.1, 0],
        [0.9, 0.95, 1, 1, 0.97, 0.8, 0.3, 0, 0, 0.1, 0.6, 0.8],
        [0, 0, 0, 0, 0, 0.4, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0.9, 0, 0, 0, 1e-4, 0, 2e-6, 0.5, 0],
        [1, 1, 1, 1, 0.4, 1, 1, 1, 0.9, 1, 1, 1],
    ],
)
def test_sea_ice(means, periodic):
    starts = months("2003-01", 12)
    _, values = mid_month_values(np.array(means), starts, 0, 1, periodic)
    assert_has_means(values, means, starts, 0, 1, periodic)


def test_between_months_at_the_bound_a_month_is_the_bound_itself():
    means = np.array([0.6, 0, 0, 0, 0.6, 1, 1, 1, 0.6])
    _, values = mid_month_values(means, months("2003-01", 9), 0, 1)
    assert values[2] == pytest.approx(0, abs=CONVERGED)
    assert values[6] == pytest.approx(1, abs=CONVERGED)
    assert values[1] < 0 and values[5] > 1


@pytest.mark.parametrize("means", [np.zeros(5), np.ones(5), np.full(5, 0.3)])
def test_constant_means_are_their_values(means):
    _, values = mid_month_values(means, months("2003-01", 5), 0, 1)
    np.testing.assert_allclose(values, means, rtol=1e-14)


def test_a_mean_beyond_a_bound_counts_as_at_the_bound():
    starts = months("2003-01", 4)
    _, beyond = mid_month_values(np.array([-0.1, 0.5, 1.2, 0.4]), starts, 0, 1)
    _, at = mid_month_values(np.array([0.0, 0.5, 1.0, 0.4]), starts, 0, 1)
    np.testing.assert_array_equal(beyond, at)


@pytest.mark.parametrize("lower", [None, 0.0])
def test_a_climatology_is_a_long_record_that_repeats(lower):
    """2001 among the years 1995 to 2007, whose leap days are in 1996, 2000 and 2004.

    What is otherwise elsewhere decays by 3 − √8 a month in the solution of equations
    with 1/8, 3/4, 1/8: from February 2000 to January 2001 to 4e-9. Under the bound the
    equations are solved to ``CONVERGED``, and the inverse of their derivative has row
    sums up to 4.5 here.
    """
    means = np.maximum(np.cos(np.arange(12) * np.pi / 6) + 0.2, 0)
    _, values = mid_month_values(means, months("2001-01", 12), lower, periodic=True)
    _, record = mid_month_values(np.tile(means, 13), months("1995-01", 156), lower)
    tolerance = 1e-8 if lower is None else 2 * 4.6 * CONVERGED
    np.testing.assert_allclose(values, record[72:84], rtol=0, atol=tolerance)


def test_land_stays_missing_and_shape_and_type_stay():
    rng = np.random.default_rng(0)
    means = rng.uniform(0, 1, (5, 3, 4)).astype(np.float32)
    alone = mid_month_values(means, months("2003-01", 5), 0, 1)[1]
    means[:, 0, 1] = np.nan
    means[2, 2, 2] = np.nan
    _, values = mid_month_values(means, months("2003-01", 5), 0, 1)
    assert values.shape == means.shape and values.dtype == np.float32
    missing = np.isnan(values)
    assert missing[:, 0, 1].all() and missing[:, 2, 2].all()
    assert missing.sum() == 10
    np.testing.assert_array_equal(values[~missing], alone[~missing])


def test_months_must_follow_each_other():
    with pytest.raises(InputDataError, match="not of consecutive months"):
        mid_month_values(np.zeros(3), np.array(["2001-01", "2001-02", "2001-04"], "M8"))
    with pytest.raises(InputDataError, match="has 12 months, but 6 are given"):
        mid_month_values(np.zeros(6), months("2001-01", 6), periodic=True)


def missed(values, means, starts, lower, upper, periodic):
    """Errors of the means of some cells, (cell, month)."""
    return np.array(
        [
            clipped_means(v, starts, lower, upper, periodic) - m
            for v, m in zip(values.T, means.T, strict=True)
        ]
    )


def test_a_real_record_of_the_sea(shared):
    """OISST, 494 months; its float32 values are rounded to 1.5e-5 K."""
    path = shared / "data" / "oisst_sst_monthly_2p5deg_198112_202301.nc"
    with xr.open_dataset(path) as dataset:
        sst = dataset["sst"].values.reshape(494, -1) + np.float32(273.15)
        stamps = dataset["time"].values
    assert is_monthly(stamps)
    times, values = mid_month_values(sst, stamps, lower=FREEZING)
    assert times[0] == np.datetime64("1981-12-16T12") and len(times) == 494
    np.testing.assert_array_equal(np.isnan(values), np.isnan(sst))
    clipped = np.flatnonzero((values < FREEZING).any(axis=0))
    assert len(clipped) > 1000
    cells = clipped[::40]
    months_ = stamps.astype("M8[M]")
    errors = missed(values[:, cells], sst[:, cells], months_, FREEZING, np.inf, False)
    assert np.abs(errors).max() < 5e-5


def test_a_real_climatology_of_ice(shared):
    """Cells that leap from no ice to full cover, of the interpolated data, are rare."""
    path = shared / "data" / "amip_clim_sst_seaice_t63.nc"
    with xr.open_dataset(path) as dataset:
        ice = dataset["sea_ice_cover"].values.reshape(12, -1)
        stamps = dataset["time"].values.astype("M8[M]")
    _, values = mid_month_values(ice, stamps, 0, 1, periodic=True)
    assert np.isfinite(values).all()
    reach = REACH * np.ptp(ice, axis=0)
    leaps = ((values <= -0.999 * reach) | (values >= 1 + 0.999 * reach)).any(axis=0)
    assert leaps.sum() < 0.03 * ice.shape[1]
    some = np.flatnonzero(~leaps)[::50]
    errors = missed(values[:, some], ice[:, some], stamps, 0, 1, True)
    assert np.abs(errors).max() < 3e-5
    few = np.flatnonzero(leaps)[::20]
    errors = missed(values[:, few], ice[:, few], stamps, 0, 1, True)
    assert np.abs(errors).max() < 0.04
