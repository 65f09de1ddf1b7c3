"""Statistics of the error of single forecasts."""

import math
import threading
from collections.abc import Callable

import numpy as np

from ngcm_cli.verification.area_sums import FieldSums, area_sums, level_blocks
from ngcm_cli.verification.statistics import Statistics

AddErrors = Callable[[slice, np.ndarray], None]
"""Receives which levels, and their errors, float64, which change after it returns."""

_ERRORS = "error", "absolute_error", "squared_error"
_ANOMALIES = "anomaly_covariance", "forecast_anomaly_square", "truth_anomaly_square"


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
    errors = FieldSums(weights, len(forecast), _ERRORS)
    anomalies = FieldSums(weights, len(forecast), _ANOMALIES)
    bases = [None if climatology is None else climatology[part] for part in blocks]
    with np.errstate(invalid="ignore", over="ignore"):
        for levels, base in zip(blocks, bases, strict=True):
            fields = _errors(forecast[levels], truth[levels])
            errors.put(levels, fields)
            if add_errors is not None:
                add_errors(levels, fields[0])
            if base is not None:
                fields = _anomalies(forecast[levels], truth[levels], base)
                anomalies.put(levels, fields)
    found = errors.statistics()
    if found is not None and climatology is None:
        return found
    of_anomalies = anomalies.statistics()
    if found is not None and of_anomalies is not None:
        return found | of_anomalies | _correlation(of_anomalies)
    parts = [
        _of_levels(forecast[levels], truth[levels], base, weights)
        for levels, base in zip(blocks, bases, strict=True)
    ]
    return Statistics.concatenate(parts, axis=1)


def _errors(forecast: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the fields of `_ERRORS` of fields without gaps, in a buffer."""
    fields = error, magnitude, square = _buffer((3, *forecast.shape))
    _subtract(forecast, truth, error, magnitude)
    np.abs(error, out=magnitude)
    np.square(error, out=square)
    return fields


def _anomalies(
    forecast: np.ndarray, truth: np.ndarray, climatology: np.ndarray
) -> np.ndarray:
    """Return the fields of `_ANOMALIES` of fields without gaps, in the same buffer."""
    fields = product, of_forecast, of_truth = _buffer((3, *forecast.shape))
    _subtract(forecast, climatology, of_forecast, product)
    _subtract(truth, climatology, of_truth, product)
    np.multiply(of_forecast, of_truth, out=product)
    np.square(fields[1:], out=fields[1:])
    return fields


class _Buffers(threading.local):
    """Memory of one thread that is used again, so that it stays in the cache."""

    def __init__(self) -> None:
        self.values = np.empty(0)


_BUFFERS = _Buffers()


def _buffer(shape: tuple[int, ...]) -> np.ndarray:
    """Return the buffer of this thread, float64, with any values."""
    size = math.prod(shape)
    if _BUFFERS.values.size < size:
        _BUFFERS.values = np.empty(size)
    return _BUFFERS.values[:size].reshape(shape)


def _subtract(
    first: np.ndarray, second: np.ndarray, result: np.ndarray, spare: np.ndarray
) -> None:
    """Write a difference of float64; casting first, the second to spare, is faster."""
    np.copyto(result, first)
    if second.dtype != np.float64:
        np.copyto(spare, second)
        second = spare
    np.subtract(result, second, out=result)


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
