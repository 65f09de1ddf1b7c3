"""Where a run gets its initial states and forcing: requests and descriptions."""

import contextlib
import functools
import os
import pathlib
from collections.abc import Iterator

import numpy as np

from ngcm_cli.config import AmipConfig
from ngcm_cli.config.forecast import ForecastSettings
from ngcm_cli.config.settings import Settings
from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.read_forcing import ForcingRequest, read_forcing
from ngcm_cli.forcing.run_inputs import RunInputs, check_inputs, read_inputs
from ngcm_cli.forcing.sst_anomaly import SSTAnomaly
from ngcm_cli.forcing.sst_record import RecordCoverageError
from ngcm_cli.forcing.surface_forcing import SurfaceForcing
from ngcm_cli.gcm.interface import Model
from ngcm_cli.inputs.analysis import Analysis
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.read_analysis import AnalysisRequest, read_analysis
from ngcm_cli.inputs.sources import bundled
from ngcm_cli.inputs.sources.location import (
    is_remote,
    matching_files,
    redacted,
    resolve_location,
)
from ngcm_cli.inputs.sources.named import DEFAULT_SOURCE, find_source
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.time_format import format_time
from ngcm_cli.zoo import is_here, model_names


class DataSources:
    """The initial analyses and the forcing of a run, read when they are wanted.

    Args:
        config: the settings.
        model: whose grid and levels the data are wanted on.
        progress: receives the bytes that are read.
    """

    def __init__(
        self, config: Settings, model: Model, progress: ByteProgress = no_progress
    ):
        self.config = config
        self._model_inputs = ModelInputs.of(model)
        self._progress = progress
        # The analysis of one initial time is held at once: they are large.
        self._read = functools.lru_cache(maxsize=1)(self._read_one)
        self._record = functools.lru_cache(maxsize=1)(self._read_record)

    def analysis(self, init: np.datetime64 | None) -> Analysis:
        """Return the analysis of an initial time; None is the only one in the data."""
        return self._read(init)[0]

    def forcing(self, init: np.datetime64 | None) -> SurfaceForcing:
        """Return the forcing of the run from an initial time."""
        if isinstance(self.config, AmipConfig):
            return self._record()
        return self._read(init)[1]

    def check(self, inits: tuple[np.datetime64, ...]) -> None:
        """Check that there are data for several initial times, without reading them."""
        if isinstance(self.config, ForecastSettings):
            with _helpful_errors(self.config):
                check_inputs(
                    self._analysis_request(None),
                    self._forcing_request(self.config),
                    inits,
                    self._model_inputs,
                    self._progress,
                )

    def _read_one(self, init: np.datetime64 | None) -> tuple[Analysis, SurfaceForcing]:
        if isinstance(self.config, AmipConfig):
            assert init is not None
            return self._initial_analysis(self.config, init), self._record()
        assert isinstance(self.config, ForecastSettings)
        with _helpful_errors(self.config):
            inputs: RunInputs = read_inputs(
                self._analysis_request(init),
                self._forcing_request(self.config),
                self._model_inputs,
                self._progress,
            )
        return inputs.analysis, inputs.surface_forcing

    def _initial_analysis(self, config: AmipConfig, init: np.datetime64) -> Analysis:
        """Return the atmosphere of a start; the bundled one whatever the date."""
        wanted = None if config.data is None else init
        request = AnalysisRequest(analysis_source(config), wanted, config.offline)
        analysis = read_analysis(request, self._model_inputs, self._progress)
        if config.data is not None or init == bundled.SAMPLE_TIME:
            return analysis
        note = (
            f"The atmosphere of {format_time(bundled.SAMPLE_TIME)} is the initial "
            "state of every start: discard the first months as spin-up."
        )
        return Analysis(init, analysis.fields, (*analysis.notes, note))

    def _read_record(self) -> SurfaceForcing:
        config = self.config
        assert isinstance(config, AmipConfig)
        starts = config.init_times
        end = max(config.end_of(start) for start in starts)
        request = ForcingRequest(
            mode="climatology" if config.sst_climatology else "prescribed",
            lead=end - starts[0],
            data=None
            if config.sst_climatology
            else config.sst_data or str(bundled.sst_record_path()),
            sst_offset=config.sst_offset,
            sst_anomaly=None
            if config.sst_patch is None
            else SSTAnomaly(*config.sst_patch),
            offline=config.offline,
        )
        with _helpful_errors(config):
            return read_forcing(request, starts[0], self._model_inputs, self._progress)

    def _analysis_request(self, init: np.datetime64 | None) -> AnalysisRequest:
        return AnalysisRequest(
            analysis_source(self.config, init), init, self.config.offline
        )

    def _forcing_request(self, config: ForecastSettings) -> ForcingRequest:
        return ForcingRequest(
            mode=config.sst,
            lead=config.lead,
            data=config.sst_data,
            sst_offset=config.sst_offset,
            offline=config.offline,
        )


