"""Where a run gets its initial states and forcing: requests and descriptions."""

import contextlib
import functools
import json
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ngcm_cli.config import AmipConfig, ForecastConfig, RunConfig
from ngcm_cli.config.noise import vectors_file, with_vectors_file
from ngcm_cli.config.settings import Settings
from ngcm_cli.errors import InputDataError, RecordCoverageError
from ngcm_cli.forcing.read_forcing import ForcingRequest, read_forcing
from ngcm_cli.forcing.run_inputs import RunInputs, check_inputs, read_inputs
from ngcm_cli.forcing.sst_anomaly import SSTAnomaly
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
from ngcm_cli.inputs.variables import SKIN_TEMPERATURE, SST, SURFACE_VARIABLES
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.output.zarr import RUN_ATTRIBUTE
from ngcm_cli.simulation.forcing_windows import ForcingWindows
from ngcm_cli.simulation.nudging_reference import NudgingReference
from ngcm_cli.simulation.schedule import Schedule
from ngcm_cli.time_format import format_time, parse_times
from ngcm_cli.zoo import is_here, model_names


class DataSources:
    """The initial analyses and the forcing of a run, read when they are wanted."""

    def __init__(
        self, config: Settings, model: Model, progress: ByteProgress = no_progress
    ):
        self.config = config
        self._model_inputs = ModelInputs.of(model)
        self._progress = progress
        self._schedules: Sequence[Schedule] = ()
        self._nudging: NudgingReference | None = None
        # One initial time at once, for they are large.
        self._inputs = functools.lru_cache(maxsize=1)(self._read_one)
        self._asked: dict[np.datetime64 | None, None] = {}  # as None, the only one
        self._record = functools.lru_cache(maxsize=1)(self._read_record)
        self.forcing_windows = functools.lru_cache(maxsize=1)(self._make_windows)

    def set_schedules(
        self, schedules: Sequence[Schedule], nudging: NudgingReference | None = None
    ) -> None:
        """Set the schedules of the initial times and nudging, for `forcing_windows`."""
        self._schedules, self._nudging = schedules, nudging

    def analysis(self, init: np.datetime64 | None) -> Analysis:
        """Return the analysis of an initial time; None is the only one in the data."""
        analysis = self._inputs(self._asked.get(init, init))[0]
        if init is None:
            self._asked = {analysis.time.astype("datetime64[s]"): None}
        return analysis

    def forcing(self, init: np.datetime64 | None) -> SurfaceForcing:
        """Return the forcing of the run from an initial time."""
        if isinstance(self.config, AmipConfig):
            return self._record()
        return self._inputs(self._asked.get(init, init))[1]

    def check(self, inits: tuple[np.datetime64, ...]) -> None:
        """Check that forecasts have their data, without reading them."""
        if not isinstance(self.config, AmipConfig):
            with _helpful_errors(self.config):
                check_inputs(
                    self._analysis_request(None),
                    self._forcing_request(),
                    inits,
                    self._model_inputs,
                    self._progress,
                )

    def _make_windows(self, init: int) -> ForcingWindows:
        """Return the forcing on the device of an initial time, by its index."""
        schedule = self._schedules[init]
        return ForcingWindows(
            self.forcing(schedule.init),
            *(schedule.init, schedule.end, schedule.window),
            None if self._nudging is None else self._nudging.of(schedule),
        )

    def _read_one(self, init: np.datetime64 | None) -> tuple[Analysis, SurfaceForcing]:
        if isinstance(self.config, AmipConfig):
            return self._initial_analysis(init), self._record()
        with _helpful_errors(self.config):
            inputs = read_inputs(
                self._analysis_request(init),
                self._forcing_request(),
                self._model_inputs,
                self._progress,
            )
        return inputs.analysis, inputs.surface_forcing

    def _initial_analysis(self, init: np.datetime64 | None) -> Analysis:
        """Return the atmosphere of a start; the bundled one whatever the date."""
        is_own = self.config.data is not None
        request = self._analysis_request(init if is_own else None)
        analysis = read_analysis(request, self._model_inputs, self._progress)
        if is_own or init is None or init == bundled.SAMPLE_TIME:
            return analysis
        note = (
            f"The atmosphere of {format_time(bundled.SAMPLE_TIME)} is the initial "
            "state of every start: discard the first months as spin-up."
        )
        return Analysis(init, analysis.fields, (*analysis.notes, note))

    def _read_record(self) -> SurfaceForcing:
        """Return the forcing from the first start to the last end."""
        config = self.config
        assert isinstance(config, AmipConfig)
        starts = config.init_times
        record = config.sst_data or str(bundled.sst_record_path())
        request = ForcingRequest(
            mode="climatology" if config.sst_climatology else "prescribed",
            lead=max(config.end_of(start) for start in starts) - starts[0],
            data=None if config.sst_climatology else record,
            sst_offset=config.sst_offset,
            sst_anomaly=SSTAnomaly(*config.sst_patch) if config.sst_patch else None,
            offline=config.offline,
            sst_time=config.sst_time,
        )
        with _helpful_errors(config):
            return read_forcing(request, starts[0], self._model_inputs, self._progress)

    def _analysis_request(self, init: np.datetime64 | None) -> AnalysisRequest:
        source = analysis_source(self.config, init)
        return AnalysisRequest(source, init, self.config.offline)

    def _forcing_request(self) -> ForcingRequest:
        config = self.config
        return ForcingRequest(
            mode=config.sst,  # pyright: ignore[reportAttributeAccessIssue]
            lead=config.lead,  # pyright: ignore[reportAttributeAccessIssue]
            data=config.sst_data,
            sst_offset=config.sst_offset,
            offline=config.offline,
            sst_time=config.sst_time,
        )


