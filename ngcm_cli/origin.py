"""Where a run starts from: the bundled sample, data of the user, or ERA5 far away."""

import os
from collections.abc import Sequence

import numpy as np

from ngcm_cli.config import ForecastConfig
from ngcm_cli.config.settings import Settings
from ngcm_cli.errors import InputDataError
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.inputs import inputs
from ngcm_cli.inputs.needs import Needs
from ngcm_cli.inputs.places import is_far, location, shown
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.zoo import bundled_folder, is_here, model_names

SAMPLE = "era5_tl31_1959-01-02T00.nc"
SAMPLE_TIME = np.datetime64("1959-01-02T00", "s")
CLIMATOLOGY = "amip_clim_sst_seaice_t63.nc"
RECORD = "oisst_sst_monthly_2p5deg_198112_202301.nc"
RECORD_WITHOUT_ICE = "a record of ice for the years could not be had to bundle"


def read_state(model: NeuralGCM) -> inputs.InitialState:
    """The bundled sample on the grid and levels of a model."""
    return read_inputs(ForecastConfig(), model)


def needs_of(model: NeuralGCM) -> Needs:
    """What a model needs to be given."""
    return Needs(
        grid=model.grid,
        levels=model.levels,
        fields=model.input_variables,
        land=model.land_fraction,
    )


def read_inputs(
    config: ForecastConfig, model: NeuralGCM, progress: ByteProgress = no_progress
) -> inputs.InitialState:
    """What a forecast starts from, on the grid and levels of a model."""
    try:
        return inputs.read_inputs(_request(config), needs_of(model), progress)
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
    requests = [_request(config) for config in configs]
    inputs.check_inputs(requests, needs_of(model), progress)


def _request(config: ForecastConfig) -> inputs.InputRequest:
    return inputs.InputRequest(
        data=path(config),
        init=config.init,
        lead=config.lead,
        sea=config.sst,
        sea_data=config.sst_data,
        sea_offset=config.sst_offset,
        climatology=str(bundled_folder() / CLIMATOLOGY),
        offline=config.offline,
    )


def _is_sample(config: ForecastConfig) -> bool:
    """Whether the run starts from the bundled state."""
    return config.data is None and config.init in (None, SAMPLE_TIME)


def path(config: ForecastConfig) -> str:
    """What the state is read from, as `Source.open` takes it."""
    if _is_sample(config):
        return str(bundled_folder() / SAMPLE)
    return config.data or "arco"


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
    place = shown(location(name))
    return place if name.lower() != "arco" else f"{name}, {place}"


def command(config: Settings) -> str:
    """The command that runs this again, as it may be written down."""
    named = {"data": config.data, "sst_data": config.sst_data}
    public = {name: shown(value) for name, value in named.items() if value is not None}
    return config.model_copy(update=public).command_line()


def anywhere(config: Settings) -> dict[str, str]:
    """All settings but the output, as text that is good in any folder."""
    words = config.words(defaults=True)
    words.pop("output", None)
    if words["model"] not in model_names():
        words["model"] = os.path.abspath(words["model"])
    for name in ("data", "sst_data"):  # also patterns of files
        if name in words and not is_far(words[name]):
            words[name] = os.path.abspath(words[name])
    return words


def check_local_paths(config: Settings) -> None:
    """Refuse a wrong path before weights are downloaded."""
    if is_here(config.model):
        return
    from ngcm_cli.inputs.source import Source

    for named in (config.data, config.sst_data):
        if named is not None and not is_far(named):
            Source.open(named, ()).close()
