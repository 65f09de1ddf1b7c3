"""Baselines that are made from the truth and a climatology."""

import numpy as np

from ngcm_cli.config.evaluate import CLIMATOLOGY, PERSISTENCE, PROBABILISTIC
from ngcm_cli.errors import InputDataError
from ngcm_cli.verification.climatology import Climatology
from ngcm_cli.verification.climatology_of_record import years_of
from ngcm_cli.verification.forecasts import GriddedForecast
from ngcm_cli.verification.scored_variables import ScoredVariable
from ngcm_cli.verification.truth import Truth

_NO_LEAD = np.timedelta64(0, "s")


class Persistence:
    """The state at the initial time, at all lead times.

    It is that of the truth; where that lacks the initial time, it is lead time 0 of the
    first forecast that has it.

    Args:
        truth: the truth.
        forecasts: forecasts whose initial states may stand in.
    """

    name = PERSISTENCE
    is_baseline = True
    members = 1

    def __init__(self, truth: Truth, forecasts: list[GriddedForecast]):
        self._truth, self._forecasts = truth, forecasts

    def has(self, variable: ScoredVariable) -> bool:
        """Return whether it has a variable: as the truth does."""
        return True

    def available(self, init_time: np.datetime64, lead_times: np.ndarray) -> np.ndarray:
        """Return for which lead times it is known: all or none."""
        known = self._truth.positions(np.array([init_time]))[0] >= 0
        known = known or self._with_initial_state(init_time) is not None
        return np.full(len(lead_times), known)

    def read(
        self,
        variable: ScoredVariable,
        init_time: np.datetime64,
        lead_times: np.ndarray,
    ) -> np.ndarray:
        """Return (1, component, lead_time, level, latitude, longitude)."""
        position = int(self._truth.positions(np.array([init_time]))[0])
        if position >= 0:
            first = self._truth.read(variable, [position])[None]
        else:
            forecast = self._with_initial_state(init_time)
            assert forecast is not None
            first = forecast.read(variable, init_time, np.array([_NO_LEAD]))[:1]
        shape = (*first.shape[:2], len(lead_times), *first.shape[3:])
        return np.broadcast_to(first, shape)

    def _with_initial_state(self, init_time: np.datetime64) -> GriddedForecast | None:
        zero = np.array([_NO_LEAD])
        return next(
            (f for f in self._forecasts if f.available(init_time, zero)[0]), None
        )


class ClimatologyForecast:
    """The climatology of the valid time.

    Args:
        climatology: by day of the year and hour.
    """

    name = CLIMATOLOGY
    is_baseline = True
    members = 1

    def __init__(self, climatology: Climatology):
        self._climatology = climatology

    def has(self, variable: ScoredVariable) -> bool:
        """Return whether the climatology has a variable."""
        return self._climatology.has(variable)

    def available(self, init_time: np.datetime64, lead_times: np.ndarray) -> np.ndarray:
        """Return for which lead times it is known: all."""
        return np.ones(len(lead_times), bool)

    def read(
        self,
        variable: ScoredVariable,
        init_time: np.datetime64,
        lead_times: np.ndarray,
    ) -> np.ndarray:
        """Return (1, component, lead_time, level, latitude, longitude)."""
        return self._climatology.read(variable, init_time + lead_times)[None]


class ProbabilisticClimatology:
    """An ensemble of what a record has in other years on the day of the valid time.

    A member is the record of one year at the same month, day and hour; 29 February is
    28 February in years without it. Years of the times that are scored are left out,
    and so are those that lack one of the times.

    Args:
        record: a long record, on the grid of the comparison.
        years: first and last year that are used; None is all.
        valid_times: all times that are scored.

    Raises:
        InputDataError: fewer than two years are left.
    """

    name = PROBABILISTIC
    is_baseline = True

    def __init__(
        self, record: Truth, years: tuple[int, int] | None, valid_times: np.ndarray
    ):
        used = years_of(record, years)
        every = np.unique(record.times[used].astype("datetime64[Y]"))
        scored = np.unique(valid_times.astype("datetime64[Y]"))
        others = every[~np.isin(every, scored)]
        times = np.unique(valid_times)
        whole = [
            bool((record.positions(_in_year(times, year)) >= 0).all())
            for year in others
        ]
        self._record = record
        self._years = others[np.array(whole, bool)]
        self.members = len(self._years)
        if self.members < 2:
            raise InputDataError(
                f"A probabilistic climatology needs two years beside "
                f"{scored[0]} to {scored[-1]} with all days and hours of the forecasts;"
                f" the record has {self.members} of them.",
                "Give --climatology a longer record.",
            )

    def has(self, variable: ScoredVariable) -> bool:
        """Return whether the record has a variable."""
        return self._record.has(variable)

    def available(self, init_time: np.datetime64, lead_times: np.ndarray) -> np.ndarray:
        """Return for which lead times it is known: all."""
        return np.ones(len(lead_times), bool)

    def read(
        self,
        variable: ScoredVariable,
        init_time: np.datetime64,
        lead_times: np.ndarray,
    ) -> np.ndarray:
        """Return (member, component, lead_time, level, latitude, longitude)."""
        times = init_time + lead_times
        members = [self._record.positions(_in_year(times, y)) for y in self._years]
        return np.stack([self._record.read(variable, one) for one in members])


def _in_year(times: np.ndarray, year: np.datetime64) -> np.ndarray:
    """Return times at the same month, day and hour of another year."""
    months = times.astype("datetime64[M]")
    month = (months - times.astype("datetime64[Y]").astype("datetime64[M]")).astype(int)
    first = year.astype("datetime64[M]") + month
    length = (first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")
    day = times.astype("datetime64[D]") - months.astype("datetime64[D]")
    day = np.minimum(day, length - np.timedelta64(1, "D"))
    clock = times - times.astype("datetime64[D]")
    return (first.astype("datetime64[D]") + day).astype("datetime64[s]") + clock
