"""Where a run starts from: the bundled sample, data of the user, or ERA5 far away."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ngcm_cli.config import ForecastConfig
from ngcm_cli.config.settings import Settings
from ngcm_cli.errors import InputDataError, RecordCoverageError
from ngcm_cli.forcing import run_inputs
from ngcm_cli.forcing.read_forcing import ForcingRequest
from ngcm_cli.forcing.run_inputs import RunInputs
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.read_analysis import AnalysisRequest
from ngcm_cli.inputs.sources.bundled import (
    CLIMATOLOGY_NAME as CLIMATOLOGY,
)
from ngcm_cli.inputs.sources.bundled import (
    SAMPLE_NAME as SAMPLE,
)
from ngcm_cli.inputs.sources.bundled import (
    SAMPLE_TIME,
    sample_path,
)
from ngcm_cli.inputs.sources.location import is_remote, redacted, resolve_location
from ngcm_cli.inputs.sources.named import DEFAULT_SOURCE, find_source
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.zoo import is_here, model_names


def read_state(model: NeuralGCM) -> RunInputs:
    """The bundled sample on the grid and levels of a model."""
    return read_inputs(ForecastConfig(), model)


def read_inputs(
    config: ForecastConfig, model: NeuralGCM, progress: ByteProgress = no_progress
) -> RunInputs:
    """What a forecast starts from, on the grid and levels of a model."""
    try:
        with _with_alternatives():
            return run_inputs.read_inputs(
                *_requests(config), ModelInputs.of(model), progress
            )
    except InputDataError as error:
        if not _is_sample(config) or path(config) not in error.message:
            raise
        raise InputDataError(
            error.message.replace(path(config), SAMPLE),
            f"{error.hint} Or name data of your own with --data.".strip(),
        ) from error


def check_inputs(
    configs: Sequence[ForecastConfig],
    model: NeuralGCM,
    progress: ByteProgress = no_progress,
) -> None:
    """Check that there is what forecasts from several initial times start from."""
    analysis, forcing = _requests(configs[0])
    times = [config.init for config in configs if config.init is not None]
    with _with_alternatives():
        run_inputs.check_inputs(
            analysis, forcing, times, ModelInputs.of(model), progress
        )


def _requests(config: ForecastConfig) -> tuple[AnalysisRequest, ForcingRequest]:
    return (
        AnalysisRequest(path(config), config.init, config.offline),
        ForcingRequest(
            mode=config.sst,
            lead=config.lead,
            data=config.sst_data,
            sst_offset=config.sst_offset,
            offline=config.offline,
        ),
    )


@contextmanager
def _with_alternatives() -> Iterator[None]:
    """Add how a forecast does without an SST record that covers it."""
    try:
        yield
    except RecordCoverageError as error:
        error.hint += " Or use --sst persist or climatology."
        raise


def _is_sample(config: ForecastConfig) -> bool:
    """Whether the run starts from the bundled state."""
    return config.data is None and config.init in (None, SAMPLE_TIME)


def path(config: ForecastConfig) -> str:
    """What the state is read from, as `InputDataset.open` takes it."""
    if _is_sample(config):
        return sample_path()
    return config.data or DEFAULT_SOURCE


def words(config: ForecastConfig) -> str:
    """Where the state comes from, for people."""
    if _is_sample(config):
        return f"{SAMPLE}, the bundled ERA5 state"
    return with_place(path(config))


def sea_words(config: ForecastConfig) -> str:
    """Where the sea comes from, for people."""
    if config.sst_data is None and config.sst == "climatology":
        return f"{CLIMATOLOGY}, AMIP's monthly climatology"
    if config.sst_data is None:
        return words(config)
    return with_place(config.sst_data)


def with_place(name: str) -> str:
    """Data as they were named, and where that is if the name is short."""
    url = redacted(resolve_location(name))
    return url if find_source(name) is None else f"{name}, {url}"


def command(config: Settings) -> str:
    """The command that runs this again, as it may be written down."""
    named = {"data": config.data, "sst_data": config.sst_data}
    public = {
        name: redacted(value) for name, value in named.items() if value is not None
    }
    return config.model_copy(update=public).command_line()


def anywhere(config: Settings) -> dict[str, str]:
    """All settings but the output, as text that is good in any folder."""
    words = config.words(defaults=True)
    words.pop("output", None)
    if words["model"] not in model_names():
        words["model"] = os.path.abspath(words["model"])
    for name in ("data", "sst_data"):  # also patterns of files
        if name in words and not is_remote(words[name]):
            words[name] = os.path.abspath(words[name])
    return words


def check_local_paths(config: Settings) -> None:
    """Refuse a wrong path before weights are downloaded."""
    if is_here(config.model):
        return
    from ngcm_cli.inputs.input_dataset import InputDataset

    for named in (config.data, config.sst_data):
        if named is not None and not is_remote(named):
            InputDataset.open(named, ()).close()
