"""Runs that are stopped at some moment and resumed: the same bytes in the end."""

import json
import shutil
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest
import xarray as xr
from runs import (
    AMIP,
    CASES,
    ENSEMBLE,
    FORECAST,
    SIDE_BY_SIDE,
    STATISTICS_ONLY,
    Stop,
    after,
    assert_same,
    command,
    contents,
    read,
    seeing,
    snapshot,
    stopping,
)
from tiny_run import tiny_ngcm

from ngcm_cli.errors import ConfigError, OutputError
from ngcm_cli.output.partial_statistics import PartialStatistics
from ngcm_cli.output.run_directory import RunDirectory
from ngcm_cli.output.run_paths import RunPaths
from ngcm_cli.simulation import run


def assert_finished(case, folder, expected):
    """Assert that an output is that of an uninterrupted run, and nothing beside it."""
    assert_same(folder / case.output, expected)
    beside = [path.name for path in folder.iterdir()]
    assert beside == [case.output]


def moments(cases):
    """Return every window of every task of some cases, and some of the others."""
    some = [
        (FORECAST, 0, 1),
        (FORECAST, 0, 4),
        (SIDE_BY_SIDE, 1, 1),
        (SIDE_BY_SIDE, 2, 2),
    ]
    every = [
        (case, task, windows)
        for case in cases
        for task in range(case.tasks)
        for windows in range(1, case.windows + 1)
    ]
    return [
        pytest.param(*moment, id="-".join(map(str, moment))) for moment in every + some
    ]


@pytest.mark.parametrize(
    "case, task, windows", moments([ENSEMBLE, STATISTICS_ONLY, AMIP])
)
def test_stopped_after_every_window(whole, tmp_path, case, task, windows):
    """By an error, and by a kill, of which a copy is what is left."""
    expected = whole(case)
    folder, killed = tmp_path / "stopped", tmp_path / "killed"
    folder.mkdir()

    def stop():
        snapshot(folder, killed)
        raise Stop

    with pytest.raises(Stop) as caught:
        case.start(folder, after(task, windows, stop))
    assert f"ngcm {case.command} --resume" in caught.value.__notes__[0]
    for stopped in (folder, killed):
        seen = []
        case.resume(stopped, seeing(seen))
        assert_finished(case, stopped, expected)
        assert len({one.task for one in seen}) <= case.tasks - task
        # Of the task that was stopped nothing before the last restart file.
        assert len(seen) <= (case.tasks - task) * case.windows


@pytest.mark.parametrize("case", [FORECAST, STATISTICS_ONLY, AMIP], ids=str)
def test_interrupted_after_every_window(whole, tmp_path, case):
    """Again and again: every time one window is computed."""
    expected, computed = whole(case), []

    def track(progress, simulation):
        for one in progress:
            computed.append(one)
            yield one
            raise KeyboardInterrupt

    start = case.start
    for _ in range(case.tasks * case.windows):
        with pytest.raises(KeyboardInterrupt):
            start(tmp_path, track)
        start = case.resume
    case.resume(tmp_path)
    assert len(computed) == case.tasks * case.windows
    assert_finished(case, tmp_path, expected)


_ENDS = [
    (FORECAST, RunDirectory, "mark_complete", 1),
    (FORECAST, run, "complete", 1),
    (FORECAST, RunDirectory, "remove", 1),
    (ENSEMBLE, PartialStatistics, "complete", 2),
    (ENSEMBLE, RunDirectory, "mark_complete", 2),
    (ENSEMBLE, PartialStatistics, "keep_only", 4),  # after the second task
    (ENSEMBLE, PartialStatistics, "keep_only", 5),  # before the third
    (ENSEMBLE, RunDirectory, "mark_complete", 3),
    (ENSEMBLE, RunDirectory, "mark_statistics", 1),
    (STATISTICS_ONLY, PartialStatistics, "complete", 2),
    (STATISTICS_ONLY, RunDirectory, "mark_complete", 2),
    (STATISTICS_ONLY, PartialStatistics, "keep_only", 4),
    (STATISTICS_ONLY, PartialStatistics, "keep_only", 5),
    (STATISTICS_ONLY, RunDirectory, "mark_complete", 3),
    (STATISTICS_ONLY, RunDirectory, "mark_statistics", 1),
    (STATISTICS_ONLY, PartialStatistics, "remove", 1),
    (AMIP, RunDirectory, "mark_complete", 1),
    (AMIP, run, "complete", 1),
    (SIDE_BY_SIDE, RunDirectory, "mark_complete", 3),
]


