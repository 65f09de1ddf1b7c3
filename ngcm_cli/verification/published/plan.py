"""What is compared with published forecasts: everything decided before a run."""

import contextlib
import dataclasses
from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.checkpoint.card import Card, PublishedCard
from ngcm_cli.config import EnsembleConfig, ForecastConfig
from ngcm_cli.config.published import NO_TRUTH, PublishedConfig
from ngcm_cli.errors import CheckpointError, InputDataError
from ngcm_cli.inputs.gridded import open_gridded
from ngcm_cli.inputs.sources.location import redacted
from ngcm_cli.io.progress import (
    ByteProgress,
    begin_phase,
    format_size,
    no_progress,
)
from ngcm_cli.simulation.data_sources import analysis_source
from ngcm_cli.time_format import format_duration, format_time, format_times
from ngcm_cli.verification.comparison_grid import ComparisonGrid
from ngcm_cli.verification.forecasts import GriddedForecast, select_times
from ngcm_cli.verification.published.selection import select_fields
from ngcm_cli.verification.scored_variables import ScoredVariable
from ngcm_cli.verification.truth import check_truth
from ngcm_cli.zoo import model_names
from ngcm_cli.zoo.catalogue import read_card
from ngcm_cli.zoo.loading import find_card

HOUR = np.timedelta64(3600, "s")
SHORT = 12 * HOUR
"""Longest lead time at which runs of the same model must agree."""

LEADS = tuple(hours * HOUR for hours in (0, 6, 12, 24, 72))
"""Lead times that are compared by default, where they are published."""


@dataclasses.dataclass(frozen=True, eq=False)
class PublishedPlan:
    """A comparison with published forecasts.

    Attributes:
        config: the settings.
        published: the published forecasts, in canonical form.
        truth: an analysis or record in canonical form; None without one.
        init_times: initial times, datetime64[s].
        lead_times: lead times, timedelta64[s], ascending.
        variables: variables with their levels.
        members: number of members of each side; None for single forecasts.
        notes: what a reader of the result must know.
    """

    config: PublishedConfig
    published: xr.Dataset
    truth: xr.Dataset | None
    init_times: np.ndarray
    lead_times: np.ndarray
    variables: tuple[ScoredVariable, ...]
    members: int | None
    notes: tuple[str, ...] = ()

    @property
    def run(self) -> ForecastConfig | EnsembleConfig:
        """Settings of our run, without output."""
        steps = self.lead_times.astype(np.int64)
        every = np.gcd.reduce(steps) or 3600
        settings: dict[str, Any] = {
            "model": self.config.model,
            "init": tuple(self.init_times),
            "lead": self.lead_times.max(),
            "every": np.timedelta64(int(every), "s"),
            "seed": self.config.seed,
            "variables": tuple(variable.name for variable in self.variables),
            "levels": tuple(
                sorted({x for v in self.variables for x in v.levels or ()})
            ),
            "offline": self.config.offline,
        }
        if self.config.data is not None:
            settings["data"] = self.config.data
        if self.members is None:
            return ForecastConfig(**settings)
        return EnsembleConfig(**settings, members=range(self.members))

    def describe(self) -> str:
        """Return what will be fetched and run, for a dry run."""
        columns = len(self.init_times) * len(self.lead_times) * len(self.variables)
        published = ComparisonGrid.of(self.published)
        size = _column_bytes(self.published) * columns * (self.members or 1)
        run, times = self.run, len(self.init_times)
        leads = ", ".join(format_duration(lead) for lead in self.lead_times)
        members = "" if self.members is None else f"{self.members} members, "
        names = "; ".join(
            f"{v.name} {', '.join(f'{x:g}' for x in v.levels or ())} hPa"
            for v in self.variables
        )
        lines = [
            f"Published   {self.published.attrs['location']}",
            f"            {published.description}; at most {format_size(size)} to read",
            f"Starts      {format_times(list(self.init_times))}",
            f"Lead times  {leads}",
            f"Fields      {names}",
            f"Run         {run.model}, {members}{times} x {format_duration(run.lead)}",
            f"Analyses    {redacted(analysis_source(run, self.init_times[0]))}",
        ]
        if self.truth is None:
            lines.append("Truth       none: no scores are computed")
        else:
            size = _column_bytes(self.truth) * columns
            lines += [
                f"Truth       {self.truth.attrs['location']}",
                f"            at most {format_size(size)} to read",
            ]
        notes = [f"Note        {note}" for note in self.notes]
        sizes = "Sizes are before compression, if a chunk holds all levels of a field."
        return "\n".join([*lines, *notes, sizes])


