"""The settings of a forecast."""

from typing import ClassVar, Self

import numpy as np
import pydantic

from ngcm_cli.config import noise, values
from ngcm_cli.config.settings import Settings
from ngcm_cli.errors import ConfigError
from ngcm_cli.time_format import format_duration


class ForecastSettings(Settings):
    """Settings of forecasts and of ensembles of them, besides `Settings`.

    Without ``data`` they start from the bundled sample, or from ``arco`` where the
    sample does not hold the initial time; without ``init`` from the only time in the
    data. Without ``sst_data``, sea-surface temperature is read from ``data``; without
    ``variables``, the variables that the model predicts on levels and its precipitation
    are written.

    Attributes:
        lead: forecast length.
        every: time between outputs.
        overwrite: replace an existing output.
        sst: sea-surface temperature during the forecast: ``persist``,
            ``anomaly-persist``, ``climatology`` or ``prescribed``.
        perturb: noise added to the initial state: ``none``, ``gaussian``, ``spherical``
            or ``singular:PATH``, along the singular vectors of a file.
        amplitude: standard deviation of that noise in temperature, K, or an
            `AmplitudeProfile`; of singular vectors the largest of each.
        pressure_amplitude: its standard deviation in surface pressure, Pa.
    """

    lead: values.Duration = np.timedelta64(10 * 86400, "s")
    every: values.Duration = np.timedelta64(6 * 3600, "s")
    overwrite: values.Switch = False
    sst: values.SstMode = "persist"
    perturb: noise.Kind = "none"
    amplitude: noise.Temperature = 0.5
    pressure_amplitude: noise.Pressure = 50.0

    @pydantic.model_validator(mode="after")
    def _consistent(self) -> Self:
        lead, every = format_duration(self.lead), format_duration(self.every)
        if self.every <= np.timedelta64(0, "s"):
            raise ConfigError(
                "every is zero.", "Give a time between outputs, such as 6h."
            )
        if self.lead % self.every:
            longer = format_duration((self.lead // self.every + 1) * self.every)
            raise ConfigError(
                f"lead {lead} is not a multiple of every {every}.",
                f"Give lead {longer}, or another every.",
            )
        fields = type(self).model_fields
        for name in ("amplitude", "pressure_amplitude"):
            is_default = getattr(self, name) == fields[name].default
            if self.perturb == "none" and not is_default:  # as in a full run file
                raise ConfigError(
                    f"{name} is given, but nothing is perturbed.",
                    "Give perturb gaussian, too.",
                )
            if noise.vectors_file(self.perturb) and not (
                is_default
                or isinstance(getattr(self, name), float)
                and name == "amplitude"
            ):
                raise ConfigError(
                    f"{name} {getattr(self, name)} is not for singular vectors, which "
                    "have the structure of their file.",
                    "Give one amplitude in K, or leave it out.",
                )
        if self.zarr_format != 3 and self.output and self.output.suffix != ".zarr":
            raise ConfigError(
                f"zarr_format {self.zarr_format} is of Zarr stores, and the output "
                f"{self.output} is none.",
                "Leave it out, or name an output that ends in .zarr.",
            )
        restart = self.restart_every
        if restart is not None and (not restart or restart % self.every):
            raise ConfigError(
                f"restart_every {format_duration(restart)} is not a multiple of every "
                f"{every}.",
                "Give one that is.",
            )
        return self


class ForecastConfig(ForecastSettings):
    """The settings of ``ngcm forecast``, besides `ForecastSettings`.

    Attributes:
        member: number of the ensemble member of the same seed to compute; None is the
            unnumbered run whose random key is that of the seed.
    """

    command: ClassVar[str] = "forecast"

    member: values.Member | None = None
