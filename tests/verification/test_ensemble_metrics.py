import itertools

import numpy as np
import pytest
import xarray as xr
from scores.probability import crps_for_ensemble, rank_histogram
from synthetic_fields import LATITUDE, LONGITUDE, SHAPE, random_fields, region_means

from ngcm_cli.verification import ensemble_metrics
from ngcm_cli.verification.ensemble_metrics import (
    ensemble_statistics,
    mean_absolute_difference,
)
from ngcm_cli.verification.metrics import METRICS
from ngcm_cli.verification.regions import region_weights
from ngcm_cli.verification.statistics import Statistics

DIMS = "level", "latitude", "longitude"
NAMES = ["global", "tropics", "box=-60:60,150:-150"]
WEIGHTS = region_weights(NAMES, LATITUDE, LONGITUDE)
MEMBERS = random_fields(0, 7)
TRUTH = random_fields(1, missing=True)


def score(name, statistics):
    return METRICS[name](statistics.means())


def one_cell(members, truth):
    """Return the statistics of an ensemble of numbers."""
    members = np.array(members, dtype=float).reshape(-1, 1, 1, 1)
    return ensemble_statistics(members, np.full((1, 1, 1), truth), np.ones((1, 1, 1)))


@pytest.mark.parametrize("region", range(len(NAMES)))
def test_fair_crps_equals_that_of_scores(region):
    expected = crps_for_ensemble(
        xr.DataArray(MEMBERS, dims=("realization", *DIMS)),
        xr.DataArray(TRUTH, dims=DIMS),
        "realization",
        method="fair",
        preserve_dims="level",
        weights=xr.DataArray(WEIGHTS[region], dims=DIMS[1:]),
    )
    crps = score("crps", ensemble_statistics(MEMBERS, TRUTH, WEIGHTS))
    np.testing.assert_allclose(crps[region], expected, rtol=1e-10)


def test_parts_of_the_crps_from_all_pairs():
    statistics = ensemble_statistics(MEMBERS, TRUTH, WEIGHTS)
    pairs = list(itertools.permutations(MEMBERS, 2))
    spread = np.mean([np.abs(a - b) for a, b in pairs], axis=0) + 0 * TRUTH
    skill = np.abs(MEMBERS - TRUTH).mean(axis=0)
    np.testing.assert_allclose(
        score("crps_spread", statistics), region_means(spread, WEIGHTS), rtol=1e-10
    )
    np.testing.assert_allclose(
        score("crps_skill", statistics), region_means(skill, WEIGHTS), rtol=1e-10
    )
    np.testing.assert_allclose(
        score("crps", statistics), region_means(skill - spread / 2, WEIGHTS), rtol=1e-10
    )


def test_fair_crps_of_two_members_by_hand():
    """Members 1 and 4: (|1 - y| + |4 - y|)/2 - 3/2."""
    assert score("crps", one_cell([1, 4], 2.0)) == pytest.approx(0)
    assert score("crps", one_cell([1, 4], 5.0)) == pytest.approx(1)
    assert score("crps", one_cell([4, 1], 0.0)) == pytest.approx(1)
    assert score("crps_spread", one_cell([4, 1], 0.0)) == pytest.approx(3)


@pytest.mark.parametrize("count", [2, 3, 50])
def test_mean_absolute_difference_of_sorted_members(count):
    members = 50000 + np.random.default_rng(0).normal(size=(4, count))
    pairs = itertools.permutations(range(count), 2)
    expected = np.mean([np.abs(members[:, i] - members[:, j]) for i, j in pairs], 0)
    np.testing.assert_allclose(mean_absolute_difference(members), expected, rtol=1e-9)


def test_error_and_spread_of_the_mean():
    statistics = ensemble_statistics(MEMBERS, TRUTH, WEIGHTS)
    error = np.square(MEMBERS.mean(axis=0) - TRUTH)
    variance = MEMBERS.var(axis=0, ddof=1) + 0 * TRUTH
    biased, unbiased, spread = (
        np.sqrt(region_means(x, WEIGHTS))
        for x in (error, error - variance / 7, variance)
    )
    for name, expected in {
        "ensemble_mean_rmse": biased,
        "unbiased_ensemble_mean_rmse": unbiased,
        "ensemble_spread": spread,
        "spread_skill_ratio": spread / unbiased,
    }.items():
        np.testing.assert_allclose(score(name, statistics), expected, rtol=1e-10)


