"""The beginning and the end of an output: created or found again, and completed."""

import json
import logging
import shutil
from typing import Any

import ngcm_cli
from ngcm_cli.config.run_file import format_run_file
from ngcm_cli.errors import OutputError
from ngcm_cli.io.atomic import remove_temporary_siblings, temporary_sibling
from ngcm_cli.output.export import export_store
from ngcm_cli.output.zarr import (
    RUN_ATTRIBUTE,
    ZarrWriter,
    create_store,
    extend_store,
    remove_partial_chunks,
)
from ngcm_cli.simulation.checkpoint import version_changes, versions
from ngcm_cli.simulation.data_sources import public_command, with_absolute_paths
from ngcm_cli.simulation.existing_run import ExistingRun
from ngcm_cli.simulation.integrity import check_complete, check_finished, repair
from ngcm_cli.simulation.recorder import Recorder
from ngcm_cli.simulation.simulation import Simulation
from ngcm_cli.time_format import utc_now

log = logging.getLogger(__name__)

Failed = list[dict[str, Any]]
"""Members that became unstable: ``init_time``, ``realization``, ``lead_time``,
``reason``."""


def is_prepared(simulation: Simulation) -> bool:
    """Return whether another process of the run has prepared the output."""
    existing = _existing(simulation)
    return existing is not None and existing.run == simulation.processes.run


def prepare(recorder: Recorder) -> Failed | None:
    """Create the stores, or open those that exist.

    Returns:
        None, or if the output is complete the members that became unstable.

    Raises:
        OutputError: a store is gone, damaged, or belongs to another run.
    """
    simulation, changes = recorder.simulation, []
    existing = _existing(simulation)
    ours = existing is not None and existing.run == simulation.processes.run
    if existing is not None and (ours or simulation.is_resumed):
        if existing.is_finished:
            with recorder.translated_errors():
                check_finished(simulation.paths.stores)
            if not ours:
                _remove_leftovers(recorder)
            return existing.record["failed"]
        with recorder.translated_errors():
            is_damaged = not ours and repair(recorder)
        rewind = simulation.config.on_instability == "rewind"
        status = existing.record.get("status")  # an export may still be missing
        is_done = status == "unstable" or (status and simulation.paths.is_directory)
        is_done = is_done and not ours and not is_damaged
        if is_done and not (rewind and failed_members(recorder)):
            return failed_members(recorder)
        changes = version_changes(existing.record["versions"])
    if not ours:
        _remove_leftovers(recorder)
        if not simulation.is_resumed:
            _create(recorder)
        _write_record(recorder)
    recorder.open()
    running = {"status": "running", "unstable_members": None, RUN_ATTRIBUTE: None}
    recorder.set_attributes(**running)
    for change in changes:
        recorder.add_history(f"{utc_now()}: {change}")
    return None


def missing_tasks(recorder: Recorder) -> int:
    """Return how many tasks are not complete."""
    tasks = recorder.simulation.tasks()
    return sum(recorder.directory.completed(task.name) is None for task in tasks)


def failed_members(recorder: Recorder) -> Failed:
    """Return the members that became unstable, in order, when and why."""
    found = list(recorder.simulation.failed)
    for task in recorder.simulation.tasks():
        outcome = recorder.directory.completed(task.name) or {"failed": []}
        found += outcome["failed"]
    return found


def complete(recorder: Recorder) -> Failed:
    """Complete the output, all of whose tasks are complete.

    Statistics that several processes share are written, then attributes, and the NetCDF
    file if one was asked for. If no member is stable, the run can be resumed to be
    rewound.

    Returns:
        The members that became unstable.
    """
    simulation, paths = recorder.simulation, recorder.simulation.paths
    for init in range(len(simulation.schedules)):
        recorder.write_statistics(init)
    failed = failed_members(recorder)
    members = len(simulation.members) * len(simulation.schedules)
    status = "unstable" if len(failed) == members else "complete"
    record = recorder.directory.read_record() | {"status": status}
    unstable = json.dumps(failed) if failed else None
    if status == "complete":
        with recorder.translated_errors():
            check_complete(recorder, failed)
    recorder.set_attributes(status=status, unstable_members=unstable)
    with recorder.translated_errors():
        recorder.directory.write_record(record)
    if status == "unstable":
        return failed
    recorder.count_all_records()
    recorder.set_attributes(**{RUN_ATTRIBUTE: json.dumps(record | {"failed": failed})})
    if paths.is_exported:
        export_store(paths.stores, paths.output)
    if not paths.is_directory:
        recorder.directory.remove()
    if paths.is_exported:
        # Last, and under a name that the next run of this output removes: a part of a
        # store would be taken for a damaged one.
        rest = temporary_sibling(paths.stores)
        try:
            paths.stores.rename(rest)
            shutil.rmtree(rest)
        except OSError as error:
            log.warning(f"{paths.stores} could not be removed: {error}.")
    return failed


def _existing(simulation: Simulation) -> ExistingRun | None:
    """Return what exists of the run in its output, if anything."""
    try:
        return ExistingRun.read(simulation.paths)
    except OutputError:
        return None


def _create(recorder: Recorder) -> None:
    """Create the stores, or make room in them for more members."""
    simulation = recorder.simulation
    overwrite = getattr(simulation.config, "overwrite", False)
    with recorder.translated_errors():
        recorder.directory.remove_tasks()
        for stream in simulation.all_streams:
            path = recorder.path(stream)
            if simulation.is_extended:
                check_finished(path)
                extend_store(path, stream.schema)
                command = public_command(simulation.config)
                ZarrWriter(path, stream.schema).add_history(f"{utc_now()}: {command}")
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                create_store(path, stream.schema, overwrite)


def _write_record(recorder: Recorder) -> None:
    """Write the settings, and what a resumed run must have in common with them."""
    simulation, config = recorder.simulation, recorder.simulation.config
    settings = {**with_absolute_paths(config), **simulation.identity["settings"]}
    for name in ("scheduler", "coordinator", "process", "offline"):
        settings.pop(name, None)
    if "batch" in type(config).model_fields:
        settings["batch"] = str(simulation.batch)
    resume = f"ngcm {config.command} --resume {simulation.paths.output}"
    comment = f"ngcm {ngcm_cli.__version__}; resume with {resume}"
    record = {
        "command": config.command,
        **simulation.identity,
        "batch": simulation.batch,
        "members": simulation.members,
        "stores": [stream.path for stream in simulation.all_streams],
        "complete": sorted(simulation.complete),
        "failed": simulation.failed,
        "run": simulation.processes.run,
        "versions": versions(),
    }
    with recorder.translated_errors():
        recorder.directory.create(format_run_file(settings, comment), record)


def _remove_leftovers(recorder: Recorder) -> None:
    """Remove what killed processes left, while nobody else writes here."""
    paths = recorder.simulation.paths
    for path in dict.fromkeys((paths.stores, paths.output.resolve())):
        remove_temporary_siblings(path)
    for stream in recorder.simulation.all_streams:
        remove_partial_chunks(recorder.path(stream))
    for left in paths.work.rglob(".*.partial"):
        if left.is_file():
            left.unlink(missing_ok=True)
