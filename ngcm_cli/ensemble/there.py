"""An ensemble that is there already, wholly or in part."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from ngcm_cli import origin
from ngcm_cli.config import EnsembleConfig
from ngcm_cli.errors import ConfigError, OutputError
from ngcm_cli.inputs.sources.location import redacted
from ngcm_cli.output.ensemble_place import has_ensemble, read_about
from ngcm_cli.output.place import check_output
from ngcm_cli.plan import Plan
from ngcm_cli.time_format import format_times

_DATA = "data", "sst_data"


@dataclasses.dataclass(frozen=True)
class There:
    """An ensemble that is there.

    Attributes:
        output: where.
        settings: that made it.
        weights: SHA-256 of the model's.
        batch: members that ran at once.
        members: their numbers.
        run: name of the last run that wrote to it.
        finished: whether nothing is left to compute.
        exported: whether it is a NetCDF file, to which nothing can be added.
    """

    output: pathlib.Path
    settings: Mapping[str, str]
    weights: str
    batch: int
    members: tuple[int, ...]
    run: str
    finished: bool
    exported: bool

    @classmethod
    def read(cls, output: pathlib.Path) -> Self:
        """What is there.

        Raises:
            OutputError: no ensemble, or a damaged one.
        """
        about, attributes, exported = read_about(output)
        return cls(
            output,
            about["settings"],
            str(attributes["weights_sha256"]),
            int(about["batch"]),
            tuple(about["members"]),
            about["run"],
            attributes.get("status") == "complete",
            exported,
        )

    def check(self, config: EnsembleConfig, first: Plan) -> None:
        """Refuse what would make members of another kind.

        Raises:
            OutputError: they would be.
        """
        asked = settings_of(config, first.layout.init)
        for name in sorted({*asked, *self.settings}):
            here, before = asked.get(name, "none"), self.settings.get(name, "none")
            if here != before:
                raise OutputError(
                    f"{self.output} was made with {name} {before}, not {here}.",
                    "Give the same settings, or choose another --output.",
                )
        if config.batch not in (None, self.batch):
            raise OutputError(
                f"{self.output} was made with {self.batch} members at once, not "
                f"{config.batch}, which would give other bits.",
                "Leave out --batch, or choose another --output.",
            )
        if first.card.weights.sha256 != self.weights:
            raise OutputError(
                f"{self.output} was made with other weights of {config.model}.",
                "Choose another --output.",
            )


def find(
    config: EnsembleConfig, output: pathlib.Path, resume: bool, run: str
) -> There | None:
    """The ensemble at an output that is gone on with or added to; None is a new one.

    Args:
        config: what is asked for.
        output: where.
        resume: whether it is to go on as it is.
        run: that asks.

    Raises:
        OutputError: what is there can be neither added to nor replaced.
    """
    if resume:
        return There.read(output)
    there = There.read(output) if has_ensemble(output) else None
    if there is not None and there.run == run:  # made by another of our processes
        return there
    if config.overwrite or there is None:
        check_output(output, config.overwrite)
        return None
    twice = sorted(set(config.members) & set(there.members))
    if twice:
        many = "s" if twice[1:] else ""
        raise OutputError(
            f"The output {output} exists and has member{many} {ranges(twice)} already.",
            f"Go on with it by `ngcm ensemble --resume {output}`, ask for other "
            "--members, choose another --output, or give --overwrite to replace it.",
        )
    if there.exported:
        raise OutputError(
            f"The output {output} exists, and nothing can be added to a NetCDF file.",
            "Choose another --output, or give --overwrite to replace it.",
        )
    if not there.finished:
        raise OutputError(
            f"{output} is not complete.",
            f"Go on with it first, by `ngcm ensemble --resume {output}`.",
        )
    if config.statistics and not config.keep_members:
        raise OutputError(
            f"{output} did not keep its members, so its statistics cannot be those of "
            "more.",
            "Choose another --output.",
        )
    return there


def settings_of(config: EnsembleConfig, first: np.datetime64) -> dict[str, str]:
    """What makes the result, as the text of flags, without what is secret.

    Args:
        config: what is asked for.
        first: initial time.
    """
    other = *config.changeable, "overwrite", "members", "batch"
    words = origin.anywhere(config)
    words["init"] = format_times(config.init or (first,))
    for name in _DATA:
        if name in words:
            words[name] = redacted(words[name])
    return {name: text for name, text in words.items() if name not in other}


def goes_on(output: pathlib.Path, **changes: Any) -> dict[str, Any]:
    """The settings of an ensemble that is there, to go on with it.

    Args:
        output: where it is.
        **changes: who shares the work, and the data, if their address has a part that
            is secret and was not written down.

    Raises:
        ConfigError: a change of what makes the result.
        OutputError: no ensemble is there.
    """
    settings = dict(There.read(output).settings)
    for name, value in changes.items():
        same = name in _DATA and redacted(str(value)) == settings.get(name)
        if name not in EnsembleConfig.changeable and not same:
            flag = name.replace("_", "-")
            raise ConfigError(
                f"--{flag} does not go with --resume.",
                "An ensemble goes on as it began: leave it out.",
            )
    return settings | changes | {"output": str(output)}


def ranges(numbers: Sequence[int]) -> str:
    """Numbers as people write them: those that follow each other as a range."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{r[0]} to {r[-1]}" if r[1:] else f"{r[0]}" for r in runs)
