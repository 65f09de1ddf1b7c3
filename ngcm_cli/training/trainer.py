"""The loop of a training: updates, evaluations, checkpoints, and returns after NaN."""

import dataclasses
import logging
import math
import time
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from ngcm_cli.errors import UnstableRunError
from ngcm_cli.simulation.distributed import wait_for_others
from ngcm_cli.simulation.stability import MAX_REWINDS
from ngcm_cli.training.data import ReadAhead, shuffled
from ngcm_cli.training.identity import check_unchanged, settings_identity
from ngcm_cli.training.result import write_result
from ngcm_cli.training.setup import Training, example_keys
from ngcm_cli.training.training_directory import MODEL, TrainingDirectory
from ngcm_cli.training.update import TrainingState

log = logging.getLogger(__name__)

_DIVERGED = 1e3
"""A loss so many times the least of its stage counts as one that is not finite."""
IDENTITY, WEIGHTS = "identity", "weights"
DATA_IDENTITY = "data_identity"
"""Of records in checkpoints: what `DataIdentity` has."""
_EVALUATION = 2**31  # of random keys, beyond all updates


@dataclasses.dataclass(frozen=True)
class Record:
    """How far a training is, beside its arrays.

    Attributes:
        done: number of updates.
        evaluated: number of updates at the last evaluation; -1 before the first.
        best: update of the best evaluation.
        best_loss: its loss.
        worse: number of evaluations since.
        lowest: least loss of an update of this stage.
        returns: how often the training has returned to an earlier checkpoint.
        failed: number of updates before the last one that failed.
        attempts: how often it has returned since without getting beyond that.
    """

    done: int = 0
    evaluated: int = -1
    best: int = 0
    best_loss: float = math.inf
    worse: int = 0
    lowest: float = math.inf
    returns: int = 0
    failed: int = -1
    attempts: int = 0


@dataclasses.dataclass(frozen=True)
class TrainingProgress:
    """Where a training is after an update.

    Attributes:
        done: number of updates.
        total: of all stages.
        stage: its number, from one.
        numbers: loss, terms, gradient norm of the last update.
        learning_rate: of the last update.
        simulated_hours: length of the forecasts of the last update, all together.
        best_loss: of the evaluations so far.
    """

    done: int
    total: int
    stage: int
    numbers: dict[str, float]
    learning_rate: float
    simulated_hours: float
    best_loss: float


