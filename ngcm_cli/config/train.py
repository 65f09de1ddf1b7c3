"""The settings of ``ngcm train``."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import pydantic

from ngcm_cli.config import values
from ngcm_cli.config.checked_settings import CheckedSettings, given_settings
from ngcm_cli.config.new_output import NewOutputs
from ngcm_cli.errors import ConfigError
from ngcm_cli.time_format import format_duration, format_time, format_times

NESTED = ("stages", "loss", "outputs")
"""Settings that are mappings, or lists of them, in the run file."""

HOSTS = ("coordinator", "process")
"""Settings of this start alone: a training is resumed with others."""

_EXAMPLE = (
    "Write in the run file: stages: [{rollout: 24h, every: 6h, updates: 1000, "
    "learning_rate: 1e-4}]."
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def _positive(value: Any) -> float:
    try:
        number = float(str(value))
        if not (0 < number < np.inf):
            raise ValueError
    except ValueError:
        raise ConfigError(
            f"'{value}' is not a positive number.", "Give one, such as 1e-4."
        ) from None
    return number


def _or_none(value: Any) -> float | None:
    is_none = value is None or str(value).strip().lower() == "none"
    return None if is_none else _positive(value)


def _mapping(value: Any) -> dict[str, str]:
    """Return settings by name as text; their owner checks them."""
    if not isinstance(value, dict) or not all(
        isinstance(x, str | int | float | None) for x in value.values()
    ):
        raise ConfigError(
            "The value is not 'key: value' pairs.", "Write one setting on each line."
        )
    return {name: str(x) for name, x in given_settings(value).items()}


def _model_name(value: Any) -> str:
    if not _NAME.fullmatch(str(value)):
        raise ConfigError(
            f"'{value}' is not a valid name of a model.",
            "Use letters, digits, dots, dashes and underscores.",
        )
    return str(value)


Positive = Annotated[float, pydantic.BeforeValidator(_positive)]
PositiveOrNone = Annotated[float | None, pydantic.BeforeValidator(_or_none)]
LossChanges = Annotated[dict[str, str], pydantic.BeforeValidator(_mapping)]


class Stage(CheckedSettings):
    """A part of a training: what is trained, on which rollouts, and how fast.

    Attributes:
        rollout: length of the forecasts that the loss compares with the data.
        every: time between two comparisons; ``rollout`` is a multiple of it.
        updates: number of updates of the weights.
        learning_rate: size of the updates, at its peak.
        schedule: how it changes after the warm-up: ``constant``, or to zero at the end
            of the stage, ``linear`` or as a ``cosine``.
        warm_up: number of updates in which it rises linearly to its peak.
        batch: number of forecasts whose mean loss makes an update.
        parameters: names of groups, ``all``, ``encoder``, ``decoder``, ``physics`` and
            ``outputs``, or patterns of names of parameters, such as
            ``decoder.tower.*``.
        loss: settings of the loss that differ from those of the other stages.
    """

    command: ClassVar[str] = "train"

    rollout: values.Duration
    every: values.Duration = np.timedelta64(6 * 3600, "s")
    updates: values.Count
    learning_rate: Positive
    schedule: Annotated[str, values.one_of("constant", "cosine", "linear")] = "constant"
    warm_up: values.Count | None = None
    batch: values.Count = 1
    parameters: values.Names = ("all",)
    loss: LossChanges = {}

    @pydantic.model_validator(mode="after")
    def _consistent(self) -> Self:
        zero = np.timedelta64(0, "s")
        if self.every <= zero or self.rollout <= zero or self.rollout % self.every:
            raise ConfigError(
                f"rollout {format_duration(self.rollout)} is not a multiple of every "
                f"{format_duration(self.every)}.",
                "Give the time between two comparisons with the data as every.",
            )
        if self.warm_up is not None and self.warm_up > self.updates:
            raise ConfigError(
                f"warm_up {self.warm_up} is longer than the stage, {self.updates} "
                "updates.",
                "Give a shorter one.",
            )
        if not self.parameters:
            raise ConfigError("parameters is empty.", "Name some, or leave it out.")
        return self

    @property
    def leads(self) -> np.ndarray:
        """Lead times at which a forecast is compared with the data, timedelta64[s]."""
        return np.arange(1, self.rollout // self.every + 1) * self.every


def _stages(value: Any) -> tuple[Stage, ...]:
    items = value if isinstance(value, list | tuple) else [value]
    stages = []
    for number, item in enumerate(items, start=1):
        if isinstance(item, Stage):
            stages.append(item)
            continue
        if not isinstance(item, dict):
            raise ConfigError(f"Stage {number} is not 'key: value' pairs.", _EXAMPLE)
        given = given_settings(item)
        missing = [
            name
            for name, field in Stage.model_fields.items()
            if field.is_required() and name not in given
        ]
        if missing:
            raise ConfigError(f"Stage {number} has no {missing[0]}.", _EXAMPLE)
        try:
            stages.append(Stage(**given))
        except ConfigError as error:
            raise ConfigError(f"Stage {number}: {error.message}", error.hint) from None
    if not stages:
        raise ConfigError("There are no stages.", _EXAMPLE)
    return tuple(stages)


class TrainConfig(CheckedSettings):
    """The settings of ``ngcm train``.

    Attributes:
        model: name or card of the model whose weights are trained further.
        initialize: name or card of a model whose architecture is trained from seeded
            random weights, instead of ``model``.
        data: analyses, as ``Settings.data``.
        train: times of the data that are trained on. A forecast starts from each of
            them from which all times of comparison are among them, too.
        held_out: times of the data by which the training is judged; likewise.
        sst: how sea-surface temperature evolves in a forecast.
        sst_data: as ``Settings.sst_data``.
        sst_time: as ``Settings.sst_time``.
        stages: parts of the training, in order.
        loss: settings of the loss, of all stages.
        outputs: variables that are added to the model, by name.
        optimizer: ``adam`` or ``adamw``.
        weight_decay: of AdamW, per update and unit of the learning rate; None is 1e-4.
        gradient_clip: largest norm of a gradient; None does not bound it.
        average_over: number of updates over which weights are averaged exponentially,
            with the decay 1 - 2 / (n + 1), but at most (1 + u) / (10 + u) after u
            updates; the averages are judged and written.
        evaluate_every: number of updates between two evaluations.
        evaluation_starts: number of forecasts of an evaluation, spread over
            ``held_out``.
        patience: number of evaluations without a better one after which the training
            ends; None goes through all stages.
        checkpoint_every: number of updates between two checkpoints.
        seed: of batches, of random fields, and of weights with ``initialize``.
        name: of the trained model.
        output: directory of the training; None makes a name of the model.
        offline: as ``Settings.offline``.
        coordinator: as ``Settings.coordinator``.
        process: as ``Settings.process``.
    """

    command: ClassVar[str] = "train"

    model: values.Text = values.DEFAULT_MODEL
    initialize: values.Text | None = None
    data: values.Text
    train: values.Times
    held_out: values.Times
    sst: values.SstMode = "persist"
    sst_data: values.Text | None = None
    sst_time: values.SstTime | None = None
    stages: Annotated[tuple[Stage, ...], pydantic.BeforeValidator(_stages)]
    loss: LossChanges = {}
    outputs: NewOutputs = {}
    optimizer: Annotated[str, values.one_of("adam", "adamw")] = "adam"
    weight_decay: Positive | None = None
    gradient_clip: PositiveOrNone = None
    average_over: values.Count = 100
    evaluate_every: values.Count = 100
    evaluation_starts: values.Count = 8
    patience: values.Count | None = None
    checkpoint_every: values.Count = 100
    seed: values.Seed = 0
    name: Annotated[str, pydantic.BeforeValidator(_model_name)] | None = None
    output: values.Path | None = None
    offline: values.Switch = False
    coordinator: values.Text | None = None
    process: values.Text | None = None

    def __init__(self, **settings: Any):
        for name, field in type(self).model_fields.items():
            if field.is_required() and name not in settings:
                hint = _EXAMPLE if name == "stages" else _HINTS[name]
                raise ConfigError(f"{name} is not given.", hint)
        super().__init__(**settings)

    @pydantic.model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.initialize is not None and "model" in self.model_fields_set:
            raise ConfigError(
                "model and initialize are both given.",
                "Give model to train its weights further, or initialize to begin with "
                "random ones.",
            )
        if shared := sorted(set(self.train) & set(self.held_out)):
            raise ConfigError(
                f"{len(shared)} times are in train and in held_out, the first "
                f"{format_time(shared[0])}.",
                "Hold out other times than those that are trained on.",
            )
        if self.weight_decay is not None and self.optimizer != "adamw":
            raise ConfigError(
                "weight_decay is given without AdamW.", "Give optimizer: adamw, too."
            )
        return self

    @property
    def parent(self) -> str:
        """Name or card of the model whose architecture is trained."""
        return self.initialize or self.model

    @property
    def updates(self) -> int:
        """Number of updates of all stages."""
        return sum(stage.updates for stage in self.stages)

    def locate(self, update: int) -> tuple[int, int]:
        """Return the stage of an update and its number in it, both from zero.

        Of the number after the last update, those of the last.
        """
        number, index = min(update, self.updates - 1), 0
        while number >= self.stages[index].updates:
            number -= self.stages[index].updates
            index += 1
        return index, number

    def as_run_file(self) -> dict[str, Any]:
        """Return the settings as a run file has them, as text, without `HOSTS`."""
        flags: dict[str, Any] = self.as_flags()
        for name in HOSTS:
            flags.pop(name, None)
        for name in ("train", "held_out"):
            flags[name] = _format_ranges(getattr(self, name))
        flags["stages"] = [_nested_flags(stage) for stage in self.stages]
        for name in ("loss", "outputs"):
            flags.pop(name, None)
        if self.loss:
            flags["loss"] = self.loss
        if self.outputs:
            flags["outputs"] = {n: x.as_flags() for n, x in self.outputs.items()}
        return flags


_HINTS = {
    "data": "Name analyses: a file, a pattern of files, a Zarr store, or arco.",
    "train": "Give times of the data, such as 2018-01-01/2018-12-31T18/6h.",
    "held_out": "Give times of the data, such as 2019-01-01/2019-01-31T18/6h.",
}


def _nested_flags(stage: Stage) -> dict[str, Any]:
    flags: dict[str, Any] = stage.as_flags()
    if "loss" in flags:
        flags["loss"] = stage.loss
    return flags


def _format_ranges(times: Sequence[np.datetime64]) -> str:
    """Return times as ranges where steps are equal: a file has thousands of them."""
    whole = np.array(times, "datetime64[s]")
    steps = np.diff(whole)
    parts, first = [], 0
    while first < len(whole):
        last = first + 1
        while last < len(steps) and steps[last] == steps[first]:
            last += 1
        last = min(last, len(whole) - 1)
        parts.append(format_times(list(whole[first : last + 1])))
        first = last + 1
    return ",".join(parts)
