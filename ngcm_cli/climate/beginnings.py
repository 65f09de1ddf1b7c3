"""What long runs start from: an atmosphere for every start, and one sea."""

import dataclasses

from ngcm_cli.config import AmipConfig
from ngcm_cli.errors import RecordCoverageError
from ngcm_cli.forcing.read_forcing import ForcingRequest, read_forcing
from ngcm_cli.forcing.sst_anomaly import SSTAnomaly
from ngcm_cli.forcing.surface_forcing import SurfaceForcing
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.inputs.analysis import Analysis
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.read_analysis import AnalysisRequest, read_analysis
from ngcm_cli.inputs.sources import bundled
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.origin import CLIMATOLOGY, SAMPLE, SAMPLE_TIME, with_place
from ngcm_cli.time_format import format_time


def read_beginnings(
    config: AmipConfig, model: NeuralGCM, progress: ByteProgress = no_progress
) -> list[Analysis]:
    """The atmosphere of every start; the bundled one whatever the date."""
    beginnings = []
    analysis = None
    for start in config.start_times:
        if config.data is not None or analysis is None:
            request = AnalysisRequest(
                config.data or bundled.sample_path(),
                None if config.data is None else start,
                config.offline,
            )
            analysis = read_analysis(request, ModelInputs.of(model), progress)
        notes = analysis.notes
        if config.data is None and start != SAMPLE_TIME:
            notes += (
                f"The atmosphere of {format_time(SAMPLE_TIME)} is taken as that of the "
                "start: leave out the first months.",
            )
        beginnings.append(dataclasses.replace(analysis, notes=notes))
    return beginnings


def read_sea(
    config: AmipConfig, model: NeuralGCM, progress: ByteProgress = no_progress
) -> SurfaceForcing:
    """Sea-surface temperature and sea ice from the first start to the last end.

    Raises:
        InputDataError: the record does not cover the runs.
    """
    start = config.start_times[0]
    end = max(config.end_of(start) for start in config.start_times)
    request = ForcingRequest(
        mode="climatology" if config.sst_climatology else "prescribed",
        lead=end - start,
        data=_sst_data(config),
        sst_offset=config.sst_offset,
        sst_anomaly=None if config.sst_patch is None else SSTAnomaly(*config.sst_patch),
        offline=config.offline,
    )
    try:
        return read_forcing(request, start, ModelInputs.of(model), progress)
    except RecordCoverageError as error:
        error.hint += " Or use --sst-climatology."
        raise


def _sst_data(config: AmipConfig) -> str | None:
    if config.sst_climatology:
        return None
    return config.sst_data or bundled.sst_record_path()


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
        return f"{bundled.SST_RECORD_NAME}, the bundled record of NOAA OISST"
    return with_place(config.sst_data)