def published_location(config: PublishedConfig, card: Card | PublishedCard) -> str:
    """Return where the published forecasts of the model of a card are.

    Raises:
        CheckpointError: none are known.
    """
    if config.against is not None:
        return config.against
    if card.published_forecasts is not None:
        return card.published_forecasts
    others = [name for name in model_names() if read_card(name).published_forecasts]
    raise CheckpointError(
        f"No published forecasts of {card.name} are known; those of "
        f"{' and '.join(others)} are.",
        "Give --against LOCATION: forecasts of this model in the layout of "
        "WeatherBench 2. Published climate runs are not compared: nobody can repeat "
        "one day by day.",
    )


def plan_comparison(
    config: PublishedConfig,
    closing: contextlib.ExitStack,
    progress: ByteProgress = no_progress,
) -> PublishedPlan:
    """Open published forecasts and truth, and return what is compared.

    Args:
        config: the settings.
        closing: closes the files when it is left.
        progress: of downloads, in bytes.

    Raises:
        CheckpointError: no forecasts of this model are known.
        ConfigError: a variable or a level is not published.
        InputDataError: data cannot be opened, or have nothing in common.
    """
    card = find_card(config.model)
    location = published_location(config, card)
    begin_phase("Opening the published forecasts")

    def opened(place: str) -> xr.Dataset:
        dataset = open_gridded(place, offline=config.offline, progress=progress)
        return closing.enter_context(contextlib.closing(dataset))

    published = opened(location)
    _check_published(published)
    grid = ComparisonGrid.of(published)
    forecast = GriddedForecast("published", published, grid)
    times = select_times([forecast], config.init, config.lead)
    inits, leads = times.init_times, times.lead_times
    if config.init is None:
        count = min(config.starts, len(inits))
        inits = inits[np.arange(count) * len(inits) // count]
    if config.lead is None:
        leads = leads[np.isin(leads, LEADS)] if np.isin(leads, LEADS).any() else leads
        leads = leads[: len(LEADS)]
    notes = []
    if leads.min() > SHORT:
        notes.append(
            f"No lead time is {format_duration(SHORT)} or less: nothing is judged."
        )
    members, note = _members(config, published, card.stochastic)
    notes += [note] if note else []
    variables = select_fields(config, published)
    truth = None
    if config.truth != NO_TRUTH:
        run = (
            ForecastConfig(model=config.model, init=tuple(inits), data=config.data)
            if (config.data is not None)
            else ForecastConfig(model=config.model, init=tuple(inits))
        )
        begin_phase("Opening the truth")
        truth = opened(config.truth or analysis_source(run, inits[0]))
        check_truth(truth)
        notes += _check_times(config, truth, inits[:, None] + leads)
    return PublishedPlan(
        config, published, truth, inits, leads, variables, members, tuple(notes)
    )


def _members(
    config: PublishedConfig, published: xr.Dataset, stochastic: bool
) -> tuple[int | None, str]:
    """Return how many members are compared, None of single runs, and a note on it."""
    there = published.sizes.get("realization", 1)
    if stochastic and there > 1:
        return max(2, min(there, config.members)), ""
    if stochastic:
        return None, (
            "A run of a stochastic model equals another with the same seed and program "
            "only."
        )
    if there > 1:
        note = "The model is deterministic; of the members the first is used."
        return None, note
    return None, ""


def _check_times(
    config: PublishedConfig, truth: xr.Dataset, valid: np.ndarray
) -> list[str]:
    """Return a note where the truth has none of the valid times.

    Raises:
        InputDataError: it has none, and was asked for.
    """
    times = truth["time"].values.astype("datetime64[s]")
    if np.isin(valid, times).any():
        return []
    message = (
        f"The truth {truth.attrs['location']} has none of the valid times, "
        f"{format_time(valid.min())} to {format_time(valid.max())}."
    )
    if config.truth is not None:
        raise InputDataError(message, "Give one that has, or none for no scores.")
    return [f"{message} No scores are computed."]


def _check_published(dataset: xr.Dataset) -> None:
    """Refuse climate runs and records.

    Raises:
        InputDataError: there are no lead times.
    """
    if "lead_time" in dataset.dims:
        return
    raise InputDataError(
        f"{dataset.attrs['location']} holds no forecasts: there are no lead times.",
        "A climate run is one sample of the climate, which no other run repeats day by "
        "day; compare statistics of the climate instead.",
    )


def _column_bytes(dataset: xr.Dataset) -> int:
    """Return the bytes of a variable at one time on all levels, float32."""
    names = "level", "latitude", "longitude"
    return 4 * int(np.prod([dataset.sizes.get(name, 1) for name in names]))
