"""An output that exists, wholly or in part: what made it, and what is missing."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Self

from ngcm_cli.config import AmipConfig, EnsembleConfig, ForecastConfig, read_run_file
from ngcm_cli.config.settings import Settings
from ngcm_cli.errors import ConfigError, OutputError
from ngcm_cli.inputs.sources.location import redacted
from ngcm_cli.output.run_directory import RUN_FILE, RunDirectory
from ngcm_cli.output.run_paths import FORMATS, RunPaths
from ngcm_cli.output.zarr import open_store

CONFIGS: Mapping[str, type[Settings]] = {
    config.command: config for config in (ForecastConfig, EnsembleConfig, AmipConfig)
}
_RUN_ATTRIBUTE = "ngcm_run"
_SOURCES = "data", "sst_data"


@dataclasses.dataclass(frozen=True)
class ExistingRun:
    """A run whose output exists.

    Attributes:
        paths: of the run.
        command: that made it: ``forecast``, ``ensemble`` or ``amip``.
        settings: that decide its result, as text.
        identity: digests of weights, architecture and forcing.
        batch: members that are computed together.
        members: their numbers, in the order of the output.
        complete: members that were complete before the run that is missing something.
        failed: members among these that became unstable, when and why.
        run: unique name of the last run that wrote to it.
        is_finished: whether nothing is missing.
    """

    paths: RunPaths
    command: str
    settings: Mapping[str, str]
    identity: Mapping[str, Any]
    batch: int
    members: tuple[int, ...]
    complete: frozenset[int]
    failed: tuple[dict[str, Any], ...]
    run: str
    is_finished: bool

    @classmethod
    def read(cls, paths: RunPaths) -> Self:
        """Read what exists.

        Raises:
            OutputError: there is no run, or a damaged one.
        """
        if paths.has_run_record() or paths.is_directory:
            record, finished = RunDirectory(paths.work).read_record(), False
        else:
            record, finished = _finished_record(paths), True
        return cls(
            paths,
            record["command"],
            record["settings"],
            record,
            int(record["batch"]),
            tuple(record["members"]),
            frozenset(record["members"] if finished else record["complete"]),
            tuple(record["failed"]),
            record["run"],
            finished,
        )

    def check(self, identity: Mapping[str, Any], batch: int | None) -> None:
        """Refuse to continue with other settings, weights or data.

        Args:
            identity: of the run that would continue, see `Simulation.identity`.
            batch: members computed together, if that was given.

        Raises:
            OutputError: they differ.
        """
        output = self.paths.output
        asked, before = identity["settings"], self.settings
        for name in dict.fromkeys((*asked, *before)):
            if asked.get(name) != before.get(name):
                raise OutputError(
                    f"{output} was made with {name} {before.get(name, 'not given')}, "
                    f"not {asked.get(name, 'not given')}.",
                    "Give the same settings, or choose another --output.",
                )
        if batch not in (None, self.batch):
            raise OutputError(
                f"{output} was made with {self.batch} members at once, not {batch}, "
                "which would give other bits.",
                "Leave out --batch, or choose another --output.",
            )
        for name, described in (
            ("weights", "other weights of the model"),
            ("spec", "another architecture on the card of the model"),
            ("forcing", "another sea-surface temperature or sea ice"),
        ):
            if identity[f"{name}_sha256"] != self.identity[f"{name}_sha256"]:
                raise OutputError(
                    f"{output} was made with {described}.",
                    "Continue with what the run was started with, or start a new run.",
                )


def find_existing(
    config: Settings, paths: RunPaths, resume: bool, run: str
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
    if paths.has_run_record() or finished_run(paths) is not None:
        existing = ExistingRun.read(paths)
        if existing.run == run:  # made by another of our processes
            return existing
    overwrite = getattr(config, "overwrite", False)
    resumed_by = f"ngcm {config.command} --resume {paths.output}"
    if (
        not isinstance(config, EnsembleConfig)
        or existing is None
        or existing.command != config.command
        or overwrite
    ):
        paths.check_new(overwrite, resumed_by)
        return None
    twice = sorted(set(config.members) & set(existing.members))
    if twice:
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
    if paths.is_exported:
        raise OutputError(
            f"The output {paths.output} exists, and nothing can be added to a NetCDF "
            "file.",
            "Choose another --output, or give --overwrite to replace it.",
        )
    if config.statistics and not config.keep_members:
        raise OutputError(
            f"{paths.output} did not keep its members, so its statistics cannot be "
            "extended to more.",
            "Choose another --output.",
        )
    return existing


def finished_run(paths: RunPaths) -> str | None:
    """Return the unique name of the run that completed an output, or None."""
    try:
        return _finished_record(paths)["run"]
    except OutputError:
        return None


def find_paths(output: pathlib.Path) -> RunPaths:
    """Return the paths of a run that exists, whatever its kind.

    Raises:
        OutputError: nothing is there.
    """
    if output.suffix in FORMATS:
        return RunPaths(output, False)
    if not output.is_dir():
        raise OutputError(
            f"There is no run in {output}.", "Name the --output of a run."
        )
    return RunPaths(output, True)


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
    paths = find_paths(output)
    existing = ExistingRun.read(paths)
    if existing.command != command:
        raise OutputError(
            f"{output} was made by ngcm {existing.command}.",
            f"Resume it with `ngcm {existing.command} --resume {output}`.",
        )
    config = CONFIGS[command]
    settings = dict(existing.settings)
    if paths.has_run_record():
        settings = read_run_file(paths.work / RUN_FILE, config.model_fields)
    for name, value in changes.items():
        same = name in _SOURCES and redacted(str(value)) == settings.get(name)
        if name not in config.allowed_on_resume and not same:
            flags = (f"--{n.replace('_', '-')}" for n in config.allowed_on_resume)
            raise ConfigError(
                f"--{name.replace('_', '-')} cannot be given with --resume.",
                f"Leave it out; {', '.join(flags)} may be given.",
            )
    return settings | changes | {"output": str(output)}


def _finished_record(paths: RunPaths) -> dict[str, Any]:
    """Return the record of a run that is complete, out of its output.

    Raises:
        OutputError: it is not there, damaged, or not an output of ngcm.
    """
    output = paths.output
    if paths.is_exported and not paths.stores.exists():
        attributes = _netcdf_attributes(output)
    else:
        try:
            attributes = dict(open_store(paths.stores, "r").attrs)
        except OSError as error:
            raise OutputError(f"{output} cannot be opened: {error}.") from None
    try:
        return json.loads(str(attributes[_RUN_ATTRIBUTE]))
    except (KeyError, ValueError):
        raise OutputError(
            f"{output} is not the complete output of an ngcm of this version.",
            "Name the --output of a run; one of an older version must start again.",
        ) from None


def _netcdf_attributes(path: pathlib.Path) -> dict[str, Any]:
    import netCDF4

    try:
        with netCDF4.Dataset(path) as file:
            return {name: file.getncattr(name) for name in file.ncattrs()}
    except OSError as error:
        raise OutputError(
            f"{path} cannot be opened: {error}.", "Check its name."
        ) from None


def format_ranges(numbers: Sequence[int]) -> str:
    """Write numbers with ranges of consecutive ones: ``0 to 4, 7``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{r[0]} to {r[-1]}" if r[1:] else f"{r[0]}" for r in runs)
