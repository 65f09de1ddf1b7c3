"""Differences of two runs of the same model: numbers and verdicts."""

import dataclasses

import numpy as np

from ngcm_cli.verification.area_sums import area_sums
from ngcm_cli.verification.statistics import Statistics

OF_ERROR = 1 / 3
"""Largest difference at short lead times, as a share of the error of the forecast."""

ROUNDING, LARGEST = 0.002, 0.05
"""What is always and never allowed, in standard deviations of the field."""

OF_SCORE = 0.05
"""Largest change of the error where single forecasts differ by more than rounding."""


@dataclasses.dataclass(frozen=True)
class Difference:
    """Our forecast of a field and the published one, over all starts.

    All numbers are area-weighted means over globe and starts, in the units of the
    field; those that need a truth are NaN without one.

    Attributes:
        rms: root-mean-square difference of ours and the published.
        mean: mean difference, ours minus published.
        deviation: standard deviation of the published field.
        correlation: of both fields, less their means.
        our_error: root-mean-square error of ours against the truth; of an ensemble
            that of its mean.
        published_error: the same of the published.
        sampling: of means over members the root-mean-square difference that different
            random numbers make; zero of single forecasts.
        our_spread: standard deviation of our members; NaN of single forecasts.
        published_spread: the same of the published.
        our_crps: fair continuous ranked probability score of our members.
        published_crps: the same of the published.
    """

    rms: float
    mean: float
    deviation: float
    correlation: float
    our_error: float
    published_error: float
    sampling: float = 0.0
    our_spread: float = float("nan")
    published_spread: float = float("nan")
    our_crps: float = float("nan")
    published_crps: float = float("nan")

    @property
    def of_deviation(self) -> float:
        """Difference divided by the standard deviation of the field."""
        return _ratio(self.rms, self.deviation)

    @property
    def of_error(self) -> float:
        """Difference divided by the error of the published forecast."""
        return _ratio(self.rms, self.published_error)

    @property
    def error_change(self) -> float:
        """Error of ours relative to that of the published, less one."""
        return _ratio(self.our_error - self.published_error, self.published_error)

    @property
    def allowed(self) -> float:
        """Largest difference of two short runs of the same model.

        It is a third of the published error, which adds a ninth to its square, but at
        least 0.002 standard deviations of the field, and at most 0.05, as without a
        truth. To the square of an ensemble's, that of what different members make is
        added, 1.3 times.
        """
        share = LARGEST
        if not np.isnan(self.published_error):
            share = _ratio(OF_ERROR * self.published_error, self.deviation)
        systematic = np.clip(share, ROUNDING, LARGEST) * self.deviation
        return float(np.hypot(systematic, 1.3 * self.sampling))

    @property
    def is_of_analysis(self) -> bool:
        """Whether the published field is the truth, to 0.0001 standard deviations."""
        return self.published_error <= 1e-4 * self.deviation

    @property
    def agrees(self) -> bool:
        """Whether the difference is one of two runs of the same model."""
        near = bool(self.rms <= self.allowed)
        return near and self._score_agrees and self._spread_agrees

    @property
    def _score_agrees(self) -> bool:
        """Whether the errors are alike, of single forecasts that differ notably."""
        if self.sampling > 0 or self.rms <= ROUNDING * self.deviation:
            return True
        return np.isnan(self.error_change) or abs(self.error_change) <= OF_SCORE

    @property
    def _spread_agrees(self) -> bool:
        """Whether both spreads are within 25 percent, or both are rounding."""
        if np.isnan(self.our_spread) and np.isnan(self.published_spread):
            return True
        smaller, larger = sorted((self.our_spread, self.published_spread))
        return larger <= ROUNDING * self.deviation or larger <= 1.25 * smaller


def difference_statistics(
    ours: np.ndarray,
    published: np.ndarray,
    truth: np.ndarray | None,
    weights: np.ndarray,
) -> Statistics:
    """Return the additive statistics of the difference of two forecasts of a field.

    Args:
        ours: shape (level, latitude, longitude).
        published: same shape.
        truth: same shape, NaN where there is none; None without one.
        weights: shape (1, latitude, longitude).

    Returns:
        Statistics of shape (1, level).
    """
    ours, published = ours.astype(np.float64), published.astype(np.float64)
    everywhere = np.ones(ours.shape, bool)
    with np.errstate(over="ignore", invalid="ignore"):
        fields = {
            "difference": ours - published,
            "squared_difference": np.square(ours - published),
            "ours": ours,
            "published": published,
            "squared_ours": np.square(ours),
            "squared_published": np.square(published),
            "product": ours * published,
        }
        statistics = area_sums(fields, everywhere, weights)
        if truth is None:
            nothing = np.zeros((1, len(ours)))
            unknown = {name: (nothing, nothing) for name in _ERRORS}
            return statistics | Statistics(unknown)
        squares = [np.square(x - truth) for x in (ours, published)]
        errors: dict[str, np.ndarray] = dict(zip(_ERRORS, squares, strict=True))
        return statistics | area_sums(errors, ~np.isnan(truth), weights)


_ERRORS = "squared_error_of_ours", "squared_error_of_published"


def differences(statistics: Statistics, **more: np.ndarray) -> list[Difference]:
    """Return the differences of all levels.

    Args:
        statistics: as `difference_statistics` returns them, shape (1, level).
        more: further attributes of the differences, each of shape (level,).
    """
    means = {name: x[0] for name, x in statistics.means().items()}
    with np.errstate(invalid="ignore"):
        variances = [
            np.maximum(means[f"squared_{name}"] - np.square(means[name]), 0)
            for name in ("ours", "published")
        ]
        covariance = means["product"] - means["ours"] * means["published"]
        correlation = covariance / np.sqrt(variances[0] * variances[1])
        columns = {
            "rms": np.sqrt(means["squared_difference"]),
            "mean": means["difference"],
            "deviation": np.sqrt(variances[1]),
            "correlation": np.clip(correlation, -1, 1),
            "our_error": np.sqrt(means[_ERRORS[0]]),
            "published_error": np.sqrt(means[_ERRORS[1]]),
            **more,
        }
    count = len(columns["rms"])
    return [
        Difference(**{name: float(x[level]) for name, x in columns.items()})
        for level in range(count)
    ]


def _ratio(number: float, scale: float) -> float:
    if scale > 0:
        return number / scale
    return 0.0 if number == 0 and scale == 0 else float("nan")
