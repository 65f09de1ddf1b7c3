import numpy as np
from synthetic_fields import LATITUDE, LONGITUDE, random_fields, region_means

from ngcm_cli.verification.error_maps import root_mean_square_bias
from ngcm_cli.verification.pair_statistics import Fields, map_statistics
from ngcm_cli.verification.regions import region_weights
from ngcm_cli.verification.statistics import Statistics

WEIGHTS = region_weights(["global", "tropics"], LATITUDE, LONGITUDE)


def rmsb(forecasts, truths):
    maps = Statistics()
    for forecast, truth in zip(forecasts, truths, strict=True):
        fields = Fields(forecast[None, None, None], truth[None, None], None)
        maps += map_statistics(fields, squares=False).take(0)
    return root_mean_square_bias(maps, WEIGHTS)


def test_root_mean_square_bias():
    forecasts, truths = random_fields(0, 5), random_fields(1, 5)
    bias = (forecasts - truths).mean(axis=0)
    expected = np.sqrt(region_means(bias**2, WEIGHTS))
    np.testing.assert_allclose(rmsb(forecasts, truths), expected, rtol=1e-10)


def test_cells_without_truth_are_left_out():
    forecasts, truths = random_fields(0, 5), random_fields(1, 5, missing=True)
    truths[:, :, 2, :5] = np.nan
    truths[:, 2] = np.nan
    truths[0, :2, 3:] = random_fields(5)[:2, 3:]  # a time without gaps there
    error = forecasts - truths
    counts = np.isfinite(error).sum(axis=0)
    with np.errstate(invalid="ignore"):
        bias = np.nansum(error, axis=0) / counts
    expected = np.sqrt(region_means(bias[:2] ** 2, WEIGHTS))
    result = rmsb(forecasts, truths)
    np.testing.assert_allclose(result[:, :2], expected, rtol=1e-10)
    assert np.isnan(result[:, 2]).all()


def test_errors_that_cancel_have_no_bias():
    truth, error = random_fields(0), random_fields(1)
    assert (rmsb([truth + 8, truth - 8], [truth, truth]) == 0).all()
    np.testing.assert_allclose(
        rmsb([truth + error] * 3, [truth] * 3),
        np.sqrt(region_means(error**2, WEIGHTS)),
        rtol=1e-10,
    )


def test_forecast_without_a_value():
    forecast, truth = random_fields(0), random_fields(1)
    forecast[0, 0, 0] = np.nan  # at 80 degrees south
    result = rmsb([forecast], [truth])
    assert np.isnan(result[0, 0]) and np.isfinite(result[1]).all()
