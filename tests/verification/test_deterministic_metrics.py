import numpy as np
import pytest
import xarray as xr
from scores.continuous import mae, mean_error, mse, rmse
from synthetic_fields import LATITUDE, LONGITUDE, SHAPE, random_fields, region_means

from ngcm_cli.verification.deterministic_metrics import deterministic_statistics
from ngcm_cli.verification.metrics import METRICS
from ngcm_cli.verification.regions import REGIONS, region_weights
from ngcm_cli.verification.statistics import Statistics

DIMS = "level", "latitude", "longitude"
NAMES = ["global", "tropics", "northern_extratropics", "box=-60:60,150:-150"]
WEIGHTS = region_weights(NAMES, LATITUDE, LONGITUDE)
FORECASTS = random_fields(0, 4)
TRUTHS = random_fields(1, 4, missing=True)
CLIMATOLOGY = random_fields(2)


def score(name, statistics):
    return METRICS[name](statistics.means())


@pytest.mark.parametrize(
    ("name", "oracle"), [("rmse", rmse), ("mse", mse), ("mae", mae), ("bias", None)]
)
@pytest.mark.parametrize("region", range(len(NAMES)))
def test_scores_of_all_times_equal_those_of_scores(name, oracle, region):
    merged = sum(
        (
            deterministic_statistics(f, o, WEIGHTS)
            for f, o in zip(FORECASTS, TRUTHS, strict=True)
        ),
        Statistics(),
    )
    expected = (oracle or mean_error)(
        xr.DataArray(FORECASTS, dims=("time", *DIMS)),
        xr.DataArray(TRUTHS, dims=("time", *DIMS)),
        preserve_dims="level",
        weights=xr.DataArray(WEIGHTS[region], dims=DIMS[1:]),
    )
    np.testing.assert_allclose(
        score(name, merged)[region], expected, rtol=1e-10, atol=1e-12
    )


def test_a_constant_error_is_the_score_of_every_region():
    names = [name for name in REGIONS if name != "east_asia"]
    latitude, longitude = np.linspace(-90, 90, 37), np.arange(72) * 5.0
    weights = region_weights(names, latitude, longitude)
    truth = 250 + 30 * np.random.default_rng(0).random((2, 37, 72))
    statistics = deterministic_statistics(truth - 1.5, truth, weights)
    np.testing.assert_allclose(score("rmse", statistics), 1.5, rtol=1e-13)
    np.testing.assert_allclose(score("mae", statistics), 1.5, rtol=1e-13)
    np.testing.assert_allclose(score("bias", statistics), -1.5, rtol=1e-13)


def test_anomaly_correlation_of_weatherbench_x():
    """One quotient of sums over times and cells."""
    merged = sum(
        (
            deterministic_statistics(f, o, WEIGHTS, CLIMATOLOGY)
            for f, o in zip(FORECASTS, TRUTHS, strict=True)
        ),
        Statistics(),
    )
    a, b = FORECASTS - CLIMATOLOGY, TRUTHS - CLIMATOLOGY
    a = np.where(np.isnan(b), np.nan, a)
    sums = [
        np.nansum(x[:, None] * WEIGHTS[:, None], axis=(0, 3, 4))
        for x in (a * b, a**2, b**2)
    ]
    expected = sums[0] / np.sqrt(sums[1] * sums[2])
    np.testing.assert_allclose(score("acc", merged), expected, rtol=1e-10)
    counts = np.nansum(np.isfinite(b)[:, None] * WEIGHTS[:, None], axis=(0, 3, 4))
    np.testing.assert_allclose(
        score("activity", merged), np.sqrt(sums[1] / counts), rtol=1e-10
    )
    np.testing.assert_allclose(
        score("truth_activity", merged), np.sqrt(sums[2] / counts), rtol=1e-10
    )


