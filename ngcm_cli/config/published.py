"""The settings of ``ngcm models verify --published``."""

from typing import ClassVar, Self

import pydantic

from ngcm_cli.config import values
from ngcm_cli.config.checked_settings import CheckedSettings
from ngcm_cli.config.evaluate import Leads
from ngcm_cli.errors import ConfigError

NO_TRUTH = "none"
"""As ``truth``: no scores are computed."""


class PublishedConfig(CheckedSettings):
    """The settings of a comparison with published forecasts.

    Attributes:
        model: name of a model in the zoo, or path of its card.
        against: published forecasts; None is those that the card names.
        data: source of initial analyses, as for a forecast.
        truth: analysis or record that is taken for the truth, or ``none``; None is the
            source of the initial analyses.
        init: initial times; None is ``starts`` of those published.
        starts: number of initial times, spread evenly over those published.
        lead: lead times; None is some of the first three days.
        variables: variables to compare, such as ``t`` or ``z500``; None is the headline
            variables that are published.
        levels: pressure levels in hPa; None is some of the troposphere.
        members: number of members of ours and of those published that are compared, if
            the model is stochastic.
        seed: seed of the random numbers.
        offline: whether the network is not used.
    """

    command: ClassVar[str] = "models verify"

    model: values.Text
    against: values.Text | None = None
    data: values.Text | None = None
    truth: values.Text | None = None
    init: values.Times | None = None
    starts: values.Count = 2
    lead: Leads | None = None
    variables: values.Names | None = None
    levels: values.Levels | None = None
    members: values.Count = 10
    seed: values.Seed = 0
    offline: values.Switch = False

    @pydantic.model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in ("variables", "levels"):
            if getattr(self, name) == ():
                raise ConfigError(
                    f"{name} is empty.", "Name at least one, or leave it out."
                )
        if isinstance(self.levels, str):
            raise ConfigError(
                "Published forecasts are on pressure levels.",
                "Give levels in hPa, such as 500,850.",
            )
        if self.init is not None and "starts" in self.model_fields_set:
            raise ConfigError(
                "Both init and starts are given.",
                "Give the initial times, or how many of those published to take.",
            )
        return self
