"""The analysis and the surface forcing of a run, found, checked and read together."""

import dataclasses
from collections.abc import Iterable

import numpy as np

from ngcm_cli.forcing.read_forcing import ForcingRequest, find_forcing
from ngcm_cli.forcing.surface_forcing import SurfaceForcing
from ngcm_cli.inputs.analysis import Analysis
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.open_datasets import OpenDatasets
from ngcm_cli.inputs.physical_consistency import check_orientation
from ngcm_cli.inputs.read_analysis import AnalysisRequest, find_analysis
from ngcm_cli.inputs.sources.location import naming_file, redacted
from ngcm_cli.inputs.variables import SST
from ngcm_cli.io.progress import ByteProgress, no_progress


@dataclasses.dataclass(frozen=True, eq=False)
class RunInputs:
    """The analysis that a run starts from, and its surface forcing."""

    analysis: Analysis
    surface_forcing: SurfaceForcing

    @property
    def time(self) -> np.datetime64:
        """Initial time, UTC, datetime64[s]."""
        return self.analysis.time

    @property
    def fields(self) -> dict[str, np.ndarray]:
        """Fields of the analysis, each of shape (level, longitude, latitude)."""
        return self.analysis.fields

    @property
    def forcing(self) -> dict[str, np.ndarray]:
        """Forcing at the initial time, each of shape (1, longitude, latitude)."""
        return self.surface_forcing.at_time(self.time)


def read_inputs(
    analysis: AnalysisRequest,
    forcing: ForcingRequest,
    model_inputs: ModelInputs,
    progress: ByteProgress = no_progress,
) -> RunInputs:
    """Read what a run starts from; all cheap checks are made before fields are read.

    What is read from a server is cached and not fetched again.

    Raises:
        InputDataError: There are no such data, or they are not usable.
        ConfigError: The SST anomaly is between the nodes of the grid, or on land.
    """
    with _open_datasets(analysis, forcing, model_inputs, progress) as datasets:
        with_sst = forcing.is_with_analysis
        time, read_analysis = find_analysis(analysis, datasets, with_sst=with_sst)
        read_forcing = find_forcing(forcing, time, datasets, analysis.data)
        # Both are checked before either is read; the forcing, which is small, is first.
        surface_forcing = read_forcing()

        def check(state: Analysis) -> None:
            lowest = state.fields.get("temperature", [None])[-1]
            # Only data of the same season tell which hemisphere is warm.
            same_season = forcing.data is None and surface_forcing.has_time
            if lowest is not None and same_season:
                sst = surface_forcing.at_time(state.time)[SST][0]
                with naming_file(analysis.data):
                    check_orientation(lowest, sst, model_inputs.grid)

        return RunInputs(read_analysis(check), surface_forcing)


def check_inputs(
    analysis: AnalysisRequest,
    forcing: ForcingRequest,
    init_times: Iterable[np.datetime64],
    model_inputs: ModelInputs,
    progress: ByteProgress = no_progress,
) -> None:
    """Check that runs from several initial times have their data, and read no field.

    Raises:
        InputDataError: There are no such data, or they are not usable.
        ConfigError: The SST anomaly is between the nodes of the grid, or on land.
    """
    requests = [dataclasses.replace(analysis, init_time=time) for time in init_times]
    if not requests:
        return
    with _open_datasets(requests[0], forcing, model_inputs, progress) as datasets:
        for request in requests:
            with_sst = forcing.is_with_analysis
            time, _ = find_analysis(request, datasets, with_sst=with_sst)
            find_forcing(forcing, time, datasets, analysis.data)


def _open_datasets(
    analysis: AnalysisRequest,
    forcing: ForcingRequest,
    model_inputs: ModelInputs,
    progress: ByteProgress,
) -> OpenDatasets:
    options: list[str] = []
    if forcing.mode != "persist":
        options += "--sst", forcing.mode
    if forcing.data is not None:
        options += "--sst-data", redacted(forcing.data)
    if forcing.sst_time is not None:
        options += "--sst-time", forcing.sst_time
    return OpenDatasets(
        model_inputs,
        offline=analysis.offline or forcing.offline,
        progress=progress,
        prefetch_command=analysis.prefetch_command(*options),
    )
