"""Long runs of the reduced model: how they are started, cut short and compared."""

import contextlib
import dataclasses
import hashlib
import json
import pathlib
import shutil
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ngcm_cli.climate import course, days
from ngcm_cli.output.restart import RESTARTS, read_restart, restarts

from ngcm_cli.cli import main
from ngcm_cli.simulation import run

SMALL = {
    "variables": "temperature,surface_pressure,P_minus_E_rate",
    "levels": "500,850",
}
"""What is written; every kind of variable is there."""


def go(folder, track=None, **settings) -> pathlib.Path:
    """A run in this process."""
    more = {} if track is None else {"track": track}
    return run.amip(**SMALL, output=str(folder), **settings, **more)


def flags(folder, **settings) -> list[str]:
    """The command line of the same run."""
    words = ["amip"]
    for name, value in {**SMALL, "output": folder, **settings}.items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    return words


def command(monkeypatch, capsys, *words) -> tuple[int, str]:
    """Run the command line in this process: its exit code, and what it said."""
    monkeypatch.setattr(sys, "argv", ["ngcm", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        main()
    return caught.value.code or 0, capsys.readouterr().err


def snapshot(folder: pathlib.Path, to: pathlib.Path) -> None:
    """What a process that is killed now would leave."""

    def copy(source, target):
        with contextlib.suppress(FileNotFoundError):  # another name by now
            shutil.copy2(source, target)

    shutil.copytree(folder, to, copy_function=copy)


def contents(folder: pathlib.Path) -> dict[str, bytes | dict]:
    """All files of all stores by path; metadata without their history."""
    found = {}
    for store in sorted(folder.rglob("*.zarr")):
        for path in sorted(store.rglob("*")):
            if path.is_file():
                name, content = str(path.relative_to(folder)), path.read_bytes()
                found[name] = content
                if path.name == "zarr.json":
                    found[name] = json.loads(content)
                    found[name]["attributes"].pop("history", None)
    return found


def assert_same(folder: pathlib.Path, other: pathlib.Path) -> None:
    """All stores are the same byte by byte, and so are the last restarts."""
    ours, theirs = contents(folder), contents(other)
    assert sorted(ours) == sorted(theirs)
    assert ours  # there are stores
    different = [name for name, content in ours.items() if content != theirs[name]]
    assert different == []
    (arrays, about), (others, about_other) = last_restart(folder), last_restart(other)
    assert about["day"] == about_other["day"]
    assert sorted(arrays) == sorted(others)
    for name, x in arrays.items():
        assert x.dtype == others[name].dtype and x.shape == others[name].shape
        assert x.tobytes() == others[name].tobytes(), name


def last_restart(folder: pathlib.Path) -> tuple[dict[str, np.ndarray], dict]:
    """Arrays of the last restart, and what it belongs to."""
    return read_restart(restarts(folder / RESTARTS)[-1])


class Spoiling:
    """Puts a NaN into states at given days, always into the same ones.

    Args:
        monkeypatch: of pytest.
        where: by day: how many different states are to be spoilt, the first ones that
            come, and which of the runs side by side; None for one alone.
        level: of vorticity, from the top.
    """

    def __init__(self, monkeypatch, where, level=3):
        self.where, self.level = where, level
        self.spoilt: dict[int, list[str]] = {day: [] for day in where}
        monkeypatch.setattr(course, "one_day", self.one_day)

    def one_day(self, plan, carry):
        """As ``days.one_day``."""
        if carry.day in self.where:
            count, number = self.where[carry.day]
            known, bits = self.spoilt[carry.day], digest(carry.state)
            if bits not in known and len(known) < count:
                known.append(bits)
            if bits in known:
                place = (self.level, 2, 3)
                place = place if number is None else (number, *place)
                vorticity = carry.state.state.vorticity.at[place].set(jnp.nan)
                inner = dataclasses.replace(carry.state.state, vorticity=vorticity)
                carry = dataclasses.replace(
                    carry, state=dataclasses.replace(carry.state, state=inner)
                )
        return days.one_day(plan, carry)


def spoilt(state, place):
    """The state, of which one number is none."""
    vorticity = state.state.vorticity.at[place].set(jnp.nan)
    return dataclasses.replace(
        state, state=dataclasses.replace(state.state, vorticity=vorticity)
    )


def digest(state) -> str:
    """Of the bits of the wind."""
    bits = np.asarray(jax.device_get(state.state.vorticity)).tobytes()
    return hashlib.sha256(bits).hexdigest()