@pytest.mark.parametrize(
    "case, owner, name, number",
    [pytest.param(*end, id=f"{end[0]}-{end[2]}-{end[3]}") for end in _ENDS],
)
def test_killed_while_a_task_is_being_completed(
    whole, tmp_path, monkeypatch, case, owner, name, number
):
    """Before and after each step of that."""
    expected, kept = whole(case), getattr(owner, name)
    folder, calls = tmp_path / "run", []
    folder.mkdir()

    def killed(*args, **settings):
        calls.append(args)
        if len(calls) == number:
            snapshot(folder, tmp_path / "before")
        result = kept(*args, **settings)
        if len(calls) == number:
            snapshot(folder, tmp_path / "after")
        return result

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, killed)
        case.start(folder)
    for left in (folder, tmp_path / "before", tmp_path / "after"):
        case.resume(left)
        assert_finished(case, left, expected)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_killed_before_the_record_is_written(whole, tmp_path, monkeypatch, case):
    """Nothing can be resumed yet; the command can be given again."""

    def killed(*_):
        raise Stop

    with monkeypatch.context() as patch, pytest.raises(Stop):
        patch.setattr(RunDirectory, "create", killed)
        case.start(tmp_path)
    overwrite = {} if case.command == "amip" else {"overwrite": True}
    if case.command == "amip":
        shutil.rmtree(tmp_path / case.output)
    case.start(tmp_path, **overwrite)
    assert_finished(case, tmp_path, whole(case))


def test_leftovers_of_killed_processes_are_removed(whole, tmp_path):
    with pytest.raises(Stop):
        AMIP.start(tmp_path, stopping(0, 2))
    output = tmp_path / AMIP.output
    left = [
        tmp_path / ".climate.0badcafe.partial",
        output / ".run.json.0badcafe.partial",
        output / "restarts/0-0/.2.nc.0badcafe.partial",
        output / "daily.zarr/temperature/c.0badcafe.partial",
    ]
    own = output / "notes.partial"  # a user's
    for path in (*left, own):
        path.touch()
    AMIP.resume(tmp_path)
    assert not any(path.exists() for path in left)
    own.unlink()
    assert_finished(AMIP, tmp_path, whole(AMIP))


@pytest.mark.parametrize("damage", [b"", b"\xff[", None])
@pytest.mark.parametrize("case", [FORECAST, ENSEMBLE, AMIP], ids=str)
def test_a_damaged_restart_file_is_passed_over(whole, tmp_path, caplog, case, damage):
    task = case.tasks - 1
    with pytest.raises(Stop):
        case.start(tmp_path, stopping(task, case.windows - 1))
    restarts = sorted(tmp_path.rglob(f"restarts/0-{task}/[0-9]*.nc"))
    assert len(restarts) == 2
    last = restarts[-1]
    last.write_bytes(last.read_bytes()[:5000] if damage is None else damage)
    seen = []
    case.resume(tmp_path, seeing(seen))
    assert f"The restart file {last} is damaged" in caplog.text
    assert 1 < seen[0].windows < case.windows
    assert_finished(case, tmp_path, whole(case))


def test_all_restart_files_are_damaged(tiny, tmp_path):
    with pytest.raises(Stop):
        FORECAST.start(tmp_path, stopping(0, 4))
    for path in tmp_path.rglob("restarts/*/*.nc"):
        path.write_bytes(b"")
    with pytest.raises(OutputError, match="damaged"):
        FORECAST.resume(tmp_path)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_complete_output_is_not_touched(
    whole, tmp_path, monkeypatch, capsys, caplog, case
):
    shutil.copytree(whole(case).parent, tmp_path / "copy")
    output = tmp_path / "copy" / case.output

    def state():
        files = [path for path in output.rglob("*") if path.is_file()]
        return {path: path.stat().st_mtime_ns for path in files if path.name[0] != "."}

    before, inside = state(), contents(output)
    code, said = command(monkeypatch, capsys, case.command, "--resume", output)
    assert code == 0, said
    assert contents(output) == inside
    if case.command != "amip":
        assert state() == before
    assert [path.name for path in (tmp_path / "copy").iterdir()] == [case.output]


