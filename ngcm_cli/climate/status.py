"""How far a long run is, from what is in its folder; also while it goes on."""

import dataclasses
import json
import os
import pathlib
from typing import Any

import numpy as np

from ngcm_cli.config import AmipConfig, read_run_file
from ngcm_cli.errors import ConfigError, OutputError
from ngcm_cli.io.lock import Lock
from ngcm_cli.output.global_series import read_global_means
from ngcm_cli.output.place import RUN_FILE
from ngcm_cli.output.restart import RESTARTS, restarts
from ngcm_cli.output.run_folder import LOCK, PROGRESS
from ngcm_cli.time_format import format_time

_YEAR = 365.25  # days
_ROWS = 12


@dataclasses.dataclass(frozen=True, eq=False)
class Status:
    """How far a run is.

    Attributes:
        config: of the run.
        state: in a word or two.
        progress: what the run last told; nothing before its first day.
        restart: time of the last restart in words, or None.
        rows: a table of global means: its head, then a row for a month or a year.
    """

    config: AmipConfig
    state: str
    progress: dict[str, Any]
    restart: str | None
    rows: list[tuple[str, ...]]

    def describe(self, folder: pathlib.Path) -> str:
        """All but the table, for people."""
        config, progress = self.config, self.progress
        day, days = progress.get("day", 0), progress.get("days")
        start = config.start
        reached = format_time(start + day * np.timedelta64(86400, "s"))
        lines = {
            "Run": f"{config.model} from {format_time(start)}, in {folder}",
            "State": self.state,
            "Reached": f"{reached}, day {day} of {days} ({day / days:.1%})"
            if days
            else "nothing yet",
        }
        speed = progress.get("days_per_second")
        if speed and speed > 0:  # no more days than before, after a run went back
            words = f"{speed * 86400 / _YEAR:.3g} simulated years per day"
            if self.state == "running":
                words += f", {(days - day) / speed / 3600:.1f} hours left"
            lines["Speed"] = words
        runs, lost = progress.get("runs", 1), progress.get("lost", {})
        lines["Runs"] = f"{runs - len(lost)} of {runs} well"
        if self.restart:
            lines["Restart"] = self.restart
        text = [f"{name:<9} {words}" for name, words in lines.items()]
        text += [f"          run {n} lost: {words}" for n, words in lost.items()]
        text += [
            f"          run {r['run']} went back to {r['to']}: {r['trouble']}"
            for r in progress.get("rewinds", [])
        ]
        return "\n".join(text)


def read_config(folder: pathlib.Path, **changes: Any) -> AmipConfig:
    """The configuration of the run in a folder.

    Args:
        folder: of the run.
        **changes: settings that are `AmipConfig.changeable`.

    Raises:
        ConfigError: a change of another setting.
        OutputError: no run is there.
    """
    for name in changes:
        if name not in AmipConfig.changeable:
            flags = (f"--{n.replace('_', '-')}" for n in AmipConfig.changeable)
            raise ConfigError(
                f"A run goes on as it began, so --{name.replace('_', '-')} does not go "
                "with --resume.",
                f"Leave it out; {', '.join(flags)} may be given.",
            )
    if not os.path.isfile(folder / RUN_FILE):  # nor where nobody may look
        raise OutputError(
            f"{folder} is not the folder of a run: it has no {RUN_FILE}.",
            "Name the --output of `ngcm amip`.",
        )
    settings = read_run_file(folder / RUN_FILE, AmipConfig.model_fields)
    return AmipConfig(**{**settings, **changes, "output": folder})


def read_status(folder: pathlib.Path) -> Status:
    """Look into the folder of a run.

    Raises:
        OutputError: no run is there, or what it left is damaged.
    """
    config = read_config(folder)
    try:
        progress = json.loads((folder / PROGRESS).read_text(encoding="utf-8"))
        if not isinstance(progress, dict):
            raise ValueError("it does not hold what it should")
    except FileNotFoundError:
        progress = {}
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{folder / PROGRESS} cannot be read: {error}.", "Look after the disk."
        ) from error
    state = progress.get("status", "not begun")
    if Lock.is_held(folder / LOCK):
        state = "running"
    elif state in ("not begun", "running", "interrupted"):
        word = "stopped before its end" if state == "running" else state
        state = f"{word}; go on with `ngcm amip --resume {folder}`"
    elif state == "unstable":
        state = f"unstable; `ngcm amip --resume {folder} --on-instability rewind` goes "
        state += "on from a restart"
    kept = restarts(folder / RESTARTS)
    stores = sorted(folder.glob("global.zarr")) + sorted(
        folder.glob("starts/*/global.zarr")
    )
    rows = _table(stores[0]) if stores else []
    return Status(config, state, progress, kept[-1].stem if kept else None, rows)


def _table(store: pathlib.Path) -> list[tuple[str, ...]]:
    """Global means of the last months or years."""
    times, fields = read_global_means(store)
    if not len(times):
        return []
    unit = "M" if len(times) < 2 * _ROWS * 30 else "Y"
    periods = times.astype(f"datetime64[{unit}]")
    rows = [
        (
            *("", "days", "T at ground", "T mid-level", "pressure", "dry mass"),
            *("vapour", "wind energy"),
        ),
        ("", "", "K", "K", "hPa", "kg m-2", "kg m-2", "MJ m-2"),
    ]
    for period in np.unique(periods)[-_ROWS:]:
        mean = {n: x[periods == period].mean(axis=0) for n, x in fields.items()}
        warmth = mean["temperature"]
        rows.append(
            (
                str(period),
                str(np.sum(periods == period)),
                f"{warmth[-1]:.2f}",
                f"{warmth[len(warmth) // 2]:.2f}",
                f"{mean['surface_pressure'] / 100:.2f}",
                f"{mean['dry_mass']:.1f}",
                f"{mean['water_vapour']:.2f}",
                f"{mean['kinetic_energy'] / 1e6:.3f}",
            )
        )
    return rows
