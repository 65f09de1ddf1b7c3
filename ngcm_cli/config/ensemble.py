"""Everything that an ensemble can be told."""

from typing import Any, ClassVar, Self

import numpy as np
import pydantic

from ngcm_cli.config import values
from ngcm_cli.config.forecast import ForecastConfig, Weather
from ngcm_cli.errors import ConfigError


class EnsembleConfig(Weather):
    """Everything that an ensemble of forecasts can be told, besides `Weather`.

    Attributes:
        init: initial times in UTC; None is the only time in the data.
        members: their numbers.
        statistics: over the members, written for every lead time: `values.STATISTICS`.
        keep_members: write the members themselves.
        batch: members that run at once; None is what fits into memory.
        scheduler: address of a Dask scheduler whose workers share the initial times.
        coordinator: HOST:PORT at which the first of several processes listens.
        process: which of these this one is, of how many, as 0/2.
    """

    command: ClassVar[str] = "ensemble"
    changeable: ClassVar[tuple[str, ...]] = (
        "scheduler",
        "coordinator",
        "process",
        "offline",
    )
    """Settings that an ensemble may go on with in another way."""

    init: values.Times | None = None
    members: values.Members = range(10)
    statistics: values.Statistics = ()
    keep_members: values.Switch = True
    batch: values.Batch = None
    scheduler: values.Text | None = None
    coordinator: values.Text | None = None
    process: values.Text | None = None

    def forecast(
        self, init: np.datetime64 | None, member: int | None = None
    ) -> ForecastConfig:
        """The forecast from one of the initial times that is one of the members."""
        shared: dict[str, Any] = {
            name: getattr(self, name)
            for name in Weather.model_fields
            if name in self.model_fields_set
        }
        return ForecastConfig(**shared, init=init, member=member)

    @pydantic.model_validator(mode="after")
    def _writes_something(self) -> Self:
        if not (self.keep_members or self.statistics):
            raise ConfigError(
                "Nothing would be written: neither members nor statistics.",
                "Name statistics, as mean,std, or keep the members.",
            )
        return self
