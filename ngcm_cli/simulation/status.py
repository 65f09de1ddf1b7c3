"""How far a run is, from what is on disk; also while it is being computed."""

import dataclasses
import pathlib
import warnings
from typing import Any

import numpy as np

from ngcm_cli.errors import OutputError
from ngcm_cli.io.lock import Lock
from ngcm_cli.output.run_directory import RunDirectory
from ngcm_cli.output.schema import EPOCH
from ngcm_cli.output.zarr import open_store
from ngcm_cli.simulation.existing_run import ExistingRun, find_paths, format_ranges

_YEAR = 365.25  # days
_ROWS = 12


@dataclasses.dataclass(frozen=True, eq=False)
class Status:
    """How far a run is.

    Attributes:
        run: what made the output.
        state: ``running``, ``complete``, ``unstable``, or how the run ended.
        progress: of every process, what it last wrote.
        restart: valid time of the last restart file, or None.
        failed: members that became unstable, with ``reason``.
        rewinds: of members, with ``reason``.
        global_means: a table: its header, units, then a row per month or year.
    """

    run: ExistingRun
    state: str
    progress: list[dict[str, Any]]
    restart: str | None
    failed: list[dict[str, Any]]
    rewinds: list[dict[str, Any]]
    global_means: list[tuple[str, ...]]

    def describe(self) -> str:
        """Return all but the table as text."""
        run, output = self.run, self.run.paths.output
        lines = {
            "Run": f"{run.settings.get('model')}, ngcm {run.command}, in {output}",
            "State": self.state,
        }
        text = [f"{name:<9} {line}" for name, line in lines.items()]
        for process, progress in enumerate(self.progress):
            name = "Progress" if len(self.progress) == 1 else f"Process {process}"
            text.append(f"{name:<9} {_describe_progress(progress)}")
            speed = _speed(progress)
            if speed and self.state == "running":
                text.append(f"{'Speed':<9} {speed}")
        members = len(run.members)
        if members > 1:
            text.append(f"{'Members':<9} {format_ranges(run.members)}")
        if self.restart:
            text.append(f"{'Restart':<9} {self.restart}")
        for one in self.failed:
            text.append(
                f"{'Unstable':<9} member {one['realization']} from {one['init_time']}: "
                f"{one['reason']}"
            )
        for one in self.rewinds:
            text.append(
                f"{'Rewound':<9} member {one['realization']} to {one['to']}: "
                f"{one['reason']}"
            )
        return "\n".join(text)


def read_status(output: pathlib.Path) -> Status:
    """Read how far the run of an output is.

    Raises:
        OutputError: no run is there, or what it left is damaged.
    """
    paths = find_paths(output)
    run = ExistingRun.read(paths)
    directory = RunDirectory(paths.work)
    progress = directory.read_progress()
    state = "complete" if run.is_finished else "not started"
    if progress:
        states = [str(one.get("status", "running")) for one in progress]
        state = next((s for s in states if s != "complete"), "complete")
    resume = f"resume with `ngcm {run.command} --resume {output}"
    if Lock.is_held(paths.lock):
        state = "running"
    elif state in ("not started", "running", "interrupted", "failed"):
        ended = "stopped before its end" if state == "running" else state
        state = f"{ended}; {resume}`"
    elif state == "unstable":
        state = f"unstable; {resume} --on-instability rewind`"
    restarts = sorted(
        path.stem for path in paths.work.glob("restarts/*/[0-9]*.nc") if path.is_file()
    )
    # What is complete may be in the progress, too.
    known = (*progress, *directory.outcomes())
    parts = list(
        {(x.get("init_time"), str(x.get("members"))): x for x in known}.values()
    )
    tables = [_global_means(store) for store in sorted(_global_stores(paths))[:1]]
    return Status(
        run,
        state,
        progress,
        restarts[-1] if restarts else None,
        _failed(run, parts),
        [rewind for part in parts for rewind in part.get("rewinds", [])],
        tables[0] if tables else [],
    )


def _describe_progress(progress: dict[str, Any]) -> str:
    done, tasks = progress.get("tasks_done", 0), progress.get("tasks", 0)
    text = f"{done} of {tasks} parts complete" if tasks > 1 else ""
    windows, total = progress.get("windows"), progress.get("total_windows")
    if total and done < tasks:
        text += f"{'; ' if text else ''}{progress['time']}, {windows / total:.1%}"
        if tasks > 1:
            members = format_ranges(progress["members"])
            text += f" of members {members} from {progress['init_time']}"
    return text or "complete"


def _speed(progress: dict[str, Any]) -> str:
    """Return simulated time per wall-clock time and what is left, where known."""
    rate = progress.get("windows_per_second")
    if not rate or not progress.get("total_windows"):
        return ""
    days = progress["window_seconds"] / 86400
    left = (progress["total_windows"] - progress["windows"]) / rate
    left += (
        (progress["tasks"] - progress["tasks_done"] - 1)
        * progress["total_windows"]
        / rate
    )
    years = rate * days * 86400 / _YEAR
    return f"{years:.3g} simulated years per day, {left / 3600:.1f} hours left"


def _failed(run: ExistingRun, parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the members that became unstable, of complete tasks and those running."""
    return [
        *run.failed,
        *(
            {"realization": member, "init_time": part["init_time"], **about}
            for part in parts
            for member, about in part.get("failed", {}).items()
        ),
    ]


def _global_stores(paths) -> list[pathlib.Path]:
    if not paths.is_directory:
        return []
    return [
        *paths.output.glob("global.zarr"),
        *paths.output.glob("starts/*/global.zarr"),
    ]


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
        dimensions = list(array.metadata.dimension_names or ())  # pyright: ignore
        if "time" not in dimensions or name in ("time", "time_bnds"):
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
    try:
        times, fields = read_global_means(store)
    except OSError as error:
        raise OutputError(f"{store} cannot be read: {error}.") from error
    if not len(times):
        return []
    unit = "M" if len(times) < 2 * _ROWS * 30 else "Y"
    periods = times.astype(f"datetime64[{unit}]")
    rows = [
        (
            *("", "days", "T lowest level", "T mid-level", "pressure", "dry mass"),
            *("vapour", "kinetic energy"),
        ),
        ("", "", "K", "K", "hPa", "kg m-2", "kg m-2", "MJ m-2"),
    ]
    for period in np.unique(periods)[-_ROWS:]:
        mean = {n: x[periods == period].mean(axis=0) for n, x in fields.items()}
        temperature = mean["temperature"]
        rows.append(
            (
                str(period),
                str(np.sum(periods == period)),
                f"{temperature[-1]:.2f}",
                f"{temperature[len(temperature) // 2]:.2f}",
                f"{mean['surface_pressure'] / 100:.2f}",
                f"{mean['dry_mass']:.1f}",
                f"{mean['water_vapour']:.2f}",
                f"{mean['kinetic_energy'] / 1e6:.3f}",
            )
        )
    return rows
