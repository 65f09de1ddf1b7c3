"""The data of a training: found and checked before the start, read ahead of the loop.

Analyses are read, checked and regridded as those of forecasts. What was read stays in
memory while there is room.
"""

import concurrent.futures
import contextlib
import functools
import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from ngcm_cli.config.train import Stage, TrainConfig
from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.read_forcing import ForcingRequest, find_forcing
from ngcm_cli.forcing.run_inputs import read_inputs
from ngcm_cli.forcing.surface_forcing import SurfaceForcing
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.open_datasets import OpenDatasets
from ngcm_cli.inputs.read_analysis import AnalysisRequest, find_analysis
from ngcm_cli.inputs.sources.location import is_remote, redacted
from ngcm_cli.io.array_digest import named_arrays_sha256
from ngcm_cli.io.output_file import stamp
from ngcm_cli.io.progress import (
    ByteProgress,
    CountProgress,
    begin_phase,
    no_progress,
)
from ngcm_cli.time_format import format_duration, format_time
from ngcm_cli.training.output_truth import OutputTruth, TruthCheck

Fields = dict[str, np.ndarray]

_SAMPLE = 3  # starts of each stage


class TrainingData:
    """Analyses and surface forcing at the times of a training.

    It is a context manager, in which the data are open.

    Args:
        config: settings that name the data.
        model_inputs: grid, levels and variables of the model.
        memory: bytes that the analyses that were read may take; forcing takes a few
            per cent of it.
        download: receives the progress of downloads.
    """

    def __init__(
        self,
        config: TrainConfig,
        model_inputs: ModelInputs,
        memory: float,
        download: ByteProgress = no_progress,
    ):
        self.config = config
        self.train = np.unique(np.array(config.train, "datetime64[s]"))
        self.held_out = np.unique(np.array(config.held_out, "datetime64[s]"))
        self._inputs = model_inputs
        self._download = download
        self._closing = contextlib.ExitStack()
        self._datasets = self._closing.enter_context(
            OpenDatasets(model_inputs, offline=config.offline, progress=download)
        )
        nodes = int(np.prod(model_inputs.grid.nodal_shape))
        each = 4 * len(model_inputs.fields) * len(model_inputs.levels) * nodes
        kept = max(int(memory // each), 2)
        self.fields: Callable[[np.datetime64], Fields] = functools.lru_cache(kept)(
            self._read
        )
        self.forcing: Callable[[np.datetime64, np.timedelta64], SurfaceForcing] = (
            functools.lru_cache(kept)(self._read_forcing)
        )
        self.truths: dict[str, OutputTruth] = {}
        with self._closing.pop_all() as opened:
            for name, output in config.outputs.items():
                place = config.data, model_inputs.grid, config.offline, download
                self.truths[name] = truth = OutputTruth(name, output, *place)
                opened.callback(truth.record.close)
            self._closing = opened.pop_all()
        self.truth: Callable[[np.datetime64], Fields] = functools.lru_cache(kept)(
            lambda time: {n: x.record.read(time) for n, x in self.truths.items()}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def starts(self, stage: Stage, held_out: bool = False) -> np.ndarray:
        """Return the times from which a forecast can be compared at all its leads.

        Raises:
            InputDataError: there are fewer than a batch.
        """
        times = self.held_out if held_out else self.train
        has_all = [np.isin(times + lead, times) for lead in stage.leads]
        found = times[np.all(has_all, axis=0)]
        if len(found) >= stage.batch:
            return found
        name = "held_out" if held_out else "train"
        leads = "every " + format_duration(stage.every) + " for "
        few = (
            "no forecast can" if not len(found) else f"only {len(found)} forecasts can"
        )
        raise InputDataError(
            f"{name} has too few times: {few} start from its {len(times)} times, from "
            f"{format_time(times[0])} to {format_time(times[-1])}, and be compared "
            f"{leads}{format_duration(stage.rollout)}.",
            "Give a longer period without gaps or a shorter step, or a shorter "
            "rollout" + (" or a smaller batch." if len(found) else "."),
        )

    def check_times(self) -> None:
        """Check that every time is in the data, and that forecasts have their forcing.

        No more than the first state is read, with all checks of a forecast's.

        Raises:
            InputDataError: a time is missing, or the data are not usable.
        """
        config, first = self.config, self.train[0]
        longest = max(stage.rollout for stage in config.stages)
        request = self._request(first)
        read_inputs(request, self._sea(longest), self._inputs, self._download)
        every = np.concatenate([self.train, self.held_out])
        for truth in self.truths.values():
            for time in every:
                truth.record.check_time(time)
        if is_remote(config.data):
            return  # where asking for each would take as long as reading it
        for time in every:
            find_analysis(self._request(time), self._datasets)

    def check_values(
        self, progress: CountProgress
    ) -> tuple[str, dict[str, np.ndarray]]:
        """Read every time once, and so find missing and implausible values.

        Returns:
            The SHA-256 of all values, and for each new output the mean of its truth,
            its standard deviation and the share of the sphere without truth.

        Raises:
            InputDataError: there are such values.
        """
        begin_phase("Checking the data")
        every = np.concatenate([self.train, self.held_out])
        grid, digest = self._inputs.grid, hashlib.sha256()
        checks = {name: TruthCheck(x, grid) for name, x in self.truths.items()}
        for number, time in enumerate(every):
            progress(number, len(every))
            fields, truth = self.fields(time), self.truth(time)
            for name, check in checks.items():
                check.add(time, truth[name], number < len(self.train))
            digest.update(named_arrays_sha256(fields | truth, str(time)).encode())
        for stage in self.config.stages:
            for time in self.starts(stage):
                digest.update(self.forcing(time, stage.leads[-1]).sha256.encode())
        progress(len(every), len(every))
        return digest.hexdigest(), {name: x.moments() for name, x in checks.items()}

    def sample_sha256(self) -> str:
        """Return the SHA-256 of the values at a few times, and of the forcing there."""
        digest = hashlib.sha256()
        for stage in self.config.stages:
            starts = self.starts(stage)
            few = np.linspace(0, len(starts) - 1, _SAMPLE).round().astype(int)
            for time in starts[few]:
                fields = self.fields(time) | self.truth(time)
                digest.update(named_arrays_sha256(fields, str(time)).encode())
                digest.update(self.forcing(time, stage.leads[-1]).sha256.encode())
        return digest.hexdigest()

    def stamps(self) -> str:
        """Return sizes and times of change of the local files."""
        return "; ".join(map(stamp, self._locations))

    @property
    def described(self) -> str:
        """What is read, without secrets in addresses."""
        return ", ".join(map(redacted, self._locations))

    @property
    def _locations(self) -> list[str]:
        named = [self.config.data, self.config.sst_data]
        named += [output.truth for output in self.config.outputs.values()]
        return list(dict.fromkeys(filter(None, named)))

    def forcing_times(self, lead: np.timedelta64) -> int:
        """Return at how many times the forcing of forecasts is kept, one to spare.

        A power of two, to which `Forcing.at_times` pads.
        """
        return 1 << len(self.forcing(self.train[0], lead).times).bit_length()

    def _request(self, time: np.datetime64) -> AnalysisRequest:
        return AnalysisRequest(self.config.data, time, self.config.offline)

    def _sea(self, lead: np.timedelta64) -> ForcingRequest:
        config = self.config
        return ForcingRequest(
            mode=config.sst,
            lead=lead,
            data=config.sst_data,
            offline=config.offline,
            sst_time=config.sst_time,
        )

    def _read(self, time: np.datetime64) -> Fields:
        _, read = find_analysis(self._request(time), self._datasets)
        return read(lambda analysis: None).fields

    def _read_forcing(
        self, start: np.datetime64, lead: np.timedelta64
    ) -> SurfaceForcing:
        request, data = self._sea(lead), self.config.data
        found = find_forcing(request, start, self._datasets, data)()
        return (
            found.select_period(start, start + lead) if len(found.times) > 1 else found
        )


def shuffled(
    starts: np.ndarray, batch: int, update: int, seed: Sequence[int]
) -> np.ndarray:
    """Return the starts of a batch: each comes once before any comes again.

    Args:
        starts: to choose from.
        batch: number of them in a batch.
        update: number of the batch, from zero.
        seed: of the order; equal arguments give equal batches.
    """
    chosen = []
    for number in range(update * batch, (update + 1) * batch):
        epoch, place = divmod(number, len(starts))
        order = np.random.default_rng([*seed, epoch]).permutation(len(starts))
        chosen.append(starts[order[place]])
    return np.array(chosen)


class ReadAhead:
    """Reads the next of a sequence in the background; a context manager.

    Args:
        read: returns an item by its key.
    """

    def __init__(self, read: Callable[..., Any]):
        self._read = read
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "read-ahead")
        self._next: tuple[tuple, concurrent.futures.Future] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(RuntimeError):
            self._thread.shutdown(cancel_futures=True)

    def get(self, key: tuple, following: tuple | None) -> Any:
        """Return the item of a key, and begin to read that of the following one."""
        if self._next is not None and self._next[0] == key:
            item = self._next[1].result()
        else:
            item = self._thread.submit(self._read, *key).result()
        self._next = None
        if following is not None:
            self._next = following, self._thread.submit(self._read, *following)
        return item
