"""One initial time for commands that are no runs: model, analysis and forcing."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import PRNGKeyArray

from ngcm_cli.checkpoint.card import Card
from ngcm_cli.config import ForecastConfig
from ngcm_cli.errors import ConfigError
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.interface import Model
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.simulation.data_sources import DataSources, resolve_data
from ngcm_cli.simulation.forcing_windows import ForcingWindows
from ngcm_cli.simulation.provenance import run_attributes
from ngcm_cli.simulation.setup import check_on_step
from ngcm_cli.simulation.simulation import member_key
from ngcm_cli.time_format import format_duration
from ngcm_cli.zoo import open_model


@dataclasses.dataclass(frozen=True, eq=False)
class SingleStart:
    """What a forecast from one initial time would start from.

    Attributes:
        config: the settings of that forecast.
        card: of the model.
        model: loaded, not compiled.
        init: initial time, UTC, datetime64[s].
        fields: the analysis by ERA5 name, SI units, (level, longitude, latitude).
        forcing: surface forcing of the whole forecast, on the device.
        steps: model steps of the forecast.
        notes: conversions and substitutions made in the data, by subject.
    """

    config: ForecastConfig
    card: Card
    model: Model
    init: np.datetime64
    fields: dict[str, np.ndarray]
    forcing: Forcing
    steps: int
    notes: Mapping[str, Sequence[str]]

    def key(self, member: int | None = None) -> PRNGKeyArray:
        """Return the random key of a member, that of the seed itself for None."""
        return member_key(self.config.seed, member)

    def encode(self, member: int | None = None) -> Any:
        """Return the state that a member starts from, unperturbed."""
        key = self.key(member)
        return self.model.encode(self.fields, self.forcing, self.init, key)

    def attributes(self) -> dict[str, Any]:
        """Return global attributes of a file: model, data, versions, device.

        ``title`` and ``history`` are those of a forecast, for the caller to replace.
        """
        return run_attributes(self.config, self.card, (self.init,), self.notes)(0)


def read_start(
    config: ForecastConfig,
    download: ByteProgress = no_progress,
    *,
    lead: str = "lead",
) -> SingleStart:
    """Read the model, the analysis and the forcing of a forecast that is not run.

    Args:
        config: ``model``, ``data``, the one ``init``, ``lead``, ``seed``, and where
            sea-surface temperature comes from; the other settings do not matter.
        download: receives the progress of downloads, in bytes.
        lead: what the command calls this setting, for messages.

    Raises:
        NgcmError: one of its children, which says what to change.
    """
    located = resolve_data(config)
    assert isinstance(located, ForecastConfig)
    config = located
    card, model = open_model(
        config.model,
        precision=config.precision,
        offline=config.offline,
        progress=download,
    )
    asked = config.init[0] if config.init else None
    if asked is not None:
        check_on_step(asked, model, "init")
    step = model.time_step
    if config.lead % step or not config.lead:
        raise ConfigError(
            f"{lead} {format_duration(config.lead)} is not one or more steps of "
            f"{model.name}, {format_duration(step)}.",
            f"Give a multiple of {format_duration(step)}.",
        )
    sources = DataSources(config, model, download)
    analysis = sources.analysis(asked)
    init = analysis.time.astype("datetime64[s]")
    check_on_step(init, model, "The time of the data")
    surface = sources.forcing(asked)
    windows = ForcingWindows(surface, init, init + config.lead, config.lead)
    return SingleStart(
        config=config.model_copy(update={"init": (init,)}),
        card=card,
        model=model,
        init=init,
        fields=analysis.fields,
        forcing=windows.at(init),
        steps=int(config.lead // step),
        notes={"data": analysis.notes, "sst": surface.notes, "variables": ()},
    )
