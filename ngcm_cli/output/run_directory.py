"""The working directory of a run: what resuming it needs, and how far it is.

``run.yaml`` has the settings, as a run file; ``run.json`` what a resumed run must have
in common with them; ``progress.json`` how far every process is; ``restarts/TASK/`` the
restart files of a task, and ``complete.json`` when it is complete; ``statistics/``
partial statistics over members.
"""

import json
import logging
import os
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any

from ngcm_cli.errors import OutputError
from ngcm_cli.io.atomic import make_directory, write_text
from ngcm_cli.output.run_record import Outcome, ProgressRecord, check_content

log = logging.getLogger(__name__)

VERSION = 2
"""Of the format of working directories and restart files; others are refused."""
RUN_FILE, RECORD = "run.yaml", "run.json"
RESTARTS, COMPLETE, STATISTICS = "restarts", "complete.json", "statistics"


class RunDirectory:
    """The working directory of a run.

    Args:
        path: of the directory.
    """

    def __init__(self, path: pathlib.Path):
        self.path = path
        self.statistics = path / STATISTICS

    def restarts(self, task: str) -> pathlib.Path:
        """Return the directory of the restart files of a task."""
        return self.path / RESTARTS / task

    def make_restarts(self, task: str) -> pathlib.Path:
        """Create the directory of the restart files of a task, and return it."""
        folder = self.restarts(task)
        make_directory(folder, self.path)  # which is not made again if it was removed
        return folder

    def create(self, run_file: str, record: Mapping[str, Any]) -> None:
        """Write the run file, whose text is given, and the record of a run."""
        self.path.mkdir(exist_ok=True)
        write_text(self.path / RUN_FILE, run_file)
        self.write_record(record)

    def write_record(self, record: Mapping[str, Any]) -> None:
        """Write what a resumed run must have in common with this one."""
        text = json.dumps({"version": VERSION, **record}, indent=1)
        write_text(self.path / RECORD, text)

    def read_record(self) -> dict[str, Any]:
        """Return the record of the run.

        Raises:
            OutputError: there is none, it is damaged, or of another version.
        """
        path = self.path / RECORD
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            version = record["version"]
        except FileNotFoundError:
            message = f"{self.path} has no {RECORD}: no run is there."
            hint = "Name the --output of a run."
            if os.path.isfile(self.path / RUN_FILE):
                message = f"{self.path} was written by an older version of ngcm."
                hint = f"Resume it with that version, or remove {self.path}."
            raise OutputError(message, hint) from None
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise OutputError(
                f"{path} is damaged: {error}.",
                f"Remove {self.path} and start a new run.",
            ) from error
        if version != VERSION:
            raise OutputError(
                f"{path} has version {version} of its format; this ngcm reads version "
                f"{VERSION}.",
                f"Resume the run with the ngcm that wrote it, or remove {self.path}.",
            )
        return record

    def write_progress(self, process: int, progress: Mapping[str, Any]) -> None:
        """Write how far a process is."""
        write_text(self._progress(process), json.dumps(dict(progress), indent=1))

    def read_progress(self) -> list[dict[str, Any]]:
        """Return how far every process is, in their order.

        Raises:
            OutputError: a file is damaged.
        """
        paths = self.path.glob("progress*.json")
        paths = sorted(paths, key=lambda path: (len(path.name), path.name))
        return [
            check_content(ProgressRecord, found, path)
            for path in paths
            if (found := _read(path)) is not None
        ]

    def mark_complete(self, task: str, outcome: Mapping[str, Any]) -> None:
        """Write that a task is complete, and what happened to its members."""
        folder = self.make_restarts(task)
        write_text(folder / COMPLETE, json.dumps(dict(outcome)))

    def completed(self, task: str) -> dict[str, Any] | None:
        """Return what happened in a task that is complete, else None.

        A damaged file is passed over: the task is computed again.
        """
        path = self.restarts(task) / COMPLETE
        try:
            found = _read(path)
            return None if found is None else check_content(Outcome, found, path)
        except OutputError:
            log.warning(f"{path} is damaged: what it is about is computed again.")
            return None

    def outcomes(self) -> list[dict[str, Any]]:
        """Return what happened in all tasks that are complete."""
        tasks = sorted(path.parent.name for path in self.path.glob(f"*/*/{COMPLETE}"))
        return [x for x in map(self.completed, tasks) if x is not None]

    def unmark_complete(self, task: str) -> None:
        """Take back that a task is complete; its restart files stay."""
        (self.restarts(task) / COMPLETE).unlink(missing_ok=True)

    def discard(self, task: str) -> None:
        """Forget all about a task, which is to be computed again."""
        shutil.rmtree(self.restarts(task), ignore_errors=True)

    def mark_statistics(self, init: int) -> None:
        """Write that the statistics over members from an initial time are complete."""
        self.statistics.mkdir(exist_ok=True)
        write_text(self.statistics / f"{init}.{COMPLETE}", "{}")

    def has_statistics(self, init: int) -> bool:
        """Return whether the statistics from an initial time are complete."""
        return (self.statistics / f"{init}.{COMPLETE}").is_file()

    def discard_statistics(self, init: int) -> bool:
        """Forget the statistics from an initial time; return whether there were any."""
        partial, mark = self.statistics / str(init), f"{init}.{COMPLETE}"
        found = partial.exists() or self.has_statistics(init)
        (self.statistics / mark).unlink(missing_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
        return found

    def remove_tasks(self) -> None:
        """Remove what is left of the tasks and statistics of an earlier run."""
        for name in (RESTARTS, STATISTICS):
            shutil.rmtree(self.path / name, ignore_errors=True)
        for path in self.path.glob("progress*.json"):
            path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the directory, at the end of a run whose output is elsewhere."""
        (self.path / RECORD).unlink(missing_ok=True)  # first: the rest means nothing
        shutil.rmtree(self.path, ignore_errors=True)

    def _progress(self, process: int) -> pathlib.Path:
        return self.path / f"progress{f'-{process}' if process else ''}.json"


def _read(path: pathlib.Path) -> dict[str, Any] | None:
    """Return the content of a JSON file, or None where a complete run removed it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it does not hold what it should")
        return content
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise OutputError(
            f"{path} cannot be read: {error}.", "Check the disk."
        ) from error
