"""Linear trends with intervals that account for autocorrelation."""

import dataclasses

import numpy as np

from ngcm_cli.diagnosis.sphere import area_weights, weighted_mean
from ngcm_cli.diagnosis.topic import (
    Averages,
    Entry,
    Fields,
    Topic,
    by_month,
    entry,
    month_coordinate,
    number,
)

T = "temperature"
TREND_MONTHS = 36
"""Months without which there is no trend."""
_REPORTED = 850.0, 500.0, 200.0  # hPa, of the numbers in the table


@dataclasses.dataclass(frozen=True)
class Trend:
    """Linear trends of one or several series.

    Attributes:
        slope: per unit of time, (...).
        half_width: of the interval of the slope, likewise; NaN where the effective
            number of values is two or less.
        effective_count: number of independent values, likewise.
    """

    slope: np.ndarray
    half_width: np.ndarray
    effective_count: np.ndarray


def linear_trend(
    time: np.ndarray, values: np.ndarray, confidence: float = 0.95
) -> Trend:
    """Return least-squares slopes, and intervals adjusted for autocorrelation.

    With r, the autocorrelation at lag one of the residuals, n values count as
    n (1 - r)/(1 + r), at most n, in the variance of the residuals and in the degrees
    of freedom of Student's t (Santer et al. 2000, doi:10.1029/1999JD901105, section
    3.2). Values are taken to follow each other in equal steps; missing ones are left
    out.

    Args:
        time: (time,).
        values: (time, ...).
        confidence: of the interval.
    """
    from scipy import special

    values = np.asarray(values, np.float64)
    flat = values.reshape(len(values), -1)
    slope, width, count = (np.full(flat.shape[1], np.nan) for _ in range(3))
    for column in range(flat.shape[1]):
        present = np.isfinite(flat[:, column])
        t, x = np.asarray(time, float)[present], flat[present, column]
        if len(t) < 3:
            continue
        centred = t - t.mean()
        square = (centred**2).sum()
        slope[column] = (centred * (x - x.mean())).sum() / square
        residual = x - x.mean() - slope[column] * centred
        power = (residual**2).sum()
        r = (residual[1:] * residual[:-1]).sum() / power if power > 0 else 0.0
        independent = len(t) * min((1 - r) / (1 + r), 1.0)
        count[column] = independent
        if independent > 2:
            error = np.sqrt(power / (independent - 2) / square)
            quantile = special.stdtrit(independent - 2, (1 + confidence) / 2)
            width[column] = quantile * error
    shape = values.shape[1:]
    return Trend(slope.reshape(shape), width.reshape(shape), count.reshape(shape))


def without_annual_cycle(values: np.ndarray, month: np.ndarray) -> np.ndarray:
    """Return deviations from the mean of the same calendar month.

    Args:
        values: (time, ...).
        month: of the year, 0 to 11, (time,).
    """
    values = np.asarray(values, np.float64)
    result = np.empty_like(values)
    for each in np.unique(month):
        chosen = month == each
        result[chosen] = values[chosen] - values[chosen].mean(0)
    return result


def _temperatures(fields: Fields) -> dict[str, np.ndarray]:
    latitude, t = fields.grid.latitude, fields[T]
    return {
        "global": weighted_mean(t, area_weights(latitude)),
        "tropical": weighted_mean(t, area_weights(latitude, -20, 20)),
    }


def _conclude_trends(averages: Averages) -> dict[str, Entry]:
    grid, months = averages.grid, averages.months
    found = {"month": month_coordinate(averages)}
    hidden = grid.levels < (grid.highest or 0)
    for name, region in ("global", "global mean"), ("tropical", "20S-20N"):
        series = np.where(hidden, np.nan, averages.means[name])
        title = f"Temperature, {region}"
        found[f"{name}_temperature"] = entry(("month", "level"), series, "K", title)
        # Of both, so that a record of a few years has the trend of the data exactly.
        trend = linear_trend(
            without_annual_cycle(averages.days / 3652.5, months),
            without_annual_cycle(series, months),
        )
        for kind, values, what in (
            ("trend", trend.slope, "linear trend"),
            ("trend_interval", trend.half_width, "half width of the 95 % interval"),
        ):
            long_name = f"{title}, {what}"
            units = "K decade-1"
            found[f"{name}_temperature_{kind}"] = entry(
                ("level",), values, units, long_name
            )
            for level, value in zip(grid.levels, values, strict=True):
                if level in _REPORTED and np.isfinite(value):
                    found[f"{name}_temperature_{kind}_{level:g}hPa"] = number(
                        value, units, f"{long_name}, {level:g} hPa"
                    )
    return found


TRENDS = Topic(
    title="Trends of temperature",
    needs=((T,),),
    reduce=_temperatures,
    conclude=_conclude_trends,
    bin_of=by_month,
    records_only=True,
    months=TREND_MONTHS,
    of_zonal_means=True,
)
