"""Interruptions: signals, a full disk, a full device; what is kept and said."""

import errno
import json
import os
import signal
import threading
import time

import jax
import pytest
from runs import (
    AMIP,
    ENSEMBLE,
    FORECAST,
    STATISTICS_ONLY,
    after,
    assert_same,
    command,
    read,
)
from small_disk import fill, small_disk

from ngcm_cli.errors import ConfigError, OutputError, Terminated
from ngcm_cli.output.partial_statistics import PartialStatistics
from ngcm_cli.output.restart_file import list_restarts, read_restart
from ngcm_cli.output.run_paths import RunPaths
from ngcm_cli.simulation import interrupts, task_run
from ngcm_cli.simulation.status import read_status


def work(case, folder):
    """Return the working directory of a run."""
    return RunPaths(folder / case.output, case.command == "amip").work


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("case", [FORECAST, ENSEMBLE, AMIP], ids=str)
def test_signals(whole, tmp_path, monkeypatch, capsys, case, number, code):
    """What a user, or a scheduler, sends: a restart file of the last window is kept."""
    expected = whole(case)
    # Tests in the background of a shell are started with Ctrl-C ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    sent = []
    compute = task_run.compute_window

    def send(simulation, task, state):
        if state.windows == 2 and not sent:
            sent.append(state)
            os.kill(os.getpid(), number)
            time.sleep(0.1)
        return compute(simulation, task, state)

    with monkeypatch.context() as patch:
        patch.setattr(task_run, "compute_window", send)
        try:
            ended, said = command(
                monkeypatch, capsys, *case.flags(tmp_path, restart_every="2d")
            )
        finally:
            signal.signal(signal.SIGINT, before)
    assert ended == code
    output = tmp_path / case.output
    assert f"Resume with `ngcm {case.command} --resume {output}`." in said
    assert "Traceback" not in said
    stores = sorted(output.rglob("*.zarr")) or [output]
    assert {read(store).attrs["status"] for store in stores} == {"interrupted"}
    (kept,) = list_restarts(work(case, tmp_path) / "restarts/0-0")
    _, about = read_restart(kept)
    assert f"{about['windows']} of {case.windows}" in said
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    case.resume(tmp_path)
    assert_same(output, expected)


def test_sigterm_outside_the_main_thread():
    seen = []

    def work():
        with interrupts.sigterm_as_exception():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL]
    with pytest.raises(Terminated), interrupts.sigterm_as_exception():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)


@pytest.mark.parametrize("case", [FORECAST, STATISTICS_ONLY, AMIP], ids=str)
def test_a_full_disk(whole, tmp_path, monkeypatch, capsys, case):
    expected = whole(case)
    with small_disk(tmp_path / "disk", size="16m") as disk:
        with pytest.raises(OutputError) as caught:
            case.start(disk, after(0, 2, lambda: fill(disk)))
        output = disk / case.output
        assert caught.value.message == f"Writing {output} stopped: the disk is full."
        resume = f"resume with `ngcm {case.command} --resume {output}`"
        assert caught.value.hint == f"Free some space, then {resume}."
        assert resume in read_status(output).state
        for path in work(case, disk).rglob("restarts/*/*.nc"):
            read_restart(path)  # is whole
        # Nothing is lost by trying too early.
        code, said = command(monkeypatch, capsys, case.command, "--resume", output)
        assert code == 2 and "the disk is full" in said
        (disk / "ballast").unlink()
        case.resume(disk)
        assert_same(output, expected)
        assert not list(disk.rglob("*.partial"))


def test_a_full_disk_when_statistics_are_kept(tiny, tmp_path, monkeypatch):
    """In the background thread: the next window says so."""

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(PartialStatistics, "write", full)
        with pytest.raises(OutputError, match="stopped: the disk is full"):
            STATISTICS_ONLY.start(tmp_path)
    STATISTICS_ONLY.resume(tmp_path)


@pytest.mark.parametrize("case", [FORECAST, ENSEMBLE], ids=str)
def test_a_full_device(tiny, tmp_path, monkeypatch, case):
    def full(*_):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")

    monkeypatch.setattr(task_run, "compute_window", full)
    members = "2 members at once" if case is ENSEMBLE else "one member"
    with pytest.raises(ConfigError, match=f"too little memory for {members}") as caught:
        case.start(tmp_path)
    if case is ENSEMBLE:
        assert "smaller --batch and another --output" in caught.value.hint
    assert f"0 of {case.windows} lead times" in caught.value.__notes__[0]


def test_other_errors_of_the_device_are_not_explained():
    with (
        pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"),
        interrupts.explain_out_of_memory("a", "b"),
    ):
        raise jax.errors.JaxRuntimeError("INTERNAL: broken")


def test_a_second_interruption_does_not_wait(tiny, tmp_path, monkeypatch):
    def again(*_, **__):
        raise KeyboardInterrupt

    def stop():
        monkeypatch.setattr(task_run.TaskRun, "save", again)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        FORECAST.start(tmp_path, after(0, 1, stop), restart_every=None)
    assert "1 of 5 lead times" in caught.value.__notes__[0]
    assert not list(work(FORECAST, tmp_path).rglob("*.nc"))


def test_how_far_it_is_is_written_down(tiny, tmp_path):
    def look():
        (progress,) = [
            json.loads(path.read_text())
            for path in work(ENSEMBLE, tmp_path).glob("progress*.json")
        ]
        assert (progress["tasks_done"], progress["tasks"]) == (1, 3)
        assert progress["status"] == "running"

    ENSEMBLE.start(tmp_path, after(1, 1, look))