@contextlib.contextmanager
def _helpful_errors(config: Settings) -> Iterator[None]:
    """Add to errors about data which options of the command avoid them."""
    try:
        yield
    except InputDataError as error:
        if isinstance(error, RecordCoverageError):
            is_long = isinstance(config, AmipConfig)
            other = (
                "--sst-climatology" if is_long else "--sst persist or --sst climatology"
            )
            error.hint = f"{error.hint} Or use {other}.".strip()
        elif uses_sample(config) and config.sst_data is None:
            sample = str(bundled.sample_path())
            error.message = error.message.replace(sample, bundled.SAMPLE_NAME)
            error.hint = f"{error.hint} Or name data of your own.".strip()
        raise


def uses_sample(config: Settings) -> bool:
    """Return whether the initial state is the bundled one."""
    return config.data is None and (
        isinstance(config, AmipConfig) or config.init in (None, (bundled.SAMPLE_TIME,))
    )


def analysis_source(config: Settings, init: np.datetime64 | None = None) -> str:
    """Return the name of the data that the state of an initial time is read from."""
    if uses_sample(config) or (config.data is None and init == bundled.SAMPLE_TIME):
        return str(bundled.sample_path())
    return config.data or DEFAULT_SOURCE


def describe_analysis(config: Settings) -> str:
    """Return where initial states come from, without secrets."""
    if uses_sample(config):
        return f"{bundled.SAMPLE_NAME}, the bundled ERA5 state"
    return described(analysis_source(config))


def describe_forcing(config: Settings) -> str:
    """Return where sea-surface temperature and sea ice come from, without secrets."""
    is_long = isinstance(config, AmipConfig)
    if config.sst_data is not None:
        return described(config.sst_data)
    if config.sst_climatology if is_long else config.sst == "climatology":  # pyright: ignore
        return f"{bundled.CLIMATOLOGY_NAME}, AMIP's monthly climatology"
    if is_long:
        return f"{bundled.SST_RECORD_NAME}, the bundled record of NOAA OISST"
    return describe_analysis(config)


def described(name: str) -> str:
    """Return a source as the user named it and where it is, without secrets."""
    location = redacted(resolve_location(name))
    return location if find_source(name) is None else f"{name}, {location}"


def public_command(config: RunConfig) -> str:
    """Return the command that runs this again, without secrets in addresses."""
    public = {
        name: redacted(value)
        for name in config.sources
        if (value := getattr(config, name)) is not None
    }
    return config.model_copy(update=public).command_line()


def with_absolute_paths(config: RunConfig) -> dict[str, str]:
    """Return all settings but the output as text, valid in any working directory."""
    flags = config.as_flags(defaults=True)
    flags.pop("output", None)
    if "model" in flags and flags["model"] not in model_names():
        flags["model"] = os.path.abspath(flags["model"])
    for name in config.sources:  # also patterns of files
        if name in flags and not is_remote(flags[name]):
            flags[name] = os.path.abspath(flags[name])
    if vectors := vectors_file(flags.get("perturb", "")):
        flags["perturb"] = with_vectors_file(os.path.abspath(vectors))
    return flags