class Trainer:
    """Carries out a training, from the beginning or from its last checkpoint.

    Args:
        training: what is to be done, with its programs compiled.
        directory: where it is written.
    """

    def __init__(self, training: Training, directory: TrainingDirectory):
        self.training = training
        self.directory = directory
        self.config = training.config
        # One attribute: when Ctrl-C comes, what is saved fits together.
        self._now: tuple[TrainingState, Record] = training.initial_state(), Record()
        self._rows: dict[tuple[int, str], dict[str, Any]] = {}  # by update and kind
        self._saved = -1

    def restore(self) -> None:
        """Continue from the last checkpoint, if there is one."""
        if saved := self.directory.checkpoints():
            self._load(saved[-1])

    def progress(self) -> Iterator[TrainingProgress]:
        """Train; yield after every update.

        Raises:
            UnstableRunError: the training diverges, also from earlier checkpoints.
            OutputError: it cannot be written.
        """
        config = self.config
        with ReadAhead(self._read) as batches:
            while True:
                _, record = self._now
                if self._is_due(config.evaluate_every) and (
                    record.evaluated != record.done
                ):
                    record = self._evaluate()
                if self._is_due(config.checkpoint_every):
                    self.save()
                is_over = config.patience is not None and (
                    record.worse >= config.patience
                )
                if record.done == config.updates or is_over:
                    break
                yield from self._update(batches)
        self.save()
        best = f"The best weights are of update {record.best} of {record.done}"
        log.info(f"{best}, with a held-out loss of {record.best_loss:.5g}.")
        if record.best == 0:
            log.info("No update made them better than they were.")

    def save(self) -> None:
        """Write metrics and a checkpoint, unless this one is written already."""
        state, record = self._now
        if self._saved == record.done or jax.process_index() != 0:
            return
        rows = [row for (at, _), row in self._rows.items() if at <= record.done]
        self.directory.write_metrics(rows)
        scales = self.training.scales
        arrays = {
            f"scales/{kind}/{name}": np.asarray(x)
            for kind in ("data", "model", "outputs")
            for name, x in getattr(scales, kind).items()
        }
        self.directory.write_checkpoint(
            record.done,
            state.arrays() | arrays,
            {
                **dataclasses.asdict(record),
                IDENTITY: self._identity(),
                DATA_IDENTITY: dataclasses.asdict(self.training.identity),
            },
            self.config.checkpoint_every,
        )
        self._saved = record.done

    def _identity(self) -> dict[str, Any]:
        weights = {WEIGHTS: self.training.card.weights.sha256}
        return settings_identity(self.config) | weights

    def _is_due(self, every: int) -> bool:
        done = self._now[1].done
        return done % every == 0 or done == self.config.updates

    def _load(self, update: int) -> Record:
        arrays, record = self.directory.read_checkpoint(update)
        check_unchanged(self.directory.path, record.pop(IDENTITY), self._identity())
        record.pop(DATA_IDENTITY)
        stage, _ = self.config.locate(update)
        programs = self.training.programs[stage]
        structure = programs.begin(self._now[0].learned)
        of_state = {n: x for n, x in arrays.items() if not n.startswith("scales/")}
        state = programs.placement.everywhere(structure.with_arrays(of_state))
        self._rows = {
            (int(row["update"]), row["kind"]): dict(row)
            for row in self.directory.read_metrics()
            if int(row["update"]) <= update
        }
        self._saved = update
        self._now = state, Record(**record)
        return self._now[1]

    def _read(self, done: int, returns: int) -> Any:
        """Return the batch of an update, on the devices."""
        index, number = self.config.locate(done)
        stage = self.config.stages[index]
        order = shuffled(
            self.training.starts(index),
            stage.batch,
            number,
            (self.config.seed, index, returns),
        )
        return self.training.batch(order, index)

    def _update(self, batches: ReadAhead) -> Iterator[TrainingProgress]:
        config, (state, record) = self.config, self._now
        done, began = record.done, time.monotonic()
        index, number = config.locate(done)
        programs, stage = self.training.programs[index], config.stages[index]
        following = (done + 1, record.returns) if done + 1 < config.updates else None
        examples: Any = batches.get((done, record.returns), following)
        keys = example_keys(config.seed, (done, record.returns), stage.batch)
        state, found = programs.update(state, examples, keys, number, done)
        numbers = {name: float(x) for name, x in jax.device_get(found).items()}
        if self._has_failed(numbers):
            self._return(index)
            return
        done, lowest = done + 1, min(record.lowest, numbers["loss"])
        rate = programs.learning_rate(number)
        self._add_row(done, "train", index, numbers, learning_rate=rate, began=began)
        if done < config.updates and config.locate(done)[0] != index:
            state, lowest = self._begun(state, index + 1), math.inf
        attempts = record.attempts if done <= record.failed else 0
        self._now = (
            state,
            dataclasses.replace(record, done=done, lowest=lowest, attempts=attempts),
        )
        yield TrainingProgress(
            done,
            config.updates,
            index + 1,
            numbers,
            rate,
            stage.batch * float(stage.rollout / np.timedelta64(1, "h")),
            record.best_loss,
        )

    def _begun(self, state: TrainingState, stage: int) -> TrainingState:
        """Begin a stage; where it trains other parameters, from averaged weights."""
        before, after = self.training.programs[stage - 1 : stage + 1]
        if before.chosen == after.chosen:
            return after.placement.everywhere(state)
        return after.begin(state.average, state.average)

    def _has_failed(self, numbers: dict[str, float]) -> bool:
        limit = _DIVERGED * self._now[1].lowest
        return not (
            all(map(math.isfinite, numbers.values())) and numbers["loss"] <= limit
        )

    def _return(self, stage: int) -> None:
        """Return to an earlier checkpoint, and continue with other batches.

        Raises:
            UnstableRunError: that was done several times.
        """
        _, record = self._now
        failed, attempts = max(record.failed, record.done), record.attempts + 1
        if attempts > MAX_REWINDS:
            raise UnstableRunError(
                f"The training diverges: the loss of update {record.done + 1}, in "
                f"stage {stage + 1}, is not finite or {_DIVERGED:g} times larger than "
                f"before, after {MAX_REWINDS} returns to earlier checkpoints with "
                "other batches.",
                f"The best weights, of update {record.best}, are in "
                f"{self.directory.path / MODEL}. Lower the learning_rate, or set "
                "gradient_clip, in a new training.",
            )
        returns = record.returns + 1
        every = self.config.checkpoint_every
        regular = [x for x in self.directory.checkpoints(every) if x <= record.done]
        target = regular[-min(attempts, len(regular))]
        log.info(
            f"Update {record.done + 1} failed: its loss is not finite or far larger "
            f"than before. Returning to update {target}, with other batches."
        )
        earlier = self._load(target)
        self._now = (
            self._now[0],
            dataclasses.replace(
                earlier,
                returns=returns,
                failed=failed,
                attempts=attempts,
                # Of an evaluation since, if that was better: its weights stay.
                best=record.best,
                best_loss=record.best_loss,
                worse=min(record.worse, earlier.worse),
            ),
        )
        wait_for_others()  # all have read before anything is removed
        if jax.process_index() == 0:
            self.directory.remove_after(target)
        self._saved = -1
        self.save()

    def _evaluate(self) -> Record:
        """Judge the averaged weights by held-out data, and keep the best."""
        training, (state, record), began = self.training, self._now, time.monotonic()
        last, done = len(training.programs) - 1, record.done
        programs, batch = training.programs[last], self.config.stages[last].batch
        average = programs.placement.everywhere(state.average)
        found = []
        for first in range(0, len(training.held_out), batch):
            starts = training.held_out[first : first + batch]
            examples = training.batch(starts, last)
            keys = example_keys(self.config.seed, (_EVALUATION, first), len(starts))
            numbers = programs.evaluate(average, examples, keys)
            found.append(jax.device_get(numbers))
        means = {n: float(np.mean([x[n] for x in found])) for n in found[0]}
        self._add_row(done, "held_out", self.config.locate(done)[0], means, began=began)
        record = dataclasses.replace(record, evaluated=done, worse=record.worse + 1)
        if (loss := means["loss"]) < record.best_loss:
            record = dataclasses.replace(record, best=done, best_loss=loss, worse=0)
        is_first = not (self.directory.path / MODEL).exists()
        if (is_first or record.worse == 0) and jax.process_index() == 0:
            write_result(training, self.directory, average, done, loss)
        self._now = state, record  # after the model: else it could be missed
        self._saved = -1
        return record

    def _add_row(
        self,
        update: int,
        kind: str,
        stage: int,
        numbers: dict[str, float],
        *,
        began: float,
        learning_rate: float | None = None,
    ) -> None:
        row = {"update": update, "kind": kind, "stage": stage + 1}
        row |= {name: f"{x:.8g}" for name, x in numbers.items()}
        row |= (
            {} if learning_rate is None else {"learning_rate": f"{learning_rate:.6g}"}
        )
        seconds, returns = time.monotonic() - began, self._now[1].returns
        row |= {"seconds": f"{seconds:.3f}", "returns": returns}
        self._rows[update, kind] = row
