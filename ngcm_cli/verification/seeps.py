"""SEEPS: the stable equitable error in probability space of 24-hour precipitation.

Forecast and truth are dry, light or heavy. With p the climatological probability of dry
days and heavy rain a third of the rain, a forecast of category v where o was true costs

    S(v, o) = ½ [ 0                  1/(1 - p)    4/(1 - p)
                  1/p                0            3/(1 - p)
                  1/p + 3/(2 + p)    3/(2 + p)    0         ]

(Rodwell et al. 2010, doi:10.1002/qj.656, equation 15, with p3 = (1 - p)/3). A perfect
forecast has 0; one of climatological chance, or the same everywhere, 1.
"""

import dataclasses

import numpy as np

from ngcm_cli.verification.area_sums import area_sums
from ngcm_cli.verification.statistics import Statistics

DRY = 0.25e-3
"""Largest amount of a dry day in metres, as in WeatherBench 2."""

LEAST_DRY, MOST_DRY = 0.1, 0.85
"""Where fewer or more days are dry, forecasts are not scored."""


@dataclasses.dataclass(frozen=True)
class PrecipitationClimate:
    """What SEEPS needs to know of the climate.

    Attributes:
        dry_fraction: share of dry days in the year, shape (latitude, longitude).
        heavy: least amount of heavy rain in metres, on the days of the forecast, shape
            (time, latitude, longitude).
    """

    dry_fraction: np.ndarray
    heavy: np.ndarray

    def at(self, times: slice) -> "PrecipitationClimate":
        """Return the climate of some of the times."""
        return PrecipitationClimate(self.dry_fraction, self.heavy[times])


def seeps_statistics(
    forecast: np.ndarray,
    truth: np.ndarray,
    climate: PrecipitationClimate,
    weights: np.ndarray,
) -> Statistics:
    """Return the statistic ``seeps``, the cost S, of forecasts of 24-hour amounts.

    Amounts up to `DRY` are dry, those from the threshold of heavy rain on heavy, as in
    WeatherBench-X. Left out are cells where the truth or the threshold is NaN, and
    those whose share of dry days is outside `LEAST_DRY` to `MOST_DRY`.

    Args:
        forecast: metres, shape (time, latitude, longitude).
        truth: same shape.
        climate: of the same times.
        weights: shape (region, latitude, longitude).

    Returns:
        Statistics of shape (region, time). A forecast that is not finite where it is
        scored makes those of the regions with this cell NaN.
    """
    dry = climate.dry_fraction.astype(np.float64)
    is_scored = (dry >= LEAST_DRY) & (dry <= MOST_DRY)
    cost = _cost(np.where(is_scored, dry, 0.5))
    rows, columns = np.ogrid[tuple(map(slice, dry.shape))]
    categories = (_category(x, climate.heavy) for x in (forecast, truth))
    seeps = cost[*categories, rows, columns]
    seeps = np.where(np.isfinite(forecast), seeps, np.nan)
    valid = ~np.isnan(truth) & ~np.isnan(climate.heavy) & is_scored
    return area_sums({"seeps": seeps}, valid, weights)


def _category(amount: np.ndarray, heavy: np.ndarray) -> np.ndarray:
    """Return 0 where it is dry, 1 where rain is light, 2 where it is heavy."""
    return np.where(amount <= DRY, 0, np.where(amount < heavy, 1, 2))


def _cost(dry: np.ndarray) -> np.ndarray:
    """Return S, shape (forecast category, true category, latitude, longitude)."""
    none = np.zeros_like(dry)
    wet, not_heavy = 1 / (1 - dry), 3 / (2 + dry)
    rows = (
        (none, wet, 4 * wet),
        (1 / dry, none, 3 * wet),
        (1 / dry + not_heavy, not_heavy, none),
    )
    return 0.5 * np.array(rows)
