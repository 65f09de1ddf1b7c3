"""The verb: from settings to a trained model on disk."""

import contextlib
import logging
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax.numpy as jnp

from ngcm_cli.config.new_output import NewOutput
from ngcm_cli.config.train import HOSTS, TrainConfig
from ngcm_cli.errors import (
    ConfigError,
    InputDataError,
    OutputError,
    UnstableRunError,
)
from ngcm_cli.inputs.sources.location import is_remote
from ngcm_cli.io.compilation_cache import enable_compilation_cache
from ngcm_cli.io.progress import ByteProgress, CountProgress, format_size, no_progress
from ngcm_cli.simulation.distributed import connect
from ngcm_cli.simulation.interrupts import explain_out_of_memory, sigterm_as_exception
from ngcm_cli.time_format import format_duration
from ngcm_cli.training.identity import (
    DataIdentity,
    check_unchanged,
    settings_identity,
)
from ngcm_cli.training.normalisation import Scales
from ngcm_cli.training.setup import Training, set_up
from ngcm_cli.training.trainer import (
    DATA_IDENTITY,
    IDENTITY,
    WEIGHTS,
    Trainer,
    TrainingProgress,
)
from ngcm_cli.training.training_directory import MODEL, TrainingDirectory
from ngcm_cli.zoo import model_names

log = logging.getLogger(__name__)

Track = Callable[[Iterable[TrainingProgress]], Iterable[TrainingProgress]]


def train(
    config: TrainConfig | None = None,
    *,
    resume: str | pathlib.Path | None = None,
    force: bool = False,
    track: Track = iter,
    download: ByteProgress = no_progress,
    count: CountProgress = no_progress,
    **settings: Any,
) -> pathlib.Path:
    """Train a model further, or a new one, and write it.

    ``train(data="era5.zarr", train=..., held_out=..., stages=[...])`` is the same as
    the command with these settings in its run file.

    Args:
        config: the settings, or else its fields as keywords.
        resume: directory of an interrupted training that is continued; with it only
            ``coordinator`` and ``process`` may be given.
        force: whether to start where too little memory is free.
        track: receives the iterator of `TrainingProgress`, and returns an iterable of
            the same.
        download: receives the progress of downloads, in bytes.
        count: receives how many times of the data were checked.
        **settings: fields of `TrainConfig`.

    Returns:
        The directory of the model, which ``--model`` and `load_model` take.

    Raises:
        UnstableRunError: the training diverges; the best weights are kept.
        NgcmError: one of its other children, which says what to change.
    """
    more = bool(settings) if resume is None else not set(settings) <= {*HOSTS}
    if (config is not None) + (resume is not None) + more != 1:
        raise TypeError("give a TrainConfig, keywords, or a directory to resume")
    enable_compilation_cache()
    config, directory = _opened(config, resume, settings)
    is_first = connect(config.coordinator, config.process).index == 0
    if is_first and resume is None:
        directory.check_new()
    with contextlib.ExitStack() as stack:
        if is_first and resume is not None:
            stack.enter_context(directory.sole_writer())
        stored = _stored(config, directory) if resume is not None else None
        training = set_up(config, stack, stored, download, count)
        trainer = Trainer(training, directory)
        trainer.restore()
        with explain_out_of_memory("compiling the updates", "Use a larger device."):
            training.compile()
        if not force:
            training.check_memory()
        if is_first and resume is None:
            directory.create(config)
            stack.enter_context(directory.sole_writer())
        for line in describe(training).splitlines():
            log.info(line)
        with _interruptible(trainer):
            for _ in track(trainer.progress()):
                pass
    return directory.path / MODEL


def plan(config: TrainConfig, force: bool = False) -> str:
    """Return what a training would do and how much memory it takes; write nothing.

    Args:
        config: the settings.
        force: whether it would start where too little memory is free.

    Raises:
        NgcmError: the training could not start.
    """
    enable_compilation_cache()
    config, directory = _opened(config, None, {})
    directory.check_new()
    config = config.model_copy(update={"offline": True})
    with contextlib.ExitStack() as stack:
        training = set_up(config, stack)
        training.compile()
        if not force:
            training.check_memory()
        return describe(training)


