import numpy as np
import pytest
from synthetic_fields import LATITUDE, LONGITUDE, random_fields

from ngcm_cli.verification.deterministic_metrics import deterministic_statistics
from ngcm_cli.verification.energy_score import energy_score_statistics
from ngcm_cli.verification.ensemble_metrics import ensemble_statistics
from ngcm_cli.verification.metrics import METRICS
from ngcm_cli.verification.pair_statistics import Fields, map_statistics
from ngcm_cli.verification.regions import region_weights
from ngcm_cli.verification.seeps import PrecipitationClimate, seeps_statistics
from ngcm_cli.verification.thresholds import threshold_statistics
from ngcm_cli.verification.vector_metrics import vector_statistics


@pytest.fixture(scope="module")
def statistics():
    weights = region_weights(["global", "tropics"], LATITUDE, LONGITUDE)
    members, truth = random_fields(0, 4), random_fields(1)
    forecast, climatology = members[0], random_fields(2)
    fields = Fields(forecast[None, None, None], truth[None, None], None)
    climate = PrecipitationClimate(np.full(truth.shape[1:], 0.5), truth)
    return (
        deterministic_statistics(forecast, truth, weights, climatology)
        | seeps_statistics(forecast, truth, climate, weights)
        | vector_statistics((forecast, forecast), (truth, truth), weights)
        | map_statistics(fields, squares=False)
        | ensemble_statistics(members, truth, weights)
        | energy_score_statistics(members, truth, weights)
        | threshold_statistics(members, truth, np.array([275.0, 280]), weights)
    )


@pytest.mark.parametrize("name", [n for n, m in METRICS.items() if not m.maps])
def test_shape_of_a_score_is_what_is_declared(statistics, name):
    metric = METRICS[name]
    sizes = {"rank": 5, "threshold": 2, "probability_bin": 10}
    expected = 2, 3, *(sizes[dimension] for dimension in metric.dimensions)
    assert metric(statistics.means()).shape == expected


def test_every_statistic_is_used(statistics):
    used = {name for metric in METRICS.values() for name in metric.statistics}
    assert used == set(statistics)


def test_units():
    assert METRICS["rmse"].units_of("K") == "K"
    assert METRICS["mse"].units_of("m2 s-2") == "(m2 s-2)2"
    assert METRICS["mse"].units_of("1") == "1"
    assert METRICS["acc"].units_of("K") == "1"


def test_unbiased_estimates_below_zero_have_no_root():
    assert np.isnan(METRICS["unbiased_ensemble_mean_rmse"](
        {"unbiased_squared_error_of_mean": np.array(-0.1)}
    ))  # fmt: skip
    ratio = METRICS["spread_skill_ratio"](
        {
            "unbiased_squared_error_of_mean": np.array([-0.1, 0.0, 4.0]),
            "ensemble_variance": np.array([1.0, 1.0, 1.0]),
        }
    )
    np.testing.assert_array_equal(ratio, [np.nan, np.nan, 0.5])
