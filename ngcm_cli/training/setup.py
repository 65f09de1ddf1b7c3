"""From settings to a training that can start: all that can fail cheaply fails here."""

import contextlib
import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from ngcm_cli.checkpoint.build import build
from ngcm_cli.checkpoint.card import Card
from ngcm_cli.checkpoint.parameters import named_arrays, partition
from ngcm_cli.checkpoint.seeded_weights import seeded_weights
from ngcm_cli.checkpoint.spec import ModelSpec
from ngcm_cli.checkpoint.weights import STATIC, Weights
from ngcm_cli.config.train import Stage, TrainConfig
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
from ngcm_cli.training.identity import DataIdentity
from ngcm_cli.training.loss_settings import TERMS, LossSettings, loss_settings
from ngcm_cli.training.new_outputs import add_output
from ngcm_cli.training.normalisation import Scales, difference_scales
from ngcm_cli.training.parameter_choice import choose_parameters
from ngcm_cli.training.update import Placement, StagePrograms, TrainingState
from ngcm_cli.zoo.loading import read_model

_SHARE_OF_MEMORY = 0.5  # of what is free on the host, for data that were read
_MOST_PAIRS = 40  # of times 24 hours apart, of which scales are computed
_DAY = np.timedelta64(86400, "s")


@dataclasses.dataclass
class Training:
    """A training that can start.

    Attributes:
        config: settings.
        card: of the model whose architecture is trained, with its weights' checksum.
        spec: of the model that is trained, with its new outputs.
        static: fields of the model that are not learned, by their name in the weights.
        model: with the initial weights.
        data: that is trained on and judged by; must be closed.
        scales: what errors are divided by.
        identity: of the data.
        programs: of each stage; the evaluation is by the last.
        held_out: times from which forecasts are evaluated.
        memory: bytes that the update of each stage takes on a device.
    """

    config: TrainConfig
    card: Card
    spec: ModelSpec
    static: dict[str, np.ndarray]
    model: NeuralGCM
    data: TrainingData
    scales: Scales
    identity: DataIdentity
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
        devices = self.programs[largest].placement.devices
        own = [x for x in devices if x.process_index == jax.process_index()]
        free = min(map(free_memory, own))
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
    stored: tuple[Scales, DataIdentity] | None = None,
    download: ByteProgress = no_progress,
    count: CountProgress = no_progress,
) -> Training:
    """Check everything that can be checked before the first update.

    Args:
        config: the settings.
        stack: closes the data.
        stored: of a training that is resumed, whose data were checked before; None
            checks every value.
        download: receives the progress of downloads.
        count: receives how many times were read.

    Raises:
        NgcmError: one of its children, which says what to change.
    """
    check_devices()
    for stage in config.stages:
        loss_settings({**config.loss, **stage.loss})
    card, arrays = read_model(config.parent, offline=config.offline, progress=download)
    static = {name: x for name, x in arrays.items() if name.startswith(STATIC)}
    if config.initialize is not None:
        arrays = seeded_weights(arrays, config.seed)
    model = build(config.name or f"{card.name}_trained", card.spec, Weights(arrays))
    data = stack.enter_context(
        TrainingData(
            config,
            ModelInputs.of(model),
            _SHARE_OF_MEMORY * free_host_memory(),
            download,
        )
    )
    # With numbers that those of the truth replace when it was read.
    first, _ = _with_outputs(model, card, data, dict.fromkeys(config.outputs, (0, 1)))
    names, settings, chosen = list(named_arrays(first)), [], []
    for number, stage in enumerate(config.stages):
        picked = stage.parameters, card.name, config.outputs
        chosen.append(choose_parameters(names, *picked))
        title = f"Stage {number + 1}"
        settings.append(_loss_of(title, stage, config, chosen[-1]))
        _check_stage(title, stage, settings[-1], model)
    for stage in config.stages:
        data.starts(stage)
    found = data.starts(config.stages[-1], held_out=True)
    for time in (*data.train, *data.held_out):
        _check_on_clock(time, model)
    data.check_times()
    needs_changes = any(loss.uses_changes for loss in settings)
    if stored is not None:
        scales, identity = stored[0], stored[1].check(data, count)
    else:
        values, of_truths = data.check_values(count)
        begin_phase("Computing scales")
        scales = Scales({}, {})
        if needs_changes:
            scales = _scales(model, data, config.seed)
        scales = dataclasses.replace(scales, outputs=of_truths)
        identity = DataIdentity.of(data, values)
    model, spec = _with_outputs(model, card, data, scales.outputs)
    learned, constant = partition(model)
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
    return Training(
        config, card, spec, static, model, data, scales, identity, programs, held_out
    )


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
    of_times = [data.truth(time) for time in times]
    truths = {name: np.stack([x[name] for x in of_times]) for name in of_times[0]}
    return Example.at_times(model, times, fields, jax.device_get(forcing), truths)


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


def _with_outputs(
    model: NeuralGCM,
    card: Card,
    data: TrainingData,
    numbers: Mapping[str, Any],
) -> tuple[NeuralGCM, ModelSpec]:
    """Return a model with the new outputs of a training, and its specification.

    Args:
        model: to be added to.
        card: of it.
        data: has the truths, and the settings.
        numbers: mean and standard deviation of each truth.
    """
    spec = card.spec
    for name, truth in data.truths.items():
        mean, deviation = map(float, numbers[name][:2])
        output = truth.spec(mean, deviation)
        model, spec = add_output(model, spec, name, output, data.config.seed)
    return model, spec


def _loss_of(
    name: str, stage: Stage, config: TrainConfig, chosen: Collection[str]
) -> LossSettings:
    """Return the loss of a stage; of one that trains new outputs alone only theirs.

    Raises:
        ConfigError: a term is given that it cannot have.
    """
    terms, given = TERMS, {**config.loss, **stage.loss}
    if not config.outputs:
        terms = tuple(term for term in TERMS if term != "outputs")
        if "outputs" in given:
            raise ConfigError(
                "loss: outputs is given, and no outputs are added.",
                "Leave it out, or name them with their truth under outputs.",
            )
    elif all(x.startswith("outputs.") for x in chosen):
        terms = ("outputs",)
        if beyond := sorted(set(stage.loss) & {*TERMS} - {*terms}):
            raise ConfigError(
                f"{name} trains outputs alone, on which the term {beyond[0]} of its "
                "loss does not depend.",
                "Leave it out, or train other parameters, too.",
            )
    return loss_settings(given, terms)


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
