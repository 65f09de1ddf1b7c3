"""Prefetch input data ahead of runs: fetched, checked, regridded and cached."""

import dataclasses
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np

from ngcm_cli.config import ForecastConfig
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.inputs.input_cache import InputCache
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.sources.location import is_remote
from ngcm_cli.inputs.sources.named import DEFAULT_SOURCE
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.simulation.data_sources import DataSources
from ngcm_cli.zoo import open_model


@dataclasses.dataclass(frozen=True)
class PrefetchResult:
    """The outcome for one initial time.

    Attributes:
        time: the initial time.
        path: of the cached analysis, which ``--data`` takes; None where it failed.
        failure: why, or None.
    """

    time: np.datetime64
    path: pathlib.Path | None
    failure: InputDataError | None


def prefetch(
    config: ForecastConfig,
    times: Sequence[np.datetime64],
    progress: ByteProgress = no_progress,
) -> Iterator[PrefetchResult]:
    """Cache the input data of forecasts from several initial times.

    What is cached already is not fetched again, so that an interrupted call continues
    where it stopped; a time that fails does not keep the others from being fetched.

    Yields:
        The outcome of each time, in order.

    Raises:
        ConfigError: the data are on this computer.
        NgcmError: the model is not available.
    """
    data = config.data or DEFAULT_SOURCE
    if not is_remote(data):
        raise ConfigError(
            f"{data} is on this computer, and is read where it is: nothing is to be "
            "fetched.",
            f"Give it to ngcm forecast --data, or name a URL or {DEFAULT_SOURCE}.",
        )
    _, model = open_model(config.model, offline=config.offline, progress=progress)
    cache = InputCache.of(data, ModelInputs.of(model))
    sources = DataSources(config.model_copy(update={"data": data}), model, progress)
    for time in times:
        try:
            sources.analysis(time)
        except InputDataError as failure:
            yield PrefetchResult(time, None, failure)
        else:
            yield PrefetchResult(time, cache.analysis_path(time), None)
