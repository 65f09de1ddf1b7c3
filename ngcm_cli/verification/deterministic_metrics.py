"""Statistics of the error of single forecasts."""

import math
import threading
from collections.abc import Callable

import numpy as np

from ngcm_cli.verification.area_sums import ProductSums, area_sums, level_blocks
from ngcm_cli.verification.statistics import Statistics

AddErrors = Callable[[slice, np.ndarray], None]
"""Receives which levels, and their errors, float64, which change after it returns."""


def deterministic_statistics(
    forecast: np.ndarray,
    truth: np.ndarray,
    weights: np.ndarray,
    climatology: np.ndarray | None = None,
    add_errors: AddErrors | None = None,
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
        add_errors: receives e, block by block, while it is in the cache.

    Returns:
        Statistics of shape (region, level). A forecast that is not finite where the
        truth is makes those of the regions with this cell NaN.
    """
    blocks = [*level_blocks(len(forecast), weights[0].size)]
    sums = ProductSums(weights, len(forecast))
    with np.errstate(invalid="ignore", over="ignore"):
        for levels in blocks:
            base = None if climatology is None else climatology[levels]
            _add_products(sums, levels, forecast, truth, base, add_errors)
        found = sums.statistics()
    if found is None:
        parts = []
        for levels in blocks:
            base = None if climatology is None else climatology[levels]
            parts.append(_of_levels(forecast[levels], truth[levels], base, weights))
        return Statistics.concatenate(parts, axis=1)
    return found if climatology is None else found | _correlation(found)


def _add_products(
    sums: ProductSums,
    levels: slice,
    forecast: np.ndarray,
    truth: np.ndarray,
    climatology: np.ndarray | None,
    add_errors: AddErrors | None,
) -> None:
    """Add errors and anomalies at some levels, as if they had no gaps."""
    forecast, truth = forecast[levels], truth[levels]
    error = _difference(forecast, truth, "first")
    magnitude = np.abs(error, out=_buffer("second", error.shape))
    sums.add("error", levels, error)
    sums.add("absolute_error", levels, magnitude)
    sums.add("squared_error", levels, error, error)
    if add_errors is not None:
        add_errors(levels, error)
    if climatology is not None:  # of which the buffers are free now
        of_forecast = _difference(forecast, climatology, "first")
        of_truth = _difference(truth, climatology, "second")
        sums.add("anomaly_covariance", levels, of_forecast, of_truth)
        sums.add("forecast_anomaly_square", levels, of_forecast, of_forecast)
        sums.add("truth_anomaly_square", levels, of_truth, of_truth)


class _Buffers(threading.local):
    """Arrays of one thread that are used again, so that they stay in the cache."""

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}


_BUFFERS = _Buffers()


def _buffer(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return an array of this thread, float64, with any values."""
    size = math.prod(shape)
    found = _BUFFERS.arrays.get(name)
    if found is None or found.size < size:
        found = _BUFFERS.arrays[name] = np.empty(size)
    return found[:size].reshape(shape)


def _difference(first: np.ndarray, second: np.ndarray, name: str) -> np.ndarray:
    """Return the difference in a buffer, float64; casting first is faster."""
    result, other = _buffer(name, first.shape), second
    np.copyto(result, first)
    if second.dtype != np.float64:
        other = _buffer("other", second.shape)
        np.copyto(other, second)
    return np.subtract(result, other, out=result)


def _of_levels(
    forecast: np.ndarray,
    truth: np.ndarray,
    climatology: np.ndarray | None,
    weights: np.ndarray,
) -> Statistics:
    """Return the statistics of fields of which some values are not finite."""
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