def resolve_data(config: Settings) -> Settings:
    """Return settings in which all data are named; refuse a wrong path."""
    check_local_paths(config)
    return with_sea_of_run(config)


def check_local_paths(config: Settings) -> None:
    """Refuse a wrong path before weights are downloaded."""
    if is_here(config.model):
        return
    from ngcm_cli.inputs.input_dataset import InputDataset

    for named in (getattr(config, name) for name in config.sources):
        if named is not None and not is_remote(named):
            InputDataset.open(named, ()).close()


def with_sea_of_run(config: Settings) -> Settings:
    """Return settings in which data that are a forecast of ngcm have its sea.

    The output of a forecast need not hold sea-surface temperature. It is then taken
    from where that forecast took it, a local file or a named source, as ``--sst-data``
    would name it; not if its sea was warmed by another offset.
    """
    named = config.data
    if isinstance(config, AmipConfig) or named is None or config.sst_data is not None:
        return config
    if config.sst == "climatology" or is_remote(named):  # pyright: ignore
        return config
    from ngcm_cli.inputs.input_dataset import InputDataset

    try:
        with InputDataset.open(named, SURFACE_VARIABLES) as dataset:
            if {SST, SKIN_TEMPERATURE} & set(dataset.fields):
                return config
            record = json.loads(str(dataset.attributes.get(RUN_ATTRIBUTE)))
        settings = {str(name): str(text) for name, text in record["settings"].items()}
        offset = float(settings["sst_offset"])
        if record["command"] == "amip" or offset != config.sst_offset:
            return config
        used = settings.get("sst_data") or settings.get("data")
        if used is None:
            is_sample = parse_times(settings["init"]) == (bundled.SAMPLE_TIME,)
            used = bundled.sample_path() if is_sample else DEFAULT_SOURCE
        if is_remote(used) and find_source(used) is None:
            return config  # a file must not choose which server is asked
    # What is wrong with the data is said when they are read.
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return config
    return config.model_copy(update={"sst_data": used})


def local_files(config: Settings) -> list[tuple[pathlib.Path, str]]:
    """Return every local input file, with its name for messages."""
    sources = [(analysis_source(config), describe_analysis(config))]
    vectors = vectors_file(getattr(config, "perturb", ""))
    named = (config.sst_data, config.nudge, vectors)
    sources += [(name, name) for name in named if name]
    return [
        (pathlib.Path(path), described)
        for name, described in sources
        if not is_remote(name)
        for path in matching_files(name)
    ]


def read_sample(model: Model) -> RunInputs:
    """Return the bundled ERA5 state on the grid and levels of a model.

    Its sea persists. ``time``, ``fields`` and ``forcing`` are for ``model.encode``.
    """
    return read_inputs(
        AnalysisRequest(str(bundled.sample_path()), None, True),
        ForcingRequest(mode="persist", lead=np.timedelta64(0, "s"), offline=True),
        ModelInputs.of(model),
    )


def read_state(
    model: Model, data: str, init: str | np.datetime64 | None = None, **settings: Any
) -> RunInputs:
    """Return an analysis and its surface forcing on the grid and levels of a model.

    What ``ngcm forecast --data`` reads: names, units, levels and grid are recognised
    and converted, and ``analysis.notes`` says how.

    Args:
        model: that will start from it.
        data: path, URL, pattern of files, or named source.
        init: initial time, UTC; None is the only one in the data.
        **settings: other fields of `ForecastConfig`, such as ``sst`` and ``sst_data``.

    Returns:
        Its ``time``, ``fields`` and ``forcing`` are what ``model.encode`` takes.

    Raises:
        InputDataError: there are no such data, or they are not usable.
        ConfigError: a setting is wrong.

    Example:
        >>> data = read_state(model, "era5.nc", "2020-08-22T12")
        >>> state = model.encode(data.fields, data.forcing, data.time, key)
    """
    config = ForecastConfig(
        data=str(data), **({} if init is None else {"init": init}), **settings
    )
    sources = DataSources(config, model)
    time = config.init[0] if config.init else None
    return RunInputs(sources.analysis(time), sources.forcing(time))
