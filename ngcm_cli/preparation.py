"""Preparing data ahead of runs: fetched, checked, regridded and kept."""

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
from ngcm_cli.origin import read_inputs
from ngcm_cli.zoo import open_model


@dataclasses.dataclass(frozen=True)
class Preparation:
    """What came of one initial time.

    Attributes:
        time: the initial time.
        path: of the state, which can be given to ``--data``; None where it failed.
        failure: why, or None.
    """

    time: np.datetime64
    path: pathlib.Path | None
    failure: InputDataError | None


def prepare(
    config: ForecastConfig,
    times: Sequence[np.datetime64],
    progress: ByteProgress = no_progress,
) -> Iterator[Preparation]:
    """Prepare what forecasts from several initial times start from.

    What is there already is not fetched again, so that an interrupted call goes on
    where it stopped; a time that fails does not keep the others from being prepared.

    Args:
        config: of the forecasts; its initial time is of no account.
        times: initial times.
        progress: sees how far the data of one time, or the weights, are.

    Yields:
        What came of each time, in order.

    Raises:
        ConfigError: the data are on this computer.
        NgcmError: the model is not to be had.
    """
    data = config.data or DEFAULT_SOURCE
    if not is_remote(data):
        raise ConfigError(
            f"{data} is on this computer, where it is read as it is: there is nothing "
            "to prepare.",
            "Give it to ngcm forecast --data, or name a URL or arco.",
        )
    _, model = open_model(config.model, offline=config.offline, progress=progress)
    kept = InputCache.of(data, ModelInputs.of(model))
    for time in times:
        wanted = config.model_copy(update={"init": time, "data": data})
        try:
            read_inputs(wanted, model, progress)
        except InputDataError as failure:
            yield Preparation(time, None, failure)
        else:
            yield Preparation(time, kept.analysis_path(time), None)
