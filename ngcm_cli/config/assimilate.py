"""The settings of ``ngcm assimilate``."""

from typing import Annotated, Any, ClassVar

import numpy as np
import pydantic

from ngcm_cli.config import values
from ngcm_cli.config.checked_settings import CheckedSettings
from ngcm_cli.config.quantities import quantity_parser
from ngcm_cli.errors import ConfigError


def _number(title: str, bounds: tuple[float, float], example: str) -> Any:
    return pydantic.BeforeValidator(quantity_parser(title, {"": 1.0}, bounds, example))


class AssimilateConfig(CheckedSettings):
    """The settings of ``ngcm assimilate``.

    Attributes:
        observations: CSV or NetCDF file of observations.
        background: data that the background state is read from, as ``data`` of a
            forecast; None is the bundled sample.
        init: beginning of the window, UTC; None is the only time in the background.
        window: its length.
        model: name of a model in the zoo, or path of its card.
        seed: of the random numbers of the model.
        background_errors: file of standard deviations of the background; None is
            the default of `BackgroundError`.
        background_error_scale: factor of the standard deviations of the background.
        reject_beyond: observations are rejected that differ from the background by more
            standard deviations of the difference than this.
        iterations: of the minimisation, at most.
        sst: as for forecasts.
        sst_data: as for forecasts.
        output: NetCDF file of the analysis; None makes a name of model and time.
        overwrite: whether the output may exist.
        offline: whether the network is not used.
    """

    command: ClassVar[str] = "assimilate"

    observations: values.Path
    background: values.Text | None = None
    init: values.Time | None = None
    window: values.Duration = np.timedelta64(6 * 3600, "s")
    model: values.Text = values.DEFAULT_MODEL
    seed: values.Seed = 0
    background_errors: values.Path | None = None
    background_error_scale: Annotated[
        float, _number("a factor", (0.01, 100.0), "1.5")
    ] = 1.0
    reject_beyond: Annotated[
        float, _number("a number of standard deviations", (1.0, 100.0), "5")
    ] = 5.0
    iterations: values.Count = 30
    sst: values.SstMode = "persist"
    sst_data: values.Text | None = None
    output: values.Path | None = None
    overwrite: values.Switch = False
    offline: values.Switch = False

    @pydantic.model_validator(mode="after")
    def _consistent(self) -> "AssimilateConfig":
        if self.window <= np.timedelta64(0, "s"):
            raise ConfigError("window is zero.", "Give a longer time, such as 6h.")
        if self.window > np.timedelta64(2, "D"):
            raise ConfigError(
                "window is longer than two days, over which errors do not stay small.",
                "Give a shorter one, such as 6h.",
            )
        if self.output is not None and self.output.suffix != ".nc":
            raise ConfigError(
                f"The output {self.output} is not named as NetCDF.",
                "End its name in .nc.",
            )
        return self
