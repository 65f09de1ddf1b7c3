"""Analyses of many times in one source, which stays open and is read time by time."""

import functools
from collections.abc import Callable

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.analysis import Analysis
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.open_datasets import OpenDatasets
from ngcm_cli.inputs.read_analysis import AnalysisRequest, find_analysis
from ngcm_cli.inputs.sources.location import naming_file
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.time_format import format_duration, format_time


class AnalysisSeries:
    """Analyses of a source, at its times.

    Args:
        data: File, directory, URL, pattern of files, or named source.
        model_inputs: Grid, levels and variables to read them on.
        offline: Whether the network is not used.
        progress: Of what is downloaded.

    Raises:
        InputDataError: There are no such data.
    """

    def __init__(
        self,
        data: str,
        model_inputs: ModelInputs,
        *,
        offline: bool = False,
        progress: ByteProgress = no_progress,
    ):
        self.data, self._offline = data, offline
        self._read = functools.lru_cache(1)(
            lambda time: self._find(time)[1](lambda analysis: None)
        )
        self._datasets = OpenDatasets(model_inputs, offline=offline, progress=progress)
        dataset = self._datasets.open(data)
        sources = map(dataset.source_of, model_inputs.fields)
        with naming_file(data):
            self.times = dataset.common_times([name for name in sources if name])

    def cover(self, start: np.datetime64, end: np.datetime64) -> np.ndarray:
        """Return the times that enclose a period, evenly spaced.

        What can be checked without reading a field is checked at the first.

        Raises:
            InputDataError: There are no analyses at the start or the end, or some are
                missing between, or they lack variables.
        """
        first = np.searchsorted(self.times, start, side="right") - 1
        last = np.searchsorted(self.times, end, side="left")
        period = f"{format_time(start)} to {format_time(end)}"
        with naming_file(self.data):
            if not len(self.times):
                raise InputDataError("The data have no time.", "Give them a time axis.")
            if first < 0 or last >= len(self.times):
                there = f"{format_time(self.times[0])} to {format_time(self.times[-1])}"
                raise InputDataError(
                    f"There are analyses from {there}, and {period} is needed.",
                    "Give data that cover the run, or a shorter run.",
                )
            times = self.times[first : last + 1]
            spans = np.diff(times)
            if len(spans) and spans.max() > spans.min():
                gap = spans.argmax()
                missing = " and ".join(map(format_time, times[gap : gap + 2]))
                raise InputDataError(
                    f"There are no analyses between {missing}; others are "
                    f"{format_duration(spans.min())} apart.",
                    "Add them, or select times at equal distances.",
                )
        self._find(times[0])
        return times

    def read(self, time: np.datetime64) -> Analysis:
        """Return the analysis of one of the times; the last one is kept.

        Raises:
            InputDataError: Values are missing, or not plausible.
        """
        return self._read(time)

    def _find(self, time: np.datetime64) -> tuple[np.datetime64, Callable]:
        request = AnalysisRequest(self.data, time, self._offline)
        return find_analysis(request, self._datasets)
