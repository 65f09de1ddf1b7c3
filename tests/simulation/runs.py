"""Short runs of every kind: how they are started, stopped and compared."""

import contextlib
import dataclasses
import json
import pathlib
import shutil
import sys
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from ngcm_cli.cli import main
from ngcm_cli.simulation import run, task_run

STATISTICS = "mean,std,min,max,p10,p50,p90"


class Stop(Exception):
    """Raised in the middle of a run."""


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """A run of one kind.

    Attributes:
        command: of the run.
        output: its name.
        settings: of the run.
        tasks: number of its tasks.
        windows: number of windows of a task.
    """

    command: str
    output: str
    settings: Mapping[str, Any]
    tasks: int
    windows: int

    def start(self, folder: pathlib.Path, track=None, **changes: Any) -> pathlib.Path:
        """Run it in this process, with some settings changed."""
        more = {} if track is None else {"track": track}
        settings = {"output": folder / self.output, **self.settings, **changes}
        return getattr(run, self.command)(**settings, **more)

    def resume(self, folder: pathlib.Path, track=None, **changes: Any) -> pathlib.Path:
        """Resume it in this process."""
        more = {} if track is None else {"track": track}
        verb = getattr(run, self.command)
        return verb(resume=folder / self.output, **changes, **more)

    def flags(self, folder: pathlib.Path, **changes: Any) -> list[str]:
        """Return its command line, with some settings changed."""
        words = [self.command]
        settings = {**self.settings, "output": folder / self.output, **changes}
        for name, value in settings.items():
            flag = name.replace("_", "-")
            if isinstance(value, bool):
                words.append(f"--{flag}" if value else f"--no-{flag}")
            else:
                words += [f"--{flag}", str(value)]
        return words

    def __str__(self) -> str:
        return self.output.split(".")[0]


FORECAST = Case(
    "forecast",
    "forecast.zarr",
    {
        "lead": "1d",
        "every": "6h",
        "seed": 7,
        "variables": "temperature,surface_pressure",
        "levels": "500,850",
        "restart_every": "12h",
    },
    tasks=1,
    windows=5,
)
ENSEMBLE = Case(
    "ensemble",
    "ensemble.zarr",
    {
        **FORECAST.settings,
        "members": 5,
        "batch": 2,
        "lead": "12h",
        "restart_every": "6h",
        "statistics": STATISTICS,
    },
    tasks=3,
    windows=3,
)
STATISTICS_ONLY = Case(
    "ensemble",
    "statistics.zarr",
    {**ENSEMBLE.settings, "keep_members": False},
    tasks=3,
    windows=3,
)
AMIP = Case(
    "amip",
    "climate",
    {
        "start": "2019-12-30",
        "days": 4,
        "seed": 7,
        "means": "monthly,daily",
        "every": "12h",
        "variables": "temperature,surface_pressure,P_minus_E_rate",
        "levels": "500,850",
        "restart_every": "1d",
    },
    tasks=1,
    windows=4,
)
SIDE_BY_SIDE = Case(
    "amip",
    "side_by_side",
    {
        **AMIP.settings,
        "start": "2020-01-31",
        "days": 2,
        "members": 3,
        "batch": 2,
        "starts": 2,
        "start_every": "1d",
    },
    tasks=4,
    windows=2,
)
CASES = [FORECAST, ENSEMBLE, STATISTICS_ONLY, AMIP, SIDE_BY_SIDE]


class Spoiling:
    """Puts a NaN into the states at some windows, always into the same ones.

    Args:
        monkeypatch: of pytest.
        where: by number of windows: how many different states are spoilt, the first
            that come, and which row of members; None is all of them.
    """

    def __init__(self, monkeypatch, where: Mapping[int, tuple[int, int | None]]):
        self.where = dict(where)
        self.spoilt: dict[int, list[bytes]] = {windows: [] for windows in where}
        self._compute = task_run.compute_window
        monkeypatch.setattr(task_run, "compute_window", self.compute_window)

    def compute_window(self, simulation, task, state):
        """Compute a window, from a spoilt state where it is to be."""
        if state.windows in self.where:
            count, row = self.where[state.windows]
            inner = state.state.state
            known = self.spoilt[state.windows]
            field = inner.temperature_variation
            bits = np.asarray(field).tobytes()
            if bits not in known and len(known) < count:
                known.append(bits)
            if bits in known:
                place = (slice(None) if row is None else row, 1, 2, 3)
                inner = dataclasses.replace(
                    inner, temperature_variation=field.at[place].set(jnp.nan)
                )
                model_state = dataclasses.replace(state.state, state=inner)
                state = dataclasses.replace(state, state=model_state)
        return self._compute(simulation, task, state)


def after(task: int, windows: int, action: Callable[[], None]):
    """Return a tracker that acts after some windows of a task of this process."""

    def track(progress, simulation):
        for one in progress:
            if (one.tasks_done, one.windows) == (task, windows):
                action()
            yield one

    return track


def stopping(task: int, windows: int, error: type[BaseException] = Stop):
    """Return a tracker that raises after some windows of a task."""

    def stop() -> None:
        raise error

    return after(task, windows, stop)


def seeing(seen: list):
    """Return a tracker that adds all progress to a list."""

    def track(progress, simulation):
        for one in progress:
            seen.append(one)
            yield one

    return track


def command(monkeypatch, capsys, *words: Any) -> tuple[int, str]:
    """Run a command line in this process; return exit code and standard error."""
    monkeypatch.setattr(sys, "argv", ["ngcm", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        main()
    code = caught.value.code or 0
    assert isinstance(code, int)
    return code, " ".join(capsys.readouterr().err.split())


def snapshot(folder: pathlib.Path, to: pathlib.Path) -> None:
    """Copy what a process that is killed now would leave."""

    def copy(source: str, target: str) -> None:
        with contextlib.suppress(FileNotFoundError):  # it has another name by now
            shutil.copy2(source, target)

    shutil.copytree(folder, to, copy_function=copy)


def contents(output: pathlib.Path) -> dict[str, Any]:
    """Return all files of all stores of an output; metadata without what may differ."""
    found: dict[str, Any] = {}
    stores = sorted(output.rglob("*.zarr")) if output.suffix != ".zarr" else [output]
    for store in stores:
        for path in sorted(store.rglob("*")):
            if not path.is_file():
                continue
            name, content = str(path.relative_to(output.parent)), path.read_bytes()
            found[name] = content
            if path.name == "zarr.json":
                found[name] = json.loads(content)
                for key in ("history", "ngcm_run"):
                    found[name]["attributes"].pop(key, None)
    return {name.split("/", 1)[1]: content for name, content in found.items()}


def assert_same(output: pathlib.Path, other: pathlib.Path) -> None:
    """Assert that all stores of two outputs are the same byte by byte."""
    ours, theirs = contents(output), contents(other)
    assert sorted(ours) == sorted(theirs)
    assert any("/c." in name for name in ours)  # something is written
    different = [name for name, content in ours.items() if content != theirs[name]]
    assert different == []


def read(path: pathlib.Path) -> xr.Dataset:
    """Return all of a store."""
    with xr.open_zarr(path, chunks=None, decode_timedelta=False) as opened:
        return opened.load()


def assert_same_values(store: pathlib.Path, other: pathlib.Path) -> None:
    """Assert that all variables of two stores are the same bit by bit."""
    ours, theirs = read(store), read(other)
    assert sorted(ours.variables) == sorted(theirs.variables)
    for name in theirs.variables:
        a, b = ours[name].values, theirs[name].values
        assert a.dtype == b.dtype and a.shape == b.shape, name
        assert a.tobytes() == b.tobytes(), name
