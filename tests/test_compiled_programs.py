"""Programs that one process compiles, others find: in tests, and between runs."""

import os
import pathlib
import subprocess
import sys

import compiled_programs
import pytest
import xarray

from ngcm_cli import run_idealized

# Prints how many programs were looked for in a cache, and how many were not there.
PROGRAM = """
import collections
import jax
from ngcm_cli.io.compilation_cache import enable_compilation_cache

seen = collections.Counter()
jax.monitoring.register_event_listener(lambda event, **_: seen.update([event]))
enable_compilation_cache()
jax.jit(lambda x: (x @ x.T + 1) * {number})(jax.numpy.ones((8, 8))).block_until_ready()
events = "cache_hits", "cache_misses"
print(*(seen["/jax/compilation_cache/" + event] for event in events))
"""


def hits_and_misses(environment: dict[str, str], number: int = 3) -> tuple[int, ...]:
    """Run the program in a process of its own, without the cache of this session."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(number=number)],
        env=kept | {"JAX_PLATFORMS": "cpu"} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(map(int, done.stdout.split()))


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """The shared folder, and those of two processes; this one is the first."""
    shared, *processes = (tmp_path / name for name in ("shared", "one", "two"))
    for folder in (shared, *processes):
        folder.mkdir()
    monkeypatch.setenv(compiled_programs.SHARED, str(shared))
    monkeypatch.setattr(compiled_programs, "_folders", processes[:1])
    return shared, *processes


def settings(folder: pathlib.Path) -> dict[str, str]:
    names = {name.upper(): str(x) for name, x in compiled_programs.SETTINGS.items()}
    names["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    return names | {compiled_programs.OWN: str(folder)}


def test_a_process_finds_what_another_one_compiled(folders, monkeypatch):
    shared, one, two = folders
    hits, misses = hits_and_misses(settings(one))
    assert hits == 0 and misses > 0
    compiled_programs.exchange()
    monkeypatch.setattr(compiled_programs, "_folders", [two])
    compiled_programs.exchange()
    assert {x.name for x in two.iterdir()} == {x.name for x in one.iterdir()}
    assert hits_and_misses(settings(two)) == (misses, 0)
    assert hits_and_misses(settings(two), number=5)[1] > 0  # another program


def test_half_an_entry_is_not_shared(folders):
    shared, one, _ = folders
    hits_and_misses(settings(one))
    whole, *_ = one.glob("*-cache")
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) // 2])
    compiled_programs.exchange()
    assert whole.name not in {x.name for x in shared.iterdir()}
    whole.write_bytes(data)
    compiled_programs.exchange()
    assert (shared / whole.name).read_bytes() == data


def test_the_second_run_compiles_nothing_again(tmp_path):
    """With a cache that is empty at first, where ``ngcm`` keeps it."""
    home = {"NGCM_HOME": str(tmp_path)}
    hits, misses = hits_and_misses(home)
    assert hits == 0 and misses > 0
    assert hits_and_misses(home) == (misses, 0)


OPENING = """
import sys
import jax
import ngcm_cli
import numpy as np

seen = []
jax.monitoring.register_event_duration_secs_listener(
    lambda event, seconds, **_: seen.append(event)
)
import ngcm_cli.simulation.run
from ngcm_cli.gcm.forcing import Forcing

model = ngcm_cli.load_model()
fields = {name: np.zeros((1, *model.grid.nodal_shape)) for name in ("a", "b")}
Forcing.constant(fields)
Forcing.at_times(np.array(["2000-01"], "datetime64[s]"), {"a": fields["a"][None]})
model.land_fraction
print(seen.count("/jax/core/compile/backend_compile_duration"))
heavy = {"dask", "distributed", "matplotlib", "obstore", "optax", "requests", "scipy"}
print(*heavy & set(sys.modules))
"""


def test_a_model_is_opened_with_three_programs():
    """Slopes of the ground, and its height in two truncations; no packages in vain."""
    done = subprocess.run(
        [sys.executable, "-c", OPENING],
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=True,
    )
    programs, packages = done.stdout.splitlines()
    assert int(programs) == 3
    assert packages == ""


def test_a_command_finds_what_another_one_traced(tmp_path, monkeypatch):
    """It computes the bits of the library, which traces by itself."""
    for name in [name for name in os.environ if name.startswith("JAX_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NGCM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    case = {"truncation": "T10", "levels": "4", "days": "1"}
    flags = [word for name, value in case.items() for word in (f"--{name}", value)]
    outputs, programs = [], []
    for number in range(2):
        output = tmp_path / f"{number}.zarr"
        command = [sys.executable, "-m", "ngcm_cli", "idealized", "held-suarez"]
        command += [*flags, "--output", str(output)]
        subprocess.run(command, check=True, capture_output=True)
        outputs.append(xarray.open_zarr(output).load())
        kept = (tmp_path / "home" / "compiled").glob("*-traced")
        programs.append({path.name: path.stat().st_mtime_ns for path in kept})
    assert len(programs[0]) >= 3  # to step, for outputs, and for what is monitored
    assert programs[1] == programs[0]
    output = tmp_path / "library.zarr"
    expected = xarray.open_zarr(run_idealized("held-suarez", **case, output=output))
    for forecast in outputs:
        xarray.testing.assert_equal(forecast, expected)
