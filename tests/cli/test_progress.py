"""Progress of runs and downloads, on a terminal and elsewhere."""

import io
import types

import numpy as np
import pytest
import rich.console

from ngcm_cli.cli import progress as module
from ngcm_cli.cli.console import (
    format_seconds,
    print_error,
    print_summary,
    print_table,
)
from ngcm_cli.cli.progress import download_bar, run_progress
from ngcm_cli.errors import ConfigError
from ngcm_cli.simulation.loop import Progress
from ngcm_cli.simulation.schedule import DAY, Schedule
from ngcm_cli.simulation.task import Block, Task

START = np.datetime64("1984-01-30", "s")
HOURS = np.timedelta64(3600, "s")


def simulation(members=1, inits=1, is_directory=False, length=4 * DAY):
    """Return what the progress needs of a simulation."""
    schedule = Schedule(START, length, DAY, 6 * HOURS, None)
    return types.SimpleNamespace(
        paths=types.SimpleNamespace(is_directory=is_directory),
        members=tuple(range(members)),
        schedules=(schedule,) * inits,
    )


def step(windows, task=0, tasks=1, members=(0,), total=4, failed=()):
    """Return the progress after some days of a task."""
    return Progress(
        task=Task(0, Block(task, len(members), tuple(members))),
        tasks_done=task,
        tasks=tasks,
        windows=windows,
        total_windows=total,
        time=START + windows * DAY,
        lead=windows * DAY,
        stable=tuple(members),
        failed=tuple(failed),
        monitor={
            "max_wind": np.array([40.0, 30.0]),
            "surface_pressure": np.array(98500),
        },
    )


@pytest.fixture
def clock(monkeypatch):
    """Let ten seconds pass between two looks at the clock."""
    seconds = iter(range(0, 10**6, 10))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(seconds)))


def lines(steps, run):
    """Return what is printed where there is no terminal."""
    console = rich.console.Console(file=io.StringIO(), width=300)
    with run_progress(console) as track:
        assert list(track(iter(steps), run)) == steps
    first, *others = console.file.getvalue().splitlines()
    assert first == "Compiling the model"
    return [line.split("  ") for line in others]


def test_a_forecast_is_a_line_per_day(clock):
    half = [step(n) for n in (1, 1, 2, 3, 4)]
    assert lines(half, simulation()) == [
        ["1984-01-31T00", "1d of 4d", "max wind 40 m/s"],
        ["1984-02-01T00", "2d of 4d", "max wind 40 m/s", "3 days/min", "40 s left"],
        [*("1984-02-02T00", "3d of 4d", "max wind 40 m/s", "4 days/min"), "15 s left"],
        ["1984-02-03T00", "4d of 4d", "max wind 40 m/s", "4 days/min"],
    ]


def test_a_long_run_is_a_line_per_month(clock):
    printed = lines([step(n) for n in (1, 2, 3, 4)], simulation(is_directory=True))
    assert [line[0][:10] for line in printed] == [
        *("1984-01-31", "1984-02-01", "1984-02-03"),
    ]
    assert printed[0][1:] == [
        "day 1 of 4",
        "max wind 40 m/s",
        "mean pressure 985.00 hPa",
    ]
    assert printed[1][4].endswith(" years/day") and printed[1][5].endswith(" left")


def test_an_ensemble_is_a_few_lines_per_task(clock):
    steps = [
        step(n, task, tasks=2, members=(2 * task, 2 * task + 1), total=100)
        for task in range(2)
        for n in range(1, 101)
    ]
    run = simulation(members=4, inits=2, length=100 * DAY)
    printed = lines(steps, run)
    assert 20 <= len(printed) <= 22
    assert printed[0][2:4] == ["members 0 to 1", "from 1984-01-30T00"]
    assert printed[-1][2] == "members 2 to 3"


def test_unstable_members_are_named(clock):
    printed = lines([step(1, members=(0, 1, 2), failed=(0, 2))], simulation(members=3))
    assert printed[0][2:4] == ["members 0 to 2", "unstable: 0, 2"]


def test_a_rewind_does_not_spoil_the_speed(clock):
    """The time left is that of the days left."""
    run = simulation(is_directory=True, length=100 * DAY)
    steps = [step(n, total=100) for n in (2, 3, 1, 2, 40)]
    pace = module._Pace(run)
    described = [pace.describe(one) for one in steps]
    assert [len(one) for one in described] == [4, 6, 4, 6, 6]
    assert described[-1][5] == "31 s left"


def test_a_bar_on_a_terminal():
    console = rich.console.Console(force_terminal=True, file=io.StringIO(), width=200)
    steps = [step(n) for n in (1, 2, 3, 4)]
    with run_progress(console) as track:
        assert list(track(iter(steps), simulation())) == steps
    text = console.file.getvalue()
    assert "1984-02-03T00" in text and "4d of 4d" not in text
    assert "max wind 40 m/s" in text and "days/min" in text


def test_a_download_and_a_run_share_a_terminal():
    """One bar after the other: Rich shows only one at a time."""
    console = rich.console.Console(force_terminal=True, file=io.StringIO())
    with run_progress(console) as track, download_bar(console) as download:
        download(5, 10)
        download(10, 10)
        assert list(track(iter([]), simulation())) == []
    text = console.file.getvalue()
    assert "Fetching" in text and "Compiling the model" in text


def test_a_download_is_a_line_per_quarter():
    console = rich.console.Console(file=io.StringIO())
    with download_bar(console) as download:
        for done in range(0, 101, 5):
            download(done * 1000, 100_000)
        download(7, None)
    assert console.file.getvalue().splitlines() == [
        *("25 kB of 100 kB", "50 kB of 100 kB", "75 kB of 100 kB", "100 kB of 100 kB"),
    ]


@pytest.mark.parametrize(
    "seconds, text",
    [(0.4, "0 s"), (59.6, "1 min 00 s"), (61, "1 min 01 s"), (3720, "1 h 02 min")],
)
def test_spans_of_time(seconds, text):
    assert format_seconds(seconds) == text


def test_errors_have_their_hint_and_notes(capsys):
    error = ConfigError("It is [red]wrong[/red].", "Change it.")
    error.add_note("out.zarr: 2 of 3 lead times are complete.")
    print_error(error)
    assert capsys.readouterr().err == (
        "Error: It is [red]wrong[/red].\nChange it.\n"
        "out.zarr: 2 of 3 lead times are complete.\n"
    )


def test_the_size_of_an_output(tmp_path):
    console = rich.console.Console(file=io.StringIO())
    (tmp_path / "a").mkdir()
    for name in ("a/x", "y"):
        (tmp_path / name).write_bytes(bytes(1000))
    print_summary(console, tmp_path, 61)
    assert console.file.getvalue() == "Wrote 2 kB in 1 min 01 s.\n"


def test_a_table(capsys):
    print_table([("name", "size"), ("a", "1"), ("longer", "")])
    assert capsys.readouterr().out == "name    size\na       1\nlonger\n"
