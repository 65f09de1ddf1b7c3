"""Progress of runs and downloads, on a terminal and elsewhere."""

import io
import logging
import re
import types

import numpy as np
import pytest
import rich.console

from ngcm_cli.cli import pace
from ngcm_cli.cli import progress as module
from ngcm_cli.cli.console import (
    format_seconds,
    messages,
    print_error,
    print_summary,
    print_table,
)
from ngcm_cli.cli.pace import Pace, format_lead
from ngcm_cli.cli.progress import Display
from ngcm_cli.errors import ConfigError
from ngcm_cli.io.progress import begin_phase
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


def set_clock(monkeypatch, seconds):
    """Let progress, and nothing else that runs, take its times from an iterator."""
    clock = types.SimpleNamespace(monotonic=lambda: float(next(seconds)))
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(pace, "time", clock)


@pytest.fixture
def clock(monkeypatch):
    """Let ten seconds pass between two looks at the clock."""
    seconds = iter(range(0, 10**6, 10))
    set_clock(monkeypatch, seconds)


def lines(steps, run):
    """Return what is printed where there is no terminal."""
    console = rich.console.Console(file=io.StringIO(), width=300)
    with Display(console) as display:
        assert list(display.track(iter(steps), run)) == steps
    return [line.split("  ") for line in console.file.getvalue().splitlines()]


def test_a_forecast_is_a_line_per_day(clock):
    half = [step(n) for n in (1, 1, 2, 3, 4)]
    assert lines(half, simulation()) == [
        ["1984-01-31T00", "+24 h", "25%", "max wind 40 m/s"],
        [
            *(
                "1984-02-01T00",
                "+48 h",
                "50%",
                "max wind 40 m/s",
                "3 days/min",
                "40 s left",
            )
        ],
        [
            *(
                "1984-02-02T00",
                "+72 h",
                "75%",
                "max wind 40 m/s",
                "4 days/min",
                "15 s left",
            )
        ],
        ["1984-02-03T00", "+96 h", "100%", "max wind 40 m/s", "4 days/min"],
    ]


def test_a_long_run_is_a_line_per_month(clock):
    printed = lines([step(n) for n in (1, 2, 3, 4)], simulation(is_directory=True))
    assert [line[0][:10] for line in printed] == [
        *("1984-01-31", "1984-02-01", "1984-02-03"),
    ]
    assert printed[0][1:] == [
        "day 1 of 4",
        "25%",
        "max wind 40 m/s",
        "mean pressure 985.00 hPa",
    ]
    assert printed[1][5].endswith(" years/day") and printed[1][6].endswith(" left")


def test_an_ensemble_is_a_few_lines_per_task(clock):
    steps = [
        step(n, task, tasks=2, members=(2 * task, 2 * task + 1), total=100)
        for task in range(2)
        for n in range(1, 101)
    ]
    run = simulation(members=4, inits=2, length=100 * DAY)
    printed = lines(steps, run)
    assert 20 <= len(printed) <= 22
    assert printed[0][3:5] == ["members 0 to 1", "from 1984-01-30T00"]
    assert printed[-1][3] == "members 2 to 3"


def test_unstable_members_are_named(clock):
    printed = lines([step(1, members=(0, 1, 2), failed=(0, 2))], simulation(members=3))
    assert printed[0][3:5] == ["members 0 to 2", "unstable: 0, 2"]


def test_a_rewind_does_not_spoil_the_speed(clock):
    """The time left is that of the days left."""
    run = simulation(is_directory=True, length=100 * DAY)
    steps = [step(n, total=100) for n in (2, 3, 1, 2, 40)]
    pace = Pace(run)
    described = [pace.describe(one) for one in steps]
    assert [len(one) for one in described] == [5, 7, 5, 7, 7]
    assert described[-1][6][1] == "31 s left"


def terminal(width):
    file = io.StringIO()
    return rich.console.Console(force_terminal=True, file=file, width=width)


def shown(display) -> str:
    """Return the line that a display shows on its terminal now."""
    console = display.console
    with console.capture() as capture:
        console.print(display._line(), end="")
    text = re.sub("\x1b\\[[0-9;]*m", "", capture.get()).rstrip("\n")
    assert "\n" not in text and len(text) <= console.width - 2
    return text


@pytest.mark.parametrize(
    "width, found",
    [
        (60, "1984-02-02T00  +72 h  75%  20 s left  0:01:00"),
        (80, "1984-02-02T00  +72 h  75%  members 0 to 2  20 s left  0:01:00"),
        (120, "75%  members 0 to 2  max wind 40 m/s  3 days/min  20 s left  0:01"),
    ],
)
def test_the_line_of_a_terminal_fits_its_width(clock, width, found):
    """With valid time, lead time, share and time left before everything else."""
    display, seen = Display(terminal(width)), []
    steps = [step(n, members=(0, 1, 2)) for n in (1, 2, 3)]
    for _ in display.track(iter(steps), simulation(members=3)):
        seen.append(shown(display))
    assert found in seen[2] and re.search("[━╺╸]{10}", seen[2])


def test_phases_are_named_with_the_time_that_they_take(monkeypatch, caplog):
    set_clock(monkeypatch, iter([0, 0, 5, 75]))  # created, shown, begun, shown
    display = Display(terminal(80), "Reading the model and the data")
    begin_phase("Nobody listens to this one, which logging remembers")
    caplog.set_level(logging.INFO, module.PHASES.name)  # and forgets
    monkeypatch.setattr(module.PHASES, "handlers", [display])
    begin_phase("Compiling the model")
    line = shown(display)
    assert "Compiling the model" in line and line.endswith("0:01:10")


def test_nothing_is_left_on_a_terminal():
    """Neither a line nor a hidden cursor, whatever ends the run."""
    console = terminal(80)
    with pytest.raises(KeyboardInterrupt), Display(console, "Reading") as display:
        for _ in display.track(iter([step(1), step(2)]), simulation()):
            raise KeyboardInterrupt
    text = console.file.getvalue()
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1
    assert text.endswith("\x1b[2K") and "1984" in text


def test_phases_elsewhere_are_lines():
    """As soon as something long begins, and with the time since the command began."""
    console = rich.console.Console(file=io.StringIO())
    with messages(), Display(console, "Reading") as display:
        begin_phase("Compiling the model")
        display._started -= 70
        begin_phase("Writing out.nc")
    assert console.file.getvalue().splitlines() == [
        *("Compiling the model", "Writing out.nc, after 1 min 10 s"),
    ]


def test_a_download_and_a_run_share_a_terminal():
    display = Display(terminal(80), "Reading")
    display.download(5_000_000, 10_000_000)
    assert shown(display).startswith("Fetching  5 MB of 10 MB  ━━━━")
    display.download(10_000_000, 10_000_000)
    assert "Reading" in shown(display)


def test_a_download_is_a_line_per_quarter():
    console = rich.console.Console(file=io.StringIO())
    with Display(console) as display:
        for done in range(0, 101, 5):
            display.download(done * 1000, 100_000)
        display.download(7, None)
    assert console.file.getvalue().splitlines() == [
        *("25 kB of 100 kB", "50 kB of 100 kB", "75 kB of 100 kB", "100 kB of 100 kB"),
    ]


@pytest.mark.parametrize(
    "minutes, text", [(0, "+0 h"), (1080, "+18 h"), (14400, "+240 h"), (90, "+90 min")]
)
def test_lead_times(minutes, text):
    assert format_lead(np.timedelta64(60 * minutes, "s")) == text


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
