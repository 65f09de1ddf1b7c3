"""Whether settings and data of a training are still those that it began with."""

import dataclasses
import logging
import pathlib
from collections.abc import Mapping
from typing import Any

from ngcm_cli.config.train import TrainConfig
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.io.progress import CountProgress
from ngcm_cli.training.data import TrainingData

log = logging.getLogger(__name__)


def settings_identity(config: TrainConfig) -> dict[str, Any]:
    """Return the settings that decide the course of a training, as in its run file."""
    settings = config.as_run_file()
    for name in ("output", "offline"):
        settings.pop(name, None)
    return settings


def check_unchanged(
    path: pathlib.Path, stored: Mapping[str, Any], own: Mapping[str, Any]
) -> None:
    """Check that what decides the course of a training is as it was.

    Args:
        path: of the training.
        stored: in its checkpoint, by name.
        own: now.

    Raises:
        ConfigError: something differs.
    """
    changed = [n for n in {**stored, **own} if stored.get(n) != own.get(n)]
    if changed:
        raise ConfigError(
            f"The {'weights' if changed == ['weights'] else 'settings'} of {path} were "
            f"changed since its last checkpoint: {', '.join(changed)}.",
            "Restore them, or begin another training.",
        )


@dataclasses.dataclass(frozen=True)
class DataIdentity:
    """By what data are known again when a training is resumed.

    Attributes:
        stamps: sizes and times of change of local files.
        sample: SHA-256 of values at a few times, as the model takes them.
        values: SHA-256 of all values.
    """

    stamps: str
    sample: str
    values: str

    @classmethod
    def of(cls, data: TrainingData, values: str) -> "DataIdentity":
        """Return the identity of data whose values have a digest."""
        return cls(data.stamps(), data.sample_sha256(), values)

    def check(self, data: TrainingData, count: CountProgress) -> "DataIdentity":
        """Check that data have the values that they had; return their identity now.

        A few times are read. Where files were changed, moved or copied, all are.

        Args:
            data: of the training that is resumed.
            count: receives how many times were read.

        Raises:
            InputDataError: they have others.
        """
        stamps, sample = data.stamps(), data.sample_sha256()
        values = self.values
        if sample == self.sample and stamps != self.stamps:
            log.info("The files of the data were changed: reading all of them again.")
            values, _ = data.check_values(count)
        if (sample, values) != (self.sample, self.values):
            raise InputDataError(
                f"The values of the data, {data.described}, were changed since this "
                "training began.",
                "Restore them, or begin another training.",
            )
        if stamps != self.stamps:
            log.info("Their values are the same.")
        return dataclasses.replace(self, stamps=stamps)
