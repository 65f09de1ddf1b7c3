"""The directory of a training: settings, checkpoints, metrics, the trained model.

    train.yaml                        settings
    metrics.csv                       a row for each update and each evaluation
    checkpoints/00000100.safetensors  all that the next update depends on
    model/NAME.yaml, .safetensors     the best weights so far, as --model takes them

Every file appears under its name when it is complete.
"""

import contextlib
import csv
import io
import json
import pathlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from ngcm_cli.checkpoint.native import write_native
from ngcm_cli.checkpoint.spec import ModelSpec
from ngcm_cli.config.run_file import format_run_file, read_run_file
from ngcm_cli.config.train import NESTED, TrainConfig
from ngcm_cli.errors import OutputError
from ngcm_cli.io import atomic
from ngcm_cli.io.array_digest import named_arrays_sha256
from ngcm_cli.io.lock import Lock, LockedError

SETTINGS = "train.yaml"
METRICS = "metrics.csv"
MODEL = "model"
_KEPT = 3  # regular checkpoints
_METADATA = "training"
_COMMENT = "Settings of this training. Resume it with `ngcm train --resume`."


class TrainingDirectory:
    """The files of a training.

    Args:
        path: of the directory.
    """

    def __init__(self, path: pathlib.Path):
        self.path = path
        self._checkpoints = path / "checkpoints"

    def check_new(self) -> None:
        """Check that a training can begin here, and write nothing that stays.

        Raises:
            OutputError: something is there, or nothing can be written.
        """
        if (self.path / SETTINGS).is_file():
            raise OutputError(
                f"The output {self.path} is a training already.",
                f"Continue it with `ngcm train --resume {self.path}`, or choose "
                "another --output.",
            )
        if self.path.exists() and not (
            self.path.is_dir() and not any(self.path.iterdir())
        ):
            raise OutputError(
                f"The output {self.path} exists and is not an empty directory.",
                "Choose another --output.",
            )
        parent = self.path.resolve().parent
        if not parent.is_dir():
            raise OutputError(
                f"The directory of the output, {parent}, does not exist.",
                "Create it, or choose another --output.",
            )
        probe = atomic.temporary_sibling(self.path)
        with self._explained(f"The output {self.path}"):
            probe.open("xb").close()
            probe.unlink()

    def create(self, config: TrainConfig) -> None:
        """Make the directory, and write its settings.

        Raises:
            OutputError: another training has begun there meanwhile, or it cannot be
                written.
        """
        self.check_new()
        with self._explained(f"Writing {self.path}"):
            self.path.mkdir(exist_ok=True)
            text = format_run_file(config.as_run_file(), _COMMENT)
            atomic.write_text(self.path / SETTINGS, text)

    def read_settings(self) -> dict[str, Any]:
        """Return the settings of the training, as text.

        Raises:
            OutputError: this is no training.
        """
        if not (self.path / SETTINGS).is_file():
            raise OutputError(
                f"{self.path} is not the directory of a training.",
                "Name the --output of an ngcm train that was interrupted.",
            )
        return read_run_file(
            self.path / SETTINGS, tuple(TrainConfig.model_fields), NESTED
        )

    @contextlib.contextmanager
    def sole_writer(self) -> Iterator[None]:
        """Enter a context in which no other process trains in this directory.

        Raises:
            OutputError: another process does.
        """
        try:
            lock = Lock(self.path / ".lock")
        except LockedError:
            raise OutputError(
                f"Another process trains in {self.path}.",
                "Wait until it ends, or choose another --output.",
            ) from None
        try:
            yield
        finally:
            lock.release()

    def write_checkpoint(
        self,
        update: int,
        arrays: Mapping[str, np.ndarray],
        record: Mapping[str, Any],
        every: int,
    ) -> None:
        """Write a checkpoint after a number of updates; remove old ones.

        The last three regular ones stay, whatever others interrupts have left.

        Args:
            update: number of updates.
            arrays: by name.
            record: further values, that JSON can hold.
            every: number of updates between regular checkpoints.

        Raises:
            OutputError: it cannot be written; older ones are unchanged.
        """
        ordered = {n: np.asarray(arrays[n], order="C") for n in sorted(arrays)}
        text = json.dumps(record)
        metadata = {_METADATA: text, "sha256": named_arrays_sha256(ordered, text)}
        with self._explained(f"Writing a checkpoint in {self.path}"):
            self._checkpoints.mkdir(exist_ok=True)
            atomic.remove_temporary_siblings(self._file(update))
            with atomic.atomic_file(self._file(update)) as file:
                file.write(safetensors.numpy.save(ordered, metadata))
            for old in {*self.checkpoints()} - {*self.checkpoints(every)[-_KEPT:]}:
                if old != update:
                    self._file(old).unlink(missing_ok=True)

    def checkpoints(self, every: int = 1) -> list[int]:
        """Return after which multiples of `every` there are checkpoints, ascending."""
        files = self._checkpoints.glob("[0-9]*.safetensors")
        return sorted(x for file in files if (x := int(file.stem)) % every == 0)

    def remove_after(self, update: int) -> None:
        """Remove the checkpoints of later updates, which are computed again."""
        for later in self.checkpoints():
            if later > update:
                self._file(later).unlink()

    def read_checkpoint(
        self, update: int
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the arrays and the record of a checkpoint.

        Raises:
            OutputError: it is damaged.
        """
        path = self._file(update)
        try:
            with safetensors.safe_open(path, "np") as file:
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                metadata = file.metadata() or {}
            text = metadata[_METADATA]
            if named_arrays_sha256(arrays, text) != metadata["sha256"]:
                raise ValueError("its checksum differs")
            return arrays, json.loads(text)
        except (safetensors.SafetensorError, OSError, KeyError, ValueError) as error:
            raise OutputError(
                f"The checkpoint {path} is damaged: {error}.",
                "Remove it, and resume: the one before is used.",
            ) from error

    def write_metrics(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write all metrics, one row for each update and each evaluation."""
        names = dict.fromkeys(name for row in rows for name in row)
        text = io.StringIO()
        writer = csv.DictWriter(text, list(names), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        with self._explained(f"Writing {self.path / METRICS}"):
            atomic.remove_temporary_siblings(self.path / METRICS)
            atomic.write_text(self.path / METRICS, text.getvalue())

    def read_metrics(self) -> list[dict[str, str]]:
        """Return the metrics, as text; none if there are none yet."""
        try:
            with (self.path / METRICS).open(encoding="utf-8", newline="") as file:
                return list(csv.DictReader(file))
        except FileNotFoundError:
            return []

    def write_model(
        self,
        description: dict[str, Any],
        spec: ModelSpec,
        arrays: dict[str, np.ndarray],
    ) -> None:
        """Write the trained model, in place of the one that was there.

        Args:
            description: of its card, as `write_native` takes it.
            spec: its architecture.
            arrays: its parameters and static fields.
        """
        target = self.path / MODEL
        with self._explained(f"Writing the model in {self.path}"):
            atomic.remove_temporary_siblings(target)
            new = atomic.temporary_sibling(target)
            try:
                new.mkdir()
                write_native(new, description, spec, arrays)
                atomic.replace_directory(new, target, overwrite=True)
            finally:
                shutil.rmtree(new, ignore_errors=True)

    def _file(self, update: int) -> pathlib.Path:
        return self._checkpoints / f"{update:08}.safetensors"

    def _explained(self, work: str) -> contextlib.AbstractContextManager[None]:
        def hint(advice: str) -> str:
            return f"{advice}; then continue with `ngcm train --resume {self.path}`."

        return atomic.translate_os_errors(work, hint)
