"""Whatever ends a long run, it goes on, and leaves the same bytes as if nothing was."""

import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time

import jax
import pytest
from gcm.compilations import compilations
from long_runs import assert_same, command, contents, flags, go, last_restart

SEED = 20260714
DAYS = 30
SETTINGS = {
    "start": "1982-01-20",
    "days": DAYS,
    "means": "monthly,daily",
    "every": "12h",
    "restart_every": "5d",
}
_PATIENCE = 300  # seconds until a day must be there


def daily(folder) -> int:
    """Days of which there are means."""
    chunks = folder / "daily.zarr/surface_pressure/c"
    return sum(1 for day in chunks.glob("*") if day.is_dir())


def wait_for(day, folder, process=None):
    """Until there are means of so many days."""
    until = time.monotonic() + _PATIENCE
    while daily(folder) < day:
        assert time.monotonic() < until, f"day {day} was never written"
        assert process is None or process.poll() is None, process.stderr.read()
        time.sleep(0.02)


def memory() -> float:
    """Of this process, in MB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


@pytest.fixture(scope="module")
def whole(reduced_model, tmp_path_factory):
    """The folder of the uninterrupted run; memory and compilations, day by day."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    seen, compiled = [], []

    def track(days, plan):
        for report in days:
            seen.append(memory())
            compiled.append(len(count))
            yield report

    with compilations() as count:
        go(folder, track, model=reduced_model, **SETTINGS)
    return folder, seen, compiled


@pytest.mark.slow
def test_killed_at_any_moment(whole, reduced_model, tmp_path):
    draw = random.Random(SEED)
    moments = sorted(draw.sample(range(1, DAYS - 2), 3))
    delays = [draw.uniform(0, 3) for _ in moments]
    print(f"seed {SEED}: killed after days {moments} and {delays} seconds more")
    folder = tmp_path / "run"
    words = flags(folder, model=reduced_model, **SETTINGS)
    again = ["amip", "--resume", str(folder)]
    for day, delay in zip(moments, delays, strict=True):
        process = subprocess.Popen(
            [sys.executable, "-m", "ngcm_cli", *words], stderr=subprocess.PIPE
        )
        wait_for(max(day, daily(folder) + 1), folder, process)
        time.sleep(delay)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        words = again
    done = subprocess.run(
        [sys.executable, "-m", "ngcm_cli", *again], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(folder)
    assert_same(folder, whole[0])


@pytest.mark.slow
def test_a_run_has_all_its_records(whole):
    """What the comparisons compare is there."""
    found = contents(whole[0])
    for name, records in (("daily", 30), ("monthly", 2), ("instants", 60)):
        for variable in ("temperature", "surface_pressure", "P_minus_E_rate"):
            chunks = [x for x in found if x.startswith(f"{name}.zarr/{variable}/c/")]
            assert len(chunks) == records
        attributes = found[f"{name}.zarr/zarr.json"]["attributes"]
        assert attributes["completed_records"] == records
        assert attributes["status"] == "complete"


@pytest.mark.slow
def test_nothing_compiles_after_two_days(whole):
    """Nor at the month's end, at restarts, or at the end of the run."""
    _, _, compiled = whole
    assert len(compiled) == DAYS
    assert set(compiled[1:]) == {compiled[1]}
    with compilations() as seen:  # which does see them
        jax.jit(lambda x: x - 3.25)(1.5)
    assert seen


@pytest.mark.slow
def test_memory_is_constant(whole):
    """From the tenth day on, but for what allocators do."""
    _, seen, _ = whole
    early, late = sorted(seen[9:14])[2], sorted(seen[-5:])[2]
    fields = 7 * 37 * 32 * 16 * 4 / 1e6  # MB: what is decoded at one sample
    # Had the samples of each day stayed, there would be 4 · 18 of them by now.
    assert late - early < 0.2 * 4 * 18 * fields


@pytest.mark.slow
def test_signals(new_year, monkeypatch, capsys, tmp_path):
    """Ctrl-C, and what a scheduler sends: a restart of the last whole day is kept."""
    folder = tmp_path / "run"
    words = flags(folder, **new_year.settings)
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        day = daily(folder) + 1

        def send(number=number, day=day):
            wait_for(day, folder)
            os.kill(os.getpid(), number)

        sender = threading.Thread(target=send)
        sender.start()
        ended, said = command(monkeypatch, capsys, *words)
        sender.join()
        assert ended == code
        kept = last_restart(folder)[1]["day"]
        assert kept >= day
        assert f"Interrupted. {folder} holds {kept} of 4 days, to " in said
        assert f"Go on with `ngcm amip --resume {folder}`." in said
        for name, content in contents(folder).items():
            if name in ("daily.zarr/zarr.json", "instants.zarr/zarr.json"):
                assert content["attributes"]["status"] == "interrupted"
        words = ["amip", "--resume", str(folder)]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    with compilations() as seen:
        ended, said = command(monkeypatch, capsys, *words)
    assert ended == 0
    assert not seen  # the same process, the same programs
    assert_same(folder, new_year.folder)
