"""The settings of an ensemble."""

from typing import ClassVar, Self

import pydantic

from ngcm_cli.config import values
from ngcm_cli.config.forecast import ForecastSettings
from ngcm_cli.errors import ConfigError


class EnsembleConfig(ForecastSettings):
    """The settings of ``ngcm ensemble``, besides `ForecastSettings`.

    Attributes:
        members: numbers of the members.
        statistics: statistics over the members, written at every lead time: any of
            `values.STATISTICS` and other percentiles.
        ddof: what is taken off the number of members by which a sum of squares is
            divided for their standard deviation: 0 or 1.
        keep_members: whether the members themselves are written.
    """

    command: ClassVar[str] = "ensemble"

    members: values.Members = range(10)
    statistics: values.Statistics = ()
    ddof: values.Ddof = 1
    keep_members: values.Switch = True

    @pydantic.model_validator(mode="after")
    def _writes_something(self) -> Self:
        if not (self.keep_members or self.statistics):
            raise ConfigError(
                "Nothing would be written: neither members nor statistics.",
                "Name statistics, such as mean,std, or keep the members.",
            )
        return self
