import numpy as np
import pytest
from scipy import stats

from ngcm_cli.verification.autocorrelation import block_length, variance_inflation
from ngcm_cli.verification.metrics import METRICS
from ngcm_cli.verification.statistics import Statistics
from ngcm_cli.verification.uncertainty import bootstrap_interval, paired_difference


def autoregressive(correlation, times, series, seed=0):
    """Return series of variance 1 of a first-order autoregressive process."""
    random = np.random.default_rng(seed)
    values = np.empty((times, series))
    values[0] = random.normal(size=series)
    noise = np.sqrt(1 - correlation**2) * random.normal(size=(times, series))
    for i in range(1, times):
        values[i] = correlation * values[i - 1] + noise[i]
    return values


def errors(values):
    return Statistics(
        {
            "error": (values, np.ones(values.shape)),
            "squared_error": (values**2, np.ones(values.shape)),
        }
    )


def mean(means):
    return means["error"]


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_inflation_of_an_autoregressive_process(correlation):
    """V = (1 + r)/(1 - r), and that of the means of many series."""
    values = autoregressive(correlation, 5000, 40)
    expected = (1 + correlation) / (1 - correlation)
    assert variance_inflation(values).mean() == pytest.approx(expected, rel=0.1)
    assert values.mean(axis=0).var() * 5000 == pytest.approx(expected, rel=0.6)


def test_inflation_of_special_series():
    assert variance_inflation(np.ones((20, 2))).tolist() == [1, 1]
    assert variance_inflation(np.full((20, 1), np.nan)).tolist() == [1]
    assert variance_inflation(np.arange(5.0)) == 1  # too short to tell
    trend = variance_inflation(np.arange(50.0))
    assert 10 < trend <= 50
    gaps = autoregressive(0.5, 5000, 1)
    gaps[::10] = np.nan
    assert variance_inflation(gaps)[0] == pytest.approx(3, rel=0.25)


def test_block_length_grows_with_correlation_and_number():
    assert block_length(1.0, 700) == 1
    lengths = [block_length(inflation, 700) for inflation in (1.5, 3, 9, 40)]
    assert lengths == sorted(set(lengths))
    # b = (n - b + 1)^(2/3 (1 - 1/V)), rounded up
    exponent = 2 / 3 * (1 - 1 / 3)
    b = block_length(3, 700)
    assert b - 1 < (700 - b + 2) ** exponent and b >= (700 - b + 1) ** exponent
    assert block_length(700, 16) == 4
    assert block_length(5, 2) == 1


@pytest.mark.parametrize(
    ("correlation", "times", "least"),
    [(0.0, 24, 0.9), (0.5, 100, 0.86), (0.8, 240, 0.84)],
)
def test_intervals_hold_the_truth_as_often_as_they_say(correlation, times, least):
    """Of 150 independent series; 0.95 is meant, and binomial noise has 0.018."""
    values = autoregressive(correlation, times, 150, seed=1)
    interval = bootstrap_interval(errors(values), mean, replicates=400)
    held = np.mean((interval.lower < 0) & (interval.upper > 0))
    assert least < held <= 1
    paired = paired_difference(
        errors(values), errors(np.zeros_like(values)), mean, replicates=400
    )
    assert np.mean(paired.p_value > 0.05) == pytest.approx(0.95, abs=0.1)
    np.testing.assert_allclose(paired.interval.lower, interval.lower, atol=1e-12)


def test_interval_of_independent_values_is_that_of_the_normal_distribution():
    values = autoregressive(0.0, 400, 1)
    interval = bootstrap_interval(errors(values), mean, replicates=4000, block=1)
    expected = stats.t.interval(0.95, 399, values.mean(), stats.sem(values[:, 0]))
    assert interval.lower[0] == pytest.approx(expected[0], abs=0.008)
    assert interval.upper[0] == pytest.approx(expected[1], abs=0.008)


def test_score_is_of_the_resampled_statistics():
    """The interval of an RMSE is the root of that of the MSE, and holds the RMSE."""
    statistics = errors(autoregressive(0.3, 60, 4))
    root = bootstrap_interval(statistics, METRICS["rmse"], block=3)
    square = bootstrap_interval(statistics, METRICS["mse"], block=3)
    np.testing.assert_allclose(root.estimate, np.sqrt(square.estimate), rtol=1e-14)
    np.testing.assert_allclose(root.lower, np.sqrt(square.lower), rtol=1e-3)
    assert (root.lower < root.estimate).all() and (root.estimate < root.upper).all()


def test_equal_seeds_give_equal_intervals():
    statistics = errors(autoregressive(0.3, 40, 2))
    first = bootstrap_interval(statistics, mean)
    again = bootstrap_interval(statistics, mean)
    other = bootstrap_interval(statistics, mean, seed=1)
    np.testing.assert_array_equal(first.lower, again.lower)
    assert (first.lower != other.lower).all()


def test_paired_difference_is_sharper_than_two_intervals():
    """Two forecasts that share most of their error."""
    shared = autoregressive(0.5, 120, 1)
    random = np.random.default_rng(2)
    better = errors(1 + 0.1 * shared + 0.01 * random.normal(size=shared.shape))
    worse = errors(1.02 + 0.1 * shared + 0.01 * random.normal(size=shared.shape))
    paired = paired_difference(better, worse, METRICS["rmse"])
    difference = METRICS["rmse"](better.sum().means()) - METRICS["rmse"](
        worse.sum().means()
    )
    np.testing.assert_allclose(paired.interval.estimate, difference, rtol=1e-14)
    assert paired.interval.upper[0] < 0 and paired.p_value[0] < 1e-3
    alone = bootstrap_interval(better, METRICS["rmse"])
    assert alone.upper[0] > METRICS["rmse"](worse.sum().means())[0]


def test_p_value_of_independent_differences_is_that_of_scipy():
    values = autoregressive(0.0, 50, 3) + 0.2
    paired = paired_difference(errors(values), errors(np.zeros_like(values)), mean)
    t = stats.ttest_1samp(values, 0).statistic / np.sqrt(paired.inflation)
    np.testing.assert_allclose(paired.p_value, 2 * stats.t.sf(np.abs(t), 49))


def test_a_forecast_does_not_differ_from_itself():
    statistics = errors(autoregressive(0.5, 30, 2))
    paired = paired_difference(statistics, statistics, mean)
    assert (paired.interval.lower == 0).all() and (paired.interval.upper == 0).all()
    assert (paired.p_value == 1).all()


def test_few_times_have_no_interval():
    statistics = errors(autoregressive(0.0, 5, 2))
    interval = bootstrap_interval(statistics, mean)
    assert np.isnan(interval.lower).all() and np.isnan(interval.upper).all()
    assert np.isfinite(interval.estimate).all()
    assert np.isnan(paired_difference(statistics, statistics, mean).p_value).all()


def test_times_and_scores_without_values():
    total, weight = np.ones((20, 3)), np.ones((20, 3))
    total[:, 1] = np.nan  # a forecast that blew up
    total[:, 2] = weight[:, 2] = 0  # no truth
    total[4, 0] = weight[4, 0] = 0  # no truth at one time
    statistics = Statistics({"error": (total, weight)})
    interval = bootstrap_interval(statistics, mean)
    np.testing.assert_array_equal(interval.estimate, [1, np.nan, np.nan])
    np.testing.assert_array_equal(interval.lower, [1, np.nan, np.nan])
    paired = paired_difference(statistics, statistics, mean)
    np.testing.assert_array_equal(paired.p_value, [1, np.nan, np.nan])
