"""How far a run is, from what is on disk; also while it is being computed."""

import dataclasses
import pathlib
import warnings
from typing import Any

import numpy as np

from ngcm_cli.config import IdealizedConfig
from ngcm_cli.errors import OutputError
from ngcm_cli.io.lock import Lock
from ngcm_cli.output.checksums import check_store
from ngcm_cli.output.netcdf import read_through
from ngcm_cli.output.run_directory import RunDirectory
from ngcm_cli.output.schema import EPOCH
from ngcm_cli.output.zarr import dimensions_of, open_store
from ngcm_cli.simulation.existing_run import ExistingRun, find_paths, format_ranges

_YEAR = 365.25  # days
_ROWS = 12
_COLUMNS = (
    ("T lowest level", "K", "temperature", -1, 1.0, ".2f"),
    ("T top level", "K", "temperature", 0, 1.0, ".2f"),
    ("pressure", "hPa", "surface_pressure", None, 100.0, ".2f"),
    ("dry mass", "kg m-2", "dry_mass", None, 1.0, ".1f"),
    ("vapour", "kg m-2", "water_vapour", None, 1.0, ".2f"),
    ("kinetic energy", "MJ m-2", "kinetic_energy", None, 1e6, ".3f"),
)
"""Of the table of global means: title, unit, series, level, divisor, format."""


@dataclasses.dataclass(frozen=True, eq=False)
class Status:
    """How far a run is.

    Attributes:
        run: what made the output.
        state: ``running``, ``complete``, ``unstable``, or how the run ended.
        progress: of every process, what it last wrote.
        restart: valid time of the last restart file, or None.
        unstable: a line for every member that became unstable or was rewound.
        global_means: a table: titles, units, then a row per month or year.
    """

    run: ExistingRun
    state: str
    progress: list[dict[str, Any]]
    restart: str | None
    unstable: list[str]
    global_means: list[tuple[str, ...]]

    def lines(self) -> list[tuple[str, str]]:
        """Return headings and texts: of the run, its state, and how far it is."""
        record = self.run.record
        settings, output = record["settings"], self.run.paths.output
        model = settings.get("model", settings.get("case"))
        lines = [("Run", f"{model}, ngcm {record['command']}, in {output}")]
        lines.append(("State", self.state))
        for process, progress in enumerate(self.progress):
            name = f"Process {process}" if self.progress[1:] else "Progress"
            is_running = self.state == "running"
            lines.append((name, _describe_progress(progress, is_running)))
        if len(self.run.members) > 1:
            lines.append(("Members", format_ranges(self.run.members)))
        if self.restart:
            lines.append(("Restart", self.restart))
        return lines

    def describe(self) -> str:
        """Return all but the table as text."""
        text = (f"{heading:<9} {line}" for heading, line in self.lines())
        return "\n".join([*text, *self.unstable])


def read_status(output: pathlib.Path) -> Status:
    """Read how far the run of an output is.

    Raises:
        OutputError: no run is there, or what it left is damaged.
    """
    paths = find_paths(output)
    run = ExistingRun.read(paths)
    directory = RunDirectory(paths.work)
    progress = directory.read_progress()
    states = [str(one.get("status", "running")) for one in progress]
    state = next((s for s in states if s != "complete"), "complete")
    if not progress and not run.is_finished:
        state = "not started"
    resume = f"resume with `ngcm {run.record['command']} --resume {output}"
    if Lock.is_held(paths.lock):
        state = "running"
    elif state == "unstable":
        state = "unstable"
        if run.record["command"] != IdealizedConfig.command:
            state = f"unstable; {resume} --on-instability rewind`"
    elif state != "complete":
        state = "stopped before its end" if state == "running" else state
        state = f"{state}; {resume}`"
    restarts = sorted(path.stem for path in paths.work.glob("restarts/*/[0-9]*.nc"))
    stores = [*output.glob("global.zarr"), *output.glob("starts/*/global.zarr")]
    return Status(
        run,
        state,
        progress,
        restarts[-1] if restarts else None,
        _unstable(run, directory),
        _global_means(min(stores)) if paths.is_directory and stores else [],
    )