def test_netcdf_is_resumed(whole, tmp_path, monkeypatch):
    """After a stop, and after a complete store could not be exported."""
    output = tmp_path / "out.nc"
    with pytest.raises(Stop):
        ENSEMBLE.start(tmp_path, stopping(1, 1), output=output)

    def full(source, target):
        raise OutputError(f"{target} could not be written.")

    with monkeypatch.context() as patch, pytest.raises(OutputError, match="could not"):
        patch.setattr("ngcm_cli.simulation.output_lifecycle.export_store", full)
        run.ensemble(resume=output)
    left = read(output.with_suffix(".partial.zarr"))
    assert left.attrs["completed_lead_times"] == ENSEMBLE.windows
    run.ensemble(resume=output)
    expected = read(whole(ENSEMBLE))
    with xr.open_dataset(output, decode_timedelta=False) as ours:
        for name in expected.data_vars:
            np.testing.assert_array_equal(ours[name], expected[name])
    assert [path.name for path in tmp_path.iterdir()] == ["out.nc"]
    before = output.stat().st_mtime_ns
    assert run.ensemble(resume=output) == output
    assert output.stat().st_mtime_ns == before
    with pytest.raises(OutputError, match="so nothing can be added to it"):
        ENSEMBLE.start(tmp_path, output=output, members="5:6")


def test_another_version_is_announced(whole, tmp_path, caplog):
    """In a warning, and in the history of the output."""
    with pytest.raises(Stop):
        FORECAST.start(tmp_path, stopping(0, 4))
    record = tmp_path / ".forecast.zarr.run/run.json"
    about = json.loads(record.read_text())
    about["versions"]["jax"] = "0.0.1"
    record.write_text(json.dumps(about))
    FORECAST.resume(tmp_path)
    change = f"written with jax 0.0.1, this is {jax.__version__}"
    assert_same(tmp_path / "forecast.zarr", whole(FORECAST))
    _, history = read(tmp_path / "forecast.zarr").attrs["history"].splitlines()
    assert change in history


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_store_that_is_gone_is_not_made_again(tiny, tmp_path, case):
    with pytest.raises(Stop):
        case.start(tmp_path, stopping(0, 1))
    store = next(iter(sorted(tmp_path.rglob("*.zarr"))))
    shutil.rmtree(store)
    with pytest.raises(OutputError, match=f"{store.name} is gone"):
        case.resume(tmp_path)
    assert not store.exists()


def test_some_settings_may_change(whole, tmp_path):
    with pytest.raises(Stop):
        AMIP.start(tmp_path, stopping(0, 2))
    AMIP.resume(tmp_path, restart_every="3d", on_instability="rewind")
    assert_same(tmp_path / AMIP.output, whole(AMIP))
    run_file = (tmp_path / AMIP.output / "run.yaml").read_text()
    assert "restart_every: 3d" in run_file and "on_instability: rewind" in run_file


@pytest.mark.parametrize("case", CASES, ids=str)
def test_others_may_not(tiny, tmp_path, case):
    with pytest.raises(Stop):
        case.start(tmp_path, stopping(0, 1))
    with pytest.raises(ConfigError, match="--seed cannot be given with --resume"):
        case.resume(tmp_path, seed=3)
    other = {"forecast": "ensemble", "ensemble": "amip", "amip": "forecast"}
    with pytest.raises(OutputError, match=f"was made by ngcm {case.command}."):
        getattr(run, other[case.command])(resume=tmp_path / case.output)


LONGER = {"lead": "5d"}
"""So that a process with the tiny model is not done before it is killed."""


@pytest.mark.slow
@pytest.mark.parametrize("case", [FORECAST, ENSEMBLE], ids=str)
def test_a_real_process_is_killed(tiny, tmp_path, case):
    """Kill -9 at some moment, and the bytes of the whole run."""
    kill_and_resume(case, tmp_path, tiny_ngcm(), **LONGER)


@pytest.mark.slow
def test_a_real_process_is_killed_that_runs_a_learned_model(reduced_model, tmp_path):
    ngcm = [sys.executable, "-m", "ngcm_cli"]
    kill_and_resume(AMIP, tmp_path, ngcm, model=reduced_model)


def kill_and_resume(case, tmp_path, ngcm, **settings):
    """Kill a process that has written a restart file, and compare what resuming gives.

    Args:
        case: of the run.
        tmp_path: an empty folder.
        ngcm: words that start the command.
        **settings: others than those of the case.
    """
    folder, expected = tmp_path / "killed", tmp_path / "whole"
    folder.mkdir()
    expected.mkdir()
    case.start(expected, **settings)
    process = subprocess.Popen([*ngcm, *case.flags(folder, **settings)])
    deadline = time.monotonic() + 300
    work = RunPaths(folder / case.output, case.command == "amip").work
    while not list((work / "restarts").glob("0-0/[0-9]*.nc")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    case.resume(folder)
    assert_finished(case, folder, expected / case.output)