def test_exchangeable_members_have_spread_and_flat_ranks():
    """The truth is drawn as the members are: ratio 1, every rank as frequent."""
    random = np.random.default_rng(3)
    shape = 1, 60, 200
    draws = random.normal(size=(6, *shape)) + random.normal(size=shape)
    statistics = ensemble_statistics(draws[:5], draws[5], np.ones((1, 60, 200)))
    # Five standard deviations of the quotient of 12 000 cells each.
    assert score("spread_skill_ratio", statistics) == pytest.approx(1, abs=0.042)
    frequency = score("rank_histogram", statistics)[0, 0]
    assert frequency.sum() == pytest.approx(1, abs=1e-14)
    # Five standard deviations of a binomial frequency.
    tolerance = 5 * np.sqrt(1 / 6 * 5 / 6 / 12000)
    np.testing.assert_allclose(frequency, 1 / 6, atol=tolerance)


def test_fair_crps_does_not_depend_on_the_number_of_members():
    random = np.random.default_rng(4)
    draws, truth = (
        random.normal(size=(40, 1, 100, 100)),
        random.normal(size=(1, 100, 100)),
    )
    weights = np.ones((1, 100, 100))
    scores = [
        score("crps", ensemble_statistics(draws[:count], truth, weights)).item()
        for count in (2, 5, 40)
    ]
    np.testing.assert_allclose(scores, 1 / np.sqrt(np.pi), atol=0.02)


def test_rank_histogram_equals_that_of_scores():
    expected = rank_histogram(
        xr.DataArray(MEMBERS, dims=("realization", *DIMS)),
        xr.DataArray(TRUTH, dims=DIMS),
        "realization",
        preserve_dims="level",
        weights=xr.DataArray(WEIGHTS[0], dims=DIMS[1:]),
    )
    frequency = score("rank_histogram", ensemble_statistics(MEMBERS, TRUTH, WEIGHTS))
    np.testing.assert_allclose(
        frequency[0], expected.transpose("level", "rank"), rtol=1e-10
    )


def test_ranks_of_equal_values_have_equal_shares():
    ranks = one_cell([0, 2, 2, 5], 2.0)["rank"].total[0, 0]
    np.testing.assert_allclose(ranks, [0, 1 / 3, 1 / 3, 1 / 3, 0])
    ranks = one_cell([0, 0, 0], 0.0)["rank"].total[0, 0]
    np.testing.assert_allclose(ranks, [0.25] * 4)
    ranks = one_cell([0, 0, 0], -1.0)["rank"].total[0, 0]
    np.testing.assert_allclose(ranks, [1, 0, 0, 0])
    dry = np.zeros((3, *SHAPE))
    frequency = score("rank_histogram", ensemble_statistics(dry, dry[0], WEIGHTS))
    np.testing.assert_allclose(frequency, 0.25, rtol=1e-13)


def test_merging_in_any_order():
    times = [
        ensemble_statistics(random_fields(2 * i, 3), random_fields(2 * i + 1), WEIGHTS)
        for i in range(4)
    ]
    forwards, backwards = sum(times, Statistics()), sum(times[::-1], Statistics())
    for name in ("crps", "spread_skill_ratio", "rank_histogram"):
        np.testing.assert_allclose(
            score(name, backwards), score(name, forwards), rtol=1e-12
        )


def test_member_without_a_value_is_not_left_out():
    members = MEMBERS.copy()
    members[3, 1, -1, 2] = np.nan
    statistics = ensemble_statistics(members, random_fields(1), WEIGHTS)
    whole = ensemble_statistics(MEMBERS, random_fields(1), WEIGHTS)
    inside = WEIGHTS[:, -1, 2] > 0
    for name in ("crps", "ensemble_mean_rmse", "rank_histogram"):
        expected = score(name, whole)
        expected[inside, 1] = np.nan
        np.testing.assert_allclose(score(name, statistics), expected, rtol=1e-13)


def test_no_truth_at_all():
    statistics = ensemble_statistics(MEMBERS, np.full(SHAPE, np.nan), WEIGHTS)
    assert np.isnan(score("crps", statistics)).all()
    assert np.isnan(score("rank_histogram", statistics)).all()


def test_many_members_are_taken_in_blocks_of_cells(monkeypatch):
    whole = ensemble_statistics(MEMBERS, TRUTH, WEIGHTS)
    monkeypatch.setattr(ensemble_metrics, "_BLOCK", 70)
    parts = ensemble_statistics(MEMBERS, TRUTH, WEIGHTS)
    for name in whole:
        np.testing.assert_allclose(parts[name].total, whole[name].total, rtol=1e-13)


def test_one_member_is_no_ensemble():
    with pytest.raises(ValueError, match="two members"):
        ensemble_statistics(MEMBERS[:1], TRUTH, WEIGHTS)