def check_output(output: pathlib.Path) -> str:
    """Read all that was written to an output; return how much is as it was written.

    Zarr stores are compared with their checksums; of a NetCDF file, which has some of
    its own, all variables are read.

    Raises:
        OutputError: something is missing or damaged, or the run is going on.
        OSError: something cannot be read.
    """
    paths = find_paths(output)
    run = ExistingRun.read(paths)
    if Lock.is_held(paths.lock):
        raise OutputError(
            f"A run is writing to {output}.", "Check it when the run has ended."
        )
    if paths.is_exported and not paths.stores.exists():
        if output.suffix != ".nc":
            raise OutputError(
                f"{output} has no checksums to compare it with.",
                "Of files, only NetCDF can be checked.",
            )
        return f"{read_through(output)} variables can be read"
    stores = [paths.stores / name for name in run.record.get("stores", [""])]
    return f"{sum(map(check_store, stores))} files are as they were written"


def _describe_progress(progress: dict[str, Any], is_running: bool) -> str:
    done, tasks = progress.get("tasks_done", 0), progress.get("tasks", 0)
    parts = [f"{done} of {tasks} parts complete"] if tasks > 1 else []
    if "windows" in progress:
        windows, total = progress["windows"], progress["total_windows"]
        parts.append(f"{progress['time']}, {windows / total:.1%}")
        if tasks > 1:
            members = format_ranges(progress["members"])
            parts[-1] += f" of members {members} from {progress['init_time']}"
        if is_running and (rate := progress["windows_per_second"]):
            years = rate * progress["window_seconds"] / _YEAR
            left = ((tasks - done) * total - windows) / rate / 3600
            parts.append(f"{years:.3g} simulated years per day, {left:.1f} hours left")
    return "; ".join(parts) or "complete"


def _unstable(run: ExistingRun, directory: RunDirectory) -> list[str]:
    outcomes = [*directory.outcomes(), *directory.read_progress()]
    found = {"Unstable": list(run.record["failed"]), "Rewound": []}
    for outcome in outcomes:
        found["Unstable"] += outcome.get("failed", [])
        found["Rewound"] += outcome.get("rewinds", [])
    lines = [
        f"{title:<9} member {x['realization']} "
        f"{'to ' + x['to'] if 'to' in x else 'from ' + x['init_time']}: {x['reason']}"
        for title, members in found.items()
        for x in members
    ]
    return list(dict.fromkeys(lines))


def read_global_means(store: pathlib.Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the complete days of global means, averaged over members.

    Args:
        store: of global means, perhaps being written.

    Returns:
        The middle of every day, datetime64[s], and by name (day, ...); NaN on days that
        no member came to.

    Raises:
        OutputError: it is no store, or damaged.
    """
    group = open_store(store, "r")
    count = int(group.attrs.get("completed_records", 0))  # pyright: ignore
    hours = np.asarray(group["time"][:count])  # pyright: ignore
    fields = {}
    for name, array in group.arrays():
        dimensions = dimensions_of(array)
        if name in ("time", "time_bnds") or "time" not in dimensions:
            continue
        if dimensions[0] == "realization":
            with warnings.catch_warnings():
                # NumPy's warning about days that no member came to.
                warnings.simplefilter("ignore", RuntimeWarning)
                fields[name] = np.nanmean(np.asarray(array[:, :count]), axis=0)
        else:
            fields[name] = np.asarray(array[:count])
    return EPOCH + hours * np.timedelta64(3600, "s"), fields


def _global_means(store: pathlib.Path) -> list[tuple[str, ...]]:
    """Return a table of global means of the last months or years."""
    times, fields = read_global_means(store)
    if not len(times):
        return []
    unit = "M" if len(times) < 2 * _ROWS * 30 else "Y"
    periods = times.astype(f"datetime64[{unit}]")
    rows = [
        ("", "days", *(column[0] for column in _COLUMNS)),
        ("", "", *(column[1] for column in _COLUMNS)),
    ]
    for period in np.unique(periods)[-_ROWS:]:
        chosen = periods == period
        cells = []
        for _, _, name, level, divisor, form in _COLUMNS:
            mean = fields[name][chosen].mean(axis=0) / divisor
            cells.append(f"{mean if level is None else mean[level]:{form}}")
        rows.append((str(period), str(chosen.sum()), *cells))
    return rows
