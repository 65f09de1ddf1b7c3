"""How many members run at once: what is chosen, compiled, and taken of memory."""

import pathlib
import re
import subprocess
import sys

import jax
import numpy as np
import pytest
from gcm.compilations import compilations
from ngcm_cli.ensemble import memory
from ngcm_cli.ensemble.memory import fitting_batch
from ngcm_cli.gcm.members import SideBySide
from ngcm_cli.plan import plan_run
from small import SMALL, Stop, flags, go, stopping

from ngcm_cli.config import ForecastConfig

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def plan(reduced_model):
    return plan_run(ForecastConfig(**SMALL, model=reduced_model))


def test_memory_of_the_program(plan):
    """Of members at once it grows with them; of one after the other it does not."""
    together, state = SideBySide(plan.model), plan.first_state(0)
    assert not together.at_once
    in_turn = together.memory(state, 4, plan.forcing)
    together.at_once = True
    one, four = (together.memory(state, n, plan.forcing) for n in (1, 4))
    assert 2 * one < four < 5 * one
    assert in_turn < 1.5 * one


@pytest.mark.parametrize(
    "free, members, processes, batch",
    [
        (20, 6, 1, 6),
        (20, 10, 1, 5),  # two even blocks rather than 8 and 2
        (20, 50, 1, 8),
        (20, 10, 2, 5),
        (4, 6, 1, 3),
        (4, 50, 1, 4),
        (1, 6, 1, 1),
    ],
)
def test_what_fits(plan, monkeypatch, free, members, processes, batch):
    monkeypatch.setattr(SideBySide, "memory", lambda self, state, size, _: size - 0.1)
    monkeypatch.setattr(memory, "_free_memory", lambda device: free / 0.6)
    assert fitting_batch(plan, members, processes) == batch


def test_a_compiler_that_refuses(plan, monkeypatch):
    """Four at once are one too many for it."""

    def needed(together, state, size, forcing):
        if size > 3:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: while compiling")
        return size

    monkeypatch.setattr(SideBySide, "memory", needed)
    assert fitting_batch(plan, 4, 1) == 2


def test_the_last_block_is_not_compiled_again(reduced_model, tmp_path):
    def track(reports, plan):
        for report in reports:
            if (report.done, report.lead) == (1, 0):
                seen.clear()
            yield report

    with compilations() as seen:
        go(tmp_path / "a.zarr", track, model=reduced_model, members=5, batch=2)
    assert not seen


PEAK = re.compile(r"peak (\d+)")
MEASURED = """
import resource, sys
from ngcm_cli.cli import main
sys.argv = sys.argv[1:]
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def peak(folder: pathlib.Path, **settings) -> float:
    """Megabytes that the command takes at most."""
    words = flags(folder / "a.zarr", **settings)
    # Linux counts what the process that starts another has as the other's: a small one
    # comes between.
    start = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
    command = [sys.executable, "-c", MEASURED, "ngcm", *words]
    done = subprocess.run(
        [sys.executable, "-c", start, *command], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return int(PEAK.findall(done.stderr)[-1]) / 1e3


def test_memory_does_not_grow(reduced_model, tmp_path):
    """Neither with the lead time, nor with the members beyond a block."""
    settings = {"model": reduced_model, "batch": 2, "statistics": "mean,p90"}
    settings |= {"variables": "temperature,geopotential", "levels": "500"}
    sizes = {}
    for members, lead in ((2, "12h"), (2, "3d"), (8, "12h")):
        folder = tmp_path / f"{members}-{lead}"
        folder.mkdir()
        sizes[members, lead] = peak(folder, **settings, members=members, lead=lead)
    little = sizes.pop((2, "12h"))
    for size in sizes.values():
        assert size < little + 60, sizes


def test_a_run_that_stops_leaves_its_batch(reduced_model, tmp_path):
    """Who goes on does not choose again."""
    from ngcm_cli.ensemble.there import There

    from ngcm_cli.simulation import run

    path = tmp_path / "a.zarr"
    with pytest.raises(Stop):
        go(path, stopping(0, 1), model=reduced_model, members=3)
    assert There.read(path).batch == 3
    seen = []

    def track(reports, plan):
        seen.append(plan.batch)
        yield from reports

    run.ensemble(resume=path, track=track)
    assert seen == [3]
    assert np.all(There.read(path).members == np.arange(3))
