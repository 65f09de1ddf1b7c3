"""What long runs start from: an atmosphere for every start, and one sea."""

import dataclasses

import numpy as np

from ngcm_cli.config import AmipConfig
from ngcm_cli.forcing.sea import Sea
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.inputs import inputs
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.origin import (
    CLIMATOLOGY,
    RECORD,
    RECORD_WITHOUT_ICE,
    SAMPLE,
    SAMPLE_TIME,
    needs_of,
    with_place,
)
from ngcm_cli.time_format import format_time
from ngcm_cli.zoo import bundled_folder


@dataclasses.dataclass(frozen=True, eq=False)
class Beginning:
    """The atmosphere at one start.

    Attributes:
        fields: by ERA5 name, (level, longitude, latitude).
        notes: every conversion and substitution, in words.
    """

    fields: dict[str, np.ndarray]
    notes: tuple[str, ...]


def read_beginnings(
    config: AmipConfig, model: NeuralGCM, progress: ByteProgress = no_progress
) -> list[Beginning]:
    """The atmosphere of every start; the bundled one whatever the date."""
    beginnings = []
    for start in config.start_times:
        if config.data is not None or not beginnings:
            request = _request(config)
            if config.data is not None:
                request = dataclasses.replace(request, init=start)
            _, atmosphere = inputs.read_atmosphere(request, needs_of(model), progress)
        notes = atmosphere.notes
        if config.data is None and start != SAMPLE_TIME:
            notes += (
                f"The atmosphere of {format_time(SAMPLE_TIME)} is taken as that of the "
                "start: leave out the first months.",
            )
        beginnings.append(Beginning(atmosphere.fields, notes))
    return beginnings


def read_sea(
    config: AmipConfig, model: NeuralGCM, progress: ByteProgress = no_progress
) -> Sea:
    """Sea-surface temperature and sea ice from the first start to the last end.

    Raises:
        InputDataError: the record does not cover the runs.
    """
    start = config.start_times[0]
    end = max(config.end_of(start) for start in config.start_times)
    request = dataclasses.replace(_request(config), lead=end - start)
    return inputs.read_sea(request, start, needs_of(model), progress)


def _request(config: AmipConfig) -> inputs.InputRequest:
    bundled = bundled_folder()
    record = config.sst_data or str(bundled / RECORD)
    return inputs.InputRequest(
        data=config.data or str(bundled / SAMPLE),
        init=None,
        lead=np.timedelta64(0, "s"),
        sea="climatology" if config.sst_climatology else "prescribed",
        sea_data=None if config.sst_climatology else record,
        sea_offset=config.sst_offset,
        climatology=str(bundled / CLIMATOLOGY),
        offline=config.offline,
        patch=config.sst_patch,
        instead="--sst-climatology",
        without_ice="" if config.sst_data else RECORD_WITHOUT_ICE,
        init_flag="--start",
    )


def data_words(config: AmipConfig) -> str:
    """Where the atmosphere comes from, for people."""
    if config.data is None:
        return f"{SAMPLE}, the bundled ERA5 state"
    return with_place(config.data)


def sea_words(config: AmipConfig) -> str:
    """Where the sea comes from, for people."""
    if config.sst_climatology:
        return f"{CLIMATOLOGY}, AMIP's monthly climatology"
    if config.sst_data is None:
        return f"{RECORD}, the bundled record of NOAA OISST"
    return with_place(config.sst_data)
