"""Everything that a forecast can be told."""

from typing import ClassVar, Self

import numpy as np
import pydantic

from ngcm_cli.config import values
from ngcm_cli.config.settings import Settings
from ngcm_cli.errors import ConfigError
from ngcm_cli.time_format import format_duration


class Weather(Settings):
    """What a forecast and an ensemble of them can be told, besides `Settings`.

    Without ``data`` they start from the bundled sample, or from ``arco`` where that
    does not hold the initial time; without ``sst_data`` the sea is in ``data``; without
    ``variables`` what the model predicts on levels is written, and its precipitation.

    Attributes:
        lead: how far to forecast.
        every: time between outputs.
        output: ``.zarr`` or ``.nc``; None is a name made of model and init, here.
        overwrite: replace an existing output.
        sst: what the sea does: ``persist``, ``anomaly-persist``, ``climatology`` or
            ``prescribed``; see ``data.sea_modes``.
        perturb: noise added to the initial state: ``none``, ``gaussian`` or
            ``spherical``; see ``gcm.initial_perturbation``.
        amplitude: standard deviation of that noise in temperature, K.
    """

    lead: values.Duration = np.timedelta64(10 * 86400, "s")
    every: values.Duration = np.timedelta64(6 * 3600, "s")
    output: values.Path | None = None
    overwrite: values.Switch = False
    sst: values.SeaMode = "persist"
    perturb: values.Noise = "none"
    amplitude: values.Amplitude = 0.5

    @pydantic.model_validator(mode="after")
    def _consistent(self) -> Self:
        lead, every = format_duration(self.lead), format_duration(self.every)
        if self.every <= np.timedelta64(0, "s"):
            raise ConfigError("every is zero.", "Give a time between outputs, as 6h.")
        if self.lead % self.every:
            longer = format_duration((self.lead // self.every + 1) * self.every)
            raise ConfigError(
                f"lead {lead} is not a multiple of every {every}.",
                f"Forecast {longer}, or change every.",
            )
        return self


class ForecastConfig(Weather):
    """Everything that a forecast can be told, besides `Weather`.

    Attributes:
        init: initial time in UTC; None is the only time in the data.
        member: of the ensemble of the same seed; None is a run by itself, whose random
            key is that of the seed.
    """

    command: ClassVar[str] = "forecast"

    init: values.Time | None = None
    member: values.Member | None = None
