"""From settings to a training that can start: all that can fail cheaply fails here."""

import contextlib
import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from ngcm_cli.checkpoint.build import build
from ngcm_cli.checkpoint.card import Card
from ngcm_cli.checkpoint.parameters import named_arrays, partition
from ngcm_cli.checkpoint.seeded_weights import seeded_weights
from ngcm_cli.checkpoint.weights import STATIC, Weights
from ngcm_cli.config.train import Stage, TrainConfig
from ngcm_cli.config.values import closest
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.io.devices import check_devices
from ngcm_cli.io.host import free_host_memory
from ngcm_cli.io.progress import (
    ByteProgress,
    CountProgress,
    begin_phase,
    format_size,
    no_progress,
)
from ngcm_cli.simulation.batch import devices_for_batch, free_memory
from ngcm_cli.time_format import format_duration, format_time
from ngcm_cli.training.data import TrainingData
from ngcm_cli.training.example import Example
from ngcm_cli.training.loss_settings import DIVISORS, TERMS, LossSettings
from ngcm_cli.training.normalisation import Scales, difference_scales
from ngcm_cli.training.parameter_choice import choose_parameters
from ngcm_cli.training.update import Placement, StagePrograms, TrainingState
from ngcm_cli.zoo.loading import read_model

_SHARE_OF_MEMORY = 0.5  # of what is free on the host, for data that were read
_MOST_PAIRS = 40  # of times 24 hours apart, of which scales are computed
_MAY_BE_INFINITE = "doubling_hours", "saturation_hours", "last_hour"
_DAY = np.timedelta64(86400, "s")


@dataclasses.dataclass
class Training:
    """A training that can start.

    Attributes:
        config: settings.
        card: of the model whose architecture is trained, with its weights' checksum.
        static: fields of the model that are not learned, by their name in the weights.
        model: with the initial weights.
        data: that is trained on and judged by; must be closed.
        scales: what errors are divided by.
        programs: of each stage; the evaluation is by the last.
        held_out: times from which forecasts are evaluated.
        memory: bytes that the update of each stage takes on a device.
    """

    config: TrainConfig
    card: Card
    static: dict[str, np.ndarray]
    model: NeuralGCM
    data: TrainingData
    scales: Scales
    programs: list[StagePrograms]
    held_out: np.ndarray
    memory: list[int] = dataclasses.field(default_factory=list)

    def starts(self, stage: int) -> np.ndarray:
        """Return the times from which a stage can start forecasts."""
        return self.data.starts(self.config.stages[stage])

    def batch(self, starts: np.ndarray, stage: int) -> Example:
        """Return the examples of some starts, stacked, divided among the devices.

        Every process reads those of its own devices.
        """
        leads = self.config.stages[stage].leads
        here = np.array_split(starts, jax.process_count())[jax.process_index()]
        examples = [example(self.model, self.data, time, leads) for time in here]
        batch = jax.tree.map(lambda *x: np.stack(x), *examples)
        return self.programs[stage].placement.divided(batch)

    def initial_state(self) -> TrainingState:
        """Return the state before the first update."""
        return self.programs[0].begin(partition(self.model)[0])

    def compile(self) -> None:
        """Compile all programs, and so learn how much memory they take."""
        begin_phase("Compiling the updates")
        for number, programs in enumerate(self.programs):
            state = programs.begin(partition(self.model)[0])
            starts = self.starts(number)[: programs.stage.batch]
            batch, keys = self.batch(starts, number), example_keys(0, (0,), len(starts))
            self.memory.append(programs.compile_update(state, batch, keys))
        starts = self.held_out[: self.config.stages[-1].batch]
        batch, keys = self.batch(starts, -1), example_keys(0, (0,), len(starts))
        average = self.programs[-1].begin(partition(self.model)[0]).average
        self.programs[-1].compile_evaluation(average, batch, keys)

    def check_memory(self) -> None:
        """Check that the updates fit into the memory of the devices.

        Raises:
            ConfigError: one does not.
        """
        largest = int(np.argmax(self.memory))
        needed = self.memory[largest]
        placement = self.programs[largest].placement
        free = min(map(free_memory, placement.devices))
        if needed > free:
            raise ConfigError(
                f"An update of stage {largest + 1} needs {format_size(needed)} of "
                f"memory on a device, and {format_size(free)} are free.",
                "Give this stage a smaller batch or a shorter rollout, use more or "
                "larger devices, or start all the same with --force.",
            )


