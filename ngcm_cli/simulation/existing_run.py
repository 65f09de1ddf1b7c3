"""An output that exists, wholly or in part: what made it, and what is missing."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Self

from ngcm_cli.config import (
    AmipConfig,
    EnsembleConfig,
    ForecastConfig,
    IdealizedConfig,
    RunConfig,
    parse_switch,
    read_run_file,
)
from ngcm_cli.errors import ConfigError, OutputError
from ngcm_cli.inputs.sources.location import redacted
from ngcm_cli.output.export import read_attributes
from ngcm_cli.output.run_directory import RECORD, RUN_FILE, RunDirectory
from ngcm_cli.output.run_paths import FORMATS, RunPaths
from ngcm_cli.output.run_record import RunRecord, check_content
from ngcm_cli.output.zarr import RUN_ATTRIBUTE, open_store

CONFIGS: Mapping[str, type[RunConfig]] = {
    config.command: config
    for config in (ForecastConfig, EnsembleConfig, AmipConfig, IdealizedConfig)
}


@dataclasses.dataclass(frozen=True)
class ExistingRun:
    """A run whose output exists.

    Attributes:
        paths: of the run.
        record: what its `RunDirectory` holds, or its output when it is complete:
            ``command`` and ``settings`` that made it, digests of weights, architecture,
            forcing, nudging and singular vectors, ``batch``, ``members``, members
            ``complete`` before the run that is missing something, those of them that
            ``failed``, unique name of the last ``run``, ``versions``.
        attributes: global attributes of the output, if it is complete.
    """

    paths: RunPaths
    record: Mapping[str, Any]
    attributes: Mapping[str, Any]

    @classmethod
    def read(cls, paths: RunPaths) -> Self:
        """Read what exists.

        Raises:
            OutputError: there is no run, or a damaged one.
        """
        if paths.has_run_record() or paths.is_directory:
            record = RunDirectory(paths.work).read_record()
            return cls(paths, check_content(RunRecord, record, paths.work / RECORD), {})
        if paths.is_exported and not paths.stores.exists():
            attributes = read_attributes(paths.output)
        else:
            attributes = dict(open_store(paths.stores, "r").attrs)
        try:
            record = json.loads(str(attributes[RUN_ATTRIBUTE]))
        except (KeyError, ValueError, RecursionError):
            raise OutputError(
                f"{paths.output} is not the complete output of this version of ngcm.",
                "Name the --output of a run; one of an older version must start again.",
            ) from None
        return cls(paths, check_content(RunRecord, record, paths.output), attributes)

    @property
    def is_finished(self) -> bool:
        """Whether nothing is missing, and only the output is left."""
        return bool(self.attributes)

    @property
    def batch(self) -> int:
        """Members that are computed together."""
        return self.record["batch"]

    @property
    def members(self) -> tuple[int, ...]:
        """Numbers of the members, in the order of the output."""
        return tuple(self.record["members"])

    @property
    def complete(self) -> frozenset[int]:
        """Members that were complete before the run that is missing something."""
        return frozenset(self.record["members" if self.is_finished else "complete"])

    @property
    def run(self) -> str:
        """Unique name of the last run that wrote to it."""
        return self.record["run"]

    def check(self, identity: Mapping[str, Any], batch: int | None) -> None:
        """Refuse to continue with other settings, weights or data.

        Args:
            identity: of the run that would continue, see `Simulation.identity`.
            batch: members computed together, if that was given.

        Raises:
            OutputError: they differ.
        """
        asked, before = identity["settings"], self.record["settings"]
        now, then = {"batch": batch, **asked}, {"batch": self.batch, **before}
        for name in dict.fromkeys((*now, *then)):
            if now.get(name) != then.get(name) and (name, batch) != ("batch", None):
                raise OutputError(
                    f"{self.paths.output} was made with {name} "
                    f"{then.get(name, 'not given')}, not {now.get(name, 'not given')}.",
                    "Give the same settings, or choose another --output.",
                )
        for name, described in (
            ("weights", "other weights of the model"),
            ("spec", "another architecture on the card of the model"),
            ("forcing", "another sea-surface temperature or sea ice"),
            ("nudging", "other data to nudge to"),
            ("vectors", "other singular vectors"),
        ):
            kind = f"{name}_sha256"
            if identity[kind] != self.record.get(kind, ""):  # absent in older records
                raise OutputError(
                    f"{self.paths.output} was made with {described}.",
                    "Continue with what the run was started with, or start a new run.",
                )


def find_existing(
    config: RunConfig, paths: RunPaths, resume: bool, run: str
) -> ExistingRun | None:
    """Find the run that is resumed or extended; None where a new one is written.

    Args:
        config: the settings that are asked for.
        paths: of the run.
        resume: whether what exists is resumed as it is.
        run: unique name of the run that asks.

    Raises:
        OutputError: what exists can be neither extended nor replaced.
    """
    if resume:
        return ExistingRun.read(paths)
    existing = None
    try:
        existing = ExistingRun.read(paths)
        if existing.run == run:  # made by another of our processes
            return existing
    except OutputError:  # nothing, or nothing of ours
        pass
    resumed_by = f"ngcm {config.command} --resume {paths.output}"
    overwrite = getattr(config, "overwrite", False)
    may_grow = existing is not None and existing.record["command"] == "ensemble"
    if not isinstance(config, EnsembleConfig) or not may_grow or overwrite:
        paths.check_new(overwrite, resumed_by)
        return None
    assert existing is not None
    if twice := sorted(set(config.members) & set(existing.members)):
        many = "s" if twice[1:] else ""
        raise OutputError(
            f"The output {paths.output} exists and has member{many} "
            f"{format_ranges(twice)} already.",
            f"Resume it with `{resumed_by}`, give other --members, choose another "
            "--output, or give --overwrite to replace it.",
        )
    if not existing.is_finished:
        raise OutputError(
            f"{paths.output} is not complete.",
            f"Resume it first, with `{resumed_by}`.",
        )
    if paths.is_exported or (config.statistics and not config.keep_members):
        why = "is no Zarr store" if paths.is_exported else "did not keep its members"
        raise OutputError(
            f"{paths.output} {why}, so nothing can be added to it.",
            "Choose another --output, or give --overwrite to replace it.",
        )
    return existing


def find_paths(output: pathlib.Path) -> RunPaths:
    """Return the paths of a run that exists, whatever its kind.

    Raises:
        OutputError: nothing is there.
    """
    if output.suffix not in FORMATS and not output.is_dir():
        raise OutputError(
            f"There is no run in {output}.", "Name the --output of a run."
        )
    return RunPaths(output, output.suffix not in FORMATS)


def settings_for_resume(
    command: str, output: pathlib.Path, **changes: Any
) -> dict[str, Any]:
    """Return the settings of a run that is resumed.

    Args:
        command: that resumes it; it must have made it.
        output: of the run.
        **changes: settings that may differ, `Settings.allowed_on_resume`, and data
            sources whose address has a secret part, which was not stored.

    Raises:
        ConfigError: a setting that decides the result is given.
        OutputError: there is no run, or of another command.
    """
    paths, config = find_paths(output), CONFIGS[command]
    record = ExistingRun.read(paths).record
    if record["command"] != command:
        raise OutputError(
            f"{output} was made by ngcm {record['command']}.",
            f"Resume it with `ngcm {record['command']} --resume {output}`.",
        )
    settings = dict(record["settings"])
    if paths.has_run_record():
        settings = read_run_file(paths.work / RUN_FILE, config.model_fields)
    for name, value in changes.items():
        same = name in config.sources and redacted(str(value)) == settings.get(name)
        if name not in config.allowed_on_resume and not same:
            flags = (f"--{n.replace('_', '-')}" for n in config.allowed_on_resume)
            hint = f"Leave it out; {', '.join(flags)} may be given."
            if name == "members":
                hint = f"To add members, give --output {output} in place of --resume."
            raise ConfigError(
                f"--{name.replace('_', '-')} cannot be given with --resume.", hint
            )
    return settings | changes | {"output": str(output)}


def settings_for_members(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of an ensemble, which may add members to an existing one.

    Then what is not given is as the existing members have it.

    Args:
        settings: as they were given.
    """
    asked, output = dict(settings), settings.get("output")
    overwrite = parse_switch(asked.get("overwrite", False))
    if not isinstance(output, str | pathlib.PurePath):
        return asked
    if "members" not in asked or overwrite:
        return asked
    try:
        existing = ExistingRun.read(find_paths(pathlib.Path(output)))
    except OutputError:  # nothing, or nothing of ours: `find_existing` says so
        return asked
    if existing.record["command"] != EnsembleConfig.command or not existing.is_finished:
        return asked
    return existing.record["settings"] | asked


def format_ranges(numbers: Sequence[int]) -> str:
    """Write numbers with ranges of consecutive ones: ``0 to 4, 7``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{r[0]} to {r[-1]}" if r[1:] else f"{r[0]}" for r in runs)