@contextlib.contextmanager
def _helpful_errors(config: Settings) -> Iterator[None]:
    """Add to errors about data which options of the command avoid them."""
    try:
        yield
    except InputDataError as error:
        if isinstance(error, RecordCoverageError):
            climatology = "--sst persist or --sst climatology"
            if isinstance(config, AmipConfig):
                climatology = "--sst-climatology"
            error.hint = f"{error.hint} Or use {climatology}.".strip()
        elif uses_sample(config):
            error.message = error.message.replace(
                str(bundled.sample_path()), bundled.SAMPLE_NAME
            )
            error.hint = f"{error.hint} Or give your own data with --data.".strip()
        raise


def uses_sample(config: Settings) -> bool:
    """Return whether the initial state is the bundled one."""
    if config.data is not None:
        return False
    return isinstance(config, AmipConfig) or config.init in (
        None,
        (bundled.SAMPLE_TIME,),
    )


def analysis_source(config: Settings, init: np.datetime64 | None = None) -> str:
    """Return the name of the data that initial states are read from.

    Args:
        config: the settings.
        init: of a run with several initial times, the one that is wanted.
    """
    if uses_sample(config) or (config.data is None and init == bundled.SAMPLE_TIME):
        return str(bundled.sample_path())
    return config.data or DEFAULT_SOURCE


def describe_analysis(config: Settings) -> str:
    """Return where initial states come from, without secrets."""
    if uses_sample(config):
        return f"{bundled.SAMPLE_NAME}, the bundled ERA5 state"
    return _described(analysis_source(config))


def describe_forcing(config: Settings) -> str:
    """Return where sea-surface temperature and sea ice come from, without secrets."""
    climatology = (
        config.sst_climatology
        if isinstance(config, AmipConfig)
        else getattr(config, "sst", "") == "climatology"
    )
    if config.sst_data is not None:
        return _described(config.sst_data)
    if climatology:
        return f"{bundled.CLIMATOLOGY_NAME}, AMIP's monthly climatology"
    if isinstance(config, AmipConfig):
        return f"{bundled.SST_RECORD_NAME}, the bundled record of NOAA OISST"
    return describe_analysis(config)


def _described(name: str) -> str:
    location = redacted(resolve_location(name))
    return location if find_source(name) is None else f"{name}, {location}"


def public_command(config: Settings) -> str:
    """Return the command that runs this again, without secrets in addresses."""
    named = {"data": config.data, "sst_data": config.sst_data}
    public = {
        name: redacted(value) for name, value in named.items() if value is not None
    }
    return config.model_copy(update=public).command_line()


def with_absolute_paths(config: Settings) -> dict[str, str]:
    """Return all settings but the output as text, valid in any working directory."""
    flags = config.as_flags(defaults=True)
    flags.pop("output", None)
    if flags["model"] not in model_names():
        flags["model"] = os.path.abspath(flags["model"])
    for name in ("data", "sst_data"):  # also patterns of files
        if name in flags and not is_remote(flags[name]):
            flags[name] = os.path.abspath(flags[name])
    return flags


def check_local_paths(config: Settings) -> None:
    """Refuse a wrong path before weights are downloaded."""
    if is_here(config.model):
        return
    from ngcm_cli.inputs.input_dataset import InputDataset

    for named in (config.data, config.sst_data):
        if named is not None and not is_remote(named):
            InputDataset.open(named, ()).close()


def local_files(config: Settings) -> list[tuple[pathlib.Path, str]]:
    """Return every local input file, with its name for messages."""
    found: list[tuple[pathlib.Path, str]] = []
    for name, described in (
        (analysis_source(config), describe_analysis(config)),
        (config.sst_data, config.sst_data or ""),
    ):
        if name is not None and not is_remote(name):
            found += [(pathlib.Path(path), described) for path in matching_files(name)]
    return found


def read_sample(model: Model) -> RunInputs:
    """Return the bundled ERA5 state on the grid and levels of a model.

    Its sea-surface temperature and sea ice persist. Attributes ``time``, ``fields`` and
    ``forcing`` are what ``model.encode`` takes.
    """
    from ngcm_cli.config import ForecastConfig

    config = ForecastConfig()
    return read_inputs(
        AnalysisRequest(analysis_source(config), None, True),
        ForcingRequest(mode="persist", lead=np.timedelta64(0, "s"), offline=True),
        ModelInputs.of(model),
    )
