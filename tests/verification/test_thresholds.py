import operator

import numpy as np
import pytest
import xarray as xr
from scores.probability import brier_score_for_ensemble
from synthetic_fields import LATITUDE, LONGITUDE, SHAPE, random_fields, region_means

from ngcm_cli.verification.metrics import METRICS
from ngcm_cli.verification.regions import region_weights
from ngcm_cli.verification.thresholds import threshold_statistics

DIMS = "level", "latitude", "longitude"
WEIGHTS = region_weights(["global", "tropics"], LATITUDE, LONGITUDE)
MEMBERS = random_fields(0, 8)
TRUTH = random_fields(1, missing=True)
THRESHOLDS = np.array([276.0, 280.0, 287.0])


def score(name, statistics):
    return METRICS[name](statistics.means())


@pytest.mark.parametrize("fair", [True, False])
@pytest.mark.parametrize("region", [0, 1])
def test_brier_score_equals_that_of_scores(fair, region):
    expected = brier_score_for_ensemble(
        xr.DataArray(MEMBERS, dims=("realization", *DIMS)),
        xr.DataArray(TRUTH, dims=DIMS),
        "realization",
        THRESHOLDS,
        preserve_dims="level",
        weights=xr.DataArray(WEIGHTS[region], dims=DIMS[1:]),
        fair_correction=fair,
        event_threshold_operator=operator.gt,
    )
    statistics = threshold_statistics(MEMBERS, TRUTH, THRESHOLDS, WEIGHTS)
    name = "brier_score" if fair else "unadjusted_brier_score"
    np.testing.assert_allclose(
        score(name, statistics)[region],
        expected.transpose("level", "threshold"),
        rtol=1e-10,
    )


def test_fair_brier_score_of_two_members_by_hand():
    """One of two members above: (1/2 - o)² - 1/2 · 1/2 = 0, whatever is observed."""
    members, cell = np.array([1.0, 3.0]).reshape(2, 1, 1, 1), np.ones((1, 1, 1))
    for truth in (0.0, 4.0):
        statistics = threshold_statistics(members, truth * cell, np.array([2.0]), cell)
        assert score("brier_score", statistics).item() == 0
        assert score("unadjusted_brier_score", statistics).item() == 0.25


def test_reliability_curve():
    probability = (MEMBERS > 280).mean(axis=0)
    event = np.where(np.isnan(TRUTH), np.nan, TRUTH > 280)
    statistics = threshold_statistics(MEMBERS, TRUTH, np.array([280.0]), WEIGHTS)
    observed = score("observed_frequency", statistics)
    forecast = score("forecast_probability", statistics)
    share = score("probability_bin_share", statistics)
    assert observed.shape == (2, 3, 1, 10)
    for i in range(10):
        last = probability <= 1 if i == 9 else probability < (i + 1) / 10
        inside = (probability >= i / 10) & last
        for expected, values in (
            (observed, np.where(inside, event, np.nan)),
            (forecast, np.where(inside, probability + 0 * event, np.nan)),
        ):
            if np.isfinite(values).any(axis=(1, 2)).all():
                np.testing.assert_allclose(
                    expected[0, :, 0, i], region_means(values, WEIGHTS)[0], rtol=1e-10
                )
        np.testing.assert_allclose(
            share[..., 0, i], region_means(inside + 0 * event, WEIGHTS), atol=1e-14
        )


def test_reliable_forecasts_lie_on_the_diagonal():
    random = np.random.default_rng(0)
    shape = 1, 100, 200
    # 39 members and the truth share a signal, so that probabilities differ in place.
    draws = random.normal(size=(40, *shape)) + 2 * random.normal(size=shape)
    statistics = threshold_statistics(
        draws[1:], draws[0], np.array([0.5]), np.ones((1, 100, 200))
    )
    np.testing.assert_allclose(
        score("observed_frequency", statistics),
        score("forecast_probability", statistics),
        atol=0.06,
    )
    assert score("probability_bin_share", statistics).sum() == pytest.approx(1)


def test_edges_of_bins_are_exact():
    """Three of ten members are in the bin from 0.3, not below it by rounding."""
    members = (np.arange(10) < 3).astype(float).reshape(10, 1, 1, 1)
    cell = np.ones((1, 1, 1))
    statistics = threshold_statistics(members, cell, np.array([0.5]), cell)
    share = score("probability_bin_share", statistics)[0, 0, 0]
    np.testing.assert_array_equal(share, np.arange(10) == 3)


def test_thresholds_that_differ_in_space():
    fields = np.repeat(THRESHOLDS, np.prod(SHAPE)).reshape(3, *SHAPE)
    constant = threshold_statistics(MEMBERS, TRUTH, THRESHOLDS, WEIGHTS)
    varying = threshold_statistics(MEMBERS, TRUTH, fields, WEIGHTS)
    for name in constant:
        np.testing.assert_array_equal(varying[name].total, constant[name].total)
    fields[0, 0] = np.nan
    gaps = score("brier_score", threshold_statistics(MEMBERS, TRUTH, fields, WEIGHTS))
    assert np.isnan(gaps[:, 0, 0]).all() and np.isfinite(gaps[:, 1:]).all()


def test_member_without_a_value_is_not_left_out():
    members = MEMBERS.copy()
    members[3, 1, -1, 2] = np.nan  # at 80 degrees north
    statistics = threshold_statistics(members, random_fields(1), THRESHOLDS, WEIGHTS)
    for name in ("brier_score", "observed_frequency"):
        result = score(name, statistics)
        assert np.isnan(result[0, 1]).all()
    assert np.isfinite(score("brier_score", statistics)[1]).all()
    assert np.isfinite(score("brier_score", statistics)[0, [0, 2]]).all()