def set_up(
    config: TrainConfig,
    stack: contextlib.ExitStack,
    scales: Scales | None = None,
    download: ByteProgress = no_progress,
    count: CountProgress = no_progress,
) -> Training:
    """Check everything that can be checked before the first update.

    Args:
        config: the settings.
        stack: closes the data.
        scales: what errors are divided by, of a training that is resumed, whose data
            were checked before; None checks every value.
        download: receives the progress of downloads.
        count: receives how many times were read.

    Raises:
        NgcmError: one of its children, which says what to change.
    """
    check_devices()
    settings = [loss_settings({**config.loss, **s.loss}) for s in config.stages]
    card, arrays = read_model(config.parent, offline=config.offline, progress=download)
    static = {name: x for name, x in arrays.items() if name.startswith(STATIC)}
    if config.initialize is not None:
        arrays = seeded_weights(arrays, config.seed)
    model = build(config.name or f"{card.name}_trained", card.spec, Weights(arrays))
    learned, constant = partition(model)
    names = list(named_arrays(model))
    chosen = [choose_parameters(names, s.parameters, card.name) for s in config.stages]
    for number, (stage, loss) in enumerate(zip(config.stages, settings, strict=True)):
        _check_stage(f"Stage {number + 1}", stage, loss, model)
    data = stack.enter_context(
        TrainingData(
            config,
            ModelInputs.of(model),
            _SHARE_OF_MEMORY * free_host_memory(),
            download,
        )
    )
    for stage in config.stages:
        data.starts(stage)
    found = data.starts(config.stages[-1], held_out=True)
    for time in (*data.train, *data.held_out):
        _check_on_clock(time, model)
    data.check_times()
    if scales is None:
        data.check_values(count)
        begin_phase("Computing scales")
        scales = _scales(model, data, config.seed)
    programs = [
        StagePrograms(
            config, stage, constant, learned, chosen[i], scales, settings[i],
            Placement(_devices(stage.batch)),
        )
        for i, stage in enumerate(config.stages)
    ]  # fmt: skip
    batch = config.stages[-1].batch
    wanted = max(min(config.evaluation_starts, len(found)) // batch, 1) * batch
    held_out = found[np.linspace(0, len(found) - 1, wanted).round().astype(int)]
    return Training(config, card, static, model, data, scales, programs, held_out)


def loss_settings(changes: dict[str, str]) -> LossSettings:
    """Return the settings of the loss, changed by text.

    Raises:
        ConfigError: there is no such setting, it is not a number from zero, or above
            zero where the loss divides by it, or all weights are zero.
    """
    fields = {field.name: field for field in dataclasses.fields(LossSettings)}
    parsed: dict[str, Any] = {}
    for name, text in changes.items():
        if name not in fields:
            raise ConfigError(
                f"loss: there is no setting '{name}'.", closest(name, fields)
            )
        kind: Any = type(fields[name].default)
        try:
            parsed[name] = value = kind(text)
            is_bounded = np.isfinite(value) or name in _MAY_BE_INFINITE
            if not (is_bounded and (value > 0 if name in DIVISORS else value >= 0)):
                raise ValueError
        except ValueError:
            what = "whole number" if kind is int else "number"
            least = "above" if name in DIVISORS else "from"
            raise ConfigError(
                f"loss: {name} '{text}' is not a {what} {least} zero.", "Give one."
            ) from None
    settings = LossSettings(**parsed)
    if not any(getattr(settings, name) for name in TERMS):
        raise ConfigError(
            "loss: the weights of all terms are zero.",
            f"Give one of them: {', '.join(TERMS)}.",
        )
    return settings


def example(
    model: NeuralGCM, data: TrainingData, start: np.datetime64, leads: np.ndarray
) -> Example:
    """Return one start with the truth at lead times, on the host."""
    times = start + np.concatenate([[0 * _DAY], leads])
    read = [data.fields(time) for time in times]
    fields = {name: np.stack([x[name] for x in read]) for name in read[0]}
    found = data.forcing(start, leads[-1])
    if len(found.times) == 1:
        forcing = Forcing.constant(found.at_time(start))
    else:
        room = data.forcing_times(leads[-1])
        if len(found.times) > room:
            raise InputDataError(
                "The times of sea-surface temperature are not evenly spaced: "
                f"{len(found.times)} from {format_time(start)} on, and at most {room} "
                "were expected.",
                "Name a record with even spacing as sst_data, or use sst: climatology.",
            )
        forcing = Forcing.at_times(found.times, found.fields, found.sst_offset, room)
    return Example.at_times(model, times, fields, jax.device_get(forcing))


def example_keys(seed: int, numbers: Sequence[int], count: int) -> jax.Array:
    """Return a random key for each example of a batch, from a seed and numbers."""
    key = jax.random.key(seed)
    for number in numbers:
        key = jax.random.fold_in(key, number)
    return jax.random.split(key, count)


def _scales(model: NeuralGCM, data: TrainingData, seed: int) -> Scales:
    starts = data.train[np.isin(data.train + _DAY, data.train)]
    if not len(starts):
        raise InputDataError(
            "train has no two times 24 hours apart, and errors are divided by changes "
            "in 24 hours.",
            "Give a longer period.",
        )
    count = min(len(starts), _MOST_PAIRS)
    chosen = starts[np.linspace(0, len(starts) - 1, count).round().astype(int)]
    pairs = (example(model, data, time, np.array([_DAY])) for time in chosen)
    return difference_scales(model, pairs, jax.random.key(seed))


def _devices(batch: int) -> tuple[Any, ...]:
    """Return the devices that share a batch: of several processes all."""
    if jax.process_count() == 1:
        return tuple(devices_for_batch(batch))
    devices = jax.devices()
    if batch % len(devices):
        raise ConfigError(
            f"A batch of {batch} cannot be shared by {len(devices)} devices.",
            f"Give a multiple of {len(devices)}.",
        )
    return tuple(devices)


def _check_stage(name: str, stage: Stage, loss: LossSettings, model: NeuralGCM) -> None:
    """Check that lead times are whole steps, and that the loss suits the model."""
    if stage.every % model.time_step:
        raise ConfigError(
            f"{name}: every {format_duration(stage.every)} is not a multiple of the "
            f"step of {model.name}, {format_duration(model.time_step)}.",
            f"Give a multiple of {format_duration(model.time_step)}.",
        )
    if loss.members > 1 and not model.stochastic:
        raise ConfigError(
            f"{name}: the loss is a CRPS, and {model.name} is not stochastic.",
            "Set crps_grid and crps_spectral to 0, or train a stochastic model.",
        )
    try:
        loss.counted(np.append(0, stage.leads / np.timedelta64(1, "h")))
    except ValueError as error:
        raise ConfigError(
            f"{name}: {error}.", "Change first_hour or last_hour of the loss."
        ) from None


def _check_on_clock(time: np.datetime64, model: NeuralGCM) -> None:
    try:
        model.substeps_since_reference(time)
    except ValueError:
        raise ConfigError(
            f"The time {format_time(time)} is between the steps of {model.name}.",
            "Give times that are whole steps after 1979-01-01T00.",
        ) from None