def describe(training: Training) -> str:
    """Return a few lines on a training."""
    config, card = training.config, training.card
    lines = [
        f"model      {card.name}, "
        + ("random weights" if config.initialize else "weights trained further"),
        f"data       {len(training.data.train)} times to train on, "
        f"{len(training.data.held_out)} held out, "
        f"{len(training.held_out)} forecasts evaluated",
    ]
    for name, truth in training.data.truths.items():
        lines.append(f"output     {truth.describe(training.scales.outputs[name])}")
    for number, (stage, programs) in enumerate(
        zip(config.stages, training.programs, strict=True)
    ):
        arrays = len(programs.chosen)
        lines.append(
            f"stage {number + 1}    {stage.updates} updates of {arrays} arrays, "
            f"{stage.batch} forecasts of {format_duration(stage.rollout)} each from "
            f"{len(training.starts(number))} starts, "
            f"{format_size(training.memory[number])} of memory"
        )
    return "\n".join(lines)


def _opened(
    config: TrainConfig | None,
    resume: str | pathlib.Path | None,
    settings: dict[str, Any],
) -> tuple[TrainConfig, TrainingDirectory]:
    """Return complete settings, and the directory that is written."""
    if resume is not None:
        directory = TrainingDirectory(pathlib.Path(resume))
        config = TrainConfig(**directory.read_settings() | settings)
        return config.model_copy(update={"output": directory.path}), directory
    config = config or TrainConfig(**settings)
    changes: dict[str, Any] = {}
    if config.output is None:
        stem = pathlib.Path(config.parent).stem
        changes["output"] = pathlib.Path(f"{stem}_trained")
    for name in ("model", "initialize", "data", "sst_data"):
        value = getattr(config, name)
        named = name in ("model", "initialize") and value in model_names()
        if value is not None and not named and not is_remote(value):
            changes[name] = os.path.abspath(value)
    if config.outputs:
        changes["outputs"] = {n: _located(x) for n, x in config.outputs.items()}
    fields = config.model_fields_set | set(changes)
    config = TrainConfig(**{name: getattr(config, name) for name in fields} | changes)
    assert config.output is not None
    return config, TrainingDirectory(config.output)


def _located(output: NewOutput) -> NewOutput:
    """Return settings of a new output whose truth is named in any directory."""
    if output.truth is None or is_remote(output.truth):
        return output
    return output.model_copy(update={"truth": os.path.abspath(output.truth)})


def _stored(
    config: TrainConfig, directory: TrainingDirectory
) -> tuple[Scales, DataIdentity] | None:
    """Return scales and identity of the data in the last checkpoint, if there is one.

    Raises:
        OutputError: it is damaged.
        ConfigError: its settings were others.
    """
    saved = directory.checkpoints()
    if not saved:
        return None
    arrays, record = directory.read_checkpoint(saved[-1])
    identity = record[IDENTITY]
    weights = {WEIGHTS: identity[WEIGHTS]}  # the trainer compares those
    check_unchanged(directory.path, identity, settings_identity(config) | weights)
    found: dict[str, dict[str, Any]] = {"data": {}, "model": {}, "outputs": {}}
    for name, x in arrays.items():
        if name.startswith("scales/"):
            _, kind, variable = name.split("/")
            found[kind][variable] = jnp.asarray(x)
    return Scales(**found), DataIdentity(**record[DATA_IDENTITY])


@contextlib.contextmanager
def _interruptible(trainer: Trainer) -> Iterator[None]:
    """Keep the last update whatever ends the context, and say how to continue."""
    path = trainer.directory.path
    hint = "Begin again with a smaller batch or shorter rollouts."
    try:
        with sigterm_as_exception(), explain_out_of_memory("an update", hint):
            yield
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | InputDataError):
            with contextlib.suppress(KeyboardInterrupt, OutputError):
                trainer.save()
        if not isinstance(error, OutputError | UnstableRunError | ConfigError):
            saved = max(trainer.directory.checkpoints(), default=0)
            error.add_note(
                f"{path}: {saved} of {trainer.config.updates} updates are saved. "
                f"Resume with `ngcm train --resume {path}`."
            )
        raise
