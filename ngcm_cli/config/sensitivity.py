"""The settings of ``ngcm sensitivity``."""

import re
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import pydantic

from ngcm_cli.config import values
from ngcm_cli.config.checked_settings import CheckedSettings
from ngcm_cli.config.forecast import ForecastConfig
from ngcm_cli.errors import ConfigError

_OF_FORECAST = (
    *("model", "data", "lead", "seed", "sst", "sst_data", "sst_time"),
    *("sst_offset", "offline"),
)
_MOST_VECTORS = 100


def _definitions(value: Any) -> tuple[str, ...]:
    """Return texts that a repeatable flag lists, divided at commas between brackets.

    A comma that is followed by ``lat=``, ``lon=`` or ``region=`` belongs to its text.
    """
    items = value if isinstance(value, list | tuple) else [value]
    pattern = r",(?![^()]*\))(?!\s*(?:lat|lon|region)\s*=)"
    parts = (part.strip() for item in items for part in re.split(pattern, str(item)))
    return tuple(dict.fromkeys(part for part in parts if part))


def _vectors(value: Any) -> int:
    text = str(value).strip()
    if not re.fullmatch("[0-9]{1,6}", text) or not 1 <= int(text) <= _MOST_VECTORS:
        raise ConfigError(
            f"'{value}' is not a number of singular vectors.",
            f"Give a whole number from 1 to {_MOST_VECTORS}.",
        )
    return int(text)


Definitions = Annotated[tuple[str, ...], pydantic.BeforeValidator(_definitions)]


class SensitivityConfig(CheckedSettings):
    """The settings of ``ngcm sensitivity``.

    Attributes:
        target: definitions of targets, such as ``mean(t850, lat=45:60, lon=230:250)``.
        with_respect_to: fields whose gradients are written.
        lead: lead time of the targets, and of the growth of singular vectors.
        truth: analysis at that time, for targets of its error.
        perturbation: changes of the initial fields whose effect is predicted and
            computed: ``gradient``, ``none`` or definitions such as ``t850 += 1``.
        singular_vectors: number of singular vectors to compute; None is none.
        norm: in which they grow: ``total-energy`` or ``dry-energy``.
        members: numbers of members, with the random keys of an ensemble; None is the
            one run of the seed.
        output: NetCDF file; None makes a name of model and initial time.
        overwrite: replace an existing file.

    The others, and ``init`` as the only initial time, are those of a forecast.
    """

    command: ClassVar[str] = "sensitivity"

    target: Definitions = ()
    with_respect_to: values.Names = ("t", "u", "v", "q", "sst")
    lead: values.Duration = np.timedelta64(3 * 86400, "s")
    truth: values.Text | None = None
    perturbation: Definitions = ("gradient",)
    singular_vectors: Annotated[int | None, pydantic.BeforeValidator(_vectors)] = None
    norm: Annotated[str, values.one_of("total-energy", "dry-energy")] = "total-energy"
    members: values.Members | None = None
    seed: values.Seed = 0
    model: values.Text = values.DEFAULT_MODEL
    data: values.Text | None = None
    init: values.Time | None = None
    sst: values.SstMode = "persist"
    sst_data: values.Text | None = None
    sst_time: values.SstTime | None = None
    sst_offset: values.Kelvin = 0.0
    output: values.Path | None = None
    overwrite: values.Switch = False
    offline: values.Switch = False

    @property
    def forecast(self) -> ForecastConfig:
        """The forecast whose sensitivity is computed."""
        settings = {name: getattr(self, name) for name in _OF_FORECAST}
        settings["every"] = self.lead
        if self.init is not None:
            settings["init"] = (self.init,)
        return ForecastConfig(**{n: x for n, x in settings.items() if x is not None})

    @pydantic.model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.target and self.singular_vectors is None:
            raise ConfigError(
                "There is nothing to compute: neither a target nor singular vectors.",
                "Give --target, such as 'mean(t850, lat=45:60, lon=230:250)', or "
                "--singular-vectors N.",
            )
        if not self.lead:
            raise ConfigError("lead is zero.", "Give a lead time, such as 3d.")
        if not self.with_respect_to:
            raise ConfigError(
                "with_respect_to is empty.", "Name at least one, or leave it out."
            )
        if "none" in self.perturbation and len(self.perturbation) > 1:
            raise ConfigError(
                "perturbation is both none and something.", "Leave out one of them."
            )
        if self.output is not None and self.output.suffix != ".nc":
            raise ConfigError(
                f"The output {self.output} is not named as NetCDF.",
                "End its name in .nc.",
            )
        return self
