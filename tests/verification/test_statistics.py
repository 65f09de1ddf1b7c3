import functools
import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_fields import LATITUDE, LONGITUDE, SHAPE, random_fields

from ngcm_cli.verification.deterministic_metrics import deterministic_statistics
from ngcm_cli.verification.metrics import METRICS
from ngcm_cli.verification.regions import region_weights
from ngcm_cli.verification.statistics import Statistics

WEIGHTS = region_weights(["global", "europe", "tropics"], LATITUDE, LONGITUDE)
TIMES = [
    deterministic_statistics(
        random_fields(2 * i) + 0.5,
        random_fields(2 * i + 1, missing=True),
        WEIGHTS,
        np.full(SHAPE, 280.0),
    )
    for i in range(12)
]


@given(st.permutations(TIMES), st.integers(1, 11))
def test_merging_in_any_order(times, cut):
    whole = functools.reduce(operator.add, TIMES)
    first, second = sum(times[:cut], Statistics()), sum(times[cut:], Statistics())
    for merged in (first + second, Statistics.stack(times).sum()):
        for name in ("rmse", "mae", "bias", "acc", "acc_mean_of_times", "activity"):
            np.testing.assert_allclose(
                METRICS[name](merged.means()),
                METRICS[name](whole.means()),
                rtol=1e-12,
            )


def test_merging_thousands_in_any_order():
    values = np.random.default_rng(0).normal(loc=0.1, size=3000)
    parts = [Statistics({"x": (value, 1.0)}) for value in values]
    forwards = sum(parts, Statistics()).means()["x"]
    backwards = sum(reversed(parts), Statistics()).means()["x"]
    at_once = Statistics.stack(parts).sum().means()["x"]
    np.testing.assert_allclose(backwards, forwards, rtol=0, atol=1e-12)
    np.testing.assert_allclose(at_once, forwards, rtol=0, atol=1e-12)


def test_means():
    statistics = Statistics({"x": ([6.0, 1.0], [2.0, 0.0]), "y": ([2.0, 4.0], 4.0)})
    means = statistics.means()
    np.testing.assert_array_equal(means["x"], [3, np.nan])
    np.testing.assert_array_equal(means["y"], [0.5, 1])


def test_weights_that_broadcast_are_merged_with_whole_ones():
    a = Statistics({"x": (np.ones((2, 3)), np.ones((2, 1)))})
    b = Statistics({"x": (np.ones((2, 3)), np.eye(2, 3))})
    np.testing.assert_array_equal((a + b)["x"].weight, 1 + np.eye(2, 3))
    np.testing.assert_array_equal(
        Statistics.stack([a, b]).sum()["x"].weight, 1 + np.eye(2, 3)
    )


def test_arrays_and_back():
    back = Statistics.from_arrays(TIMES[0].to_arrays())
    assert back.keys() == TIMES[0].keys()
    for name, (total, weight) in TIMES[0].items():
        np.testing.assert_array_equal(back[name].total, total)
        np.testing.assert_array_equal(back[name].weight, weight)
    with pytest.raises(KeyError):
        Statistics.from_arrays({"x.sum": np.ones(1)})


def test_parts_of_statistics():
    whole = Statistics.stack(TIMES)
    np.testing.assert_array_equal(
        whole.take(slice(0, 3)).sum()["error"].total,
        sum(TIMES[:3], Statistics())["error"].total,
    )
    assert list(whole.select(["error"])) == ["error"]
    assert "error (12, 3, 3)" in repr(whole)
    twice = Statistics.concatenate(TIMES[:2], axis=1)
    assert twice["error"].total.shape == (3, 6)


def test_statistics_that_do_not_match_are_not_merged():
    a = Statistics({"x": (np.ones(2), 1.0)})
    with pytest.raises(ValueError, match="statistics of"):
        a + Statistics({"y": (np.ones(2), 1.0)})
    with pytest.raises(ValueError, match=r"x: \(2,\), \(3,\)"):
        a + Statistics({"x": (np.ones(3), 1.0)})
    with pytest.raises(ValueError, match="in both"):
        a | a
    with pytest.raises(ValueError, match="weights"):
        Statistics({"x": (np.ones(1), np.ones(3))})
