"""Statistics of the error of single forecasts."""

import numpy as np

from ngcm_cli.verification.area_sums import area_sums, level_blocks
from ngcm_cli.verification.statistics import Statistics


def deterministic_statistics(
    forecast: np.ndarray,
    truth: np.ndarray,
    weights: np.ndarray,
    climatology: np.ndarray | None = None,
) -> Statistics:
    """Return the statistics of the error of one forecast of a variable at one lead.

    ``error`` is e = f - o, ``squared_error`` e² and ``absolute_error`` |e|. With a
    climatology c, of the valid time, also those of the anomalies f' = f - c and
    o' = o - c: ``anomaly_covariance`` f'o', ``forecast_anomaly_square`` f'² and
    ``truth_anomaly_square`` o'²; and ``anomaly_correlation``, their quotient
    Σ w f'o' / √(Σ w f'² Σ w o'²) over the cells of a region, which counts once for
    each time that has anomalies. No mean is taken off the anomalies, as in
    WeatherBench.

    Args:
        forecast: f, shape (level, latitude, longitude).
        truth: o, same shape. Cells in which it is NaN are left out.
        weights: shape (region, latitude, longitude).
        climatology: c, same shape. Cells in which it is NaN are left out of the
            statistics of anomalies.

    Returns:
        Statistics of shape (region, level). A forecast that is not finite where the
        truth is makes those of the regions with this cell NaN.
    """
    parts = [
        _of_levels(
            forecast[levels],
            truth[levels],
            weights,
            None if climatology is None else climatology[levels],
        )
        for levels in level_blocks(len(forecast), weights[0].size)
    ]
    return Statistics.concatenate(parts, axis=1)


def _of_levels(
    forecast: np.ndarray,
    truth: np.ndarray,
    weights: np.ndarray,
    climatology: np.ndarray | None,
) -> Statistics:
    valid = ~np.isnan(truth)
    error = np.subtract(forecast, truth, dtype=np.float64)
    with np.errstate(over="ignore"):
        quantities = {
            "error": error,
            "absolute_error": np.abs(error),
            "squared_error": np.square(error),
        }
    statistics = area_sums(quantities, valid, weights)
    if climatology is None:
        return statistics
    of_forecast = np.subtract(forecast, climatology, dtype=np.float64)
    of_truth = np.subtract(truth, climatology, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        anomalies = {
            "anomaly_covariance": of_forecast * of_truth,
            "forecast_anomaly_square": np.square(of_forecast),
            "truth_anomaly_square": np.square(of_truth),
        }
    sums = area_sums(anomalies, valid & ~np.isnan(climatology), weights)
    return statistics | sums | _correlation(sums)


def _correlation(sums: Statistics) -> Statistics:
    """Return the anomaly correlation of one time, with weight 1 where there is one."""
    covariance, weight = sums["anomaly_covariance"]
    forecast = sums["forecast_anomaly_square"].total
    scale = np.sqrt(forecast * sums["truth_anomaly_square"].total)
    correlation = np.divide(
        covariance, scale, out=np.zeros(scale.shape), where=scale != 0
    )
    counts = (weight > 0) & (scale != 0)
    return Statistics({"anomaly_correlation": (correlation, counts)})
