"""What an evaluation does: everything that is decided before fields are read."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from ngcm_cli.verification.alignment import Alignment
from ngcm_cli.verification.climatology import Climatology
from ngcm_cli.verification.comparison_grid import ComparisonGrid
from ngcm_cli.verification.forecasts import ScoredForecast
from ngcm_cli.verification.precipitation_climatology import PrecipitationClimatology
from ngcm_cli.verification.score_layout import ScoreLayout
from ngcm_cli.verification.scored_variables import ScoredVariable
from ngcm_cli.verification.spectral_statistics import TruthSpectra
from ngcm_cli.verification.truth import Truth


@dataclasses.dataclass(frozen=True, eq=False)
class EvaluationPlan:
    """Forecasts, truth and metrics of an evaluation.

    Attributes:
        forecasts: forecasts, then baselines.
        truth: the truth.
        climatology: for anomalies; None without one.
        variables: what is scored.
        metrics: names of `metrics.METRICS`.
        alignment: initial and lead times, and where their truth is.
        grid: grid of the comparison.
        regions: names of regions, the globe first.
        weights: of their cells, shape (region, latitude, longitude).
        thresholds: of events, by name of variable.
        maps: whether maps of errors are wanted.
        truth_spectra: of the truth; None if spectra are not wanted.
        precipitation: its climate, for SEEPS; None if that is not a metric.
        notes: what was decided that a reader of the scores must know.
    """

    forecasts: tuple[ScoredForecast, ...]
    truth: Truth
    climatology: Climatology | None
    variables: tuple[ScoredVariable, ...]
    metrics: tuple[str, ...]
    alignment: Alignment
    grid: ComparisonGrid
    regions: tuple[str, ...]
    weights: np.ndarray
    thresholds: Mapping[str, tuple[float, ...]]
    maps: bool = False
    truth_spectra: TruthSpectra | None = None
    precipitation: PrecipitationClimatology | None = None
    notes: tuple[str, ...] = ()

    @property
    def reference(self) -> str | None:
        """The forecast that others are compared with: the first baseline, or forecast.

        None if there is one only.
        """
        if len(self.forecasts) < 2:
            return None
        baselines = [f.name for f in self.forecasts if f.is_baseline]
        return baselines[0] if baselines else self.forecasts[0].name

    @property
    def layout(self) -> ScoreLayout:
        """The axes of the scores."""
        return ScoreLayout(
            forecasts=tuple(f.name for f in self.forecasts),
            baselines=tuple(f.is_baseline for f in self.forecasts),
            reference=self.reference,
            variables=self.variables,
            metrics=self.metrics,
            init_times=self.alignment.init_times,
            lead_times=self.alignment.lead_times,
            regions=self.regions,
            weights=self.weights,
            latitude=self.grid.latitude,
            longitude=self.grid.longitude,
            thresholds=self.thresholds,
        )

    @property
    def needs_maps(self) -> bool:
        """Whether maps of the mean error are accumulated."""
        return self.maps or "rmsb" in self.metrics
