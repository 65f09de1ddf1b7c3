"""Reading the surface forcing of a run: from the cache, or out of a record."""

import dataclasses
from collections.abc import Callable

import numpy as np

from ngcm_cli.forcing.climatology import read_climatology
from ngcm_cli.forcing.sst_anomaly import SSTAnomaly
from ngcm_cli.forcing.sst_modes import SSTMode
from ngcm_cli.forcing.surface_forcing import SurfaceForcing
from ngcm_cli.inputs.input_cache import CachedFields, InputCache
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.open_datasets import OpenDatasets
from ngcm_cli.inputs.sources.bundled import (
    SST_RECORD_NOTE,
    climatology_path,
    sst_record_path,
)
from ngcm_cli.inputs.sources.location import is_remote
from ngcm_cli.inputs.variables import SST
from ngcm_cli.io.progress import ByteProgress, no_progress


@dataclasses.dataclass(frozen=True)
class ForcingRequest:
    """Which sea-surface temperature and sea ice force a run.

    Attributes:
        mode: One of ``config.SST_MODES``; see `sst_modes`.
        lead: Length of the run.
        data: Record of sea-surface temperature: file, directory, URL, pattern of files,
            or named source. None for the data of the analysis, or for AMIP's
            climatology if the mode is ``climatology``.
        sst_offset: Added to sea-surface temperature everywhere, K.
        sst_anomaly: Localized anomaly added to it, or None.
        climatology: Path of AMIP's monthly climatology.
        sst_time: ``mean`` or ``instant``, what one field a month is; None where the
            file says so.
    """

    mode: str
    lead: np.timedelta64
    data: str | None = None
    sst_offset: float = 0.0
    sst_anomaly: SSTAnomaly | None = None
    climatology: str = dataclasses.field(default_factory=climatology_path)
    offline: bool = False
    sst_time: str | None = None

    @property
    def is_climatology(self) -> bool:
        """Whether the forcing is AMIP's climatology, which is bundled."""
        return self.mode == "climatology" and self.data is None

    @property
    def is_with_analysis(self) -> bool:
        """Whether the record is in the data of the analysis."""
        return self.data is None and not self.is_climatology

    def total_sst_offset(self, model_inputs: ModelInputs) -> float | np.ndarray:
        """Return the sum of offset and anomaly, K.

        It is one number without anomaly, else (1, longitude, latitude), float32.

        Raises:
            ConfigError: The anomaly is between the nodes of the grid, or on land.
        """
        if self.sst_anomaly is None:
            return self.sst_offset
        anomaly = self.sst_anomaly.on_grid(model_inputs.grid, model_inputs.land)
        return (np.float32(self.sst_offset) + anomaly)[None]


def find_forcing(
    request: ForcingRequest,
    start: np.datetime64,
    datasets: OpenDatasets,
    analysis_data: str | None = None,
) -> Callable[[], SurfaceForcing]:
    """Check that the data cover a run; return a function that reads its forcing.

    The data are those of the analysis where the request names none.

    Raises:
        InputDataError: The data do not cover the run, or lack what is needed.
        ConfigError: The anomaly is between the nodes of the grid, or on land.
    """
    model_inputs = datasets.model_inputs
    sst_offset = request.total_sst_offset(model_inputs)
    mode = SSTMode(request.mode, start, start + request.lead)
    amip = lambda: read_climatology(request.climatology, model_inputs)
    cache, cached, key = None, None, ""
    if request.is_climatology:
        read_observed = amip
    else:
        data = request.data or analysis_data
        if data is None:
            raise ValueError("the data of the surface forcing are not named")
        cache = InputCache.of(data, model_inputs) if is_remote(data) else None
        key = "_".join(filter(None, [mode.cache_key, request.sst_time]))
        cached = load_forcing(cache, key) if cache else None
        if cached is None:
            from ngcm_cli.forcing.sst_record import SSTRecord  # imports xarray

            method = request.sst_time or ""
            record = SSTRecord(datasets.open(data), model_inputs, method)
            if record.is_climatology and mode.name == "prescribed":
                mode = dataclasses.replace(mode, name="climatology")
            read_observed = mode.find_observations(record)
        else:
            read_observed = lambda: cached

    def read() -> SurfaceForcing:
        observed = read_observed()
        if cache is not None and cached is None:
            save_forcing(cache, key, observed)
        forcing = mode.evolve(observed, amip)
        notes = [*forcing.notes, *_notes(request)]
        return dataclasses.replace(
            forcing, sst_offset=sst_offset, notes=tuple(dict.fromkeys(notes))
        )

    return read


def read_forcing(
    request: ForcingRequest,
    start: np.datetime64,
    model_inputs: ModelInputs,
    progress: ByteProgress = no_progress,
) -> SurfaceForcing:
    """Read the surface forcing of a run alone, from data that the request names.

    Raises:
        InputDataError: There are no such data, or they are not usable or too short.
        ConfigError: The anomaly is between the nodes of the grid, or on land.
    """
    with OpenDatasets(
        model_inputs, offline=request.offline, progress=progress
    ) as datasets:
        return find_forcing(request, start.astype("datetime64[s]"), datasets)()


def load_forcing(cache: InputCache, key: str) -> SurfaceForcing | None:
    """Return the forcing cached under a key, or None."""
    cached = cache.load(key)
    if cached is None:
        return None
    fields = {name: x[:, None] for name, x in cached.fields.items()}
    return SurfaceForcing(cached.times, fields, cached.notes)


def save_forcing(cache: InputCache, key: str, forcing: SurfaceForcing) -> None:
    """Write a forcing to the cache; its offset is not kept."""
    fields = {name: x[:, 0] for name, x in forcing.fields.items()}
    cache.save(key, CachedFields(forcing.times, fields, forcing.notes))


def _notes(request: ForcingRequest) -> list[str]:
    """Return sentences on what a request adds to the observed fields."""
    notes = []
    if request.data == sst_record_path():
        notes.append(SST_RECORD_NOTE)
    if request.sst_time:
        kind = {"mean": "means", "instant": "values at their times"}[request.sst_time]
        notes.append(f"{SST}: one field a month is taken as {kind}, as requested.")
    if request.sst_offset:
        notes.append(f"{SST}: {request.sst_offset:+g} K everywhere.")
    if request.sst_anomaly is not None:
        notes.append(f"{SST}: {request.sst_anomaly.describe()}")
    return notes