def test_anomaly_correlation_of_weatherbench_2():
    """The mean over times of the spatial correlation."""
    merged, single = Statistics(), []
    for f, o in zip(FORECASTS, TRUTHS, strict=True):
        merged += deterministic_statistics(f, o, WEIGHTS, CLIMATOLOGY)
        a, b = f - CLIMATOLOGY + 0 * o, o - CLIMATOLOGY
        covariance, of_a, of_b = (region_means(x, WEIGHTS) for x in (a * b, a**2, b**2))
        single.append(covariance / np.sqrt(of_a * of_b))
    np.testing.assert_allclose(
        score("acc_mean_of_times", merged), np.mean(single, axis=0), rtol=1e-10
    )


def test_anomaly_correlation_of_the_truth_and_of_its_opposite():
    truth = random_fields(3)
    for sign in (1, -1):
        forecast = CLIMATOLOGY + sign * 3 * (truth - CLIMATOLOGY)
        statistics = deterministic_statistics(forecast, truth, WEIGHTS, CLIMATOLOGY)
        for name in ("acc", "acc_mean_of_times"):
            np.testing.assert_allclose(score(name, statistics), sign, rtol=1e-12)


def test_climatology_without_a_value_leaves_the_error_alone():
    climatology = CLIMATOLOGY.copy()
    climatology[:, :3] = np.nan
    with_gaps = deterministic_statistics(FORECASTS[0], TRUTHS[0], WEIGHTS, climatology)
    whole = deterministic_statistics(FORECASTS[0], TRUTHS[0], WEIGHTS, CLIMATOLOGY)
    np.testing.assert_array_equal(with_gaps["error"].total, whole["error"].total)
    weight = with_gaps["anomaly_covariance"].weight
    assert (weight[0] < whole["anomaly_covariance"].weight[0]).all()
    # Forecast by the climatology itself: no correlation, and no anomaly.
    statistics = deterministic_statistics(CLIMATOLOGY, TRUTHS[0], WEIGHTS, CLIMATOLOGY)
    assert np.isnan(score("acc", statistics)).all()
    assert np.isnan(score("acc_mean_of_times", statistics)).all()
    assert (score("activity", statistics) == 0).all()


def test_truth_without_a_value_is_left_out_with_its_weight():
    truth = FORECASTS[0] - 2.0
    truth[0, :4] = np.nan
    truth[1] = np.nan
    statistics = deterministic_statistics(FORECASTS[0], truth, WEIGHTS)
    np.testing.assert_allclose(score("rmse", statistics)[:, [0, 2]], 2, rtol=1e-12)
    assert np.isnan(score("rmse", statistics)[:, 1]).all()
    assert (statistics["error"].weight[:, 1] == 0).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_forecast_without_a_value_is_not_left_out(bad):
    """The cell makes the scores of the regions that it is in NaN, and no others."""
    forecast = FORECASTS[0].copy()
    forecast[1, -1, 3] = bad
    truth = random_fields(1)
    rmse_ = score("rmse", deterministic_statistics(forecast, truth, WEIGHTS))
    expected = score("rmse", deterministic_statistics(FORECASTS[0], truth, WEIGHTS))
    inside = WEIGHTS[:, -1, 3] > 0
    assert np.isnan(rmse_[inside, 1]).all() and inside.any() and not inside.all()
    expected[inside, 1] = np.nan
    np.testing.assert_allclose(rmse_, expected, rtol=1e-13)


def test_float32_is_subtracted_in_float64():
    """Geopotential has a rounding of 0.004 in float32, its differences none."""
    truth = np.full(SHAPE, 54321.0, dtype=np.float32)
    forecast = np.nextafter(truth, np.float32(1e6))
    statistics = deterministic_statistics(forecast, truth, WEIGHTS)
    np.testing.assert_allclose(score("bias", statistics), 2.0**-8, rtol=1e-13)


def test_large_fields_are_taken_in_blocks_of_levels(monkeypatch):
    from ngcm_cli.verification import area_sums

    whole = deterministic_statistics(FORECASTS[0], TRUTHS[0], WEIGHTS, CLIMATOLOGY)
    monkeypatch.setattr(area_sums, "_BLOCK", 1)
    parts = deterministic_statistics(FORECASTS[0], TRUTHS[0], WEIGHTS, CLIMATOLOGY)
    for name in whole:
        np.testing.assert_allclose(parts[name].total, whole[name].total, rtol=1e-12)
