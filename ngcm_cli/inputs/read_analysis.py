"""Reading an analysis: from the cache, or out of a dataset and into the cache."""

import dataclasses
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.analysis import Analysis
from ngcm_cli.inputs.input_cache import InputCache
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.open_datasets import OpenDatasets
from ngcm_cli.inputs.sources.location import is_remote, redacted
from ngcm_cli.inputs.variables import SKIN_TEMPERATURE, SST, VARIABLES
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.time_format import format_time

if TYPE_CHECKING:
    from ngcm_cli.inputs.input_dataset import InputDataset

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class AnalysisRequest:
    """Which analysis a run starts from.

    Attributes:
        data: File, directory, URL, pattern of files, or named source.
        init_time: Initial time, UTC; None for the only time in the data.
    """

    data: str
    init_time: np.datetime64 | None = None
    offline: bool = False

    def prefetch_command(self, *more: str) -> str | None:
        """Return the command that fetches the analysis, None without initial time."""
        if self.init_time is None:
            return None
        options = "--init", format_time(self.init_time), "--data", redacted(self.data)
        return " ".join(("ngcm data prepare", *options, *more))


def find_analysis(
    request: AnalysisRequest, datasets: OpenDatasets, *, with_sst: bool = False
) -> tuple[np.datetime64, Callable[[Callable[[Analysis], None]], Analysis]]:
    """Find an analysis and check all that can be checked without reading a field.

    With ``with_sst``, sea-surface temperature must be in the same data.

    Returns:
        Its valid time, UTC, datetime64[s]; and a function that reads it, has it checked
        by another function and caches it if it is remote.

    Raises:
        InputDataError: There are no such data, or they lack what is needed. Reading
            raises it as well, where values are missing or not plausible.
    """
    data, model_inputs = request.data, datasets.model_inputs
    cache = InputCache.of(data, model_inputs) if is_remote(data) else None
    if cache is not None and request.init_time is not None:
        cached = cache.load_analysis(request.init_time)
        if cached is not None:
            return request.init_time, lambda check: _checked(cached, check)
    from ngcm_cli.inputs.select_analysis import select_analysis  # imports xarray

    dataset = datasets.open(data)
    _check_variables(dataset, model_inputs, with_sst)
    selection = select_analysis(dataset, request.init_time, model_inputs)

    def read(check: Callable[[Analysis], None]) -> Analysis:
        if cache is None:
            return _checked(selection.read(datasets.progress), check)
        when, where = format_time(selection.time), redacted(data)
        log.info(f"Fetching the analysis of {when} from {where}")
        analysis = _checked(selection.read(datasets.progress), check)
        cache.save_analysis(analysis)
        return analysis

    return selection.time, read


def read_analysis(
    request: AnalysisRequest,
    model_inputs: ModelInputs,
    progress: ByteProgress = no_progress,
) -> Analysis:
    """Read an analysis alone, for a run whose surface forcing is read apart.

    `forcing.run_inputs.read_inputs` reads both and also checks that they fit together.

    Raises:
        InputDataError: There are no such data, or they are not usable.
    """
    with OpenDatasets(
        model_inputs,
        offline=request.offline,
        progress=progress,
        prefetch_command=request.prefetch_command(),
    ) as datasets:
        return find_analysis(request, datasets)[1](lambda analysis: None)


def _checked(analysis: Analysis, check: Callable[[Analysis], None]) -> Analysis:
    check(analysis)
    return analysis


def _check_variables(
    dataset: "InputDataset", model_inputs: ModelInputs, with_sst: bool
) -> None:
    """Refuse data that lack a variable for which there is no substitute."""
    missing = dataset.missing(model_inputs.fields)
    if with_sst and not {SST, SKIN_TEMPERATURE} & set(dataset.fields):
        missing.append(SST)
    if not missing:
        return
    wanted = ", ".join(f"{name} ({VARIABLES[name].aliases[0]})" for name in missing)
    flat = not any(len(f.levels) for parts in dataset.fields.values() for f in parts)
    hint = "Add them, or give them these names or their CF standard_name."
    if "specific_humidity" in missing:
        hint += " Relative humidity, under its own name, can replace specific humidity."
    if missing == [SST]:
        hint = (
            "Add it, name other data of sea-surface temperature with --sst-data, or "
            "use --sst climatology."
        )
    raise InputDataError(
        f"In '{dataset.path}': Variables are missing: {wanted}. Found "
        f"{'no levels and ' if flat else ''}the variables "
        f"{', '.join(dataset.variable_names)}{dataset.rejections}.",
        hint,
    )
